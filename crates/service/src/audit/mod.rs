//! The audit trail: events on their way into the log, and the ways to read it.
//!
//! A change writes its event in its own transaction (`store`), so that neither is there without the other. What changes
//! nothing, such as a refusal, is [noted](Trail::note): counted in memory for a second, so that a flood is one entry with a
//! count. A [relay](relay) moves events from main's outbox into the compliance database, where each gets its place and seal.

mod anchor;
mod event;
mod notes;
mod port;
mod relay;

pub use anchor::{Anchor, read_anchors};
pub use event::Draft;
pub use port::Audit;
pub use relay::TrailState;

use notes::Notes;
use reeve_model::audit::AuditEvent;
use reeve_runtime::Supervisor;
use reeve_store::Store;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// The way into the audit trail. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Trail {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    notes: Notes,
    /// Wakes the relay: something was written.
    news: Notify,
    state: Mutex<TrailState>,
    anchor: Option<Anchor>,
}

impl Trail {
    /// Over the store. `anchors` is the directory in which the log's end is noted outside of any database; none: nowhere.
    #[must_use]
    pub fn new(store: Store, anchors: Option<PathBuf>) -> Self {
        let inner =
            Inner { store, notes: Notes::default(), news: Notify::new(), state: Mutex::default(), anchor: anchors.map(Anchor::new) };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the relay and the writing of notes.
    pub fn start(&self, supervisor: &Supervisor) {
        relay::start(self.clone(), supervisor);
    }

    /// Begins an event of this organisation.
    #[must_use]
    pub fn draft(&self, verb: &str, noun: &str, resource: &str) -> Draft {
        Draft::new(self.inner.store.org(), verb, noun, resource)
    }

    /// Tells the relay that an event was written with its change.
    pub fn written(&self) {
        self.inner.news.notify_one();
    }

    /// Takes an event that comes with no change. Never waits; alike ones within a second become one with a count.
    pub fn note(&self, event: AuditEvent) {
        if self.inner.notes.take(event) {
            self.inner.news.notify_one();
        }
    }

    /// How sealing goes.
    #[must_use]
    pub fn state(&self) -> TrailState {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes what was noted and seals what waits, now. For the end of a program that is about to stop.
    pub async fn settle(&self) {
        relay::settle(self).await;
    }
}
