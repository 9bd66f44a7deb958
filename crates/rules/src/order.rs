//! Filter, sort and page through the tables of a target (SPEC C1). Sorts places, clones one page: fast at 10,000 tables.

use crate::tables::burden;
use crate::words::float;
use reeve_model::{
    snapshot::DatabaseTables,
    table::{SchemaGroup, TableFault, TableQuery, TableRow, TableSort, TableStats},
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

/// Rows of a page when the query does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// Rows of a page at most.
pub const MAX_LIMIT: u32 = 500;

/// One database to choose from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its tables as last read.
    pub tables: &'a DatabaseTables,
    /// What [`crate::tables::faults`] found in them.
    pub faults: &'a HashMap<u32, Vec<TableFault>>,
}

/// What a query selects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// The rows of the page.
    pub items: Vec<TableRow>,
    /// Tables that match the filters.
    pub matching: u32,
    /// Tables of all databases, partitions counted with their parent.
    pub total: u32,
    /// Sums by schema over all tables of the chosen database (or of all), by database and schema.
    pub schemas: Vec<SchemaGroup>,
    /// Offset of the next page, if there is one.
    pub next: Option<u32>,
}

struct Candidate<'a> {
    view: &'a View<'a>,
    table: &'a TableStats,
    key: Option<f64>,
}

/// Growth of a table in bytes by database, schema and name; none while there is no older size.
pub type Growth<'a> = &'a dyn Fn(&str, &str, &str) -> Option<i64>;

/// Selects one page.
///
/// Partitions stand behind their parent; a search shows one that it finds by a name its parent does not share. Values that are
/// unknown come last in either direction; ties are in the order of names.
#[must_use]
pub fn select(databases: &[View<'_>], growth: Growth<'_>, query: &TableQuery) -> Selection {
    let needle = query.search.as_deref().map(str::trim).filter(|s| !s.is_empty()).map(str::to_lowercase);
    let mut total = 0_u32;
    let mut groups: BTreeMap<(&str, &str), SchemaGroup> = BTreeMap::new();
    let mut candidates: Vec<Candidate<'_>> = Vec::new();
    for view in databases {
        let chosen = query.database.as_deref().is_none_or(|d| d == view.name);
        let by_oid: HashMap<u32, &TableStats> = view.tables.tables.iter().map(|t| (t.oid, t)).collect();
        for table in &view.tables.tables {
            // A partition whose parent was not read stands for itself.
            let parent = table.parent.and_then(|oid| by_oid.get(&oid)).copied();
            if parent.is_none() {
                total = total.saturating_add(1);
                if chosen {
                    add(&mut groups, view, table);
                }
            }
            if chosen && matches(view, table, parent, query, needle.as_deref()) {
                candidates.push(Candidate { view, table, key: key(view, table, growth, query.sort) });
            }
        }
    }
    candidates.sort_by(|a, b| compare(a, b, query));
    let matching = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let limit = if query.limit == 0 { DEFAULT_LIMIT } else { query.limit.min(MAX_LIMIT) };
    let from = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    let items = candidates.iter().skip(from).take(take).map(|c| row(c, growth)).collect();
    let next = query.offset.checked_add(limit).filter(|n| *n < matching);
    Selection { items, matching, total, schemas: groups.into_values().collect(), next }
}

/// The row of one table, or none when there is no such table.
#[must_use]
pub fn find(view: &View<'_>, growth: Growth<'_>, schema: &str, name: &str) -> Option<TableRow> {
    let table = view.tables.tables.iter().find(|t| t.schema == schema && t.name == name)?;
    Some(row(&Candidate { view, table, key: None }, growth))
}

fn row(candidate: &Candidate<'_>, growth: Growth<'_>) -> TableRow {
    let (view, table) = (candidate.view, candidate.table);
    TableRow {
        database: view.name.to_owned(),
        stats: table.clone(),
        growth_bytes: growth(view.name, &table.schema, &table.name),
        faults: view.faults.get(&table.oid).cloned().unwrap_or_default(),
        upkeep: crate::health::upkeep(view.name, table),
    }
}

fn add<'a>(groups: &mut BTreeMap<(&'a str, &'a str), SchemaGroup>, view: &'a View<'a>, table: &'a TableStats) {
    let group = groups.entry((view.name, table.schema.as_str())).or_insert_with(|| SchemaGroup {
        database: view.name.to_owned(),
        schema: table.schema.clone(),
        tables: 0,
        bytes: 0,
        rows: 0.0,
        faulty: 0,
    });
    group.tables += 1;
    group.bytes = group.bytes.saturating_add(table.total_bytes().unwrap_or(0));
    group.rows += table.rows_estimate.unwrap_or(float(table.live_rows));
    group.faulty += u32::from(view.faults.get(&table.oid).is_some_and(|f| !f.is_empty()));
}

fn matches(view: &View<'_>, table: &TableStats, parent: Option<&TableStats>, query: &TableQuery, needle: Option<&str>) -> bool {
    let found = |t: &TableStats, needle: &str| format!("{}.{}", t.schema, t.name).to_lowercase().contains(needle);
    let visible = match (parent, needle) {
        (None, None) => true,
        (None, Some(needle)) => found(table, needle),
        (Some(_), None) => false,
        (Some(parent), Some(needle)) => found(table, needle) && !found(parent, needle),
    };
    visible
        && query.schema.as_deref().is_none_or(|s| s == table.schema)
        && query.fault.is_none_or(|fault| view.faults.get(&table.oid).is_some_and(|f| f.iter().any(|f| f.fault == fault)))
}

fn key(view: &View<'_>, table: &TableStats, growth: Growth<'_>, sort: TableSort) -> Option<f64> {
    let value = match sort {
        TableSort::Name => None,
        TableSort::Size => table.total_bytes().map(float),
        TableSort::Rows => table.rows_estimate,
        TableSort::Dead => Some(float(table.dead_rows)),
        TableSort::SeqScans => Some(float(table.seq_scans)),
        TableSort::IndexScans => Some(float(table.index_scans)),
        TableSort::Growth => growth(view.name, &table.schema, &table.name).map(float),
        TableSort::Health => Some(view.faults.get(&table.oid).map_or(0.0, |f| f64::from(burden(f)))),
    };
    value.filter(|v| !v.is_nan())
}

fn compare(a: &Candidate<'_>, b: &Candidate<'_>, query: &TableQuery) -> Ordering {
    let by_name = || {
        let (left, right) = (a.table, b.table);
        left.schema.cmp(&right.schema).then_with(|| left.name.cmp(&right.name)).then_with(|| a.view.name.cmp(b.view.name))
    };
    if query.sort == TableSort::Name {
        return if query.reverse { by_name().reverse() } else { by_name() };
    }
    let by_key = match (a.key, b.key) {
        (Some(left), Some(right)) if query.reverse => left.total_cmp(&right),
        (Some(left), Some(right)) => right.total_cmp(&left),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_key.then_with(by_name)
}
