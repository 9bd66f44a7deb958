//! Clears away what jobs that died left in a repository.

use super::{Repository, manifest_key, marks::stage_key, objects_prefix, uploads::uploads_prefix};
use crate::BackupError;
use object_store::{ObjectMeta, ObjectStore, path::Path as Key};
use reeve_model::backup::BackupId;
use std::collections::BTreeSet;

/// What was cleared away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Backups that were begun and never committed, or whose removal stopped half-way.
    pub removed: Vec<BackupId>,
    /// Bytes freed.
    pub bytes: u64,
}

impl Repository {
    /// Removes the objects of backups that do not count and on which nobody works any more, and old marks.
    ///
    /// # Errors
    /// The repository can't be read or written.
    pub async fn sweep(&self) -> Result<SweepReport, BackupError> {
        let mut report = SweepReport::default();
        let marks = self.list("marks").await?;
        let counting: BTreeSet<String> = self.names("manifests").await?;
        for id in self.owners("objects").await?.into_iter().filter(|id| !counting.contains(&format!("{id}.json"))) {
            let working = marks.iter().any(|meta| meta.location == stage_key(&id) && !self.is_stale(meta));
            // Marked or not: what was written to lately may be somebody's who has only just begun.
            let lately = self.list(&objects_prefix(&id)).await?.iter().any(|meta| !self.is_stale(meta));
            if working || lately {
                continue;
            }
            // In this order; see `marks`.
            self.remove(&stage_key(&id)).await?;
            if self.read_small(&manifest_key(&id)).await?.is_some() {
                continue;
            }
            report.bytes += self.remove_all(&objects_prefix(&id)).await?;
            self.remove_all(&format!("records/{id}")).await?;
            report.removed.push(id);
        }
        self.sweep_uploads(&marks).await?;
        for meta in marks.iter().filter(|meta| self.is_stale(meta)) {
            self.remove(&meta.location).await?;
        }
        Ok(report)
    }

    /// Uploads that were begun long ago, for a backup that nobody works on any more.
    async fn sweep_uploads(&self, marks: &[ObjectMeta]) -> Result<(), BackupError> {
        let working = |id: &BackupId| marks.iter().any(|meta| meta.location == stage_key(id) && !self.is_stale(meta));
        for id in self.owners("uploads").await?.into_iter().filter(|id| !working(id)) {
            let notes = self.list(&uploads_prefix(&id)).await?;
            let old: Vec<ObjectMeta> = notes.into_iter().filter(|meta| self.is_stale(meta)).collect();
            self.end_noted(&old).await?;
        }
        Ok(())
    }

    async fn names(&self, prefix: &str) -> Result<BTreeSet<String>, BackupError> {
        Ok(self.list(prefix).await?.iter().filter_map(|meta| meta.location.filename().map(str::to_owned)).collect())
    }

    /// Every backup that has something below a prefix, or an empty directory there.
    async fn owners(&self, prefix: &str) -> Result<BTreeSet<BackupId>, BackupError> {
        let below = self.store.list_with_delimiter(Some(&Key::from(prefix))).await;
        let below = below.map_err(|e| self.failed("listing", &e))?;
        Ok(below.common_prefixes.iter().filter_map(|prefix| BackupId::new(prefix.filename()?).ok()).collect())
    }
}
