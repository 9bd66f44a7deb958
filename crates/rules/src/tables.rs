//! What is wrong with a table's indexes and keys (SPEC C1).

use crate::words::{bytes, count, duration, float, ident, list};
use reeve_model::{
    snapshot::DatabaseTables,
    table::{IndexFault, IndexStats, TableFault, TableKind, TableStats},
};
use std::collections::HashMap;

/// How old statistics must be before an index without a scan is called unused, seconds: 7 days.
pub const UNUSED_AFTER_S: f64 = 7.0 * 86_400.0;

/// Size under which an unused index isn't worth a word, bytes.
const UNUSED_FROM_BYTES: i64 = 128 * 1024;
/// Rows of the referencing table from which a foreign key wants an index.
const FOREIGN_KEY_FROM_ROWS: f64 = 1_000.0;
/// Heap from which full scans cost, bytes, where a table is read by them more often than by index.
const SCANS_FROM_BYTES: i64 = 8 * 1_048_576;
/// Full scans from which they are a habit.
const SCANS_FROM: i64 = 20;
/// Rows read by one full scan, on average, from which an index could save most of them.
const ROWS_PER_SCAN_FROM: f64 = 10_000.0;
/// Heap from which full scans cost, bytes, where they are much of what the database reads that way.
const OFTEN_FROM_BYTES: i64 = 1_048_576;
/// Full scans from which that is looked at: a few backups or reports are no habit.
const OFTEN_FROM: i64 = 100;
/// Least share of all rows that full scans read in the database.
const OFTEN_SHARE: f64 = 0.10;
/// Scans by index for one full scan, beyond which the full ones are the exception: a nightly dump of a busy table.
const OFTEN_BY_INDEX: i64 = 10;

/// The faults of every table that has one, by the table's oid, worst first.
///
/// `stats_age_s` is how long the database has counted scans (none: unknown, so nothing is called unused); an index is called
/// unused when that is at least `unused_after_s` ([`UNUSED_AFTER_S`] by default).
#[must_use]
pub fn faults(db: &DatabaseTables, stats_age_s: Option<f64>, unused_after_s: f64) -> HashMap<u32, Vec<TableFault>> {
    faults_by_index(db, &|_| stats_age_s, unused_after_s)
}

/// The same where indexes have been watched for different times: `watched_s` tells by an index's oid for how long its scans
/// have been counted. An index made a moment ago is not unused, however old the statistics are.
#[must_use]
pub fn faults_by_index(db: &DatabaseTables, watched_s: &dyn Fn(u32) -> Option<f64>, unused_after_s: f64) -> HashMap<u32, Vec<TableFault>> {
    let mut indexes: HashMap<u32, Vec<&IndexStats>> = HashMap::new();
    for index in &db.indexes {
        indexes.entry(index.table_oid).or_default().push(index);
    }
    let mut keys: HashMap<u32, Vec<&[String]>> = HashMap::new();
    for key in db.foreign_keys.iter().filter(|k| k.indexed) {
        keys.entry(key.table_oid).or_default().push(&key.columns);
    }
    let scanned: f64 = db.tables.iter().filter(|t| t.kind != TableKind::Partitioned).map(|t| float(t.seq_rows_read)).sum();
    let mut found: HashMap<u32, Vec<TableFault>> = HashMap::new();
    for table in &db.tables {
        let own = indexes.get(&table.oid).map_or(&[][..], Vec::as_slice);
        let mut list = invalid(own);
        let alike = alike(own);
        list.extend(duplicates(table, &alike));
        let keys = keys.get(&table.oid).map_or(&[][..], Vec::as_slice);
        // Of twins the server uses one and leaves the other: that says nothing of either.
        let lone = alike.iter().filter(|group| group.len() == 1).flatten();
        list.extend(lone.filter(|i| !serves_key(i, own, keys)).filter_map(|i| {
            let age = watched_s(i.oid).filter(|age| *age >= unused_after_s)?;
            unused(table, i, age)
        }));
        list.extend(full_scans(table, scanned));
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
            "Index {} ({}) is invalid, left behind by a build that failed: no read uses it, and writes may pay for it. Drop it, or build it again with REINDEX INDEX CONCURRENTLY.",
            ident(&i.name),
            size(i)
        );
        TableFault { fault: IndexFault::Invalid, sentence }
    };
    indexes.iter().filter(|i| !i.valid).map(|i| say(&i)).collect()
}

