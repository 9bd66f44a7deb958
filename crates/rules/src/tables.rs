//! What is wrong with a table's indexes and keys (SPEC C1).

use crate::words::{bytes, count, duration, float, ident, list};
use reeve_model::{
    snapshot::DatabaseTables,
    table::{IndexFault, IndexStats, TableFault, TableKind, TableStats},
};
use std::collections::HashMap;

/// How old statistics must be before an index without a scan is called unused, seconds: 7 days.
pub const UNUSED_AFTER_S: f64 = 7.0 * 86_400.0;

/// Heap under which an unused index isn't worth a word, bytes.
const UNUSED_FROM_BYTES: i64 = 65_536;
/// Rows of the referencing table from which a foreign key wants an index.
const FOREIGN_KEY_FROM_ROWS: f64 = 1_000.0;
/// Heap from which full scans cost, bytes.
const SCANS_FROM_BYTES: i64 = 8 * 1_048_576;
/// Full scans from which they are a habit.
const SCANS_FROM: i64 = 20;
/// Rows read by one full scan, on average, from which an index could save most of them.
const ROWS_PER_SCAN_FROM: f64 = 10_000.0;

/// The faults of every table that has one, by the table's oid, worst first.
///
/// `stats_age_s` is how long the database has counted scans (none: unknown, so nothing is called unused); an index is called
/// unused when that is at least `unused_after_s` ([`UNUSED_AFTER_S`] by default).
#[must_use]
pub fn faults(db: &DatabaseTables, stats_age_s: Option<f64>, unused_after_s: f64) -> HashMap<u32, Vec<TableFault>> {
    let mut indexes: HashMap<u32, Vec<&IndexStats>> = HashMap::new();
    for index in &db.indexes {
        indexes.entry(index.table_oid).or_default().push(index);
    }
    let window = stats_age_s.filter(|age| *age >= unused_after_s);
    let mut found: HashMap<u32, Vec<TableFault>> = HashMap::new();
    for table in &db.tables {
        let own = indexes.get(&table.oid).map_or(&[][..], Vec::as_slice);
        let mut list = invalid(own);
        let duplicates = duplicates(table, own);
        let doubled: Vec<u32> = duplicates.iter().map(|(oid, _)| *oid).collect();
        list.extend(duplicates.into_iter().map(|(_, fault)| fault));
        if let Some(age) = window {
            list.extend(own.iter().filter(|i| !doubled.contains(&i.oid)).filter_map(|i| unused(table, i, age)));
        }
        list.extend(full_scans(table));
        list.extend(no_primary_key(table));
        if !list.is_empty() {
            found.insert(table.oid, list);
        }
    }
    let by_oid: HashMap<u32, &TableStats> = db.tables.iter().map(|t| (t.oid, t)).collect();
    for key in db.foreign_keys.iter().filter(|k| !k.indexed) {
        // A partition repeats its parent's keys; the parent is the one to mend.
        let Some(table) = by_oid.get(&key.table_oid).filter(|t| t.parent.is_none()) else { continue };
        let rows = table.rows_estimate.unwrap_or(float(table.live_rows));
        if rows > FOREIGN_KEY_FROM_ROWS {
            let columns = key.columns.iter().map(|c| ident(c)).collect::<Vec<_>>().join(", ");
            let sentence = format!(
                "Foreign key {} ({columns}) has no index: a delete or a changed key at its other end reads all {} rows of {}.",
                ident(&key.name),
                count(rows),
                name(table)
            );
            found.entry(table.oid).or_default().push(TableFault { fault: IndexFault::MissingForForeignKey, sentence });
        }
    }
    for list in found.values_mut() {
        list.sort_by(|a, b| weight(b.fault).cmp(&weight(a.fault)).then_with(|| a.sentence.cmp(&b.sentence)));
    }
    found
}

/// How much a fault counts when tables are sorted by health: 6 for the worst, 1 for the mildest.
#[must_use]
pub fn weight(fault: IndexFault) -> u32 {
    let place = IndexFault::ALL.iter().position(|f| *f == fault).unwrap_or(IndexFault::ALL.len() - 1);
    u32::try_from(IndexFault::ALL.len() - place).unwrap_or(1)
}

/// The weights of a table's faults together.
#[must_use]
pub fn burden(faults: &[TableFault]) -> u32 {
    faults.iter().map(|f| weight(f.fault)).sum()
}

