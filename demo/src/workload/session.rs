//! One connection of the workload: connect, do the errand until the connection ends, wait a little, connect again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::{Client, Config, Error};

use super::reads::Reads;
use super::rng::Rng;
use super::{Tally, WorkloadOptions, reports, visits};
use crate::connect::open;
use crate::error::DemoError;
use crate::estate::Estate;

/// Waiting time after the first connection that fails, doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest waiting time between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Errand {
    /// Short transactions; the number tells visitors apart.
    Visits(usize),
    /// Reports, and trimming what grew.
    Reports,
    /// Nothing, as so many sessions in life.
    Idle,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Committed.
    Commit,
    /// Rolled back because the visitor changed their mind.
    Rollback,
}

/// What all connections of one workload share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) estate: Estate,
    pub(super) reads: Reads,
    pub(super) report_every: Duration,
    config: Config,
    pause: Duration,
    seed: Option<u64>,
    tally: Arc<Tally>,
}

impl Shared {
    pub(super) fn new(mut config: Config, estate: Estate, options: &WorkloadOptions, tally: Arc<Tally>) -> Self {
        // Short limits: a visitor gives up, so that a fault of the database doesn't pile up sessions.
        config.options("-c statement_timeout=20s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s");
        let rate = if options.rate.is_finite() { options.rate.clamp(0.1, 10_000.0) } else { 40.0 };
        let pause = Duration::from_secs_f64(options.visitors.max(1) as f64 / rate);
        let reads = Reads::of(&estate);
        Self { estate, reads, report_every: options.report_every, config, pause, seed: options.seed, tally }
    }

    fn count(&self, result: &Result<Outcome, Error>) {
        let counter = match result {
            Ok(Outcome::Commit) => &self.tally.commits,
            Ok(Outcome::Rollback) => &self.tally.rollbacks,
            Err(_) => &self.tally.errors,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs one connection until it is cancelled.
pub(super) async fn run(shared: &Shared, errand: Errand) {
    let (application, stream) = match errand {
        Errand::Visits(number) => (["findawise-web", "findawise-api", "findawise-jobs"][number % 3], number as u64),
        Errand::Reports => ("findawise-reports", 1000),
        Errand::Idle => ("findawise-console", 1001),
    };
    let mut rng = Rng::new(shared.seed, stream);
    let mut wait = FIRST_WAIT;
    loop {
        match open(&shared.config, application).await {
            Ok((client, ended)) => {
                shared.tally.connects.fetch_add(1, Ordering::Relaxed);
                wait = FIRST_WAIT;
                work(shared, errand, client, ended, &mut rng).await;
            }
            Err(DemoError::Connect { source, .. }) => tracing::debug!(%source, application, "the workload can't connect yet"),
            Err(error) => tracing::debug!(%error, application, "the workload can't connect yet"),
        }
        // Up to half longer, so that the sessions don't all come back in the same instant.
        sleep(wait.mul_f64(1.0 + rng.unit() / 2.0)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Does the errand until the connection ends.
async fn work(shared: &Shared, errand: Errand, mut client: Client, ended: JoinHandle<()>, rng: &mut Rng) {
    let mut turn = 0;
    while !client.is_closed() {
        let result = match errand {
            Errand::Idle => {
                let result = client.simple_query("SELECT count(*) FROM core.feature_flags").await.map(|_| Outcome::Commit);
                shared.count(&result);
                // Ends with the connection, not before. A task that was aborted is gone as well.
                let _ = ended.await;
                return;
            }
            Errand::Visits(_) => {
                sleep(rng.pause(shared.pause)).await;
                visits::one(shared, &mut client, rng).await
            }
            Errand::Reports => {
                sleep(shared.report_every).await;
                turn += 1;
                reports::one(shared, &mut client, turn).await
            }
        };
        shared.count(&result);
        if let Err(error) = result {
            tracing::debug!(%error, "a transaction of the workload failed");
            // A database that is being loaded or is full refuses everything: don't hammer it.
            sleep(FIRST_WAIT).await;
        }
    }
}

/// A cursor through a list that all visitors share, so that each entry gets its turn.
#[derive(Debug, Default)]
pub(super) struct Cursor(AtomicU64);

impl Cursor {
    pub(super) fn next<'a, T>(&self, list: &'a [T]) -> Option<&'a T> {
        let index = self.0.fetch_add(1, Ordering::Relaxed).checked_rem(list.len() as u64)?;
        list.get(index as usize)
    }
}
