//! The engine: a repository, scratch space, keys and PostgreSQL's programs, put together.

use crate::{
    BackupError, Keys, Location, S3Access,
    repository::{Repository, SweepReport, objects::Chain},
};
use reeve_cluster::binaries::Installation;
use reeve_model::backup::{Backup, BackupEntry, BackupId};
use std::{path::PathBuf, time::Duration};

/// What an engine works with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where backups lie.
    pub location: Location,
    /// How the store of an `s3://` location is reached.
    pub s3: Option<S3Access>,
    /// A directory for dumps while a job runs: as large as the largest database's tables. Made where it is missing.
    pub scratch: PathBuf,
    /// To whom backups are encrypted and what opens them.
    pub keys: Keys,
    /// How many processes `pg_dump` and `pg_restore` use, and how many files are stored at once.
    pub jobs: u32,
    /// zstd's level, 1 to 19.
    pub compression: i32,
    /// The PostgreSQL programs of this machine, see [`reeve_cluster::binaries::installed`].
    pub installations: Vec<Installation>,
    /// Work on the repository whose mark was not renewed for so long counts as abandoned.
    pub stale_after: Duration,
}

impl EngineConfig {
    /// Two jobs, zstd level 3, abandoned after an hour, not encrypted.
    #[must_use]
    pub fn new(location: Location, scratch: PathBuf) -> Self {
        Self {
            location,
            s3: None,
            scratch,
            keys: Keys::default(),
            jobs: 2,
            compression: 3,
            installations: reeve_cluster::binaries::installed(),
            stale_after: Duration::from_secs(3600),
        }
    }
}

/// Runs, lists, verifies, drills, restores and prunes backups. Cheap to clone; clones share the repository.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) repository: Repository,
}

/// What a repository holds.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Backups that count, newest first.
    pub entries: Vec<BackupEntry>,
    /// Backups whose manifest can't be read, by name, with what is wrong: they don't count, and somebody must know.
    pub damaged: Vec<(String, String)>,
}

impl Engine {
    /// Opens the repository, making it where there is none, and proves the key.
    ///
    /// # Errors
    /// The repository can't be used, or the secret key doesn't belong to the public ones.
    pub async fn open(config: EngineConfig) -> Result<Self, BackupError> {
        config.keys.prove()?;
        let repository = Repository::open(config.location.clone(), config.s3.as_ref(), config.stale_after).await?;
        Self::over(config, repository)
    }

    /// The same with a repository that the caller opened.
    ///
    /// # Errors
    /// The secret key doesn't belong to the public ones.
    pub fn over(config: EngineConfig, repository: Repository) -> Result<Self, BackupError> {
        config.keys.prove()?;
        Ok(Self { config, repository })
    }

    /// What it works with.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// All backups, from storage alone.
    ///
    /// # Errors
    /// The repository can't be read.
    pub async fn list(&self) -> Result<Catalogue, BackupError> {
        let manifests = self.repository.manifests().await?;
        let mut records = self.repository.newest_records().await?;
        let entry = |backup: Backup, newest: crate::repository::records::Newest| {
            let mut backup = backup;
            // A passed verification has just read everything back.
            if let Some(verification) = newest.verification.as_ref().filter(|v| v.passed()) {
                backup.copies.iter_mut().for_each(|copy| copy.verified_at = copy.verified_at.max(Some(verification.at)));
            }
            BackupEntry { backup, verification: newest.verification, drill: newest.drill }
        };
        let good = manifests.good.into_iter().rev();
        let entries = good.map(|m| {
            let newest = records.remove(&m.backup.id).unwrap_or_default();
            entry(m.backup, newest)
        });
        Ok(Catalogue { entries: entries.collect(), damaged: manifests.damaged })
    }

    /// One backup.
    ///
    /// # Errors
    /// There is none of that id, its manifest is damaged, or the repository can't be read.
    pub async fn show(&self, id: &BackupId) -> Result<BackupEntry, BackupError> {
        // Asked for first: a damaged manifest is named as what it is.
        self.repository.manifest(id).await?;
        let found = self.list().await?.entries.into_iter().find(|entry| entry.backup.id == *id);
        found.ok_or_else(|| BackupError::NotFound { id: id.clone(), location: self.repository.location().to_string() })
    }

    /// Clears away what jobs that died left in the repository. Every run does so, too.
    ///
    /// # Errors
    /// The repository can't be read or written.
    pub async fn sweep(&self) -> Result<SweepReport, BackupError> {
        self.repository.sweep().await
    }

    pub(crate) fn chain(&self) -> Chain {
        Chain { keys: self.config.keys.clone(), level: self.config.compression }
    }

    pub(crate) fn at_once(&self) -> usize {
        usize::try_from(self.config.jobs.max(1)).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DrillRequest, Progress, RestoreRequest, RunRequest};
    use reeve_model::backup::{Keep, VerificationLevel};
    use tokio_util::sync::CancellationToken;

    fn spawnable<T: Send>(_: &T) {}

    /// Never called: that it compiles is the test. A job queue spawns these.
    #[allow(dead_code)]
    fn d1_every_job_can_be_spawned(e: &Engine, id: &BackupId, run: RunRequest, restore: &RestoreRequest, cancel: &CancellationToken) {
        let silent = Progress::silent();
        let drill = DrillRequest::new(id.clone());
        spawnable(&e.run(run, &silent, cancel));
        spawnable(&e.verify(id, VerificationLevel::Full, &silent, cancel));
        spawnable(&e.drill(&drill, &silent, cancel));
        spawnable(&e.restore(restore, &silent, cancel));
        spawnable(&e.prune(Keep::default(), true));
        spawnable(&e.list());
        spawnable(&e.sweep());
    }
}
