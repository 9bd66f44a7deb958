//! What the collector itself costs: one record per probe.

use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// How the newest run of a probe ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum ProbeOutcome {
    /// Read all it should.
    Ok,
    /// Read something, and says what is missing (a locked table, a column that this version lacks).
    Partial {
        /// What is missing, in one sentence.
        sentence: String,
    },
    /// Read nothing.
    Failed {
        /// Why, in one sentence.
        sentence: String,
    },
    /// Can't run here (extension not installed, version too old, right missing).
    Unavailable {
        /// Why, and what would change it.
        sentence: String,
    },
}

/// The newest run of one probe on one target and what it has cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeRun {
    /// Id in the probe registry, for example `tables`.
    pub id: String,
    /// Shown name.
    pub title: String,
    /// Database it ran in; none for a probe of the whole server.
    pub database: Option<String>,
    /// When it last started.
    pub at: UnixMs,
    /// From sending to the last row, as Reeve saw it.
    pub wall_ms: f64,
    /// Rows of the newest run.
    pub rows: u64,
    /// Runs since Reeve started.
    pub runs: u64,
    /// Mean server time of one run as `pg_stat_statements` reports it for Reeve's own role; none where it is not to be had.
    pub server_ms: Option<f64>,
    /// How often it runs.
    pub every_ms: i64,
    /// How the newest run ended.
    #[serde(flatten)]
    pub outcome: ProbeOutcome,
}