/// The valid indexes of a table, those that do the same work together, in each group the one to keep first: it backs a
/// constraint, it is unique, it is older. Which of two equal indexes the server scans is chance, so scans don't count.
fn alike<'a>(indexes: &[&'a IndexStats]) -> Vec<Vec<&'a IndexStats>> {
    let mut groups: HashMap<&str, Vec<&IndexStats>> = HashMap::new();
    // Without a signature the definition was not read yet, and nothing is known to be alike.
    let (unread, read): (Vec<_>, Vec<_>) = indexes.iter().copied().filter(|i| i.valid).partition(|i| i.signature.is_empty());
    for index in read {
        groups.entry(index.signature.as_str()).or_default().push(index);
    }
    let mut groups: Vec<Vec<&IndexStats>> = groups.into_values().chain(unread.into_iter().map(|i| vec![i])).collect();
    for group in &mut groups {
        group.sort_by_key(|i| (!i.primary, !i.constraint, !i.unique, i.oid));
    }
    groups
}

/// Indexes that do the same work as another of the table. One that leads another with more columns is no duplicate: it is
/// smaller, and may be unique.
fn duplicates(table: &TableStats, alike: &[Vec<&IndexStats>]) -> Vec<TableFault> {
    // The indexes of a partition belong to those of its parent and can't be dropped alone.
    if table.parent.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for group in alike {
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
            found.push(TableFault { fault: IndexFault::Duplicate, sentence });
        }
    }
    found
}

/// Whether a foreign key would be without an index if this one went: it is used when a row at the key's other end goes,
/// which may be rare.
fn serves_key(index: &IndexStats, own: &[&IndexStats], keys: &[&[String]]) -> bool {
    let leads = |i: &IndexStats, key: &[String]| i.columns.get(..key.len()).is_some_and(|first| key.iter().all(|c| first.contains(c)));
    keys.iter().any(|key| leads(index, key) && !own.iter().any(|other| other.oid != index.oid && other.valid && leads(other, key)))
}

fn unused(table: &TableStats, index: &IndexStats, age_s: f64) -> Option<TableFault> {
    let serves_nothing = index.valid && index.scans == 0 && !index.unique && !index.constraint;
    // A partitioned index is never scanned itself, only its parts are, and these can't be dropped alone.
    let whole = table.parent.is_none() && table.kind != TableKind::Partitioned;
    let worth_it = index.bytes.is_some_and(|b| b >= UNUSED_FROM_BYTES) && table.seq_scans + table.index_scans > 0;
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

/// `scanned` is how many rows full scans read in the whole database.
fn full_scans(table: &TableStats, scanned: f64) -> Option<TableFault> {
    let heap = table.heap_bytes.filter(|_| table.kind != TableKind::Partitioned)?;
    let mostly = heap > SCANS_FROM_BYTES && table.seq_scans >= SCANS_FROM && table.seq_scans > table.index_scans;
    let often = heap >= OFTEN_FROM_BYTES
        && table.seq_scans >= OFTEN_FROM
        && table.seq_scans.saturating_mul(OFTEN_BY_INDEX) >= table.index_scans
        && float(table.seq_rows_read) >= OFTEN_SHARE * scanned;
    if !mostly && !often {
        return None;
    }
    let rows = float(table.seq_rows_read) / float(table.seq_scans);
    (rows >= ROWS_PER_SCAN_FROM).then(|| {
        let sentence = format!(
            "{} ({}) is read by full scans: {} of them against {} by index, {} rows each. An index on what they filter by would save most of that.",
            name(table),
            bytes(float(heap)),
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
