//! Health of the estate and its targets, from memory.

use crate::{audit::Trail, backups::Backups, hub::Hub, metrics, pace::Pace, recorder::Recorder};
use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use reeve_access::{
    Grant,
    permission::{ReadMetrics, ViewEstate, ViewTarget},
};
use reeve_adapter::RolePools;
use reeve_model::{
    HealthOverview, TargetDetail, TargetName, UnixMs,
    health::Chart,
    series::{HistoryAnswer, HistoryQuery, SeriesKey, Trend},
};
use reeve_ports::{HealthPort, PortError};
use reeve_store::Store;
use std::{sync::Arc, time::Duration};

/// A live page is told at least this often, so that what turns stale by time alone is seen.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);
/// History that one answer holds at most.
const MOST_HISTORY_MS: i64 = 31 * 24 * 3_600_000;
/// The last moment that calendars here agree on: the end of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// The charts of a target's page: id, title and figures.
const CHARTS: &[(&str, &str, &[&str])] = &[
    ("connections", "Connections", &["connections.active", "connections.idle", "connections.idle_in_transaction", "connections.waiting"]),
    ("throughput", "Transactions per second", &["performance.commits_per_s", "performance.rollbacks_per_s"]),
    ("query_time", "Query time", &["performance.mean_query_ms", "performance.p95_of_means_ms"]),
    ("cache", "Cache hits", &["performance.cache_hit_ratio"]),
    ("wal", "WAL written", &["writes.wal_bytes_per_s"]),
    ("storage", "Storage", &["storage.total_bytes"]),
];

/// Answers from the hub; only history asks the store.
pub struct Health {
    hub: Arc<Hub>,
    pools: RolePools,
    recorder: Recorder,
    store: Store,
    audit: Trail,
    backups: Backups,
    pace: Arc<Pace>,
}

impl Health {
    /// Over the hub and what `/metrics` tells of Reeve itself.
    #[must_use]
    pub fn new(hub: Arc<Hub>, pools: RolePools, recorder: Recorder, store: Store, audit: Trail, backups: Backups) -> Self {
        Self { hub, pools, recorder, store, audit, backups, pace: Arc::default() }
    }

    fn charts(&self, name: &TargetName, now: UnixMs) -> Vec<Chart> {
        CHARTS
            .iter()
            .map(|(id, title, figures)| {
                let defs = figures.iter().filter_map(|id| reeve_rules::figures::by_id(id));
                let unit = figures.first().and_then(|id| reeve_rules::figures::by_id(id)).map_or(reeve_model::Unit::Count, |d| d.unit);
                let lines = defs.map(|def| Trend { title: def.title.to_owned(), points: self.hub.trend(name, def.id, now) }).collect();
                Chart { id: (*id).to_owned(), title: (*title).to_owned(), unit, lines }
            })
            .collect()
    }
}

/// The refusal for a name that is no target.
#[must_use]
pub fn no_such_target(name: &TargetName) -> PortError {
    PortError::NotFound(format!("There is no target called {name}."))
}

#[async_trait]
impl HealthPort for Health {
    async fn health_overview(&self, grant: Grant<ViewEstate>) -> Result<Arc<HealthOverview>, PortError> {
        let overview = self.hub.overview(UnixMs::now());
        if grant.covers_everything() {
            return Ok(overview);
        }
        Ok(Arc::new(within(&overview, |name| grant.covers(name))))
    }

    async fn target_detail(&self, grant: Grant<ViewTarget>) -> Result<Arc<TargetDetail>, PortError> {
        let (name, now) = (grant.resource(), UnixMs::now());
        let (Some(summary), Some(latest)) = (self.hub.summary(name, now), self.hub.latest(name)) else {
            return Err(no_such_target(name));
        };
        let s = &latest.snapshot;
        Ok(Arc::new(TargetDetail {
            at: now,
            summary,
            pooled: s.server.as_ref().is_some_and(|server| server.pooled),
            charts: self.charts(name, now),
            databases: s.databases.clone(),
            statements: s.statements.clone(),
            locks: s.locks.clone(),
            replication: s.replication.clone(),
            subscriptions: s.subscriptions.clone(),
            sequences: s.sequences.clone(),
            sequences_hidden: s.sequences_hidden.clone(),
            settings: s.settings.clone(),
            probes: s.probes.clone(),
        }))
    }

