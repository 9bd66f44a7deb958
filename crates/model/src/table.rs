//! Table analytics (SPEC C1).

use crate::{Reading, UnixMs};
use serde::{Deserialize, Serialize};

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// An ordinary table.
    Table,
    /// The parent of partitions; its figures are the sums of theirs.
    Partitioned,
    /// A materialised view.
    MaterialisedView,
}

/// One table as the probe reads it. Counters are totals since the server's statistics were last reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableStats {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Oid of the partitioned table it belongs to.
    pub parent: Option<u32>,
    /// Held or queued ACCESS EXCLUSIVE at the time of reading: sizes are those last known, or none.
    pub locked: bool,
    /// `reltuples`; none when never analysed.
    pub rows_estimate: Option<f64>,
    /// Main fork, free space and visibility maps.
    pub heap_bytes: Option<i64>,
    /// All indexes.
    pub index_bytes: Option<i64>,
    /// TOAST table and its index.
    pub toast_bytes: Option<i64>,
    /// Live rows by the statistics.
    pub live_rows: i64,
    /// Dead rows by the statistics.
    pub dead_rows: i64,
    /// Rows changed since the last analyze.
    pub modified_since_analyze: i64,
    /// Rows inserted.
    pub inserted: i64,
    /// Rows updated.
    pub updated: i64,
    /// Of these, within their page.
    pub hot_updated: i64,
    /// Rows deleted.
    pub deleted: i64,
    /// Sequential scans.
    pub seq_scans: i64,
    /// Rows read by them.
    pub seq_rows_read: i64,
    /// Index scans.
    pub index_scans: i64,
    /// Heap and index blocks found in shared buffers.
    pub blocks_hit: i64,
    /// Heap and index blocks asked of the kernel.
    pub blocks_read: i64,
    /// Last vacuum, manual or automatic.
    pub last_vacuum: Option<UnixMs>,
    /// Last analyze, manual or automatic.
    pub last_analyze: Option<UnixMs>,
    /// Age of `relfrozenxid`, transactions.
    pub xid_age: Option<i64>,
    /// Has a primary key.
    pub has_primary_key: bool,
    /// Autovacuum is switched off for it (`autovacuum_enabled`).
    #[serde(default)]
    pub autovacuum_off: bool,
    /// Share of the heap that a rewrite would give back, 0 to 1. An estimate from row widths, labelled so.
    pub bloat_estimate_ratio: Option<f64>,
}

impl TableStats {
    /// Heap, indexes and TOAST together; none when any part is unknown.
    #[must_use]
    pub fn total_bytes(&self) -> Option<i64> {
        Some(self.heap_bytes? + self.index_bytes? + self.toast_bytes?)
    }
}

/// One index as the probe reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexStats {
    /// `pg_class.oid` of the index.
    pub oid: u32,
    /// Oid of its table.
    pub table_oid: u32,
    /// Name.
    pub name: String,
    /// Size; none while its table is locked and it was never read.
    pub bytes: Option<i64>,
    /// Scans since statistics were reset.
    pub scans: i64,
    /// Unique.
    pub unique: bool,
    /// Backs the primary key.
    pub primary: bool,
    /// Backs any constraint (primary key, unique, exclusion), so it can't simply go.
    pub constraint: bool,
    /// False after a failed CREATE INDEX CONCURRENTLY.
    pub valid: bool,
    /// Two indexes of a table with equal signatures do the same work: access method, key columns, operator classes, collations, order, expressions, predicate.
    pub signature: String,
    /// Names of the key columns or expressions, in order.
    pub columns: Vec<String>,
}

/// What is wrong with the indexes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexFault {
    /// Left behind by a failed build; costs writes and serves nothing.
    Invalid,
    /// Another index of the table does the same work.
    Duplicate,
    /// Never scanned since statistics began, and backs no constraint.
    Unused,
    /// A foreign key without an index on its columns.
    MissingForForeignKey,
    /// Large and read mostly by sequential scans.
    MissingForScans,
    /// No primary key.
    NoPrimaryKey,
}

impl IndexFault {
    /// All faults, worst first.
    pub const ALL: [Self; 6] =
        [Self::Invalid, Self::MissingForForeignKey, Self::MissingForScans, Self::NoPrimaryKey, Self::Duplicate, Self::Unused];

    /// Key in URLs and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Unused => "unused",
            Self::MissingForForeignKey => "missing_for_foreign_key",
            Self::MissingForScans => "missing_for_scans",
            Self::NoPrimaryKey => "no_primary_key",
        }
    }

    /// Short shown text.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Invalid => "invalid index",
            Self::Duplicate => "duplicate index",
            Self::Unused => "unused index",
            Self::MissingForForeignKey => "foreign key without index",
            Self::MissingForScans => "read by full scans",
            Self::NoPrimaryKey => "no primary key",
        }
    }

    /// From its key.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.word() == word)
    }
}

