//! The worker: begins what the queue gives out, one job per database at a time, and sees it to its end.
//!
//! What was at work when Reeve ended is marked failed before anything begins: nothing of it counts, and its asker must know. While the
//! store is away nothing begins, because how it ended could not be written; what is at work goes on, and its end is written when the store
//! is back.

use super::{Inner, Running, Stopped, Tell, ending};
use futures::FutureExt;
use reeve_model::backup::{BackupJob, JobProgress, JobState};
use reeve_store::{
    StoreError,
    backup_jobs::{Begun, Ending},
    queue::{Begin, Pace},
};
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Jobs at work at the same time, each of another database.
const AT_ONCE: usize = 2;
/// The pause before the store is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// How long jobs may take to end and clear away after the signal to stop.
const CLEAR: Duration = Duration::from_secs(4);
const PACE: Pace = Pace { at_once: AT_ONCE, every: Duration::from_secs(2), grace: CLEAR };

/// What is at work, so that it goes on when the queue's worker does not.
struct Crew {
    inner: Arc<Inner>,
    places: Arc<Semaphore>,
    jobs: Mutex<JoinSet<()>>,
    stop: CancellationToken,
}

/// Works until told to stop.
pub(super) async fn run(inner: Arc<Inner>, stop: CancellationToken) {
    if !settle(&inner, &stop).await {
        return;
    }
    let (places, jobs) = (Arc::new(Semaphore::new(AT_ONCE)), Mutex::default());
    let crew = Arc::new(Crew { inner: Arc::clone(&inner), places, jobs, stop: stop.clone() });
    let (ended, ()) = tokio::join!(give_out(&crew), async {
        stop.cancelled().await;
        inner.cancel_all();
    });
    if let Err(error) = ended {
        tracing::debug!(%error, "the queue of backup jobs");
    }
    let mut jobs = std::mem::take(&mut *crew.jobs.lock().unwrap_or_else(PoisonError::into_inner));
    let cleared = tokio::time::timeout(CLEAR, async { while jobs.join_next().await.is_some() {} });
    if cleared.await.is_err() {
        tracing::warn!("backup jobs had to be cut off; what they left is cleared away by the next one");
    }
}

/// Lets the queue give out jobs; when the store went away, again.
async fn give_out(crew: &Arc<Crew>) -> reeve_store::Result<()> {
    let (inner, stop) = (&crew.inner, &crew.stop);
    let mut told = false;
    loop {
        let begin = Begin::new({
            let crew = Arc::clone(crew);
            move |id| Arc::clone(&crew).one(id)
        });
        let worked = match inner.store.mend_backup_queue(inner.held()).await {
            Ok(()) => inner.store.work_backup_queue(PACE, begin, stop.clone().cancelled_owned()).await,
            away => away,
        };
        if stop.is_cancelled() {
            return worked;
        }
        // Said once: it is tried again every few seconds, and what is wrong with the store is said elsewhere, too.
        match worked {
            Err(error) if !told => {
                tracing::warn!(%error, "no backup job begins until the queue can be worked again; what is at work goes on");
                told = true;
            }
            Err(error) => tracing::debug!(%error, "the queue of backup jobs"),
            Ok(()) => told = false,
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

impl Crew {
    /// Begins what the queue gives out, and comes back when it has ended. Dropped, which the queue does when the store is away for long,
    /// the job itself goes on.
    async fn one(self: Arc<Self>, id: Uuid) {
        let place = tokio::select! {
            biased;
            () = self.stop.cancelled() => return,
            place = Arc::clone(&self.places).acquire_owned() => place,
        };
        // Given out a second time, by a queue that was mended meanwhile.
        if self.inner.held().contains(&id) {
            return;
        }
        let Some(job) = self.begun(id).await else { return };
        let (done, end) = oneshot::channel::<()>();
        let cancel = begin(&self.inner, &job, id);
        // All that were at work then were told to end; this one was not among them.
        if self.stop.is_cancelled() {
            cancel.cancel();
        }
        let work = one(Arc::clone(&self.inner), job, id, cancel, self.stop.clone());
        {
            let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            while jobs.try_join_next().is_some() {}
            jobs.spawn(async move {
                work.await;
                drop((place, done));
            });
        }
        // Nothing is ever sent: it ends by the sender's end.
        end.await.ok();
    }

    /// None: there is nothing to begin, or Reeve ends.
    async fn begun(&self, id: Uuid) -> Option<BackupJob> {
        loop {
            match self.inner.store.begin_backup_job(id).await {
                Ok(Begun::Job(job)) => return Some(*job),
                Ok(Begun::Busy | Begun::Over) => return None,
                Err(error @ StoreError::Corrupt(_)) => {
                    tracing::warn!(%error, job = %id, "a backup job can't begin");
                    return None;
                }
                Err(error) => tracing::debug!(%error, job = %id, "a backup job can't begin yet"),
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
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

/// Notes that a job is at work; answers what ends it.
fn begin(inner: &Arc<Inner>, job: &BackupJob, id: Uuid) -> CancellationToken {
    let cancel = CancellationToken::new();
    let running = Running { cancel: cancel.clone(), progress: None };
    inner.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, running);
    inner.forget();
    // Between the claim and this moment somebody may have ended it.
    if job.cancelling || inner.asked_to_end(id) {
        inner.end(id);
    }
    cancel
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
    if let Some(report) = &end.restored {
        inner.remember_one(&job, report);
    }
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
