//! The worker: takes what was asked for, one job per database at a time, and sees it to its end.
//!
//! What was at work when Reeve ended is marked failed before anything begins: nothing of it counts, and its asker must know. While the
//! store is away nothing begins, because how it ended could not be written; what is at work goes on, and its end is written when the store
//! is back.

use super::{Inner, Running, Stopped, Tell, ending};
use futures::FutureExt;
use reeve_model::backup::{BackupJob, JobProgress, JobState};
use reeve_store::backup_jobs::Ending;
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Jobs at work at the same time, each of another database.
const AT_ONCE: usize = 2;
/// How often the queue is looked at when nobody says that there is something new.
const EVERY: Duration = Duration::from_secs(2);
/// The pause before the store is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How long jobs may take to end and clear away after the signal to stop.
const CLEAR: Duration = Duration::from_secs(4);

/// Works until told to stop.
pub(super) async fn run(inner: Arc<Inner>, stop: CancellationToken) {
    if !settle(&inner, &stop).await {
        return;
    }
    let mut jobs = JoinSet::new();
    loop {
        while jobs.try_join_next().is_some() {}
        while jobs.len() < AT_ONCE && !stop.is_cancelled() {
            match inner.store.claim_backup_job(inner.held()).await {
                Ok(Some(job)) => begin(&inner, job, &stop, &mut jobs),
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "the queue of backup jobs can't be read");
                    break;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = inner.news.notified() => {}
            Some(_) = jobs.join_next(), if !jobs.is_empty() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    inner.cancel_all();
    let cleared = tokio::time::timeout(CLEAR, async { while jobs.join_next().await.is_some() {} });
    if cleared.await.is_err() {
        tracing::warn!("backup jobs had to be cut off; what they left is cleared away by the next one");
    }
}

/// Marks what the Reeve before this one left running. Answers false when told to stop before that was written.
async fn settle(inner: &Arc<Inner>, stop: &CancellationToken) -> bool {
    loop {
        match settled(inner).await {
            Ok(()) => return true,
            Err(error) => tracing::warn!(%error, "jobs of the Reeve before this one can't be settled yet"),
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn settled(inner: &Arc<Inner>) -> reeve_store::Result<()> {
    for job in inner.store.running_backup_jobs().await? {
        let Ok(id) = Uuid::parse_str(&job.id) else { continue };
        let end = Ending {
            state: JobState::Failed,
            sentence: ending::cut_off(job.act.what()),
            backup: None,
            progress: job.progress.clone(),
            restored: None,
        };
        let event = ending::event(&inner.trail, &job, &end);
        inner.store.finish_backup_job(id, end, event).await?;
        inner.forget();
        inner.trail.written();
    }
    Ok(())
}

fn begin(inner: &Arc<Inner>, job: BackupJob, stop: &CancellationToken, jobs: &mut JoinSet<()>) {
    let Ok(id) = Uuid::parse_str(&job.id) else { return };
    let cancel = CancellationToken::new();
    let running = Running { cancel: cancel.clone(), progress: None };
    inner.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, running);
    inner.forget();
    // Between the claim and this moment somebody may have ended it.
    if job.cancelling || inner.asked_to_end(id) {
        inner.end(id);
    }
    jobs.spawn(one(Arc::clone(inner), job, id, cancel, stop.clone()));
}

async fn one(inner: Arc<Inner>, job: BackupJob, id: Uuid, cancel: CancellationToken, stop: CancellationToken) {
    let (what, target, database) = (job.act.what().word(), &job.target, &job.database);
    tracing::info!(job = %id, what, %target, database, "a backup job begins");
    let came = match &inner.works {
        None => Err(Stopped::Failed("No repository is configured any more: name one under [backup], and ask again.".to_owned())),
        Some(works) => {
            let teller = Arc::clone(&inner);
            let tell: Tell = Arc::new(move |progress: JobProgress| {
                if let Some(running) = teller.running.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&id) {
                    running.progress = Some(progress);
                }
            });
            let work = AssertUnwindSafe(works.work(&job, tell, &cancel)).catch_unwind().await;
            work.unwrap_or_else(|_| Err(Stopped::Failed("It broke because of a fault of Reeve's own; Reeve's log says where.".to_owned())))
        }
    };
    // Ended by Reeve's end and by nobody's wish.
    let cut = stop.is_cancelled() && came == Err(Stopped::Cancelled) && !inner.asked_to_end(id);
    let came = if cut { Err(Stopped::Failed(ending::cut_off(job.act.what()))) } else { came };
    let progress = inner.progress(id);
    let end = ending::of(came, progress);
    tracing::info!(job = %id, what, %target, database, state = end.state.word(), sentence = %end.sentence, "a backup job ended");
    // First the list: whoever sees the job done must find what it made.
    inner.look().await;
    let event = ending::event(&inner.trail, &job, &end);
    while let Err(error) = inner.store.finish_backup_job(id, end.clone(), event.clone()).await {
        tracing::warn!(%error, job = %id, "how a job ended can't be written yet");
        tokio::select! {
            // The next Reeve marks it as failed.
            () = stop.cancelled() => break,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
    inner.trail.written();
    inner.forget();
    // Nobody may be listening.
    inner.ends.send(job.target.clone()).ok();
    inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    inner.ended.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
}
