//! The applications of the systems: one connection for each database, and one that reads at the replica.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_postgres::{Client, Config};
use tokio_util::sync::CancellationToken;

use super::statements::{Statement, Turn, read};
use super::{DATABASES, MAIN};
use crate::connect::{open, parse};
use crate::error::DemoError;
use crate::workload::rng::Rng;
use crate::workload::{Counters, Tally};

/// Waiting time after the first connection that fails, doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest waiting time between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How lively the systems are.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SystemsOptions {
    /// Transactions per second of each connection.
    pub rate: f64,
    /// Makes the choices repeatable; random when none. The rows that a statement picks are the server's choice.
    pub seed: Option<u64>,
}

impl Default for SystemsOptions {
    fn default() -> Self {
        Self { rate: 5.0, seed: None }
    }
}

/// A running workload. Dropping it ends it without waiting; [`SystemsWorkload::stop`] waits.
#[derive(Debug)]
pub struct SystemsWorkload {
    tasks: JoinSet<()>,
    cancel: CancellationToken,
    tally: Arc<Tally>,
}

/// What one connection does.
struct Lane {
    config: Config,
    application: String,
    /// Those that take turns, with the sum of the weights up to each.
    turns: Vec<(u64, Statement)>,
    /// Those that come round by the clock.
    rounds: Vec<(Duration, Statement)>,
    pause: Duration,
    tally: Arc<Tally>,
}

impl SystemsWorkload {
    /// Starts it with the applications' URLs by database, and the application's URL at the replica when there is one. Nothing needs to be
    /// reachable yet: connections are tried until they succeed.
    ///
    /// # Errors
    /// A URL or a workload file that can't be read.
    pub fn start(
        app_urls: &[(&'static str, SecretString)],
        replica_url: Option<&SecretString>,
        options: &SystemsOptions,
    ) -> Result<Self, DemoError> {
        let tally = Arc::new(Tally::default());
        let cancel = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let at_replica = replica_url.map(|url| (MAIN, url, true));
        let all = app_urls.iter().map(|(name, url)| (*name, url, false)).chain(at_replica);
        for (stream, (name, url, replica)) in all.enumerate() {
            let lane = lane(name, url, replica, options, &tally)?;
            let (cancel, mut rng) = (cancel.clone(), Rng::new(options.seed, stream as u64));
            tasks.spawn(async move {
                // A statement that never answers must not hold up the end: the connection is dropped with the future.
                cancel.run_until_cancelled(lane.run(&mut rng)).await;
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

fn lane(name: &str, url: &SecretString, replica: bool, options: &SystemsOptions, tally: &Arc<Tally>) -> Result<Lane, DemoError> {
    let mut config = parse(url.expose_secret(), "a sample system's application")?;
    // Short limits: an application gives up, so that a fault of the database doesn't pile up sessions.
    config.options("-c statement_timeout=20s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s");
    let (mut turns, mut rounds, mut sum) = (Vec::new(), Vec::new(), 0);
    for database in DATABASES.iter().filter(|database| database.name == name) {
        for statement in read(database)?.into_iter().filter(|statement| statement.replica == replica) {
            match statement.turn {
                Turn::Weight(weight) => {
                    sum += weight;
                    turns.push((sum, statement));
                }
                Turn::Every(time) => rounds.push((time, statement)),
            }
        }
    }
    let rate = if options.rate.is_finite() { options.rate.clamp(0.1, 10_000.0) } else { SystemsOptions::default().rate };
    let application = if replica { format!("{name}-dashboard") } else { format!("{name}-app") };
    Ok(Lane { config, application, turns, rounds, pause: Duration::from_secs_f64(1.0 / rate), tally: Arc::clone(tally) })
}

impl Lane {
    /// Works until it is cancelled; connects again when the server goes away.
    async fn run(&self, rng: &mut Rng) {
        let mut wait = FIRST_WAIT;
        loop {
            match open(&self.config, &self.application).await {
                Ok((client, _ended)) => {
                    self.count(&self.tally.connects);
                    wait = FIRST_WAIT;
                    self.work(&client, rng).await;
                }
                Err(error) => tracing::debug!(%error, application = %self.application, "the workload can't connect yet"),
            }
            // Up to half longer, so that the sessions don't all come back in the same instant.
            sleep(wait.mul_f64(1.0 + rng.unit() / 2.0)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Works until the connection ends.
    async fn work(&self, client: &Client, rng: &mut Rng) {
        let mut due: Vec<Instant> = self.rounds.iter().map(|_| Instant::now()).collect();
        while !client.is_closed() {
            for ((time, statement), at) in self.rounds.iter().zip(&mut due).filter(|(_, at)| **at <= Instant::now()) {
                *at = Instant::now() + *time;
                self.one(client, statement).await;
            }
            sleep(rng.pause(self.pause)).await;
            let chosen = rng.below(self.turns.last().map_or(0, |(sum, _)| *sum));
            if let Some((_, statement)) = self.turns.iter().find(|(sum, _)| chosen < *sum) {
                self.one(client, statement).await;
            }
        }
    }

    async fn one(&self, client: &Client, statement: &Statement) {
        match client.batch_execute(statement.sql).await {
            Ok(()) => self.count(&self.tally.commits),
            Err(error) => {
                self.count(&self.tally.errors);
                tracing::debug!(%error, application = %self.application, about = statement.about, "a transaction of the workload failed");
                // A database that is being loaded or is full refuses everything: don't hammer it.
                sleep(FIRST_WAIT).await;
            }
        }
    }

    fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
