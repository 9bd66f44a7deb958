//! Where backups lie: an object store, read and written by a protocol that shows nothing half-done.
//!
//! | below the root | what |
//! |---|---|
//! | `repository.json` | the format and an id |
//! | `manifests/ID.json` | one for each backup that counts; lists read nothing else |
//! | `objects/ID/…` | its objects; without a manifest they are a stage, or remains to be swept |
//! | `records/ID/…` | verifications and drills |
//! | `marks/stage-ID`, `marks/lease-ID-…`, `marks/prune-ID` | who is at work on it just now ([`marks`]) |

pub(crate) mod marks;
pub(crate) mod objects;
pub(crate) mod records;
mod sweep;

use crate::{BackupError, manifest::Manifest};
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, local::LocalFileSystem, path::Path as Key};
use reeve_model::backup::BackupId;
use serde::{Deserialize, Serialize};
use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use sweep::SweepReport;

/// How many small objects are read at once.
const AT_ONCE: usize = 16;

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory of this machine, absolute.
    Directory(PathBuf),
}

impl Location {
    /// Reads `/absolute/path` or `file:///absolute/path`.
    ///
    /// # Errors
    /// One sentence that says what can be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("file://").unwrap_or(text);
        if path.starts_with('/') && path.len() > 1 {
            return Ok(Self::Directory(PathBuf::from(path)));
        }
        Err(format!("{text:?} is no repository: write the absolute path of a directory."))
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    id: String,
}

/// An open repository. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Repository {
    store: Arc<dyn ObjectStore>,
    location: Location,
    stale_after: Duration,
}

/// What a look at the whole repository finds.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// Backups that count, oldest first.
    pub good: Vec<Manifest>,
    /// Manifests that can't be read, by name, with what is wrong.
    pub damaged: Vec<(String, String)>,
}