/// One fault with the object it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFault {
    /// What kind.
    pub fault: IndexFault,
    /// One sentence with the names.
    pub sentence: String,
}

/// One row of the tables page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRow {
    /// Database.
    pub database: String,
    /// As read.
    pub stats: TableStats,
    /// Growth of the total size over `growth_window_s`, bytes; none while there is no older size.
    pub growth_bytes: Option<i64>,
    /// What is wrong with its indexes and keys.
    pub faults: Vec<TableFault>,
    /// Vacuum does not keep up with it; none: it does, as far as its counters tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upkeep: Option<Upkeep>,
}

/// What is wrong with a table's upkeep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// The fact.
    pub sentence: String,
    /// What to do next.
    pub next: String,
}

/// Orders of the tables page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableSort {
    /// Total bytes.
    #[default]
    Size,
    /// Schema, then name.
    Name,
    /// Estimated rows.
    Rows,
    /// Dead rows.
    Dead,
    /// Sequential scans.
    SeqScans,
    /// Index scans.
    IndexScans,
    /// Growth.
    Growth,
    /// Number and weight of faults.
    Health,
}

impl TableSort {
    /// All orders.
    pub const ALL: [Self; 8] =
        [Self::Size, Self::Name, Self::Rows, Self::Dead, Self::SeqScans, Self::IndexScans, Self::Growth, Self::Health];

    /// Key in URLs and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Name => "name",
            Self::Rows => "rows",
            Self::Dead => "dead",
            Self::SeqScans => "seq_scans",
            Self::IndexScans => "index_scans",
            Self::Growth => "growth",
            Self::Health => "health",
        }
    }

    /// From its key.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// What the tables page asks for; all of it stands in the URL.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TableQuery {
    /// Only this database; none: all.
    pub database: Option<String>,
    /// Only this schema.
    pub schema: Option<String>,
    /// Part of `schema.table`, case-insensitive.
    pub search: Option<String>,
    /// Only tables with this fault.
    pub fault: Option<IndexFault>,
    /// Order.
    pub sort: TableSort,
    /// Smallest first instead of largest first (for names: Z first).
    pub reverse: bool,
    /// Rows to leave out at the start.
    pub offset: u32,
    /// Rows at most; 0 means the default of 50; at most 500.
    pub limit: u32,
}

/// The sum of one schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaGroup {
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Tables in it.
    pub tables: u32,
    /// Total bytes of those whose size is known.
    pub bytes: i64,
    /// Estimated rows.
    pub rows: f64,
    /// Tables with at least one fault.
    pub faulty: u32,
}

/// What `table_analytics` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePage {
    /// When it was put together.
    pub at: UnixMs,
    /// When the oldest of the databases shown was read, and whether that fails now.
    pub read: Reading<()>,
    /// The rows of this page.
    pub items: Vec<TableRow>,
    /// Tables that match the filters.
    pub matching: u32,
    /// Tables of the target.
    pub total: u32,
    /// Databases that were read.
    pub databases: Vec<String>,
    /// Sums by schema, over all tables of the chosen database.
    pub schemas: Vec<SchemaGroup>,
    /// How far back growth looks, seconds; 0 while there is no history.
    pub growth_window_s: f64,
    /// Offset of the next page, if there is one.
    pub next: Option<u32>,
}

/// Names one table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableRef {
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Table.
    pub table: String,
}

/// One column as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type as SQL writes it.
    pub data_type: String,
    /// May be null.
    pub nullable: bool,
    /// Default expression.
    pub default: Option<String>,
    /// Part of the primary key.
    pub primary: bool,
}

/// One foreign key, seen from either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Constraint name.
    pub name: String,
    /// Columns at the referencing end.
    pub columns: Vec<String>,
    /// The table at the other end (`schema.table`).
    pub other_table: String,
    /// Columns at the referenced end.
    pub referenced_columns: Vec<String>,
    /// True: this table references the other. False: the other references this one.
    pub outgoing: bool,
    /// The referencing columns lead an index.
    pub indexed: bool,
}

/// What the catalogue says of one table; read on demand, kept a while.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableDefinition {
    /// Columns in their order.
    pub columns: Vec<Column>,
    /// Foreign keys of both directions.
    pub foreign_keys: Vec<ForeignKey>,
    /// Definition of each index by name.
    pub index_definitions: Vec<(String, String)>,
}

/// What the page of one table shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDetail {
    /// When it was put together.
    pub at: UnixMs,
    /// Which.
    pub table: TableRef,
    /// When its figures were read, and whether that fails now.
    pub read: Reading<()>,
    /// The same row as in the list.
    pub row: TableRow,
    /// Its indexes.
    pub indexes: Vec<IndexStats>,
    /// Columns and keys, or why they could not be read.
    pub definition: Reading<TableDefinition>,
    /// Size, rows and dead rows over time.
    pub charts: Vec<crate::health::Chart>,
}
