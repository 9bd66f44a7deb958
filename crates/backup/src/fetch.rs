//! Getting a backup's files back, and loading them.

use crate::{
    BackupError, Engine,
    manifest::{Manifest, ObjectRecord},
    progress::Meter,
    repository::objects::Found,
    scratch::{Scratch, free_bytes},
    tools::Login,
};
use futures::{StreamExt, TryStreamExt};
use reeve_cluster::binaries::Installation;
use reeve_model::backup::VerificationFault;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// A dump on disk.
pub(crate) struct Fetched {
    /// The directory that `pg_restore` reads.
    pub(crate) dump: PathBuf,
    /// Roles and tablespaces.
    pub(crate) globals: PathBuf,
}

/// Which objects, and how.
#[derive(Clone, Copy)]
pub(crate) enum Depth {
    /// Length and digest.
    Digests,
    /// That, and the file it was is written.
    Files,
}

impl Engine {
    /// Looks at every object. Answers what is wrong with them.
    pub(crate) async fn read_all(
        &self,
        manifest: &Manifest,
        depth: Depth,
        to: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<Vec<VerificationFault>, BackupError> {
        let chain = self.chain();
        let encrypted = !manifest.backup.encrypted_to.is_empty();
        let id = &manifest.backup.id;
        if matches!(depth, Depth::Files) && encrypted && !self.config.keys.can_open() {
            return Err(BackupError::Key(format!(
                "{id} is encrypted and no identity is configured: name one with identity_file under [backup]"
            )));
        }
        let reads = futures::stream::iter(manifest.objects.clone()).map(|object| {
            let chain = &chain;
            async move {
                let found = match depth {
                    Depth::Digests => self.repository.check_object(id, &object, meter, cancel).await?,
                    Depth::Files => {
                        let file = to.join(&object.name);
                        self.repository.fetch_object(id, &object, chain, &file, meter, cancel).await?
                    }
                };
                Ok::<_, BackupError>(match found {
                    Found::Good => None,
                    Found::Wrong(sentence) => Some(VerificationFault { object: object.stored_as, sentence }),
                })
            }
        });
        let found: Vec<_> = reads.buffer_unordered(self.at_once()).try_collect().await?;
        let mut faults: Vec<_> = found.into_iter().flatten().collect();
        faults.sort_by(|a, b| a.object.cmp(&b.object));
        Ok(faults)
    }

    /// Writes the files of a backup into scratch space; refuses one that is damaged.
    pub(crate) async fn fetch(
        &self,
        manifest: &Manifest,
        scratch: &Scratch,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<Fetched, BackupError> {
        self.require_scratch(manifest)?;
        let faults = self.read_all(manifest, Depth::Files, scratch.private(), meter, cancel).await?;
        if let Some(fault) = faults.first() {
            return Err(BackupError::Damaged {
                location: self.repository.location().to_string(),
                object: format!("{} of {}", fault.object, manifest.backup.id),
                why: fault.sentence.trim_end_matches('.').to_owned(),
            });
        }
        Ok(Fetched { dump: scratch.private().join("dump"), globals: scratch.private().join("globals.sql") })
    }

    /// Room for the files of a backup.
    pub(crate) fn require_scratch(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let need = manifest.backup.plain_bytes;
        match free_bytes(&self.config.scratch).filter(|free| *free < need) {
            None => Ok(()),
            Some(free) => Err(BackupError::Refused(format!(
                "{} has {} MB free and this backup unpacks to {} MB: free some space, or configure another scratch directory",
                self.config.scratch.display(),
                free / 1_000_000,
                need / 1_000_000
            ))),
        }
    }
}

/// Stored bytes of all objects.
pub(crate) fn stored_bytes(objects: &[ObjectRecord]) -> u64 {
    objects.iter().map(|o| o.stored_bytes).sum()
}

/// Reads a whole dump, table of contents and every row, and loads it nowhere.
pub(crate) async fn read_dump(
    login: &Login,
    installation: &Installation,
    fetched: &Fetched,
    cancel: &CancellationToken,
) -> Result<(), BackupError> {
    let dir = fetched.dump.parent().unwrap_or(&fetched.dump);
    login.tool(installation, "pg_restore", dir).args(["--format=directory", "--file=/dev/null"]).arg(&fetched.dump).run(cancel).await
}
