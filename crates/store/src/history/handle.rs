//! History behind the pools.

use super::{
    Dictionary, MaintainReport, Retention, Round, SeriesKeyPart, append::append, downsample::downsample, earliest::earliest_value,
    maintain::maintain, read::range,
};
use crate::{
    error::{Result, StoreError},
    store::run,
};
use futures::future::BoxFuture;
use reeve_adapter::RolePools;
use reeve_model::{
    TargetName, UnixMs,
    pool::StoreRole,
    series::{Point, SeriesKey, Topic},
};
use sqlx::PgConnection;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};
use uuid::Uuid;

/// A round that owns its samples, as it is queued.
#[derive(Debug, Clone)]
pub struct OwnedRound {
    /// Target.
    pub target: TargetName,
    /// Topic.
    pub topic: Topic,
    /// When they were read.
    pub at: UnixMs,
    /// The samples.
    pub samples: Vec<(SeriesKeyPart, f64)>,
}

/// History of samples. Cheap to clone; all clones are one.
///
/// Written to the analytics role. While that database is away main takes the rounds, and they stay there: so when analytics has
/// a database of its own, reading asks both and unites them.
#[derive(Clone)]
pub struct History {
    pools: RolePools,
    org: Uuid,
    dictionary: Arc<Dictionary>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("org", &self.org).finish_non_exhaustive()
    }
}

impl History {
    /// For one organisation. Connects to nothing.
    #[must_use]
    pub fn new(pools: RolePools, org: Uuid) -> Self {
        Self { pools, org, dictionary: Arc::default() }
    }

    /// Does the same in each database that holds history. That main is away, which only holds what was written while analytics was,
    /// is no reason to answer nothing.
    async fn everywhere<T: Send + 'static, F>(&self, work: F) -> Result<(Vec<T>, Option<StoreError>)>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
    {
        let first = run(&self.pools, StoreRole::Analytics, &work).await?;
        if !self.pools.is_configured(StoreRole::Analytics) {
            return Ok((vec![first], None));
        }
        match run(&self.pools, StoreRole::Main, &work).await {
            Ok(second) => Ok((vec![first, second], None)),
            Err(error) if error.is_away() => {
                tracing::warn!(%error, "history that main holds can't be reached");
                Ok((vec![first], Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Writes one round; durable when it returns, and once however often it is tried. See [`append()`](super::append::append).
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn append(&self, target: &TargetName, topic: Topic, at: UnixMs, samples: Vec<(SeriesKeyPart, f64)>) -> Result<()> {
        self.append_all(vec![OwnedRound { target: target.clone(), topic, at, samples }]).await
    }

    /// Writes several rounds in one statement.
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn append_all(&self, rounds: Vec<OwnedRound>) -> Result<()> {
        let (rounds, dictionary, org) = (Arc::new(rounds), self.dictionary.clone(), self.org);
        run(&self.pools, StoreRole::Analytics, move |c| {
            let (rounds, dictionary) = (rounds.clone(), dictionary.clone());
            Box::pin(async move {
                let rounds: Vec<Round<'_>> =
                    rounds.iter().map(|r| Round { target: &r.target, topic: r.topic, at: r.at, samples: &r.samples }).collect();
                append(c, &dictionary, org, &rounds).await
            })
        })
        .await
    }

    /// The points of each series, in the order of `keys`; with `most`, each has at most that many. See [`range()`](super::read::range).
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn range(&self, keys: &[SeriesKey], from: UnixMs, to: UnixMs, most: Option<usize>) -> Result<Vec<Vec<Point>>> {
        let (keys, org) = (Arc::new(keys.to_vec()), self.org);
        let mut all: Vec<Vec<Point>> = vec![Vec::new(); keys.len()];
        let found = self
            .everywhere(move |c| {
                let keys = keys.clone();
                Box::pin(async move { range(c, org, &keys, from, to, None).await })
            })
            .await?;
        for found in found.0 {
            for (all, found) in all.iter_mut().zip(found) {
                all.extend(found);
            }
        }
        for points in &mut all {
            points.sort_by_key(|p| p.at);
            points.dedup_by_key(|p| p.at);
        }
        Ok(match most {
            Some(most) => all.into_iter().map(|points| downsample(points, most)).collect(),
            None => all,
        })
    }

    /// For each object of a metric the oldest value at or after `since`. See [`earliest_value()`](super::earliest::earliest_value).
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn earliest_value(&self, metric: &str, target: &TargetName, since: UnixMs) -> Result<HashMap<String, (UnixMs, f64)>> {
        let (given, org) = (Arc::new((metric.to_owned(), target.clone())), self.org);
        let mut oldest: HashMap<String, (UnixMs, f64)> = HashMap::new();
        let found = self
            .everywhere(move |c| {
                let given = given.clone();
                Box::pin(async move { earliest_value(c, org, &given.1, &given.0, since).await })
            })
            .await?;
        for found in found.0 {
            for (object, value) in found {
                match oldest.entry(object) {
                    Entry::Occupied(mut held) if value.0 < held.get().0 => {
                        held.insert(value);
                    }
                    Entry::Occupied(_) => {}
                    Entry::Vacant(new) => {
                        new.insert(value);
                    }
                }
            }
        }
        Ok(oldest)
    }

    /// Makes partitions ahead, compacts hours that are over, drops what is old; in each database that holds history. To be
    /// called every few minutes. See [`maintain()`](super::maintain::maintain).
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn maintain(&self, now: UnixMs, retention: Retention) -> Result<MaintainReport> {
        let mut report = MaintainReport::default();
        let (done, away) = self.everywhere(move |c| Box::pin(maintain(c, now, retention))).await?;
        report.failures.extend(away.map(|error| error.to_string()));
        for done in done {
            report.hours += done.hours;
            report.compacted.rounds += done.compacted.rounds;
            report.compacted.chunks += done.compacted.chunks;
            report.dropped.extend(done.dropped);
            report.failures.extend(done.failures);
        }
        Ok(report)
    }
}
