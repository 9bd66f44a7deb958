//! What the health pages show.

use crate::{Figure, Reach, Status, TargetInfo, UnixMs, Verdict, probe::ProbeRun, series::Trend, snapshot::*};
use serde::{Deserialize, Serialize};

/// Whether Reeve's own store can be read and written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum StoreState {
    /// Reads and writes work.
    Up,
    /// Away; pages show what is in memory.
    Down {
        /// Since when.
        since: UnixMs,
        /// Why, in one sentence.
        sentence: String,
    },
}

/// A reason that no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// The rule, as in [`Reason`](crate::Reason).
    pub id: String,
    /// How bad it was when it was last said.
    pub severity: Status,
    /// As it was last said.
    pub sentence: String,
    /// Since when it held.
    pub since: UnixMs,
    /// When it was first found not to hold.
    pub until: UnixMs,
}

/// One target in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSummary {
    /// What is registered.
    pub info: TargetInfo,
    /// Whether it answers.
    pub reach: Reach,
    /// Server version as shown, for example `PostgreSQL 15.18`; none before the first contact.
    pub version: Option<String>,
    /// The verdict with its reasons.
    pub verdict: Verdict,
    /// The headline figures, in the order shown, with trends.
    pub figures: Vec<Figure>,
    /// End of the newest round that answered.
    pub last_round: Option<UnixMs>,
    /// Interval between rounds at present, milliseconds.
    pub every_ms: i64,
    /// What was wrong within the last hour and no longer is, of each rule the last time, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<Over>,
}

/// What `health_overview` answers: the first screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthOverview {
    /// When it was put together.
    pub at: UnixMs,
    /// The worst of the targets, with the estate's reasons.
    pub estate: Verdict,
    /// Worst first, then by name.
    pub targets: Vec<TargetSummary>,
    /// Reeve's own store.
    pub store: StoreState,
}

/// What `target_detail` answers: all that is known of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetDetail {
    /// When it was put together.
    pub at: UnixMs,
    /// The same as in the list, with all figures instead of the headline.
    pub summary: TargetSummary,
    /// It is read through a connection pooler, a transaction at a time.
    pub pooled: bool,
    /// Charts over the recent hour.
    pub charts: Vec<Chart>,
    /// Databases of the server.
    pub databases: crate::Reading<Vec<DatabaseCounters>>,
    /// Statements by total time since the previous round, worst first.
    pub statements: crate::Reading<Statements>,
    /// Sessions that wait for locks.
    pub locks: crate::Reading<Locks>,
    /// Standbys and slots.
    pub replication: crate::Reading<Replication>,
    /// Subscriptions of all databases.
    pub subscriptions: crate::Reading<Vec<Subscription>>,
    /// Sequences, fullest first.
    pub sequences: crate::Reading<Vec<SequenceUse>>,
    /// Some more that may not be read, and what helps, as a sentence.
    pub sequences_hidden: Option<String>,
    /// Settings that matter to the verdict.
    pub settings: crate::Reading<Vec<Setting>>,
    /// The collector's own cost, probe by probe.
    pub probes: Vec<ProbeRun>,
}

/// A chart: lines of one unit on one scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Stable id.
    pub id: String,
    /// Shown name.
    pub title: String,
    /// Unit of every line.
    pub unit: crate::Unit,
    /// The lines.
    pub lines: Vec<Trend>,
}
