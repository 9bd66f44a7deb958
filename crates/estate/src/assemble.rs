//! Puts together what several probes know of a database's tables: counters, sizes, definitions, keys, bloat.

use crate::probes::{indexes::Definition, tables::Memory};
use reeve_model::{
    Reading, Timed, UnixMs,
    snapshot::{DatabaseTables, ForeignKeyIndex},
    table::{IndexStats, TableKind, TableStats},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio_postgres::types::Oid;

/// One table of a pass; sizes are not part of it.
pub(crate) struct TablePass {
    pub stats: TableStats,
    pub pages: i32,
}

/// One index of a pass.
pub(crate) struct IndexPass {
    pub stats: IndexStats,
    /// The partitioned index it belongs to.
    pub parent: Option<Oid>,
    pub locked: bool,
    pub pages: i32,
    pub hit: i64,
    pub read: i64,
}

/// One pass over a database's relations.
#[derive(Default)]
pub(crate) struct Pass {
    pub at: UnixMs,
    pub tables: Vec<TablePass>,
    pub indexes: Vec<IndexPass>,
}

impl Pass {
    /// `relpages` of each relation.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (Oid, i32)> + '_ {
        let tables = self.tables.iter().map(|t| (t.stats.oid, t.pages));
        tables.chain(self.indexes.iter().map(|i| (i.stats.oid, i.pages)))
    }
}

/// Size of a relation and of its TOAST table, and the `relpages` that were true then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub bytes: i64,
    pub toast: i64,
    pub pages: i32,
}

/// Replaces the reading's value. Its fault goes only when the counters themselves were read anew.
pub(crate) fn publish(reading: &mut Reading<Arc<DatabaseTables>>, pass: &Pass, memory: &Memory, fresh: bool) {
    let fault = if fresh { None } else { reading.fault.take() };
    *reading = Reading { last: Some(Timed { value: Arc::new(tables(pass, memory)), at: pass.at }), fault };
}

fn tables(pass: &Pass, memory: &Memory) -> DatabaseTables {
    let indexes = indexes(pass, memory);
    let mut by_table: HashMap<Oid, Vec<usize>> = HashMap::new();
    for (position, index) in pass.indexes.iter().enumerate() {
        by_table.entry(index.stats.table_oid).or_default().push(position);
    }
    let mut tables: Vec<TableStats> = pass.tables.iter().map(|t| t.stats.clone()).collect();
    for table in &mut tables {
        let size = memory.sizes.get(&table.oid);
        let partitioned = table.kind == TableKind::Partitioned;
        table.heap_bytes = if partitioned { Some(0) } else { size.map(|s| s.bytes) };
        table.toast_bytes = if partitioned { Some(0) } else { size.map(|s| s.toast) };
        table.bloat_estimate_ratio = memory.bloat.get(&table.oid).copied();
        let mut index_bytes = Some(0);
        for position in by_table.get(&table.oid).into_iter().flatten() {
            let index = &pass.indexes[*position];
            table.index_scans += index.stats.scans;
            table.blocks_hit += index.hit;
            table.blocks_read += index.read;
            table.has_primary_key |= index.stats.primary;
            if !partitioned {
                index_bytes = index_bytes.zip(memory.sizes.get(&index.stats.oid)).map(|(sum, s)| sum + s.bytes);
            }
        }
        table.index_bytes = index_bytes;
    }
    roll_up(&mut tables);
    let foreign_keys = foreign_keys(pass, memory);
    DatabaseTables { tables, indexes, foreign_keys }
}

/// Indexes with their definitions; a partitioned index sums up its parts.
fn indexes(pass: &Pass, memory: &Memory) -> Vec<IndexStats> {
    let parents: HashMap<Oid, Oid> = pass.indexes.iter().filter_map(|i| Some((i.stats.oid, i.parent?))).collect();
    let whole: HashSet<Oid> = parents.values().copied().collect();
    let mut bytes: HashMap<Oid, Option<i64>> = whole.iter().map(|oid| (*oid, Some(0))).collect();
    let mut scans: HashMap<Oid, i64> = HashMap::new();
    for leaf in pass.indexes.iter().filter(|i| !whole.contains(&i.stats.oid)) {
        let size = memory.sizes.get(&leaf.stats.oid).map(|s| s.bytes);
        let mut at = leaf.stats.oid;
        while let Some(parent) = parents.get(&at) {
            let sum = bytes.entry(*parent).or_insert(Some(0));
            *sum = sum.zip(size).map(|(a, b)| a + b);
            *scans.entry(*parent).or_default() += leaf.stats.scans;
            at = *parent;
        }
    }
    let definitions = memory.definitions.as_ref();
    let with_definition = |index: &IndexPass| {
        let mut stats = index.stats.clone();
        match bytes.get(&stats.oid) {
            Some(sum) => stats.bytes = *sum,
            None => stats.bytes = memory.sizes.get(&stats.oid).map(|s| s.bytes),
        }
        stats.scans += scans.get(&stats.oid).copied().unwrap_or_default();
        if let Some(definition) = definitions.and_then(|d| d.get(&stats.oid)) {
            stats.signature.clone_from(&definition.signature);
            stats.columns.clone_from(&definition.columns);
            stats.constraint |= definition.constraint;
        }
        stats
    };
    pass.indexes.iter().map(with_definition).collect()
}

