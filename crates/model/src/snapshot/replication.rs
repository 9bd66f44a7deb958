//! Replication from and to a server.

use serde::{Deserialize, Serialize};

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

/// One subscription of logical replication, seen from its subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Name; unique in its database.
    pub name: String,
    /// The database that it writes to.
    pub database: String,
    /// It is meant to run.
    pub enabled: bool,
    /// Its apply worker runs. Those that copy tables at the start don't count.
    pub worker: bool,
    /// Seconds since a message of the publisher came. None: no worker runs, or none has come to it yet.
    pub silent_s: Option<f64>,
    /// Failures to apply a change, since the statistics were reset; none before PostgreSQL 15.
    pub apply_errors: Option<i64>,
    /// Failures to copy a table at the start, since the statistics were reset; none before PostgreSQL 15.
    pub sync_errors: Option<i64>,
    /// Failures to apply a change since the reading before; none in the first one, after a reset and before PostgreSQL 15.
    pub apply_errors_new: Option<i64>,
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
    /// On a standby: age of the newest transaction that it has replayed, seconds. Long on an idle primary's, too.
    #[serde(default)]
    pub newest_transaction_s: Option<f64>,
    /// On a standby that receives nothing: its `primary_conninfo` is empty. None: it receives, or Reeve's role may not see it.
    #[serde(default)]
    pub no_primary: Option<bool>,
    /// On a standby: somebody paused its replay (`pg_wal_replay_pause()`).
    #[serde(default)]
    pub replay_paused: Option<bool>,
}