impl Repository {
    /// Opens it; makes it where there is none. Work whose mark was not renewed for `stale_after` counts as abandoned.
    ///
    /// # Errors
    /// It can't be reached or written, or a newer program made it.
    pub async fn open(location: Location, stale_after: Duration) -> Result<Self, BackupError> {
        let Location::Directory(dir) = &location;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| BackupError::io(dir, &e))?;
        let store = LocalFileSystem::new_with_prefix(dir).map_err(|e| BackupError::system(format!("opening {location}"), e))?;
        Self::over(Arc::new(store.with_fsync(true)), location, stale_after).await
    }

    /// The same over a store that the caller made; `location` is what people are told.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub async fn over(store: Arc<dyn ObjectStore>, location: Location, stale_after: Duration) -> Result<Self, BackupError> {
        let this = Self { store, location, stale_after };
        let mut id = [0_u8; 8];
        getrandom::fill(&mut id).map_err(|e| BackupError::system("reading random bytes", e))?;
        let head = Head { format: crate::manifest::FORMAT, id: hex::encode(id) };
        let bytes = serde_json::to_vec(&head).map_err(|e| BackupError::system("writing JSON", e))?;
        let key = Key::from("repository.json");
        if this.create(&key, bytes).await? {
            return Ok(this);
        }
        let bytes = this.read_small(&key).await?.unwrap_or_default();
        let head: Head = serde_json::from_slice(&bytes).map_err(|e| this.damaged(&key, e))?;
        if head.format > crate::manifest::FORMAT {
            return Err(BackupError::Refused(format!("{} was made by a newer Reeve: use that one", this.location)));
        }
        Ok(this)
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The directory, when it is one of this machine.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        let Location::Directory(dir) = &self.location;
        Some(dir)
    }

    /// All backups that count.
    ///
    /// # Errors
    /// The repository can't be read. One damaged manifest is no error: it is in the answer.
    pub async fn manifests(&self) -> Result<Manifests, BackupError> {
        let keys = self.list("manifests").await?;
        let named = keys.into_iter().filter_map(|meta| {
            let name = meta.location.filename()?.strip_suffix(".json")?.to_owned();
            Some((meta.location, name))
        });
        let read = futures::stream::iter(named).map(|(key, name)| async move {
            // Pruned between the list and now: it is gone, not damaged.
            let Some(bytes) = self.read_small(&key).await? else { return Ok::<_, BackupError>(None) };
            let read = BackupId::new(name.clone()).and_then(|id| Manifest::from_bytes(&id, &bytes));
            Ok(Some((name, read)))
        });
        let mut all = Manifests::default();
        for (name, read) in read.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().flatten() {
            match read {
                Ok(manifest) => all.good.push(manifest),
                Err(why) => all.damaged.push((name, why)),
            }
        }
        all.good.sort_by(|a, b| (a.backup.timestamp, &a.backup.id).cmp(&(b.backup.timestamp, &b.backup.id)));
        all.damaged.sort();
        Ok(all)
    }

    /// One backup's manifest.
    ///
    /// # Errors
    /// There is none, it is damaged, or the repository can't be read.
    pub async fn manifest(&self, id: &BackupId) -> Result<Manifest, BackupError> {
        let key = manifest_key(id);
        let bytes = self.read_small(&key).await?;
        let bytes = bytes.ok_or_else(|| BackupError::NotFound { id: id.clone(), location: self.location.to_string() })?;
        Manifest::from_bytes(id, &bytes).map_err(|why| self.damaged(&key, why))
    }

    /// Writes an object that must not be there yet. Answers false when it is.
    pub(crate) async fn create(&self, key: &Key, bytes: Vec<u8>) -> Result<bool, BackupError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(key, PutPayload::from(bytes), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.failed("writing", &error)),
        }
    }

    /// Reads a small object whole; none when it is not there.
    pub(crate) async fn read_small(&self, key: &Key) -> Result<Option<Vec<u8>>, BackupError> {
        let read = async { self.store.get(key).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("reading", &error)),
        }
    }

    /// Removes an object; one that is gone already is fine.
    pub(crate) async fn remove(&self, key: &Key) -> Result<(), BackupError> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("removing", &error)),
        }
    }

    /// Everything below a prefix.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<object_store::ObjectMeta>, BackupError> {
        let found = self.store.list(Some(&Key::from(prefix))).try_collect().await;
        found.map_err(|e| self.failed("listing", &e))
    }

    /// Removes everything below a prefix, and its directory.
    pub(crate) async fn remove_all(&self, prefix: &str) -> Result<u64, BackupError> {
        let found = self.list(prefix).await?;
        let bytes = found.iter().map(|meta| meta.size).sum();
        for meta in found {
            self.remove(&meta.location).await?;
        }
        // Unfinished uploads are no objects to the store, but they take space.
        if let Some(dir) = self.directory() {
            let place = dir.join(prefix);
            match tokio::fs::remove_dir_all(&place).await {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(BackupError::io(&place, &error)),
            }
        }
        Ok(bytes)
    }

    pub(crate) fn damaged(&self, key: &Key, why: impl std::fmt::Display) -> BackupError {
        BackupError::Damaged { location: self.location.to_string(), object: key.to_string(), why: why.to_string() }
    }

    pub(crate) fn failed(&self, what: &str, error: &object_store::Error) -> BackupError {
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(inner) = cause {
            let io = inner.downcast_ref::<std::io::Error>();
            if io.is_some_and(|e| matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)) {
                return BackupError::Full { place: self.location.to_string() };
            }
            cause = inner.source();
        }
        BackupError::Storage { location: self.location.to_string(), what: what.to_owned(), why: error.to_string() }
    }
}

pub(crate) fn manifest_key(id: &BackupId) -> Key {
    Key::from(format!("manifests/{id}.json"))
}

pub(crate) fn objects_prefix(id: &BackupId) -> String {
    format!("objects/{id}")
}

pub(crate) fn object_key(id: &BackupId, stored_as: &str) -> Key {
    Key::from(format!("objects/{id}/{stored_as}"))
}
