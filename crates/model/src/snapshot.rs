//! What one PostgreSQL target looked like at its newest round.

use crate::{
    Reach, Reading, TargetName, UnixMs,
    probe::ProbeRun,
    table::{IndexStats, TableStats},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// `server_version_num`, for example 150018.
    pub version_num: u32,
    /// As shown, for example `PostgreSQL 15.18`.
    pub version: String,
    /// In recovery: a standby.
    pub standby: bool,
    /// When the postmaster started.
    pub started_at: UnixMs,
    /// The role Reeve signs in with.
    pub user: String,
    /// Reeve's own connection is encrypted.
    pub tls: bool,
}

/// Sessions, without Reeve's own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Activity {
    /// `max_connections`.
    pub max: i64,
    /// Kept for superusers (and, from 16, reserved roles).
    pub reserved: i64,
    /// Client backends, Reeve's own left out.
    pub total: i64,
    /// Running a statement.
    pub active: i64,
    /// Waiting for the client, no transaction.
    pub idle: i64,
    /// Waiting for the client inside a transaction (aborted included).
    pub idle_in_transaction: i64,
    /// Waiting for a lock.
    pub waiting: i64,
    /// Reeve's own connections.
    pub own: i64,
    /// Oldest open transaction, seconds.
    pub longest_transaction_s: Option<f64>,
    /// Longest running statement, seconds (autovacuum, walsenders and what waits for a lock left out).
    pub longest_query_s: Option<f64>,
    /// Longest idle in transaction, seconds.
    pub longest_idle_in_transaction_s: Option<f64>,
    /// Age of the oldest snapshot any backend, slot or prepared transaction holds, transactions.
    pub oldest_xmin_age: Option<i64>,
    /// Sessions whose state may not be read (rights missing).
    pub hidden: i64,
    /// Whose transaction the oldest is.
    #[serde(default)]
    pub longest_transaction_by: Option<SessionRef>,
    /// Whose statement runs longest.
    #[serde(default)]
    pub longest_query_by: Option<SessionRef>,
    /// Who is idle in a transaction for longest.
    #[serde(default)]
    pub longest_idle_in_transaction_by: Option<SessionRef>,
}

/// A session, as far as somebody needs to know it to find its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// Process id.
    pub pid: i32,
    /// Role it is logged in as.
    pub user: String,
    /// What its client calls itself; may be empty.
    pub application: String,
}

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

/// One standby, seen from its primary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standby {
    /// `application_name`.
    pub name: String,
    /// State (`streaming`, `catchup`, …).
    pub state: String,
    /// `sync`, `async`, `quorum`, `potential`.
    pub sync_state: String,
    /// Bytes not yet replayed; none when it may not be read.
    pub replay_lag_bytes: Option<i64>,
    /// Seconds as the server reports them; none when idle (an idle primary is no lag).
    pub replay_lag_s: Option<f64>,
}

/// One replication slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Name.
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    /// Somebody reads it.
    pub active: bool,
    /// WAL kept for it, bytes.
    pub retained_bytes: Option<i64>,
    /// `reserved`, `extended`, `unreserved`, `lost`.
    pub wal_status: Option<String>,
    /// Bytes that may still be written before it is lost; none without a limit.
    pub safe_wal_bytes: Option<i64>,
}

/// Replication from and to this server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Replication {
    /// Standbys that stream from it.
    pub standbys: Vec<Standby>,
    /// Slots.
    pub slots: Vec<Slot>,
    /// On a standby: a WAL receiver is connected.
    pub receiving: Option<bool>,
    /// On a standby: bytes received and not yet replayed.
    pub replay_backlog_bytes: Option<i64>,
    /// On a standby that is behind: seconds since the last replayed transaction. None when caught up.
    pub replay_delay_s: Option<f64>,
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
}

/// A session that waits for a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockWait {
    /// The one that waits.
    pub pid: i32,
    /// Seconds.
    pub waited_s: Option<f64>,
    /// Mode asked for.
    pub mode: String,
    /// Relation, when it is one and its name could be read.
    pub relation: Option<String>,
    /// Those that block it directly.
    pub blocked_by: Vec<i32>,
    /// The one at the root of the chain.
    pub root_pid: Option<i32>,
    /// Its state (`idle in transaction`, `active`).
    pub root_state: Option<String>,
    /// Database of the waiting session.
    pub database: Option<String>,
}