fn name(table: &TableStats) -> String {
    format!("{}.{}", ident(&table.schema), ident(&table.name))
}

fn size(index: &IndexStats) -> String {
    index.bytes.map_or_else(|| "its size is unknown".to_owned(), |b| bytes(float(b)))
}

fn invalid(indexes: &[&IndexStats]) -> Vec<TableFault> {
    let say = |i: &&&IndexStats| {
        let sentence = format!(
            "Index {} ({}) is invalid, left behind by a build that failed: every write pays for it and no read uses it. Drop it, or build it again with REINDEX INDEX CONCURRENTLY.",
            ident(&i.name),
            size(i)
        );
        TableFault { fault: IndexFault::Invalid, sentence }
    };
    indexes.iter().filter(|i| !i.valid).map(|i| say(&i)).collect()
}

/// Indexes that do the same work as another of the table, with the oid of the one to drop. One that leads another with more
/// columns is no duplicate: it is smaller, and may be unique.
fn duplicates(table: &TableStats, indexes: &[&IndexStats]) -> Vec<(u32, TableFault)> {
    // The indexes of a partition belong to those of its parent and can't be dropped alone.
    if table.parent.is_some() {
        return Vec::new();
    }
    let mut alike: HashMap<&str, Vec<&IndexStats>> = HashMap::new();
    for index in indexes.iter().filter(|i| i.valid) {
        alike.entry(index.signature.as_str()).or_default().push(index);
    }
    let mut found = Vec::new();
    for mut group in alike.into_values().filter(|g| g.len() > 1) {
        // The one to keep comes first: it backs a constraint, it is unique, it is used, it is older.
        group.sort_by_key(|i| (!i.primary, !i.constraint, !i.unique, std::cmp::Reverse(i.scans), i.oid));
        let Some((keep, rest)) = group.split_first() else { continue };
        for index in rest.iter().filter(|i| !i.constraint) {
            let columns = list(&keep.columns);
            let sentence = format!(
                "Index {} ({}) does the same work as {} on {columns}: drop {}, nothing is lost.",
                ident(&index.name),
                size(index),
                ident(&keep.name),
                ident(&index.name)
            );
            found.push((index.oid, TableFault { fault: IndexFault::Duplicate, sentence }));
        }
    }
    found
}

fn unused(table: &TableStats, index: &IndexStats, age_s: f64) -> Option<TableFault> {
    let serves_nothing = index.valid && index.scans == 0 && !index.unique && !index.constraint;
    // A partitioned index is never scanned itself, only its parts are, and these can't be dropped alone.
    let whole = table.parent.is_none() && table.kind != TableKind::Partitioned;
    let worth_it = table.heap_bytes.is_some_and(|b| b >= UNUSED_FROM_BYTES) && table.seq_scans + table.index_scans > 0;
    (serves_nothing && whole && worth_it).then(|| {
        let sentence = format!(
            "Index {} ({}) has not been used once in the {} that this server has counted. Ask its standbys as well before you drop it.",
            ident(&index.name),
            size(index),
            duration(age_s)
        );
        TableFault { fault: IndexFault::Unused, sentence }
    })
}

fn full_scans(table: &TableStats) -> Option<TableFault> {
    let large = table.kind != TableKind::Partitioned && table.heap_bytes.is_some_and(|b| b > SCANS_FROM_BYTES);
    let mostly = table.seq_scans >= SCANS_FROM && table.seq_scans > table.index_scans;
    if !large || !mostly {
        return None;
    }
    let rows = float(table.seq_rows_read) / float(table.seq_scans);
    (rows >= ROWS_PER_SCAN_FROM).then(|| {
        let sentence = format!(
            "{} ({}) is read by full scans: {} of them against {} by index, {} rows each. An index on what they filter by would save most of that.",
            name(table),
            bytes(float(table.heap_bytes.unwrap_or(0))),
            count(float(table.seq_scans)),
            count(float(table.index_scans)),
            count(rows)
        );
        TableFault { fault: IndexFault::MissingForScans, sentence }
    })
}

fn no_primary_key(table: &TableStats) -> Option<TableFault> {
    let wants_one = table.kind != TableKind::MaterialisedView && table.parent.is_none();
    (wants_one && !table.has_primary_key).then(|| {
        let sentence = format!(
            "{} has no primary key: rows can't be told apart, and logical replication can't carry its updates and deletes.",
            name(table)
        );
        TableFault { fault: IndexFault::NoPrimaryKey, sentence }
    })
}
