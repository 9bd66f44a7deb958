//! Backups: what a repository holds, what was proven of it, and how far a job is.
//!
//! A [`Backup`] is what its manifest says and never changes. What is found out later, a [`Verification`] or a [`Drill`], is a record of
//! its own beside it; a [`BackupEntry`] is the two together, as lists and pages show them.

mod copy;
mod id;
mod job;
mod proof;
mod properties;
mod schedule;
mod view;

pub use copy::{DatabaseCopy, copy_of};
pub use id::BackupId;
pub use job::{BackupAct, BackupJob, JobState, JobWhat};
pub use proof::{
    AmcheckOutcome, Drill, DrillOutcome, DrillTarget, RestoreReport, TableDifference, Verification, VerificationFault, VerificationLevel,
};
pub use properties::{DatabaseGrant, DatabaseLocale, DatabaseProperties};
pub use schedule::{BackupSchedule, NewSchedule, ScheduledRun, ScheduledWhat};
pub use view::{BackupDetail, BackupHistory, BackupQuery, Cover, DatabaseCover, RepositoryState};

use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// What caused a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupKind {
    /// Somebody asked for it.
    Manual,
    /// A schedule did.
    Scheduled,
    /// Made before a migration.
    Migration,
}

impl BackupKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Manual, Self::Scheduled, Self::Migration];

    /// The word on the wire and the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Migration => "migration",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A committed backup, as its manifest says it. Everything in it was written before it could be listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    /// Unique in its repository; sorts by time.
    pub id: BackupId,
    /// The moment of the snapshot: the rows are those of this moment.
    pub timestamp: UnixMs,
    /// Bytes in the repository, compressed and encrypted.
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// The tables whose rows it holds, by schema and name.
    pub tables: Vec<BackupTable>,
    /// What caused it.
    #[serde(rename = "type")]
    pub kind: BackupKind,
    /// SHA-256 (hexadecimal) over the lengths, digests and names of all its objects.
    pub checksum: String,
    /// The target it was taken from.
    pub target: TargetName,
    /// The database it was taken from.
    pub database: BackupDatabase,
    /// The whole database, or the rows of chosen tables only (the structure is always whole).
    pub whole: bool,
    /// The server's version as it says it, such as `15.18 (Debian 15.18-0+deb12u1)`.
    pub server_version: String,
    /// The server's major version.
    pub server_major: u32,
    /// The version of the `pg_dump` that made it.
    pub tool_version: String,
    /// Its major version: what restores must be at least this.
    pub tool_major: u32,
    /// When the job began.
    pub started_at: UnixMs,
    /// From the beginning to the commit, without the commit itself, milliseconds.
    pub duration_ms: u64,
    /// Bytes of the dump before compression: what a restore needs as scratch space.
    pub plain_bytes: u64,
    /// The public keys it is encrypted to, as `age1…`; empty: it is not encrypted.
    pub encrypted_to: Vec<String>,
    /// Where it lies.
    pub copies: Vec<BackupCopy>,
    /// What a person should know about it, as sentences.
    pub notes: Vec<String>,
}

impl Backup {
    /// Rows of all tables together; none when one was not counted.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.tables.iter().try_fold(0_u64, |sum, table| Some(sum.saturating_add(table.rows?)))
    }
}

/// What a database needs to be made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDatabase {
    /// Its name.
    pub name: String,
    /// Its encoding, such as `UTF8`.
    pub encoding: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// Bytes on the server's disk, with indexes, when it was taken.
    pub size_bytes: u64,
    /// What it is beside its contents; none: backups of earlier versions don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<DatabaseProperties>,
}

/// A table in a backup, counted in the snapshot that was dumped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Rows; none: not counted.
    pub rows: Option<u64>,
    /// The sum of a 64-bit hash over each row's text, so that order does not matter; none: not counted. Against accidents, not against
    /// forgers.
    pub digest: Option<String>,
}

