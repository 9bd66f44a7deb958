//! Jobs: what somebody asked to be done with a backup, and how far it is.

use super::{BackupId, BackupKind, JobProgress, RestoreReport, VerificationLevel};
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobWhat {
    /// Makes a backup.
    Backup,
    /// Reads a stored one.
    Verify,
    /// Restores one into a private server that is thrown away.
    Drill,
    /// Restores one beside its original.
    Restore,
    /// Puts a table of a restored database back into the original.
    PutBack,
    /// Restores one in the place of its original, which is kept under another name.
    Replace,
}

impl JobWhat {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Backup, Self::Verify, Self::Drill, Self::Restore, Self::PutBack, Self::Replace];

    /// The word in the store, on the wire and in the audit trail.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Verify => "verify",
            Self::Drill => "drill",
            Self::Restore => "restore",
            Self::PutBack => "putback",
            Self::Replace => "replace",
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Backup => "Back up",
            Self::Verify => "Verify",
            Self::Drill => "Drill",
            Self::Restore => "Restore",
            Self::PutBack => "Put a table back",
            Self::Replace => "Replace the database",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Asked for and written down; begins when a second person agrees.
    Waiting,
    /// Asked for and written down; begins when its database has no other job.
    Queued,
    /// At work.
    Running,
    /// Done.
    Done,
    /// It was tried and did not work, or it found the backup to be bad.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The word in the store, on the wire and on pages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether something may still come of it.
    #[must_use]
    pub fn open(self) -> bool {
        matches!(self, Self::Waiting | Self::Queued | Self::Running)
    }
}

/// What is asked for, whole: what a job needs to begin, and what stands in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum BackupAct {
    /// Back up a database.
    Backup {
        /// Its name.
        database: String,
        /// Only the rows of these tables, as `schema.table`; empty: all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tables: Vec<String>,
    },
    /// Verify a backup.
    Verify {
        /// Which.
        backup: BackupId,
        /// How deep.
        level: VerificationLevel,
    },
    /// Drill a backup.
    Drill {
        /// Which.
        backup: BackupId,
    },
    /// Restore a backup into a new database beside the original.
    Restore {
        /// Which.
        backup: BackupId,
        /// The new database's name; none: Reeve chooses one.
        #[serde(default)]
        into: Option<String>,
    },
    /// Put a table of a database that was restored back into the original, where it is missing.
    PutBack {
        /// The backup that was restored.
        backup: BackupId,
        /// The database that it was restored as.
        from: String,
        /// The table's schema.
        schema: String,
        /// The table's name.
        table: String,
    },
    /// Restore a backup in the place of its original. A second person must agree before it begins.
    Replace {
        /// Which.
        backup: BackupId,
        /// The name of the database to be replaced, as a person typed it.
        typed: String,
    },
}

impl BackupAct {
    /// What its job does.
    #[must_use]
    pub fn what(&self) -> JobWhat {
        match self {
            Self::Backup { .. } => JobWhat::Backup,
            Self::Verify { .. } => JobWhat::Verify,
            Self::Drill { .. } => JobWhat::Drill,
            Self::Restore { .. } => JobWhat::Restore,
            Self::PutBack { .. } => JobWhat::PutBack,
            Self::Replace { .. } => JobWhat::Replace,
        }
    }

    /// The backup it is about; none when it makes one.
    #[must_use]
    pub fn backup(&self) -> Option<&BackupId> {
        match self {
            Self::Backup { .. } => None,
            Self::Verify { backup, .. }
            | Self::Drill { backup }
            | Self::Restore { backup, .. }
            | Self::PutBack { backup, .. }
            | Self::Replace { backup, .. } => Some(backup),
        }
    }

    /// Whether somebody else than who asks must agree before it begins.
    #[must_use]
    pub fn takes_two(&self) -> bool {
        matches!(self, Self::Replace { .. })
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupJob {
    /// Id (UUID).
    pub id: String,
    /// The target whose database it is about.
    pub target: TargetName,
    /// That database.
    pub database: String,
    /// All that was asked.
    pub act: BackupAct,
    /// What caused it.
    pub kind: BackupKind,
    /// How it stands.
    pub state: JobState,
    /// The backup it is about; of one that makes a backup, that backup, once it is there.
    pub backup: Option<BackupId>,
    /// How far it is, or was when it ended; none: it has not begun.
    pub progress: Option<JobProgress>,
    /// What came of it, in one sentence; none while it is open.
    pub sentence: Option<String>,
    /// What a restore did.
    pub restored: Option<RestoreReport>,
    /// Somebody asked it to end, and it has not yet.
    pub cancelling: bool,
    /// E-mail of who asked; `schedule` for one of those.
    pub asked_by: String,
    /// When.
    pub asked_at: UnixMs,
    /// E-mail of the second person, and when they agreed; none while nobody did, and where nobody must.
    #[serde(default)]
    pub agreed: Option<(String, UnixMs)>,
    /// When it began.
    pub started_at: Option<UnixMs>,
    /// When it ended.
    pub ended_at: Option<UnixMs>,
}
