//! What several figures and rules read alike, so that a page and a verdict never disagree on a number.

use crate::words::float;
use reeve_model::{
    Reading,
    snapshot::{Activity, Checkpoints, DatabaseCounters, Rates, Replication, SequenceUse, Slot, TargetSnapshot},
    table::{TableKind, TableStats},
};

/// Transactions after which ids come round: 2^31.
pub const WRAPAROUND: f64 = 2_147_483_648.0;

/// Block accesses in a window under which a cache hit ratio isn't shown.
pub const CACHE_SHOWN_FROM: f64 = 1_000.0;

/// Block accesses in a window under which a cache hit ratio isn't judged: a few cold reads of a quiet server are no fault.
pub const CACHE_JUDGED_FROM: f64 = 50_000.0;

/// A counter as a float.
#[must_use]
pub fn count(value: i64) -> f64 {
    float(value)
}

/// A length as a float.
#[must_use]
pub fn count_of(value: usize) -> f64 {
    float(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Share of the connections an ordinary role may open that are taken.
#[must_use]
pub fn used_ratio(activity: &Activity) -> Option<f64> {
    let usable = activity.max - activity.reserved;
    (usable > 0).then(|| float(activity.total + activity.own) / float(usable))
}

/// The cache hit ratio, when enough blocks were accessed to show it.
#[must_use]
pub fn cache_hit_shown(rates: &Rates) -> Option<f64> {
    rates.cache_hit_ratio.filter(|_| rates.block_accesses.is_some_and(|n| n >= CACHE_SHOWN_FROM))
}

/// The cache hit ratio, when enough blocks were accessed to judge it.
#[must_use]
pub fn cache_hit_judged(rates: &Rates) -> Option<f64> {
    rates.cache_hit_ratio.filter(|_| rates.block_accesses.is_some_and(|n| n >= CACHE_JUDGED_FROM))
}

/// Sum of the known sizes; none when none is known.
#[must_use]
pub fn total_bytes(databases: &[DatabaseCounters]) -> Option<f64> {
    databases.iter().filter_map(|d| d.size_bytes).reduce(|a, b| a.saturating_add(b)).map(float)
}

/// All tables that were ever read.
pub fn tables(snapshot: &TargetSnapshot) -> impl Iterator<Item = (&str, &TableStats)> {
    snapshot
        .tables
        .iter()
        .filter_map(|(name, reading)| Some((name.as_str(), reading.value()?)))
        .flat_map(|(name, db)| db.tables.iter().map(move |t| (name, t)))
}

/// Tables, partitions counted with their parent.
#[must_use]
pub fn table_count(snapshot: &TargetSnapshot) -> Option<f64> {
    snapshot
        .tables
        .values()
        .any(|r| Reading::value(r).is_some())
        .then(|| count_of(tables(snapshot).filter(|(_, t)| t.parent.is_none() && t.kind != TableKind::MaterialisedView).count()))
}

/// All rows of a table, dead ones included. After a reset of the statistics the counts begin anew, while what analyze found
/// stays: without it the few rows that died since would seem to be most of the table.
#[must_use]
pub fn all_rows(table: &TableStats) -> f64 {
    float(table.dead_rows + table.live_rows).max(table.rows_estimate.unwrap_or(0.0))
}

/// Dead and all rows of the tables that hold rows themselves (a partitioned parent only repeats its partitions).
#[must_use]
pub fn dead_and_all(snapshot: &TargetSnapshot) -> Option<(f64, f64)> {
    let (dead, all) = tables(snapshot)
        .filter(|(_, t)| t.kind != TableKind::Partitioned)
        .fold((0.0, 0.0), |(dead, all), (_, t)| (dead + float(t.dead_rows), all + all_rows(t)));
    (all > 0.0).then_some((dead, all))
}

/// Share of all rows that are dead.
#[must_use]
pub fn dead_ratio(snapshot: &TargetSnapshot) -> Option<f64> {
    dead_and_all(snapshot).map(|(dead, all)| dead / all)
}

/// Share of the checkpoints that were forced.
#[must_use]
pub fn requested_ratio(checkpoints: &Checkpoints) -> Option<f64> {
    let all = checkpoints.timed + checkpoints.requested;
    (all > 0).then(|| float(checkpoints.requested) / float(all))
}

/// Bytes the standby furthest behind has not replayed.
#[must_use]
pub fn worst_lag_bytes(replication: &Replication) -> Option<f64> {
    replication.standbys.iter().filter_map(|s| s.replay_lag_bytes).max().map(float)
}

/// Seconds the slowest standby is behind.
#[must_use]
pub fn worst_lag_s(replication: &Replication) -> Option<f64> {
    replication.standbys.iter().filter_map(|s| s.replay_lag_s).max_by(f64::total_cmp)
}

/// The slot that keeps most WAL.
#[must_use]
pub fn greediest(replication: &Replication) -> Option<&Slot> {
    replication.slots.iter().filter(|s| s.retained_bytes.is_some()).max_by_key(|s| s.retained_bytes)
}

/// Bytes of WAL kept for the slot that keeps most.
#[must_use]
pub fn most_retained(replication: &Replication) -> Option<f64> {
    greediest(replication).and_then(|s| s.retained_bytes).map(float)
}

/// The sequence nearest to its end.
#[must_use]
pub fn fullest(sequences: &[SequenceUse]) -> Option<&SequenceUse> {
    sequences.iter().max_by(|a, b| a.used_ratio.total_cmp(&b.used_ratio))
}
