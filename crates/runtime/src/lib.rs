//! Supervised background work, generic: what runs is in `service`, how it is kept running is here.
//!
//! A task is a function that makes a future and is handed a stop signal. When the future panics or ends before the
//! stop signal, it is made anew after a growing pause (0.2 s to 10 s, reset after a minute of calm). A panic in one task never
//! touches another. On [`Supervisor::stop`] all are told at once and given a deadline; what is left is aborted.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The first pause before a restart.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause before a restart.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A task that ran this long starts again with the first pause.
const CALM: Duration = Duration::from_secs(60);

/// What became of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskReport {
    /// Its name.
    pub name: String,
    /// How often it had to be started again.
    pub restarts: u64,
    /// The newest panic message, if it ever panicked.
    pub last_panic: Option<String>,
}

/// Keeps background tasks running. Cheap to clone; all clones are one supervisor.
#[derive(Clone)]
pub struct Supervisor {
    stop: CancellationToken,
    tracker: TaskTracker,
    reports: Arc<Mutex<Vec<TaskReport>>>,
    handles: Arc<Mutex<Vec<tokio::task::AbortHandle>>>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self { stop: CancellationToken::new(), tracker: TaskTracker::new(), reports: Arc::default(), handles: Arc::default() }
    }

    /// The signal that all tasks watch. Resolves once [`Supervisor::stop`] was called.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task and keeps it running. `make` is called for the first run and after each early end.
    pub fn spawn<F, Fut>(&self, name: impl Into<String>, make: F)
    where
        F: Fn(CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let index = {
            let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
            reports.push(TaskReport { name: name.clone(), restarts: 0, last_panic: None });
            reports.len() - 1
        };
        let (stop, reports) = (self.stop.clone(), Arc::clone(&self.reports));
        let handle = self.tracker.spawn(async move {
            let mut pause = FIRST_PAUSE;
            while !stop.is_cancelled() {
                let begun = Instant::now();
                let outcome = AssertUnwindSafe(make(stop.clone())).catch_unwind().await;
                if stop.is_cancelled() {
                    break;
                }
                let panic = outcome.err().map(|payload| panic_text(payload.as_ref()));
                match &panic {
                    Some(text) => tracing::error!(task = %name, panic = %text, "background task panicked; it is started again"),
                    None => tracing::warn!(task = %name, "background task ended early; it is started again"),
                }
                if let Some(report) = reports.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
                    report.restarts += 1;
                    if panic.is_some() {
                        report.last_panic = panic;
                    }
                }
                if begun.elapsed() >= CALM {
                    pause = FIRST_PAUSE;
                }
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle.abort_handle());
    }

    /// What became of each task so far.
    #[must_use]
    pub fn reports(&self) -> Vec<TaskReport> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells all tasks to stop and waits for them, at most `deadline`; what is still running then is aborted.
    /// Returns true when all ended by themselves.
    pub async fn stop(&self, deadline: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(deadline, self.tracker.wait()).await.is_ok() {
            return true;
        }
        for handle in self.handles.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            handle.abort();
        }
        false
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    #[tokio::test(start_paused = true)]
    async fn a_panicking_task_is_started_again_and_others_go_on() {
        let supervisor = Supervisor::new();
        let (runs, third) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let (r, t) = (Arc::clone(&runs), Arc::clone(&third));
        supervisor.spawn("shaky", move |stop| {
            let (r, t) = (Arc::clone(&r), Arc::clone(&t));
            async move {
                let run = r.fetch_add(1, Ordering::SeqCst);
                assert!(run >= 2, "run {run} breaks");
                t.notify_one();
                stop.cancelled().await;
            }
        });
        third.notified().await;
        let report = supervisor.reports().remove(0);
        assert_eq!(report.restarts, 2);
        assert_eq!(report.last_panic.as_deref(), Some("run 1 breaks"));
        assert!(supervisor.stop(Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deaf_task_is_aborted_at_the_deadline() {
        let supervisor = Supervisor::new();
        let begun = Arc::new(Notify::new());
        let b = Arc::clone(&begun);
        supervisor.spawn("deaf", move |_| {
            b.notify_one();
            std::future::pending()
        });
        begun.notified().await;
        assert!(!supervisor.stop(Duration::from_secs(1)).await);
    }
}
