//! What pages and programs are shown of backups.

use super::{BackupEntry, BackupId, BackupJob, BackupSchedule, BackupTrust, DatabaseCopy, DrillOutcome, RestoreReport};
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// Which backups to list. Empty fields match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupQuery {
    /// Only of this target.
    pub target: Option<TargetName>,
    /// Only of this database.
    pub database: Option<String>,
    /// Only those that are proven so far and no further.
    pub trust: Option<BackupTrust>,
    /// What a former page gave as `next`.
    pub cursor: Option<BackupId>,
    /// Backups of a page, 1 to 500; 0 means 50.
    pub limit: u32,
}

/// The repository, as it was last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RepositoryState {
    /// None is configured.
    NotConfigured,
    /// It was not read yet.
    NotRead,
    /// It was read.
    Read {
        /// Where it is; no credentials.
        location: String,
        /// When what is shown was read.
        at: UnixMs,
    },
    /// It can't be read. What is shown, if anything, is older.
    Unreachable {
        /// Where it is; no credentials.
        location: String,
        /// Since when.
        since: UnixMs,
        /// Why, in one sentence.
        sentence: String,
        /// When what is shown was read; none: it never was.
        last: Option<UnixMs>,
    },
}

impl RepositoryState {
    /// Whether anything is known of what it holds.
    #[must_use]
    pub fn known(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Unreachable { last: Some(_), .. })
    }
}

/// How safe a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cover {
    /// It has backups, and the newest that was checked is bad.
    Damaged,
    /// There is no backup of it.
    Missing,
    /// It has a good one, and none was ever restored to prove it.
    Unproven,
    /// It has a good one, and a restore proved one.
    Proven,
}

impl Cover {
    /// The word on the wire and on pages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Unproven => "unproven",
            Self::Proven => "proven",
        }
    }
}

/// One database and its backups in brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseCover {
    /// Its target.
    pub target: TargetName,
    /// Its name.
    pub database: String,
    /// Whether the target has it now, as far as is known; a dropped one can still be restored.
    pub there: bool,
    /// Its size on the server's disk; none: not known.
    pub size_bytes: Option<i64>,
    /// How safe it is.
    pub cover: Cover,
    /// Backups of it.
    pub backups: u64,
    /// The newest that nothing speaks against.
    pub last_good: Option<BackupId>,
    /// The moment of its snapshot: what was written after it would be lost now.
    pub last_good_at: Option<UnixMs>,
    /// When a drill last brought its rows back as they were.
    pub proven_at: Option<UnixMs>,
    /// The backup that was proven then.
    pub proven: Option<BackupId>,
    /// How the newest drill ended.
    pub last_drill: Option<DrillOutcome>,
    /// The job at work on it now, or the next one.
    pub job: Option<BackupJob>,
    /// When a schedule backs it up next; none: no schedule does.
    pub next_run: Option<UnixMs>,
}

/// Backups, as lists show them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupHistory {
    /// When this was so.
    pub at: UnixMs,
    /// Where the list comes from.
    pub repository: RepositoryState,
    /// Each database, the least safe first.
    pub databases: Vec<DatabaseCover>,
    /// Copies that Reeve made beside their originals; they need no backup, and somebody should drop them some day.
    pub copies: Vec<DatabaseCopy>,
    /// Jobs: those that are open, then the newest of the others.
    pub jobs: Vec<BackupJob>,
    /// What is made again and again, by database.
    pub schedules: Vec<BackupSchedule>,
    /// Why jobs and schedules can't be shown, begun or changed just now; none: they can.
    pub jobs_fault: Option<String>,
    /// One page of backups, newest first.
    pub items: Vec<BackupEntry>,
    /// How many match.
    pub matching: u64,
    /// How many there are.
    pub total: u64,
    /// Backups whose manifest can't be read, by name, with what is wrong; only for those who may see everything.
    pub damaged: Vec<(String, String)>,
    /// Where the next page begins.
    pub next: Option<BackupId>,
}

/// One backup with all that was done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupDetail {
    /// When this was so.
    pub at: UnixMs,
    /// Where it is known from.
    pub repository: RepositoryState,
    /// The backup and what was proven of it.
    pub entry: BackupEntry,
    /// Jobs about it, newest first.
    pub jobs: Vec<BackupJob>,
    /// Its tables that the database did not have when it was last read, as positions in the backup's list.
    pub missing: Vec<usize>,
    /// Databases that restores of it made and that its target did not have when it was read after that.
    #[serde(default)]
    pub gone: Vec<String>,
    /// Why jobs can't be shown or begun just now; none: they can.
    pub jobs_fault: Option<String>,
}

impl BackupDetail {
    /// Its newest restore beside the original that is still there, as far as is known.
    #[must_use]
    pub fn restored(&self) -> Option<&RestoreReport> {
        self.beside().find(|r| !self.gone.contains(&r.database))
    }

    /// What its restores beside the original found, newest first. What took the original's place is beside nothing.
    pub fn beside(&self) -> impl Iterator<Item = &RestoreReport> {
        self.restores().filter(|r| r.kept_as.is_none())
    }

    /// What its restores found, newest first.
    pub fn restores(&self) -> impl Iterator<Item = &RestoreReport> {
        self.jobs.iter().filter_map(|job| job.restored.as_ref())
    }
}
