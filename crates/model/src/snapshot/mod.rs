//! What one PostgreSQL target looked like at its newest round.

mod catalogue;
mod counters;
mod disks;
mod drain;
mod identity;
mod replication;
mod sessions;
mod writes;

pub use catalogue::{DatabaseTables, ForeignKeyIndex, Setting};
pub use counters::{DatabaseCounters, Rates, StatementRow, Statements};
pub use disks::{Disk, DiskUse};
pub use drain::Drain;
pub use identity::ServerIdentity;
pub use replication::{Replication, Slot, Standby, Subscription};
pub use sessions::{Activity, LockWait, Locks, SessionRef};
pub use writes::{Checkpoints, IoRow, SequenceUse, Wal, Wraparound};

use crate::{Reach, Reading, TargetName, UnixMs, probe::ProbeRun};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Subscriptions of all databases.
    #[serde(default)]
    pub subscriptions: Reading<Vec<Subscription>>,
    /// Wraparound.
    pub wraparound: Reading<Wraparound>,
    /// Locks.
    pub locks: Reading<Locks>,
    /// Sequences of all databases.
    pub sequences: Reading<Vec<SequenceUse>>,
    /// Some more that Reeve's role may not read: how many, and what helps, as a sentence.
    #[serde(default)]
    pub sequences_hidden: Option<String>,
    /// Filesystems of the server, where Reeve sees them.
    #[serde(default)]
    pub disks: Reading<Vec<Disk>>,
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
    /// By how much the intervals of the probes that tell whether all is well are stretched to keep to the budget; 1 is not at all.
    pub stretch_critical: f64,
    /// The same of all other probes.
    pub stretch_other: f64,
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
            subscriptions: Reading::default(),
            wraparound: Reading::default(),
            locks: Reading::default(),
            sequences: Reading::default(),
            sequences_hidden: None,
            disks: Reading::default(),
            settings: Reading::default(),
            tables: BTreeMap::new(),
            probes: Vec::new(),
            round_ms: 0.0,
            pace: Pace::default(),
        }
    }
}