    fn changes(&self, _grant: Grant<ViewEstate>) -> BoxStream<'static, ()> {
        let viewer = self.hub.watch();
        let version = self.hub.version();
        let first = stream::once(async {});
        let pace = Arc::clone(&self.pace);
        let later = stream::unfold((viewer, version, pace), |(viewer, mut version, pace)| async move {
            match tokio::time::timeout(LONGEST_SILENCE, version.changed()).await {
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {
                    let heard = *version.borrow();
                    tokio::time::sleep_until(pace.moment(heard)).await;
                    // What came while it waited is told with it.
                    version.borrow_and_update();
                }
                Err(_) => {}
            }
            Some(((), (viewer, version, pace)))
        });
        first.chain(later).boxed()
    }

    async fn history(&self, grant: Grant<ReadMetrics>, query: HistoryQuery) -> Result<HistoryAnswer, PortError> {
        if !grant.covers(&query.target) || self.hub.latest(&query.target).is_none() {
            return Err(no_such_target(&query.target));
        }
        let to = query.to.unwrap_or_else(UnixMs::now);
        let from = query.from.unwrap_or_else(|| to.plus_ms(-3_600_000));
        if ![from, to].iter().all(|at| (0..=LAST_MS).contains(&at.0)) {
            return Err(PortError::Invalid("from and to are milliseconds since 1970-01-01 UTC, up to the year 9999.".to_owned()));
        }
        if query.metric.contains('\0') || query.object.contains('\0') {
            return Err(PortError::Invalid("metric and object are names; no name holds a zero byte.".to_owned()));
        }
        if from > to {
            return Err(PortError::Invalid("from must not be later than to.".to_owned()));
        }
        if to.ms_since(from) > MOST_HISTORY_MS {
            return Err(PortError::Invalid("One answer holds at most 31 days; ask for less at a time.".to_owned()));
        }
        let key = SeriesKey { target: query.target.clone(), metric: query.metric.clone(), object: query.object.clone() };
        let mut lines = self.store.history().range(&[key], from, to, None).await.map_err(|error| {
            tracing::warn!(%error, "history could not be read");
            PortError::Unavailable("Reeve's own database is away, so history can't be read. Try again in a moment.".to_owned())
        })?;
        let points = lines.pop().unwrap_or_default();
        Ok(HistoryAnswer { target: query.target, metric: query.metric, object: query.object, from, to, points })
    }

    async fn metrics(&self, grant: Grant<ReadMetrics>) -> Result<String, PortError> {
        let own = grant.covers_everything().then_some(metrics::Own { pools: &self.pools, recorder: &self.recorder, audit: &self.audit });
        let covers = |name: &TargetName| grant.covers(name);
        let backed = self.backups.cover(covers).unwrap_or_default();
        Ok(metrics::text(&self.hub, own, &backed, covers, UnixMs::now()))
    }
}

/// The part of an overview that a scope reaches. The estate is judged anew: neither its words nor its status may tell of what is outside.
fn within(overview: &HealthOverview, covers: impl Fn(&TargetName) -> bool) -> HealthOverview {
    let targets: Vec<_> = overview.targets.iter().filter(|t| covers(&t.info.name)).cloned().collect();
    let verdicts: Vec<_> = targets.iter().map(|t| (t.info.name.clone(), t.verdict.clone())).collect();
    let mut estate = reeve_rules::verdict::estate(&verdicts, overview.at, None);
    // It is as its worst target is, since the first of the worst became so.
    if verdicts.is_empty() {
        // How targets are registered is nothing to somebody whose rights reach none.
        estate.reasons.clear();
    }
    if let Some(since) = verdicts.iter().map(|(_, v)| v).filter(|v| v.status == estate.status).map(|v| v.since).min() {
        estate.since = since;
    }
    HealthOverview { at: overview.at, estate, targets, store: overview.store.clone() }
}
