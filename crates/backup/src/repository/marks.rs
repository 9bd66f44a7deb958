//! Marks: who is at work on a backup just now. Each is renewed while the work goes on; one that was not for long is abandoned.
//!
//! Two that may not meet each write their own mark first and look for the other's afterwards, so at least one of them sees the other:
//!
//! - a run writes its manifest, then looks for its own stage mark; a sweep removes an old stage mark, then looks for the manifest;
//! - a reader writes a lease, then looks for a prune mark; a prune writes its mark, then looks for leases.

use super::{CLEANUP, Repository, manifest_key, objects_prefix};
use crate::{BackupError, manifest::Manifest};
use object_store::{ObjectMeta, ObjectStoreExt, PutPayload, path::Path as Key};
use reeve_model::backup::BackupId;
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;

/// A mark of ours, renewed until it is dropped. Dropped without [`Mark::release`] it stays behind and grows old.
#[derive(Debug)]
pub(crate) struct Mark {
    repository: Repository,
    key: Key,
    renewal: JoinHandle<()>,
}

impl Mark {
    async fn set(repository: &Repository, key: Key) -> Result<Self, BackupError> {
        write(repository, &key).await?;
        let (of, at, pace) = (repository.clone(), key.clone(), (repository.stale_after / 4).max(Duration::from_millis(50)));
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(pace).await;
                // Whoever took it away decided that this work is dead; it must not come back.
                match of.store.head(&at).await {
                    Err(object_store::Error::NotFound { .. }) => return,
                    Err(error) => tracing::warn!(mark = %at, %error, "a mark could not be looked at; trying again"),
                    Ok(_) => {
                        if let Err(error) = write(&of, &at).await {
                            tracing::warn!(mark = %at, %error, "a mark could not be renewed; trying again");
                        }
                    }
                }
            }
        });
        Ok(Self { repository: repository.clone(), key, renewal })
    }

    /// Takes the mark away, within [`CLEANUP`]: one that stays grows old and is swept.
    pub(crate) async fn release(self) -> Result<(), BackupError> {
        self.renewal.abort();
        let removed = tokio::time::timeout(CLEANUP, self.repository.remove(&self.key)).await;
        removed.unwrap_or_else(|_| {
            let location = self.repository.location().to_string();
            Err(BackupError::Storage { location, what: "removing a mark".to_owned(), why: "the store does not answer".to_owned() })
        })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

async fn write(repository: &Repository, key: &Key) -> Result<(), BackupError> {
    let text = format!("process {}\n", std::process::id());
    let put = repository.store.put(key, PutPayload::from(text.into_bytes())).await;
    put.map(drop).map_err(|e| repository.failed("writing a mark", &e))
}

/// A backup being made: objects may be written below its prefix, and nothing lists it.
#[derive(Debug)]
pub(crate) struct Stage {
    id: BackupId,
    mark: Mark,
}

impl Stage {
    /// Commits: from the moment the manifest is there, the backup counts.
    pub(crate) async fn commit(self, manifest: &Manifest) -> Result<(), BackupError> {
        let repository = self.mark.repository.clone();
        let bytes = manifest.to_bytes().map_err(|e| BackupError::system("writing JSON", e))?;
        let key = manifest_key(&self.id);
        if !repository.create(&key, bytes).await? {
            return Err(BackupError::Refused(format!("{} has a backup {} already", repository.location(), self.id)));
        }
        if !exists(&repository, &self.mark.key).await? {
            repository.remove(&key).await?;
            return Err(BackupError::Refused(
                "this backup stood still for so long that it was cleared away as abandoned: run it again".to_owned(),
            ));
        }
        // It counts already; a mark that stays behind grows old and is swept.
        if let Err(error) = self.mark.release().await {
            tracing::warn!(%error, "the mark of a committed backup was not taken away");
        }
        Ok(())
    }

    /// Throws away what was stored so far.
    pub(crate) async fn abandon(self) -> Result<(), BackupError> {
        self.mark.repository.remove_all(&objects_prefix(&self.id)).await?;
        self.mark.release().await
    }
}

impl Repository {
    /// Begins a backup.
    pub(crate) async fn stage(&self, id: &BackupId) -> Result<Stage, BackupError> {
        Ok(Stage { id: id.clone(), mark: Mark::set(self, stage_key(id)).await? })
    }

    /// Keeps a backup from being pruned while it is read. Answers its manifest as well.
    pub(crate) async fn lease(&self, id: &BackupId) -> Result<(Mark, Manifest), BackupError> {
        let mut random = [0_u8; 6];
        getrandom::fill(&mut random).map_err(|e| BackupError::system("reading random bytes", e))?;
        let mark = Mark::set(self, Key::from(format!("marks/lease-{id}-{}", hex::encode(random)))).await?;
        let read = async {
            if self.is_fresh(&prune_key(id)).await? {
                return Err(BackupError::Refused(format!("{id} is being removed by the rules of retention: choose another backup")));
            }
            self.manifest(id).await
        };
        match read.await {
            Ok(manifest) => Ok((mark, manifest)),
            Err(error) => {
                mark.release().await?;
                Err(error)
            }
        }
    }

    /// Marks a backup for removal; none when somebody reads it.
    pub(crate) async fn claim_for_removal(&self, id: &BackupId) -> Result<Option<Mark>, BackupError> {
        let mark = Mark::set(self, prune_key(id)).await?;
        let prefix = format!("lease-{id}-");
        let marks = self.list("marks").await?;
        let read = marks.iter().any(|meta| meta.location.filename().is_some_and(|n| n.starts_with(&prefix)) && !self.is_stale(meta));
        if read {
            mark.release().await?;
            return Ok(None);
        }
        Ok(Some(mark))
    }

    /// Whether nobody renewed it for long.
    pub(crate) fn is_stale(&self, meta: &ObjectMeta) -> bool {
        let age = SystemTime::now().duration_since(SystemTime::from(meta.last_modified));
        age.is_ok_and(|age| age >= self.stale_after)
    }

    async fn is_fresh(&self, key: &Key) -> Result<bool, BackupError> {
        match self.store.head(key).await {
            Ok(meta) => Ok(!self.is_stale(&meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("reading a mark", &error)),
        }
    }
}

async fn exists(repository: &Repository, key: &Key) -> Result<bool, BackupError> {
    match repository.store.head(key).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(repository.failed("reading a mark", &error)),
    }
}

pub(crate) fn stage_key(id: &BackupId) -> Key {
    Key::from(format!("marks/stage-{id}"))
}

fn prune_key(id: &BackupId) -> Key {
    Key::from(format!("marks/prune-{id}"))
}
