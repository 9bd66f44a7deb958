//! What went wrong, in one sentence that says what to do and holds no secret.

use reeve_adapter::AdapterError;
use reeve_cluster::ClusterError;
use reeve_model::backup::BackupId;
use std::{io, path::Path};

/// Why a backup, or what is done with one, failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The fields are what the sentences say.
pub enum BackupError {
    #[error("it was cancelled, and nothing of it is kept")]
    Cancelled,
    #[error("{0}")]
    Refused(String),
    #[error("a backup of the database {database} runs already: wait until it has ended, or end it, and try again")]
    Busy { database: String },
    #[error("there is no backup {id} in {location}: `reeve backup list` shows those there are")]
    NotFound { id: BackupId, location: String },
    #[error("{location}: {object} is damaged ({why}): do not count on this backup, and look after the storage")]
    Damaged { location: String, object: String, why: String },
    #[error("{location}: {what} failed ({why}): make the repository reachable and writable, then try again")]
    Storage { location: String, what: String, why: String },
    #[error("no space is left at {place}: free some there and try again; earlier backups are as they were")]
    Full { place: String },
    #[error("{tool} failed: {said}")]
    Tool { tool: String, said: String },
    #[error("{0}")]
    Key(String),
    #[error(transparent)]
    Database(#[from] AdapterError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("{what} failed ({why})")]
    System { what: String, why: String },
}

impl BackupError {
    /// Sorts an I/O error on a path of this machine.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { place: path.display().to_string() },
            _ => Self::System { what: format!("using {}", path.display()), why: error.to_string() },
        }
    }

    pub(crate) fn system(what: impl Into<String>, error: impl std::fmt::Display) -> Self {
        Self::System { what: what.into(), why: error.to_string() }
    }

    /// Whether the name of what was to be made is in use: found before (42P04), or by the index when two make it at once (23505).
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(error.sqlstate(), Some("42P04" | "23505")))
    }

    /// Whether asking again later, with nothing changed, may well succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Storage { .. } => true,
            Self::Database(error) => error.is_transient(),
            _ => false,
        }
    }
}
