//! How far a job is: bytes, rate, time left.

use reeve_model::{
    UnixMs,
    backup::{JobPhase, JobProgress},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// At most this often a job tells of itself within one phase.
const PACE: Duration = Duration::from_millis(250);
/// A rate over less than this says nothing.
const LEAST: Duration = Duration::from_millis(500);

/// Whom a job tells how far it is. Called from any thread, a few times a second; it must not block.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(JobProgress) + Send + Sync>);

impl Progress {
    /// Tells a function.
    #[must_use]
    pub fn new(tell: impl Fn(JobProgress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells nobody.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Begins a phase; `total` in bytes where it is known.
    pub(crate) fn phase(&self, phase: JobPhase, total: Option<u64>) -> Meter {
        let started = Instant::now();
        let meter =
            Meter(Arc::new(Inner { progress: self.clone(), phase, total, started, done: AtomicU64::new(0), told: Mutex::new(None) }));
        meter.tell();
        meter
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

/// Counts the bytes of one phase. Clones count together.
#[derive(Clone)]
pub(crate) struct Meter(Arc<Inner>);

struct Inner {
    progress: Progress,
    phase: JobPhase,
    total: Option<u64>,
    started: Instant,
    done: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Meter {
    /// More bytes are done.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
        self.tell_sometimes();
    }

    /// So many bytes are done altogether.
    pub(crate) fn at(&self, bytes: u64) {
        self.0.done.store(bytes, Ordering::Relaxed);
        self.tell_sometimes();
    }

    fn tell_sometimes(&self) {
        let due = match self.0.told.lock() {
            Ok(told) => told.is_none_or(|at| at.elapsed() >= PACE),
            Err(_) => false,
        };
        if due {
            self.tell();
        }
    }

    fn tell(&self) {
        let inner = &self.0;
        if let Ok(mut told) = inner.told.lock() {
            *told = Some(Instant::now());
        }
        let done = inner.done.load(Ordering::Relaxed);
        (inner.progress.0)(measure(inner.phase, done, inner.total, inner.started.elapsed()));
    }
}

#[allow(clippy::cast_precision_loss)] // a rate need not be exact
fn measure(phase: JobPhase, done_bytes: u64, total_bytes: Option<u64>, elapsed: Duration) -> JobProgress {
    let rate = (elapsed >= LEAST && done_bytes > 0).then(|| done_bytes as f64 / elapsed.as_secs_f64());
    let left_s = total_bytes.zip(rate).map(|(total, rate)| total.saturating_sub(done_bytes) as f64 / rate);
    JobProgress { phase, done_bytes, total_bytes, rate_bytes_per_s: rate, left_s, at: UnixMs::now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_rate_and_time_left_follow_from_bytes_and_time() {
        let now = measure(JobPhase::Store, 1_000, Some(4_000), Duration::from_secs(2));
        assert_eq!((now.rate_bytes_per_s, now.left_s), (Some(500.0), Some(6.0)));
        let young = measure(JobPhase::Store, 1_000, Some(4_000), Duration::from_millis(1));
        assert_eq!((young.rate_bytes_per_s, young.left_s), (None, None));
        assert_eq!(measure(JobPhase::Dump, 9_000, Some(4_000), Duration::from_secs(1)).left_s, Some(0.0));
    }
}
