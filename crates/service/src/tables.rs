//! Tables of the targets: the newest reading, judged once, cut to the page that was asked for.

mod kept;

use crate::{health::no_such_target, hub::Hub, registry::Registry};
use async_trait::async_trait;
use kept::Selections;
use reeve_access::{
    Grant,
    permission::{ViewTable, ViewTables},
};
use reeve_model::{
    Reading, TargetName, Timed, Unit, UnixMs,
    health::Chart,
    series::{SeriesKey, Trend},
    snapshot::{DatabaseTables, TargetSnapshot},
    table::{TableDefinition, TableDetail, TableFault, TablePage, TableQuery, TableRef},
};
use reeve_ports::{PortError, TablesPort};
use reeve_rules::order::{View, select};
use reeve_store::Store;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How far back growth looks, milliseconds.
const GROWTH_WINDOW_MS: i64 = 24 * 3_600_000;
/// How long the sizes that growth is measured from are used before they are read again, milliseconds.
const BASELINE_AGE_MS: i64 = 10 * 60_000;
/// The same while there are none: soon there may be, and until then each reader would ask the store.
const NO_BASELINE_AGE_MS: i64 = 2_000;
/// How long a definition read from the catalogue is shown again, milliseconds.
const DEFINITION_AGE_MS: i64 = 30_000;
/// A page waits for the store or the catalogue at most this long; it shows what it has then.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How far back the charts of a table look, milliseconds.
const CHART_WINDOW_MS: i64 = 6 * 3_600_000;
/// Points of a line at most.
const CHART_POINTS: usize = 240;
/// Definitions kept at most.
const MOST_DEFINITIONS: usize = 500;