/// Locks at the moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Locks {
    /// Sessions that wait, longest first, at most 100.
    pub waits: Vec<LockWait>,
    /// How many wait in all.
    pub waiting: i64,
    /// Relations with ACCESS EXCLUSIVE held or queued.
    pub exclusive_relations: i64,
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
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Value in its unit.
    pub value: String,
    /// Unit, if it has one.
    pub unit: Option<String>,
    /// Where it comes from (`default`, `configuration file`, …).
    pub source: String,
    /// Changed but waits for a restart.
    pub pending_restart: bool,
}

/// A foreign key and whether its referencing columns lead an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyIndex {
    /// Oid of the referencing table.
    pub table_oid: u32,
    /// Constraint name.
    pub name: String,
    /// Referencing columns.
    pub columns: Vec<String>,
    /// They lead a valid index.
    pub indexed: bool,
}

/// Tables and indexes of one database.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DatabaseTables {
    /// Tables, partitioned tables, materialised views; system schemas left out.
    pub tables: Vec<TableStats>,
    /// Their indexes.
    pub indexes: Vec<IndexStats>,
    /// Their foreign keys; refreshed rarely.
    pub foreign_keys: Vec<ForeignKeyIndex>,
}

/// All that is known of one PostgreSQL target after its newest round. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSnapshot {
    /// Which.
    pub target: TargetName,
    /// End of the newest attempt.
    pub at: UnixMs,
    /// Number of the round, from 1.
    pub round: u64,
    /// Whether it answers.
    pub reach: Reach,
    /// Who answered, as of the last contact.
    pub server: Option<ServerIdentity>,
    /// Sessions.
    pub activity: Reading<Activity>,
    /// Databases.
    pub databases: Reading<Vec<DatabaseCounters>>,
    /// Rates between the two newest rounds.
    pub rates: Reading<Rates>,
    /// Statements.
    pub statements: Reading<Statements>,
    /// WAL.
    pub wal: Reading<Wal>,
    /// Checkpoints.
    pub checkpoints: Reading<Checkpoints>,
    /// I/O (16+).
    pub io: Reading<Vec<IoRow>>,
    /// Replication.
    pub replication: Reading<Replication>,
    /// Wraparound.
    pub wraparound: Reading<Wraparound>,
    /// Locks.
    pub locks: Reading<Locks>,
    /// Sequences of all databases.
    pub sequences: Reading<Vec<SequenceUse>>,
    /// Settings that matter.
    pub settings: Reading<Vec<Setting>>,
    /// Tables by database.
    pub tables: BTreeMap<String, Reading<Arc<DatabaseTables>>>,
    /// Cost of each probe.
    pub probes: Vec<ProbeRun>,
    /// Wall time of the newest round, milliseconds.
    pub round_ms: f64,
    /// What collecting costs the target, and by how much it was slowed down for that.
    #[serde(default)]
    pub pace: Pace,
}

/// What collecting costs a target, as shares of one core (SPEC B3).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pace {
    /// What it may cost.
    pub budget_ratio: f64,
    /// What it would cost at the configured intervals, smoothed over about five rounds.
    pub load_ratio: f64,
    /// By how much every interval is stretched to keep to the budget; 1 is not at all.
    pub stretch: f64,
}

impl TargetSnapshot {
    /// A target before its first round.
    #[must_use]
    pub fn untried(target: TargetName, at: UnixMs) -> Self {
        Self {
            target,
            at,
            round: 0,
            reach: Reach::Untried,
            server: None,
            activity: Reading::default(),
            databases: Reading::default(),
            rates: Reading::default(),
            statements: Reading::default(),
            wal: Reading::default(),
            checkpoints: Reading::default(),
            io: Reading::default(),
            replication: Reading::default(),
            wraparound: Reading::default(),
            locks: Reading::default(),
            sequences: Reading::default(),
            settings: Reading::default(),
            tables: BTreeMap::new(),
            probes: Vec::new(),
            round_ms: 0.0,
            pace: Pace::default(),
        }
    }
}
