//! What makes, reads and restores backups, as jobs call it.

use async_trait::async_trait;
use reeve_model::backup::{Backup, BackupEntry, BackupJob, Drill, JobProgress, RestoreReport, Verification};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a repository holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// Backups that count, newest first.
    pub entries: Vec<BackupEntry>,
    /// Backups whose manifest can't be read, by name, with what is wrong.
    pub damaged: Vec<(String, String)>,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// A backup was made.
    Backup(Box<Backup>),
    /// One was read; its faults, if any, are in it.
    Verified(Verification),
    /// One was restored and thrown away; how it went is in it.
    Drilled(Box<Drill>),
    /// One was restored beside its original.
    Restored(RestoreReport),
    /// One was restored to take the place of its original; whether it did stands in it.
    Replaced(RestoreReport),
    /// A table is back in the original database.
    PutBack {
        /// That database.
        database: String,
        /// The table, as `schema.table`.
        table: String,
        /// Its rows.
        rows: u64,
        /// What is not as it was backed up, in one sentence; none: all is.
        difference: Option<String>,
        /// Foreign keys of other tables that point to it again.
        keys: u64,
        /// Those that don't, a sentence each.
        keys_missing: Vec<String>,
        /// Views over it that went with it and are not there, as `schema.name`.
        views_missing: Vec<String>,
    },
}

/// Why nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It was cancelled and left nothing.
    Cancelled,
    /// It could not be done: why, and what to do, in one sentence without secrets.
    Failed(String),
}

/// Whom a job tells how far it is. Called a few times a second, from any thread; it must not block.
pub type Tell = Arc<dyn Fn(JobProgress) + Send + Sync>;

/// An engine over one repository.
#[async_trait]
pub trait Works: Send + Sync + 'static {
    /// The repository as a person would say it; no credentials.
    fn location(&self) -> String;
    /// All that the repository holds, from storage alone.
    ///
    /// # Errors
    /// One sentence that says what to do.
    async fn held(&self) -> Result<Held, String>;
    /// Does what a job asks for. Cancelled, it ends soon and leaves nothing.
    ///
    /// # Errors
    /// See [`Stopped`].
    async fn work(&self, job: &BackupJob, tell: Tell, cancel: &CancellationToken) -> Result<Came, Stopped>;
}
