//! Tables and indexes of one database: counters, locks and sizes.
//!
//! The counters come from the `pg_stat_get_*` functions, which take no lock on any relation, so a table under
//! ACCESS EXCLUSIVE delays nothing. Only sizes open the files' relations: those leave out what is locked or waited
//! for, and should a lock slip in between, the server gives up after 0.1 s and the sizes stay as last known.
//!
//! Sizes are exact (`pg_relation_size`) and are read for all relations once per health interval; in between only for
//! relations that are new or whose `relpages` changed. `relpages` itself is not shown: only vacuum, analyze and a few
//! commands refresh it, so a growing table would seem to stand still.

use crate::{
    assemble::{self, IndexPass, Pass, Size, TablePass},
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
    probes::{foreign_keys, indexes},
};
use reeve_model::{
    UnixMs,
    table::{IndexStats, TableKind, TableStats},
};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::Instant;
use tokio_postgres::{
    Row,
    error::SqlState,
    types::{Oid, Type},
};

/// Relations with ACCESS EXCLUSIVE held, or asked for: whoever comes after the one that asks has to wait as well.
macro_rules! locked {
    () => {
        "WITH locked AS MATERIALIZED (
  SELECT DISTINCT l.relation FROM pg_catalog.pg_locks l
   WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())),
spaces AS MATERIALIZED (
  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND n.nspname NOT LIKE 'pg\\_toast\\_temp\\_%')
"
    };
}

/// Counters come as null where they are 0: of most tables and indexes most are, and a null is 8 bytes less on the wire.
static TABLES: Query = Query {
    marker: "tables",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: concat!(
            locked!(),
            "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       CASE WHEN c.relispartition OR n.nspname = '_timescaledb_internal' THEN i.inhparent END AS parent,
       c.oid IN (SELECT relation FROM locked) OR coalesce(i.inhparent IN (SELECT relation FROM locked), false) AS locked,
       c.relpages, c.reltuples::float8 AS tuples,
       nullif(pg_stat_get_live_tuples(c.oid), 0) AS live_rows, nullif(pg_stat_get_dead_tuples(c.oid), 0) AS dead_rows,
       nullif(pg_stat_get_mod_since_analyze(c.oid), 0) AS modified, nullif(pg_stat_get_tuples_inserted(c.oid), 0) AS inserted,
       nullif(pg_stat_get_tuples_updated(c.oid), 0) AS updated, nullif(pg_stat_get_tuples_hot_updated(c.oid), 0) AS hot_updated,
       nullif(pg_stat_get_tuples_deleted(c.oid), 0) AS deleted, nullif(pg_stat_get_numscans(c.oid), 0) AS seq_scans,
       nullif(pg_stat_get_tuples_returned(c.oid), 0) AS seq_rows, nullif(pg_stat_get_blocks_fetched(c.oid), 0) AS fetched,
       nullif(pg_stat_get_blocks_hit(c.oid), 0) AS hit,
       (extract(epoch FROM greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))) * 1000)::int8
         AS vacuum_ms,
       (extract(epoch FROM greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))) * 1000)::int8
         AS analyze_ms,
       CASE WHEN c.relfrozenxid <> '0'::xid THEN age(c.relfrozenxid)::int8 END AS xid_age,
       c.reloptions IS NOT NULL AND EXISTS (SELECT FROM unnest(c.reloptions) o WHERE o ~* '^autovacuum_enabled=(f|of|n|0)') AS autovacuum_off
  FROM pg_catalog.pg_class c
  JOIN spaces n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
 WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'"
        ),
    }],
};

/// An index that a running CREATE INDEX CONCURRENTLY has not finished is left out: it is invalid, but nothing failed.
static INDEXES: Query = Query {
    marker: "tables/indexes",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: concat!(
            locked!(),
            "SELECT x.indexrelid AS oid, x.indrelid AS table_oid, c.relname::text AS name, i.inhparent AS parent, c.relpages,
       (x.indisunique::int4 + 2 * x.indisprimary::int4 + 4 * x.indisvalid::int4
         + 8 * (x.indexrelid IN (SELECT relation FROM locked))::int4)::int2 AS flags,
       nullif(pg_stat_get_numscans(c.oid), 0) AS scans, nullif(pg_stat_get_blocks_fetched(c.oid), 0) AS fetched,
       nullif(pg_stat_get_blocks_hit(c.oid), 0) AS hit
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN spaces n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
 WHERE c.relpersistence <> 't'
   AND (x.indisvalid OR NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index b
                                     WHERE b.index_relid = x.indexrelid AND b.datname = current_database()))"
        ),
    }],
};