/// Id, title, unit, and for each line its metric and shown name.
type ChartSpec = (&'static str, &'static str, Unit, &'static [(&'static str, &'static str)]);

/// The charts of a table's page.
const CHARTS: &[ChartSpec] = &[
    ("size", "Size", Unit::Bytes, &[("table.bytes", "Total size")]),
    ("rows", "Rows", Unit::Count, &[("table.live_rows", "Live rows"), ("table.dead_rows", "Dead rows")]),
];

type Faults = Arc<HashMap<u32, Vec<TableFault>>>;

/// Sizes of a target's tables at the start of the growth window, by `database/schema.table`.
#[derive(Clone, Default)]
struct Baseline {
    read_at: UnixMs,
    sizes: kept::Sizes,
    /// The oldest of them.
    oldest: Option<UnixMs>,
}

/// The faults of one reading, and when each index was first seen.
struct Judged {
    of: Arc<DatabaseTables>,
    faults: Faults,
    seen: HashMap<u32, UnixMs>,
}

/// Answers from the hub; growth, charts and definitions are added when they can be had.
pub struct Tables {
    hub: Arc<Hub>,
    store: Store,
    registry: Registry,
    unused_after_s: f64,
    faults: Mutex<HashMap<(TargetName, String), Judged>>,
    baselines: Mutex<HashMap<TargetName, Baseline>>,
    /// Held by whoever asks the store for sizes that growth is measured from.
    asking: tokio::sync::Mutex<()>,
    selections: Selections,
    definitions: Mutex<HashMap<(TargetName, TableRef), Timed<TableDefinition>>>,
}

impl Tables {
    /// Over the hub, the store and the targets themselves. An index is called unused when nobody scanned it for `unused_after_s` seconds.
    #[must_use]
    pub fn new(hub: Arc<Hub>, store: Store, registry: Registry, unused_after_s: f64) -> Self {
        Self {
            hub,
            store,
            registry,
            unused_after_s,
            faults: Mutex::default(),
            baselines: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            selections: Selections::default(),
            definitions: Mutex::default(),
        }
    }

    /// The faults of one database, judged once per reading.
    fn faults_of(&self, target: &TargetName, database: &str, read: &Timed<Arc<DatabaseTables>>, snapshot: &TargetSnapshot) -> Faults {
        let key = (target.clone(), database.to_owned());
        let mut kept = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        // By identity and not by time: definitions are read apart from figures and may come later.
        if let Some(judged) = kept.get(&key)
            && Arc::ptr_eq(&judged.of, &read.value)
        {
            return Arc::clone(&judged.faults);
        }
        let counters = snapshot.databases.value().and_then(|list| list.iter().find(|d| d.name == database));
        // Without a reset the counters began with the server's statistics, at the latest with the postmaster.
        let began = counters.and_then(|c| c.stats_reset).or(snapshot.server.as_ref().map(|s| s.started_at));
        // What was there at the first look is as old as the statistics; what came later is as old as it has been seen.
        let first = began.unwrap_or(read.at);
        let known = kept.get(&key).map(|judged| &judged.seen);
        let seen_at = |oid: u32| known.map_or(first, |known| known.get(&oid).copied().unwrap_or(read.at));
        let seen: HashMap<u32, UnixMs> = read.value.indexes.iter().map(|i| (i.oid, seen_at(i.oid))).collect();
        let watched_s = |oid: u32| Some(read.at.seconds_since(began?.max(*seen.get(&oid)?)));
        let faults: Faults = Arc::new(reeve_rules::tables::faults_by_index(&read.value, &watched_s, self.unused_after_s));
        kept.insert(key, Judged { of: Arc::clone(&read.value), faults: Arc::clone(&faults), seen });
        faults
    }

    /// The sizes that growth is measured from; what was known before while the store is away.
    async fn baseline(&self, target: &TargetName, now: UnixMs) -> Baseline {
        let known = self.baselines.lock().unwrap_or_else(PoisonError::into_inner).get(target).cloned();
        let lasts = |b: &Baseline| if b.sizes.is_empty() { NO_BASELINE_AGE_MS } else { BASELINE_AGE_MS };
        if let Some(fresh) = known.clone().filter(|b| now.ms_since(b.read_at) <= lasts(b)) {
            return fresh;
        }
        // One asks for all; the others go on with what was known before.
        let asking = self.asking.try_lock();
        let old = |b: &Baseline| now.ms_since(b.read_at) > 2 * BASELINE_AGE_MS;
        if let (Err(_), Some(known)) = (&asking, known.as_ref().filter(|b| !old(b))) {
            return known.clone();
        }
        let history = self.store.history();
        let asked = history.earliest_value("table.bytes", target, now.plus_ms(-GROWTH_WINDOW_MS));
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(sizes)) => {
                let oldest = sizes.values().map(|(at, _)| *at).min();
                let fresh = Baseline { read_at: now, sizes: Arc::new(sizes), oldest };
                self.baselines.lock().unwrap_or_else(PoisonError::into_inner).insert(target.clone(), fresh.clone());
                fresh
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, %target, "growth can't be told");
                known.unwrap_or_default()
            }
            Err(_) => known.unwrap_or_default(),
        }
    }

    async fn definition(&self, target: &TargetName, table: &TableRef, now: UnixMs) -> Reading<TableDefinition> {
        let key = (target.clone(), table.clone());
        let known = self.definitions.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(fresh) = known.clone().filter(|d| now.ms_since(d.at) <= DEFINITION_AGE_MS) {
            return Reading::known(fresh.value, fresh.at);
        }
        let mut reading = Reading { last: known, fault: None };
        let Some(spec) = self.registry.get(target) else { return reading };
        let read = match tokio::time::timeout(PATIENCE, reeve_estate::describe_table(&spec, table)).await {
            Ok(Ok(definition)) => Ok(definition),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("The server did not answer in time, so columns and keys are not shown.".to_owned()),
        };
        reading.absorb(read, now);
        if let (Some(last), None) = (&reading.last, &reading.fault) {
            let mut kept = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MOST_DEFINITIONS {
                kept.retain(|_, d| now.ms_since(d.at) <= DEFINITION_AGE_MS);
            }
            kept.insert(key, last.clone());
        }
        reading
    }

    async fn charts(&self, target: &TargetName, table: &TableRef, now: UnixMs) -> Vec<Chart> {
        let object = object(&table.database, &table.schema, &table.table);
        let keys: Vec<SeriesKey> = CHARTS
            .iter()
            .flat_map(|(_, _, _, lines)| lines.iter())
            .map(|(metric, _)| SeriesKey { target: target.clone(), metric: (*metric).to_owned(), object: object.clone() })
            .collect();
        let history = self.store.history();
        let asked = history.range(&keys, now.plus_ms(-CHART_WINDOW_MS), now, Some(CHART_POINTS));
        let mut lines = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(lines)) => lines.into_iter(),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a table's history can't be read");
                return Vec::new();
            }
            Err(_) => return Vec::new(),
        };
        CHARTS
            .iter()
            .map(|(id, title, unit, names)| Chart {
                id: (*id).to_owned(),
                title: (*title).to_owned(),
                unit: *unit,
                lines: names
                    .iter()
                    .map(|(_, name)| Trend { title: (*name).to_owned(), points: lines.next().unwrap_or_default() })
                    .collect(),
            })
            .collect()
    }
}

fn object(database: &str, schema: &str, table: &str) -> String {
    format!("{database}/{schema}.{table}")
}

