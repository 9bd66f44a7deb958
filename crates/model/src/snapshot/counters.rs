//! Counters of databases and statements, and the rates made of them.

use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// Counters of one database; totals since `stats_reset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseCounters {
    /// Name.
    pub name: String,
    /// `pg_database.oid`.
    pub oid: u32,
    /// Size; read rarely. None without the right to read it.
    pub size_bytes: Option<i64>,
    /// Sessions.
    pub backends: i64,
    /// Commits.
    pub commits: i64,
    /// Rollbacks.
    pub rollbacks: i64,
    /// Blocks asked of the kernel.
    pub blocks_read: i64,
    /// Blocks found in shared buffers.
    pub blocks_hit: i64,
    /// Deadlocks.
    pub deadlocks: i64,
    /// Temporary files.
    pub temp_files: i64,
    /// Their bytes.
    pub temp_bytes: i64,
    /// Queries cancelled by recovery conflicts.
    pub conflicts: i64,
    /// Failed data checksums; none when checksums are off.
    pub checksum_failures: Option<i64>,
    /// Age of `datfrozenxid`.
    pub xid_age: i64,
    /// Age of `datminmxid`.
    pub mxid_age: i64,
    /// When the counters began.
    pub stats_reset: Option<UnixMs>,
}

/// What happened between the two newest rounds, per second. None: no earlier round, or counters were reset.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Seconds between the two rounds.
    pub window_s: f64,
    /// Commits.
    pub commits: Option<f64>,
    /// Rollbacks.
    pub rollbacks: Option<f64>,
    /// Share of block reads served from shared buffers, 0 to 1; none when no block was read.
    pub cache_hit_ratio: Option<f64>,
    /// Block accesses of the whole window behind that share (a share of few says little); a count, not a rate.
    pub block_accesses: Option<f64>,
    /// Deadlocks.
    pub deadlocks: Option<f64>,
    /// Bytes of temporary files.
    pub temp_bytes: Option<f64>,
    /// WAL bytes.
    pub wal_bytes: Option<f64>,
    /// Rollbacks of all transactions, 0 to 1.
    pub rollback_ratio: Option<f64>,
}

/// One statement of `pg_stat_statements`, over the window between the two newest readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementRow {
    /// `queryid`.
    pub query_id: i64,
    /// Database.
    pub database: String,
    /// Role.
    pub user: String,
    /// Calls in the window.
    pub calls: i64,
    /// Execution time in the window, milliseconds.
    pub total_ms: f64,
    /// Of the window.
    pub mean_ms: f64,
    /// Rows in the window.
    pub rows: i64,
    /// Text, capped at 2,000 bytes; none until it was read (texts are read rarely).
    pub text: Option<String>,
}

/// All statements together, over the window between the two newest readings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Statements {
    /// Installed version of the extension.
    pub extension_version: String,
    /// Seconds of the window; 0 at the first reading.
    pub window_s: f64,
    /// Calls per second.
    pub calls_per_s: Option<f64>,
    /// Mean execution time, milliseconds.
    pub mean_ms: Option<f64>,
    /// 95th percentile of the statements' means, weighted by calls. Not a percentile of single executions.
    pub p95_of_means_ms: Option<f64>,
    /// 99th percentile of the same.
    pub p99_of_means_ms: Option<f64>,
    /// Entries pushed out since the extension's statistics began: history is lossy when it grows.
    pub evicted: Option<i64>,
    /// The most expensive of the window, by total time; at most 20.
    pub top: Vec<StatementRow>,
}
