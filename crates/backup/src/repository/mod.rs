//! Where backups lie: an object store, read and written by a protocol that shows nothing half-done.
//!
//! | below the root | what |
//! |---|---|
//! | `repository.json` | the format and an id |
//! | `manifests/ID.json` | one for each backup that counts; lists read nothing else |
//! | `objects/ID/…` | its objects; without a manifest they are a stage, or remains to be swept |
//! | `records/ID/…` | verifications and drills |
//! | `uploads/ID/…` | in a bucket only: uploads in parts that were begun ([`uploads`]) |
//! | `marks/stage-ID`, `marks/lease-ID-…`, `marks/prune-ID` | who is at work on it just now ([`marks`]) |

mod location;
pub(crate) mod marks;
pub(crate) mod objects;
pub(crate) mod records;
pub mod s3;
mod sweep;
mod uploads;

use crate::{BackupError, manifest::Manifest};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, local::LocalFileSystem, path::Path as Key};
use reeve_model::backup::BackupId;
use s3::{Bucket, Patience, S3Access};
use serde::{Deserialize, Serialize};
use std::{os::unix::fs::DirBuilderExt, path::Path, sync::Arc, time::Duration};

pub use location::Location;
pub use sweep::SweepReport;

/// How many small objects are read at once.
const AT_ONCE: usize = 16;

/// How long clearing up after a failed or cancelled job may take; what it does not come to is swept later.
pub(crate) const CLEANUP: Duration = Duration::from_secs(15);

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    id: String,
}

/// An open repository. Clones are the same one.
#[derive(Clone)]
pub struct Repository {
    store: Arc<dyn ObjectStore>,
    location: Location,
    stale_after: Duration,
    /// Uploads to a bucket, which must be ended one by one; none over a store that the caller made.
    bucket: Option<Bucket>,
    /// Where the store is, as people are told.
    shown: String,
}

/// All that a repository holds beside its own description.
const FOLDERS: [&str; 5] = ["manifests", "objects", "records", "marks", "uploads"];

/// What a look at the whole repository finds.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// Backups that count, oldest first.
    pub good: Vec<Manifest>,
    /// Manifests that can't be read, by name, with what is wrong.
    pub damaged: Vec<(String, String)>,
}

impl Repository {
    /// Opens it; makes it where there is none. `s3` says how the store of an `s3://` location is reached. Work whose mark was not renewed
    /// for `stale_after` counts as abandoned.
    ///
    /// # Errors
    /// It can't be reached or written, it would not be safe there, or a newer program made it.
    pub async fn open(location: Location, s3: Option<&S3Access>, stale_after: Duration) -> Result<Self, BackupError> {
        match &location {
            Location::Directory(dir) => {
                // Rows of every table lie here, often not encrypted, and the directory that was named may be open to others: what is made
                // in it is not. One that is there already keeps the rights that somebody gave it.
                for place in std::iter::once(dir.clone()).chain(FOLDERS.iter().map(|folder| dir.join(folder))) {
                    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(|e| BackupError::io(&place, &e))?;
                }
                let store = LocalFileSystem::new_with_prefix(dir).map_err(|e| BackupError::system(format!("opening {location}"), e))?;
                Self::over(Arc::new(store.with_fsync(true)), location, stale_after).await
            }
            Location::S3 { bucket, prefix } => {
                let access = s3.ok_or_else(|| s3::no_access(&location))?;
                // Whoever opens it waits; whoever works in it has time.
                let hasty = S3Access { patience: access.patience.no_more_than(Patience::LOOK), ..access.clone() };
                let (hasty, patient) = (hasty.bucket(bucket, prefix)?, access.bucket(bucket, prefix)?);
                let shown = access.shown();
                Self { store: hasty, location: location.clone(), stale_after, bucket: None, shown: shown.clone() }.look().await?;
                Ok(Self { store: patient.clone(), location, stale_after, bucket: Some(patient), shown })
            }
        }
    }