/// The state of several readings as one: the oldest moment, the first fault.
fn together<'a>(readings: impl Iterator<Item = &'a Reading<Arc<DatabaseTables>>>) -> Reading<()> {
    let mut out: Reading<()> = Reading::default();
    for reading in readings {
        if let Some(at) = reading.at() {
            let oldest = out.at().map_or(at, |known| known.min(at));
            out.last = Some(Timed { value: (), at: oldest });
        }
        if out.fault.is_none() {
            out.fault.clone_from(&reading.fault);
        }
    }
    out
}

#[async_trait]
impl TablesPort for Tables {
    async fn table_analytics(&self, grant: Grant<ViewTables>, query: TableQuery) -> Result<TablePage, PortError> {
        let (name, now) = (grant.resource(), UnixMs::now());
        let Some(latest) = self.hub.latest(name) else { return Err(no_such_target(name)) };
        let snapshot = &latest.snapshot;
        let baseline = self.baseline(name, now).await;
        let read: Vec<(&String, &Timed<Arc<DatabaseTables>>, Faults)> = snapshot
            .tables
            .iter()
            .filter_map(|(database, reading)| {
                reading.last.as_ref().map(|last| (database, last, self.faults_of(name, database, last, snapshot)))
            })
            .collect();
        let views: Vec<View<'_>> = read
            .iter()
            .map(|(database, last, faults)| View { name: database.as_str(), tables: &last.value, faults: faults.as_ref() })
            .collect();
        let from =
            kept::From { tables: read.iter().map(|(_, last, _)| Arc::clone(&last.value)).collect(), sizes: Arc::clone(&baseline.sizes) };
        let selection = self.selections.of(name, &query, from, || {
            let sizes: HashMap<(&str, &str, &str), i64> = views
                .iter()
                .flat_map(|v| v.tables.tables.iter().map(move |t| (v.name, t)))
                .filter_map(|(d, t)| t.total_bytes().map(|bytes| ((d, t.schema.as_str(), t.name.as_str()), bytes)))
                .collect();
            let growth = |database: &str, schema: &str, table: &str| {
                let now_bytes = *sizes.get(&(database, schema, table))?;
                let (_, then) = baseline.sizes.get(&object(database, schema, table))?;
                #[allow(clippy::cast_possible_truncation)] // sizes are whole bytes
                Some(now_bytes - *then as i64)
            };
            select(&views, &growth, &query)
        });
        let shown = snapshot.tables.iter().filter(|(d, _)| query.database.as_ref().is_none_or(|want| want == *d)).map(|(_, r)| r);
        Ok(TablePage {
            at: now,
            read: together(shown),
            items: selection.items.clone(),
            matching: selection.matching,
            total: selection.total,
            databases: snapshot.tables.keys().cloned().collect(),
            schemas: selection.schemas.clone(),
            growth_window_s: baseline.oldest.map_or(0.0, |at| now.seconds_since(at)),
            next: selection.next,
        })
    }

    async fn table_detail(&self, grant: Grant<ViewTable>) -> Result<TableDetail, PortError> {
        let ((name, table), now) = (grant.resource(), UnixMs::now());
        let Some(latest) = self.hub.latest(name) else { return Err(no_such_target(name)) };
        let snapshot = &latest.snapshot;
        let missing = || PortError::NotFound("There is no such table on this target, or it was dropped.".to_owned());
        let reading = snapshot.tables.get(&table.database).ok_or_else(missing)?;
        let last = reading.last.as_ref().ok_or_else(missing)?;
        let stats = last.value.tables.iter().find(|t| t.schema == table.schema && t.name == table.table).ok_or_else(missing)?.clone();
        let baseline = self.baseline(name, now).await;
        let faults = self.faults_of(name, &table.database, last, snapshot);
        #[allow(clippy::cast_possible_truncation)] // sizes are whole bytes
        let growth_bytes = stats
            .total_bytes()
            .zip(baseline.sizes.get(&object(&table.database, &table.schema, &table.table)))
            .map(|(bytes, (_, then))| bytes - *then as i64);
        let indexes = last.value.indexes.iter().filter(|i| i.table_oid == stats.oid).cloned().collect();
        let (definition, charts) = tokio::join!(self.definition(name, table, now), self.charts(name, table, now));
        let row = reeve_model::table::TableRow {
            database: table.database.clone(),
            faults: faults.get(&stats.oid).cloned().unwrap_or_default(),
            upkeep: reeve_rules::health::upkeep(&table.database, &stats),
            stats,
            growth_bytes,
        };
        Ok(TableDetail { at: now, table: table.clone(), read: together(std::iter::once(reading)), row, indexes, definition, charts })
    }
}