/// `$1`: only these relations; null for all.
static SIZES: Query = Query {
    marker: "tables/sizes",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: concat!(
            locked!(),
            "SELECT c.oid,
       pg_relation_size(c.oid, 'main')
         + CASE WHEN c.relkind = 'i' THEN 0 ELSE pg_relation_size(c.oid, 'fsm') + pg_relation_size(c.oid, 'vm') END AS bytes,
       CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END AS toast_bytes
  FROM pg_catalog.pg_class c
  JOIN spaces n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
 WHERE c.relkind IN ('r', 'm', 'i') AND c.relpersistence <> 't'
   AND ($1::oid[] IS NULL OR c.oid = ANY ($1::oid[]))
   AND NOT EXISTS (SELECT FROM locked k WHERE k.relation IN (c.oid, x.indrelid, c.reltoastrelid, i.inhparent))"
        ),
    }],
};

/// What is remembered of one database.
#[derive(Default)]
pub struct Memory {
    /// Newest counters.
    pub(crate) pass: Option<Pass>,
    /// They were read in the present round.
    pub(crate) fresh: bool,
    /// Last known sizes by oid.
    pub(crate) sizes: HashMap<Oid, Size>,
    /// When all sizes were last read.
    pub(crate) sized_at: Option<Instant>,
    /// Definitions of indexes by oid; none before they were read.
    pub(crate) definitions: Option<HashMap<Oid, indexes::Definition>>,
    /// Foreign keys.
    pub(crate) foreign_keys: Vec<foreign_keys::Key>,
    /// Bloat by oid, 0 to 1.
    pub(crate) bloat: HashMap<Oid, f64>,
    /// Something changed since the snapshot's copy was put together.
    pub(crate) dirty: bool,
}

/// What one reading brings.
pub struct Reading {
    pass: Pass,
    sizes: HashMap<Oid, Size>,
    all_sizes: bool,
}

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Tables;

impl Ask for Tables {
    type Out = Reading;
    const ABOUT: About = About {
        id: "tables",
        title: "Tables and indexes",
        doc: "Counters, locks and sizes of every table and index; partitions are summed up in their parent.",
        scope: Scope::Database,
        class: Class::Metrics,
        queries: &[&TABLES, &INDEXES, &SIZES],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Reading>, ProbeError> {
        let (tables, indexes) = futures::try_join!(cx.each(&TABLES, &[], table), cx.each(&INDEXES, &[], index))?;
        let memory = cx.memory.tables.get(cx.database);
        let all_sizes = memory.and_then(|m| m.sized_at).is_none_or(|at| due(at, cx.memory.health_every));
        let wanted = if all_sizes { None } else { Some(changed(&tables, &indexes, memory)) };
        let mut missing = Vec::new();
        let locked = tables.iter().filter(|t| t.stats.locked).count();
        if locked > 0 {
            missing.push(match locked {
                1 => "1 table is locked (ACCESS EXCLUSIVE); its size is the one last known.".to_owned(),
                n => format!("{n} tables are locked (ACCESS EXCLUSIVE); their sizes are those last known."),
            });
        }
        let mut sizes = HashMap::new();
        let mut read_all = all_sizes;
        if wanted.as_ref().is_none_or(|oids| !oids.is_empty()) {
            match self.sizes(cx, wanted).await {
                Ok(found) => sizes = found,
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                    read_all = false;
                    missing.push("A table was locked while sizes were read; all sizes are those last known.".to_owned());
                }
                Err(error) => return Err(error),
            }
        }
        let reading = Reading { pass: Pass { at: UnixMs::default(), tables, indexes }, sizes, all_sizes: read_all };
        Ok(Got { value: reading, missing: (!missing.is_empty()).then(|| missing.join(" ")) })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Reading, String>, moment: &Moment) {
        let reading = match outcome {
            Ok(reading) => reading,
            Err(sentence) => {
                board.snapshot.tables.entry(moment.database.clone()).or_default().absorb(Err(sentence), moment.at);
                return;
            }
        };
        let memory = board.memory.tables.entry(moment.database.clone()).or_default();
        let pages: HashMap<Oid, i32> = reading.pass.pages().collect();
        memory.sizes.retain(|oid, _| pages.contains_key(oid));
        for (oid, mut size) in reading.sizes {
            size.pages = pages.get(&oid).copied().unwrap_or_default();
            memory.sizes.insert(oid, size);
        }
        if reading.all_sizes {
            memory.sized_at = Some(moment.instant);
        }
        let unknown = memory.definitions.as_ref().is_some_and(|d| reading.pass.indexes.iter().any(|i| !d.contains_key(&i.stats.oid)));
        if unknown {
            board.memory.wake.push((indexes::IndexDefinitions::ABOUT.id, moment.database.clone()));
        }
        let oids: HashSet<Oid> = pages.into_keys().collect();
        memory.bloat.retain(|oid, _| oids.contains(oid));
        memory.pass = Some(Pass { at: moment.at, ..reading.pass });
        memory.fresh = true;
        memory.dirty = true;
    }
}

