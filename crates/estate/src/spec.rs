//! What a collector is told about its target.

use crate::standing::Standing;
use reeve_adapter::Endpoint;
use reeve_model::{TargetInfo, snapshot::Drain};
use std::time::Duration;

/// One target: where it is, how often it is read, and which of its databases.
#[derive(Debug, Clone)]
pub struct TargetSpec {
    /// What is registered, without secrets.
    pub info: TargetInfo,
    /// Where and how to connect. Its database is the one the kept connection lives in.
    pub endpoint: Endpoint,
    /// How often each class of probe runs.
    pub cadence: Cadence,
    /// Whose tables are read.
    pub databases: DatabaseChoice,
    /// Reading ends after this time, whatever the server does, and so does connecting. Must be longer than the statement timeout of 4 s.
    pub deadline: Duration,
    /// A server that was reached before is away when nothing at all came from it for this long. It is asked the cheapest question first, so
    /// that also one with much to do says something.
    pub silence: Duration,
    /// What is used up must be watched this long before a rate is told of it.
    pub settled: Duration,
    /// The connection that the collector of this target keeps; shared by clones.
    pub standing: Standing,
}

impl TargetSpec {
    /// All user databases at the default cadence.
    #[must_use]
    pub fn new(info: TargetInfo, endpoint: Endpoint) -> Self {
        Self {
            info,
            endpoint,
            cadence: Cadence::default(),
            databases: DatabaseChoice::AllUser,
            deadline: Duration::from_secs(8),
            silence: Duration::from_secs(4),
            settled: Duration::from_secs_f64(Drain::SHORTEST_S),
            standing: Standing::default(),
        }
    }

    /// Whether both mean the same in everything, the password included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let all = |s: &Self| (s.info.clone(), s.cadence, s.databases.clone(), s.deadline, s.silence, s.settled);
        self.endpoint.is_same(&other.endpoint) && all(self) == all(other)
    }
}

/// How often each class of probe runs, milliseconds (SPEC B3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// Live figures while somebody watches.
    pub live_ms: i64,
    /// Critical figures always, live figures while nobody watches.
    pub critical_ms: i64,
    /// Tables, statements, checkpoints, I/O.
    pub metrics_ms: i64,
    /// Exact sizes, definitions, sequences, settings.
    pub health_ms: i64,
    /// What all this may cost the target, in thousandths of one core; over it intervals are stretched, those of dear probes first.
    pub budget_permille: i64,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { live_ms: 1_000, critical_ms: 10_000, metrics_ms: 180_000, health_ms: 300_000, budget_permille: 20 }
    }
}

/// Whose tables are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DatabaseChoice {
    /// Every database that is no template, no provider's own, and lets Reeve in.
    #[default]
    AllUser,
    /// Only these.
    Only(Vec<String>),
}

/// Databases that belong to the provider of a managed server: nobody else can sign in to them.
pub const PROVIDER_DATABASES: [&str; 5] = ["rdsadmin", "cloudsqladmin", "azure_maintenance", "azure_sys", "alloydbadmin"];
