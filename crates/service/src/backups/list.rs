//! What storage holds, as it was last seen.

use super::{Held, Inner};
use reeve_model::{UnixMs, backup::RepositoryState};
use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The list is read again after each job and at this interval: the command line writes to the same repository.
const EVERY: Duration = Duration::from_secs(30);
/// A repository that takes longer than this to be listed does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The newest look at the repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Which look it was, counted from the first.
    pub look: u64,
    /// When it was read.
    pub at: Option<UnixMs>,
    /// What it held then.
    pub held: Arc<Held>,
    /// Since when it can't be read, and why.
    pub fault: Option<(UnixMs, String)>,
}

/// Keeps the list fresh until told to stop.
pub(super) async fn keep(inner: Arc<Inner>, stop: CancellationToken) {
    // Before the first look, so that no copy that a restore left is taken for a database without a backup.
    let mut knows_copies = false;
    while !stop.is_cancelled() {
        let look = async {
            knows_copies = knows_copies || inner.learn_copies().await;
            inner.look().await;
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = look => {}
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Inner {
    /// Reads the repository. What was known before stays when it can't be read.
    pub(super) async fn look(&self) {
        let Some(works) = &self.works else { return };
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        let read = match tokio::time::timeout(PATIENCE, works.held()).await {
            Ok(read) => read,
            Err(_) => Err(format!("{} did not answer within {} s.", works.location(), PATIENCE.as_secs())),
        };
        let now = UnixMs::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A look that began earlier and took longer must not hide what a later one saw.
        if seen.look > look {
            return;
        }
        seen.look = look;
        match read {
            Ok(held) => *seen = Seen { look, at: Some(now), held: Arc::new(held), fault: None },
            Err(sentence) => {
                if seen.fault.as_ref().is_none_or(|(_, known)| *known != sentence) {
                    tracing::warn!(repository = %works.location(), %sentence, "backups can't be listed");
                }
                let since = seen.fault.as_ref().map_or(now, |(since, _)| *since);
                seen.fault = Some((since, sentence));
            }
        }
    }

    /// What is known, and how well.
    pub(super) fn repository(&self) -> (RepositoryState, Arc<Held>) {
        let Some(works) = &self.works else { return (RepositoryState::NotConfigured, Arc::default()) };
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let location = works.location();
        let state = match (seen.fault, seen.at) {
            (Some((since, sentence)), last) => RepositoryState::Unreachable { location, since, sentence, last },
            (None, Some(at)) => RepositoryState::Read { location, at },
            (None, None) => RepositoryState::NotRead,
        };
        (state, seen.held)
    }
}