    /// The same over a store that the caller made; `location` is what people are told.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub async fn over(store: Arc<dyn ObjectStore>, location: Location, stale_after: Duration) -> Result<Self, BackupError> {
        let shown = location.to_string();
        let this = Self { store, location, stale_after, bucket: None, shown };
        this.look().await?;
        Ok(this)
    }

    /// Finds the repository or makes it, and makes sure that one can be kept here.
    async fn look(&self) -> Result<(), BackupError> {
        let key = Key::from("repository.json");
        // A missing bucket looks like a missing object, and only to one who reads.
        if matches!(self.location, Location::S3 { .. }) {
            let listed = self.store.list_with_delimiter(Some(&Key::from("marks"))).await;
            listed.map_err(|e| self.failed("listing", &e))?;
        }
        let mut there = self.read_small(&key).await?;
        if there.is_none() {
            let mut id = [0_u8; 8];
            getrandom::fill(&mut id).map_err(|e| BackupError::system("reading random bytes", e))?;
            let head = Head { format: crate::manifest::FORMAT, id: hex::encode(id) };
            let bytes = serde_json::to_vec(&head).map_err(|e| BackupError::system("writing JSON", e))?;
            // Somebody else may make it at the same moment; then theirs counts.
            there = if self.create(&key, bytes.clone()).await? { Some(bytes) } else { self.read_small(&key).await? };
        }
        let there = there.unwrap_or_default();
        let head: Head = serde_json::from_slice(&there).map_err(|e| self.damaged(&key, e))?;
        if head.format > crate::manifest::FORMAT {
            return Err(BackupError::Refused(format!("{} was made by a newer Reeve: use that one", self.location)));
        }
        match self.location {
            Location::Directory(_) => Ok(()),
            Location::S3 { .. } => self.prove_conditional_writes(&key, there).await,
        }
    }

    /// Writes what is there once more, if it is not there. A store that takes it would let two jobs overwrite each other.
    async fn prove_conditional_writes(&self, key: &Key, there: Vec<u8>) -> Result<(), BackupError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(key, PutPayload::from(there), options).await {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Ok(_) => Err(BackupError::Refused(format!(
                "{}: the store at {} writes over an object that was to be made new (it does not know If-None-Match): a repository would not be \
                 safe there, use another store",
                self.location, self.shown
            ))),
            Err(error) => Err(self.failed("trying a conditional write", &error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The directory, when it is one of this machine.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match &self.location {
            Location::Directory(dir) => Some(dir),
            Location::S3 { .. } => None,
        }
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

    /// Writes an object that must not be there yet. Answers false when another one is. Finding the same bytes is success: the answer to a
    /// write that was done may have been lost, and the second try finds the first one's object.
    pub(crate) async fn create(&self, key: &Key, bytes: Vec<u8>) -> Result<bool, BackupError> {
        let bytes = Bytes::from(bytes);
        for _ in 0..3 {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            match self.store.put_opts(key, PutPayload::from(bytes.clone()), options).await {
                Ok(_) => return Ok(true),
                Err(object_store::Error::AlreadyExists { .. }) => {}
                Err(error) => return Err(self.failed("writing", &error)),
            }
            // A store that says so while two write at once has nothing yet.
            if let Some(there) = self.read_small(key).await? {
                return Ok(there == bytes);
            }
        }
        Ok(false)
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
        let removed = futures::stream::iter(found).map(|meta| async move { self.remove(&meta.location).await });
        removed.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
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
        match self.location {
            Location::Directory(_) => {
                BackupError::Storage { location: self.location.to_string(), what: what.to_owned(), why: error.to_string() }
            }
            Location::S3 { .. } => s3::explain(&self.location, &self.shown, what, error),
        }
    }
}

/// The store's own form holds how it is reached; that is nobody's business.
impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.location)
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
