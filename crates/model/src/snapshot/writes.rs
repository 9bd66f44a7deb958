//! WAL, checkpoints, I/O, and what runs out: transaction ids, sequences.

use super::Drain;
use serde::{Deserialize, Serialize};

/// Write-ahead log.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Wal {
    /// Bytes written since the cluster began (the current LSN as a number); replay position on a standby.
    pub position_bytes: i64,
    /// `pg_stat_wal` (14+) full-page images since reset.
    pub full_page_images: Option<i64>,
    /// Archiver: segments archived; none when archiving is off.
    pub archived: Option<i64>,
    /// Archiver: failures since reset.
    pub archive_failures: Option<i64>,
    /// Archiver: the newest attempt failed.
    pub archive_failing: bool,
}

/// Checkpoints since reset.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Checkpoints {
    /// By time.
    pub timed: i64,
    /// By demand (WAL volume or command).
    pub requested: i64,
    /// Time writing, milliseconds.
    pub write_ms: f64,
    /// Time syncing, milliseconds.
    pub sync_ms: f64,
    /// Buffers written.
    pub buffers_written: i64,
}

/// One row of `pg_stat_io` (16+), summed over contexts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IoRow {
    /// Backend type.
    pub backend: String,
    /// Object (`relation`, `temp relation`, `wal`).
    pub object: String,
    /// Bytes read.
    pub read_bytes: i64,
    /// Bytes written.
    pub write_bytes: i64,
    /// Bytes extended.
    pub extend_bytes: i64,
    /// Evictions.
    pub evictions: i64,
}

/// Distance to transaction id wraparound.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Wraparound {
    /// Oldest `datfrozenxid` of all databases, transactions.
    pub oldest_xid_age: i64,
    /// Its database.
    pub oldest_xid_database: String,
    /// Oldest `datminmxid`.
    pub oldest_mxid_age: i64,
    /// `autovacuum_freeze_max_age`.
    pub freeze_max_age: i64,
    /// How fast transaction ids are used up.
    #[serde(default)]
    pub xids: Option<Drain>,
    /// How fast multixact ids are used up.
    #[serde(default)]
    pub mxids: Option<Drain>,
}

/// How full a sequence is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SequenceUse {
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Last value handed out; none when never used.
    pub last_value: Option<i64>,
    /// The lower of its own limit and what its owning column's type can hold.
    pub max_value: i64,
    /// 0 to 1.
    pub used_ratio: f64,
    /// How fast its numbers are used up; none when it was never used.
    #[serde(default)]
    pub drain: Option<Drain>,
    /// What ends is the type of its owning column; else its own limit, whether a column owns it or not.
    #[serde(default)]
    pub by_column: bool,
}
