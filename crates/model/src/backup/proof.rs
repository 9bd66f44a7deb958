//! What was proven of a backup: verifications, drills and restores.

use super::BackupId;
use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// How deep a verification looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerificationLevel {
    /// Each stored object has its length and SHA-256. Needs no key.
    Digests,
    /// That, and each was decrypted and decompressed, and `pg_restore` read the dump to its end.
    Full,
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Which backup.
    pub backup: BackupId,
    /// When it ended.
    pub at: UnixMs,
    /// How deep it looked.
    pub level: VerificationLevel,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Objects looked at.
    pub objects: u64,
    /// Stored bytes read.
    pub bytes: u64,
    /// What is wrong; empty: nothing.
    pub faults: Vec<VerificationFault>,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// One thing that is wrong with a stored backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationFault {
    /// The object as the repository names it.
    pub object: String,
    /// What is wrong, in one sentence.
    pub sentence: String,
}

/// How a drill ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrillOutcome {
    /// Restored; all rows are those of the snapshot; no index is corrupt; in time.
    Passed,
    /// Restored and right, but it took longer than its target.
    Late,
    /// It could not be restored, or what came back is not what was backed up.
    Failed,
}

impl DrillOutcome {
    /// The word on the wire and on pages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }
}

/// A duration that was measured, against what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillTarget {
    /// Measured, milliseconds.
    pub measured_ms: u64,
    /// The most it may be, milliseconds.
    pub target_ms: u64,
}

impl DrillTarget {
    /// Whether it was kept.
    #[must_use]
    pub fn met(self) -> bool {
        self.measured_ms <= self.target_ms
    }
}

/// What `pg_amcheck` said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum AmcheckOutcome {
    /// Every heap and B-tree is sound.
    Passed,
    /// It found corruption.
    Failed {
        /// Its own words, the first of them.
        said: String,
    },
    /// It could not be run.
    Skipped {
        /// Why, in one sentence.
        sentence: String,
    },
}

/// A table that did not come back as it was backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDifference {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What differs, in one sentence.
    pub sentence: String,
}

/// A drill: a backup really restored, into a private server that is thrown away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// Which backup.
    pub backup: BackupId,
    /// When it ended.
    pub at: UnixMs,
    /// How it ended.
    pub outcome: DrillOutcome,
    /// Why it failed, in one sentence; none: it did not.
    pub failure: Option<String>,
    /// From the first byte fetched to a restored database that answers: fetching, decrypting, making the server, loading. Without the
    /// comparison. None: it did not come that far.
    pub rto: Option<DrillTarget>,
    /// The whole drill, with comparison and clean-up, milliseconds.
    pub duration_ms: u64,
    /// Version of the server it was restored into.
    pub server_version: Option<String>,
    /// Tables whose row count and digest were compared.
    pub tables_compared: u64,
    /// Rows in them.
    pub rows_compared: u64,
    /// Tables that are not as they were; the first hundred.
    pub differences: Vec<TableDifference>,
    /// What `pg_amcheck` said of heaps and indexes.
    pub amcheck: AmcheckOutcome,
    /// What a person should know about it, as sentences.
    pub notes: Vec<String>,
}

/// A restore that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// Which backup.
    pub backup: BackupId,
    /// When it ended.
    pub at: UnixMs,
    /// The database that holds the rows now.
    pub database: String,
    /// The name under which the database before it is kept, when one was replaced.
    pub kept_as: Option<String>,
    /// From the first byte fetched to the end of the load, milliseconds.
    pub duration_ms: u64,
    /// Tables whose row count and digest were compared.
    pub tables_compared: u64,
    /// Rows in them.
    pub rows_compared: u64,
    /// Tables that are not as they were backed up; the first hundred.
    pub differences: Vec<TableDifference>,
    /// What a person should know about it, as sentences.
    pub notes: Vec<String>,
}
