//! Reeve's own connections: the five roles and their pools (SPEC A2, A5).

use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// One of Reeve's own databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreRole {
    /// `DATABASE_URL`
    Main,
    /// `ANALYTICS_DATABASE_URL`
    Analytics,
    /// `DOCUMENTS_DATABASE_URL`
    Documents,
    /// `COMPLIANCE_DATABASE_URL`
    Compliance,
    /// `READ_REPLICA_DATABASE_URL`
    ReadReplica,
}

impl StoreRole {
    /// All roles, main first.
    pub const ALL: [Self; 5] = [Self::Main, Self::Analytics, Self::Documents, Self::Compliance, Self::ReadReplica];

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Main => "DATABASE_URL",
            Self::Analytics => "ANALYTICS_DATABASE_URL",
            Self::Documents => "DOCUMENTS_DATABASE_URL",
            Self::Compliance => "COMPLIANCE_DATABASE_URL",
            Self::ReadReplica => "READ_REPLICA_DATABASE_URL",
        }
    }

    /// The key in JSON and the shown word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Analytics => "analytics",
            Self::Documents => "documents",
            Self::Compliance => "compliance",
            Self::ReadReplica => "readReplica",
        }
    }

    /// Default limit of connections (SPEC A2).
    #[must_use]
    pub fn default_max(self) -> u32 {
        match self {
            Self::Main => 20,
            Self::Analytics => 15,
            Self::Documents => 25,
            Self::Compliance => 10,
            Self::ReadReplica => 30,
        }
    }

    /// Default time to wait for a connection, seconds (SPEC A2).
    #[must_use]
    pub fn default_acquire_timeout_s(self) -> u64 {
        match self {
            Self::Main | Self::Compliance => 30,
            Self::Analytics => 45,
            Self::Documents => 60,
            Self::ReadReplica => 20,
        }
    }
}

/// Whether calls are let through to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// Calls fail at once; the server was found dead.
    Open,
    /// One call is let through to see.
    HalfOpen,
}

/// The live figures of one pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolFigures {
    /// The role it serves.
    pub role: StoreRole,
    /// Open connections.
    pub total: u32,
    /// Of these, not in use.
    pub idle: u32,
    /// Callers waiting for a connection right now.
    pub waiting: u32,
    /// Limit of connections.
    pub max: u32,
    /// How long a caller waits before it gets an error, seconds.
    pub acquire_timeout_s: u64,
    /// Whether calls pass.
    pub circuit: Circuit,
    /// First failure in a row, while it fails.
    pub failing_since: Option<UnixMs>,
    /// The newest failure in one sentence, while it fails; no secrets.
    pub failure: Option<String>,
    /// Time to get a connection over the last minutes, true percentiles; none before the first.
    pub acquire_p50_ms: Option<f64>,
    /// 99th percentile of the same.
    pub acquire_p99_ms: Option<f64>,
}

/// What a role is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleState {
    /// The role.
    pub role: StoreRole,
    /// Set by configuration. Main is always set (an embedded cluster if nothing else).
    pub configured: bool,
    /// Calls for this role are answered, by itself or by its fallback.
    pub answers: bool,
    /// The role whose pool serves it now.
    pub served_by: StoreRole,
    /// What is reduced while its own database is away, in one sentence.
    pub reduced: Option<String>,
}

/// What `pool_stats` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    /// When it was read.
    pub at: UnixMs,
    /// All five roles.
    pub roles: Vec<RoleState>,
    /// The pools that exist.
    pub pools: Vec<PoolFigures>,
    /// Set when the pools together may ask for more than a server allows.
    pub warning: Option<String>,
}
