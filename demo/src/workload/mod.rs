//! A gentle workload: visitors, a report and an idle session, so that a monitor sees a living database.
//!
//! Five connections by default. Three take turns with short transactions (`visits`), one runs reports and trims what
//! the visitors wrote (`reports`), one does nothing. Each lives in a task of its own that reconnects when the server
//! goes away (`session`).

mod reads;
mod reports;
pub(crate) mod rng;
mod session;
mod visits;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connect::parse;
use crate::error::DemoError;
use crate::estate::Estate;
use session::{Errand, Shared};

/// How lively the workload is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WorkloadOptions {
    /// Connections for visitors; one for reports and one idle come on top. At least 1.
    pub visitors: usize,
    /// Transactions per second of all visitors together.
    pub rate: f64,
    /// Time between two reports.
    pub report_every: Duration,
    /// Makes the choices repeatable; random when none.
    pub seed: Option<u64>,
}

impl Default for WorkloadOptions {
    fn default() -> Self {
        Self { visitors: 3, rate: 40.0, report_every: Duration::from_secs(5), seed: None }
    }
}

/// What a workload has done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Transactions that were committed, reports included.
    pub commits: u64,
    /// Transactions that were rolled back on purpose.
    pub rollbacks: u64,
    /// Transactions the server refused.
    pub errors: u64,
    /// Connections that were opened.
    pub connects: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) commits: AtomicU64,
    pub(crate) rollbacks: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) connects: AtomicU64,
}

impl Tally {
    /// What was counted so far.
    pub(crate) fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            commits: read(&self.commits),
            rollbacks: read(&self.rollbacks),
            errors: read(&self.errors),
            connects: read(&self.connects),
        }
    }
}

/// A running workload. Dropping it ends it without waiting; [`Workload::stop`] waits.
#[derive(Debug)]
pub struct Workload {
    tasks: JoinSet<()>,
    cancel: CancellationToken,
    tally: Arc<Tally>,
}

impl Workload {
    /// Starts it with the application's URL. It needn't be reachable yet: connections are tried until they succeed.
    ///
    /// # Errors
    /// A URL that can't be read.
    pub fn start(app_url: &SecretString, options: &WorkloadOptions) -> Result<Self, DemoError> {
        let config = parse(app_url.expose_secret(), "the sample estate's application")?;
        let tally = Arc::new(Tally::default());
        let cancel = CancellationToken::new();
        let shared = Arc::new(Shared::new(config, Estate::findawise()?, options, Arc::clone(&tally)));
        let mut tasks = JoinSet::new();
        let visitors = (0..options.visitors.max(1)).map(Errand::Visits);
        for errand in visitors.chain([Errand::Reports, Errand::Idle]) {
            let (shared, cancel) = (Arc::clone(&shared), cancel.clone());
            tasks.spawn(async move {
                // A statement that never answers must not hold up the end: the connection is dropped with the future.
                cancel.run_until_cancelled(session::run(&shared, errand)).await;
            });
        }
        Ok(Self { tasks, cancel, tally })
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        self.tally.counters()
    }

    /// Ends it and waits until its tasks are gone; open transactions are rolled back by the server.
    pub async fn stop(mut self) -> Counters {
        self.cancel.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.counters()
    }
}
