//! Sessions and what they wait for.

use serde::{Deserialize, Serialize};

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