/// Adds each leaf to all tables above it.
fn roll_up(tables: &mut [TableStats]) {
    let position: HashMap<Oid, usize> = tables.iter().enumerate().map(|(i, t)| (t.oid, i)).collect();
    let above: Vec<Option<usize>> = tables.iter().map(|t| t.parent.and_then(|p| position.get(&p).copied())).collect();
    let whole: HashSet<usize> = above.iter().flatten().copied().collect();
    for at in &whole {
        // The parent of a hypertable is an ordinary table that holds no rows itself.
        tables[*at].kind = TableKind::Partitioned;
    }
    let leaves: Vec<usize> = (0..tables.len()).filter(|i| above[*i].is_some() && !whole.contains(i)).collect();
    for leaf in leaves {
        let part = tables[leaf].clone();
        let mut at = above[leaf];
        // The catalogue has no rings; the bound only says so.
        for _ in 0..32 {
            let Some(parent) = at else { break };
            add(&mut tables[parent], &part);
            at = above[parent];
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn add(sum: &mut TableStats, part: &TableStats) {
    let (heap, more) = (sum.heap_bytes.unwrap_or(0) as f64, part.heap_bytes.unwrap_or(0) as f64);
    sum.bloat_estimate_ratio = match (sum.bloat_estimate_ratio, part.bloat_estimate_ratio) {
        (Some(a), Some(b)) if heap + more > 0.0 => Some((a * heap + b * more) / (heap + more)),
        (a, b) => a.or(b),
    };
    sum.locked |= part.locked;
    sum.rows_estimate = match (sum.rows_estimate, part.rows_estimate) {
        // What analyze says of the parent counts the same rows again.
        (_, Some(b)) if sum.heap_bytes == Some(0) && sum.live_rows == 0 => Some(b),
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
    sum.heap_bytes = sum.heap_bytes.zip(part.heap_bytes).map(|(a, b)| a + b);
    sum.index_bytes = sum.index_bytes.zip(part.index_bytes).map(|(a, b)| a + b);
    sum.toast_bytes = sum.toast_bytes.zip(part.toast_bytes).map(|(a, b)| a + b);
    sum.live_rows += part.live_rows;
    sum.dead_rows += part.dead_rows;
    sum.modified_since_analyze += part.modified_since_analyze;
    sum.inserted += part.inserted;
    sum.updated += part.updated;
    sum.hot_updated += part.hot_updated;
    sum.deleted += part.deleted;
    sum.seq_scans += part.seq_scans;
    sum.seq_rows_read += part.seq_rows_read;
    sum.index_scans += part.index_scans;
    sum.blocks_hit += part.blocks_hit;
    sum.blocks_read += part.blocks_read;
    // The part that waits longest says how old the whole is.
    sum.last_vacuum = older(sum.last_vacuum, part.last_vacuum);
    sum.last_analyze = older(sum.last_analyze, part.last_analyze);
    sum.xid_age = sum.xid_age.max(part.xid_age);
}

fn older(a: Option<UnixMs>, b: Option<UnixMs>) -> Option<UnixMs> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn foreign_keys(pass: &Pass, memory: &Memory) -> Vec<ForeignKeyIndex> {
    let Some(definitions) = &memory.definitions else { return Vec::new() };
    let mut usable: HashMap<Oid, Vec<&Definition>> = HashMap::new();
    for index in pass.indexes.iter().filter(|i| i.stats.valid) {
        if let Some(definition) = definitions.get(&index.stats.oid).filter(|d| !d.partial) {
            usable.entry(index.stats.table_oid).or_default().push(definition);
        }
    }
    let keys = memory.foreign_keys.iter().map(|key| ForeignKeyIndex {
        table_oid: key.table_oid,
        name: key.name.clone(),
        columns: key.columns.clone(),
        indexed: usable.get(&key.table_oid).is_some_and(|all| all.iter().any(|d| leads(&d.keys, &key.numbers))),
    });
    keys.collect()
}

/// The first columns of the index are those of the key, in any order.
fn leads(index: &[i16], key: &[i16]) -> bool {
    index.len() >= key.len() && key.iter().all(|column| index[..key.len()].contains(column))
}

#[cfg(test)]
mod tests {
    use super::leads;

    #[test]
    fn c2_an_index_serves_a_key_when_it_begins_with_its_columns() {
        assert!(leads(&[2, 1, 3], &[1, 2]));
        assert!(!leads(&[3, 1, 2], &[1, 2]));
        assert!(!leads(&[1], &[1, 2]));
        assert!(!leads(&[0], &[4]));
    }
}