impl BackupTable {
    /// `schema.name`, for people.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// One place where a backup lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupCopy {
    /// The repository as a person would say it; no credentials.
    pub location: String,
    /// When each object was last read back from there and had its length and digest.
    pub verified_at: Option<UnixMs>,
}

/// A backup and what was proven of it since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupEntry {
    /// The backup itself. Its fields are this one's fields on the wire.
    #[serde(flatten)]
    pub backup: Backup,
    /// The newest verification; none: only what was read back when it was made.
    pub verification: Option<Verification>,
    /// The newest drill.
    pub drill: Option<Drill>,
}

impl BackupEntry {
    /// How much it can be trusted: the newest proof speaks, and a failed one outweighs an older good one.
    #[must_use]
    pub fn trust(&self) -> BackupTrust {
        let verified = self.verification.as_ref().map(|v| (v.at, v.passed(), v.level == VerificationLevel::Full));
        let drilled = self.drill.as_ref().map(|d| (d.at, d.outcome != DrillOutcome::Failed, true));
        match verified.into_iter().chain(drilled).max_by_key(|(at, ..)| *at) {
            None => BackupTrust::Written,
            Some((_, false, _)) => BackupTrust::Failed,
            Some(_) if drilled.is_some_and(|(_, good, _)| good) => BackupTrust::Drilled,
            Some(_) if verified.is_some_and(|(_, _, full)| full) => BackupTrust::Verified,
            Some(_) => BackupTrust::Intact,
        }
    }
}

/// How much is proven of a backup, from little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupTrust {
    /// A check failed: do not count on it.
    Failed,
    /// Each object was read back when it was made, nothing since.
    Written,
    /// Each stored byte has its digest.
    Intact,
    /// It was decrypted, decompressed and read by `pg_restore` to the end.
    Verified,
    /// It was restored, and its rows are those of the snapshot.
    Drilled,
}

impl BackupTrust {
    /// All, from little to much.
    pub const ALL: [Self; 5] = [Self::Failed, Self::Written, Self::Intact, Self::Verified, Self::Drilled];

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trust| trust.word() == word)
    }

    /// The word on the wire and on pages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Written => "written",
            Self::Intact => "intact",
            Self::Verified => "verified",
            Self::Drilled => "drilled",
        }
    }
}

/// What a job does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobPhase {
    /// Looks at rights, versions and space.
    Preflight,
    /// `pg_dump` writes to scratch space, while rows are counted.
    Dump,
    /// Compresses, encrypts and stores.
    Store,
    /// Reads stored objects.
    Read,
    /// `pg_restore` loads into a server.
    Load,
    /// Compares rows and checks indexes.
    Compare,
    /// Writes what makes it count.
    Commit,
}

impl JobPhase {
    /// What a person is told.
    #[must_use]
    pub fn saying(self) -> &'static str {
        match self {
            Self::Preflight => "looking at rights, versions and space",
            Self::Dump => "dumping",
            Self::Store => "compressing and storing",
            Self::Read => "reading stored objects",
            Self::Load => "restoring",
            Self::Compare => "comparing rows",
            Self::Commit => "committing",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobProgress {
    /// What it does.
    pub phase: JobPhase,
    /// Bytes done in this phase.
    pub done_bytes: u64,
    /// Bytes of the whole phase; none: not known. While dumping it is an estimate from the tables' sizes.
    pub total_bytes: Option<u64>,
    /// Bytes per second over this phase.
    pub rate_bytes_per_s: Option<f64>,
    /// Seconds left of this phase at that rate.
    pub left_s: Option<f64>,
    /// When this was so.
    pub at: UnixMs,
}

/// How many backups to keep, grandfather-father-son: the newest of each of the last days, weeks and months that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Days, by UTC.
    pub daily: u32,
    /// Weeks, Monday to Sunday, by UTC.
    pub weekly: u32,
    /// Months, by UTC.
    pub monthly: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 12 }
    }
}

#[cfg(test)]
mod tests;