impl Tables {
    async fn sizes(&self, cx: &Cx<'_>, wanted: Option<Vec<Oid>>) -> Result<HashMap<Oid, Size>, ProbeError> {
        let mut sizes = HashMap::new();
        for row in cx.rows(&SIZES, &[(&wanted, Type::OID_ARRAY)]).await? {
            // A relation dropped meanwhile has no size.
            let Some(bytes) = row.try_get::<_, Option<i64>>("bytes")? else { continue };
            let toast = row.try_get::<_, Option<i64>>("toast_bytes")?.unwrap_or_default();
            sizes.insert(row.try_get("oid")?, Size { bytes, toast, pages: 0 });
        }
        Ok(sizes)
    }
}

/// Due again, with a little slack for rounds that come a moment early.
pub(crate) fn due(at: Instant, every: Duration) -> bool {
    at.elapsed() >= every.mul_f64(0.95)
}

/// Relations whose size was never read or whose pages changed.
fn changed(tables: &[TablePass], indexes: &[IndexPass], memory: Option<&Memory>) -> Vec<Oid> {
    let known = |oid: Oid, pages: i32| memory.and_then(|m| m.sizes.get(&oid)).is_some_and(|s| s.pages == pages);
    let tables = tables.iter().filter(|t| !t.stats.locked && t.stats.kind != TableKind::Partitioned);
    let tables = tables.filter(|t| !known(t.stats.oid, t.pages)).map(|t| t.stats.oid);
    let indexes = indexes.iter().filter(|i| !i.locked && !known(i.stats.oid, i.pages)).map(|i| i.stats.oid);
    tables.chain(indexes).collect()
}

/// A counter; null is 0.
fn count(row: &Row, name: &str) -> Result<i64, ProbeError> {
    Ok(row.try_get::<_, Option<i64>>(name)?.unwrap_or_default())
}

fn table(row: &Row) -> Result<TablePass, ProbeError> {
    let kind: &str = row.try_get("kind")?;
    let tuples: f64 = row.try_get("tuples")?;
    let pages: i32 = row.try_get("relpages")?;
    let (fetched, hit) = (count(row, "fetched")?, count(row, "hit")?);
    let stats = TableStats {
        oid: row.try_get("oid")?,
        schema: row.try_get("schema")?,
        name: row.try_get("name")?,
        kind: match kind {
            "p" => TableKind::Partitioned,
            "m" => TableKind::MaterialisedView,
            _ => TableKind::Table,
        },
        parent: row.try_get("parent")?,
        locked: row.try_get("locked")?,
        // Never analysed is -1 from 14 on; before that it is 0 with 0 pages, like an empty table.
        rows_estimate: (tuples >= 0.0).then_some(tuples),
        heap_bytes: None,
        index_bytes: None,
        toast_bytes: None,
        live_rows: count(row, "live_rows")?,
        dead_rows: count(row, "dead_rows")?,
        modified_since_analyze: count(row, "modified")?,
        inserted: count(row, "inserted")?,
        updated: count(row, "updated")?,
        hot_updated: count(row, "hot_updated")?,
        deleted: count(row, "deleted")?,
        seq_scans: count(row, "seq_scans")?,
        seq_rows_read: count(row, "seq_rows")?,
        index_scans: 0,
        blocks_hit: hit,
        blocks_read: (fetched - hit).max(0),
        last_vacuum: row.try_get::<_, Option<i64>>("vacuum_ms")?.map(UnixMs),
        last_analyze: row.try_get::<_, Option<i64>>("analyze_ms")?.map(UnixMs),
        xid_age: row.try_get("xid_age")?,
        has_primary_key: false,
        autovacuum_off: row.try_get("autovacuum_off")?,
        bloat_estimate_ratio: None,
    };
    Ok(TablePass { stats, pages })
}

fn index(row: &Row) -> Result<IndexPass, ProbeError> {
    let (fetched, hit) = (count(row, "fetched")?, count(row, "hit")?);
    let flags: i16 = row.try_get("flags")?;
    let (unique, primary, valid, locked) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0, flags & 8 != 0);
    let stats = IndexStats {
        oid: row.try_get("oid")?,
        table_oid: row.try_get("table_oid")?,
        name: row.try_get("name")?,
        bytes: None,
        scans: count(row, "scans")?,
        unique,
        primary,
        constraint: primary,
        valid,
        signature: String::new(),
        columns: Vec::new(),
    };
    Ok(IndexPass { stats, parent: row.try_get("parent")?, locked, pages: row.try_get("relpages")?, hit, read: (fetched - hit).max(0) })
}

/// Puts the snapshot's copy together again where something changed.
pub(crate) fn publish(board: &mut Board) {
    for (database, memory) in &mut board.memory.tables {
        if !std::mem::take(&mut memory.dirty) {
            continue;
        }
        let Some(pass) = &memory.pass else { continue };
        let reading = board.snapshot.tables.entry(database.clone()).or_default();
        assemble::publish(reading, pass, memory, memory.fresh);
        memory.fresh = false;
    }
}
