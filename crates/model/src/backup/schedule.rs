//! Schedules: what is done with a database again and again.

use super::JobState;
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// What a schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduledWhat {
    /// A backup of the whole database.
    Backup,
    /// A drill of its newest good backup.
    Drill,
}

impl ScheduledWhat {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Backup, Self::Drill];

    /// The word in the store, on the wire and in forms.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Drill => "drill",
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Backup => "Back up",
            Self::Drill => "Drill the newest backup",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// A schedule as somebody wants it. A database has one for backups and one for drills; setting it again replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// The database.
    pub database: String,
    /// What is to be done.
    #[serde(default = "backup")]
    pub what: ScheduledWhat,
    /// When: words such as `daily at 02:30`, or five fields of cron.
    pub when: String,
    /// By which clock: the name of a time zone.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// False: it is kept, and nothing is asked for.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn backup() -> ScheduledWhat {
    ScheduledWhat::Backup
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}

/// A schedule as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupSchedule {
    /// Id (UUID).
    pub id: String,
    /// The target.
    pub target: TargetName,
    /// Its database.
    pub database: String,
    /// What is done.
    pub what: ScheduledWhat,
    /// When, as the five fields of cron.
    pub cron: String,
    /// When, as a person says it.
    pub words: String,
    /// By which clock.
    pub time_zone: String,
    /// False: nothing is asked for.
    pub enabled: bool,
    /// E-mail of who set it as it is.
    pub set_by: String,
    /// When.
    pub set_at: UnixMs,
    /// When it is due next; none while it is not enabled.
    pub next_at: Option<UnixMs>,
    /// The same by its own clock, with the zone.
    pub next_local: Option<String>,
    /// The newest job that it asked for.
    pub last: Option<ScheduledRun>,
    /// Why the newest due moment asked for nothing; none: it did.
    pub note: Option<String>,
}

/// A job that a schedule asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledRun {
    /// The job's id.
    pub job: String,
    /// When it was asked for.
    pub at: UnixMs,
    /// How it stands.
    pub state: JobState,
    /// What came of it; none while it is open.
    pub sentence: Option<String>,
}
