//! Removing what retention lets go.

use crate::{
    BackupError, Engine,
    repository::{manifest_key, objects_prefix},
    retention::{self, Candidate},
};
use reeve_model::backup::{Backup, BackupId, Keep};

/// What was, or would be, removed.
#[derive(Debug, Clone, Default)]
pub struct PruneReport {
    /// Backups that are gone, or would be; newest first.
    pub removed: Vec<Backup>,
    /// Backups that were spared because somebody reads them just now.
    pub in_use: Vec<BackupId>,
    /// Backups that stay.
    pub kept: u64,
    /// Databases, as `target/database`, of which no backup is verified: of these nothing goes.
    pub unverified: Vec<String>,
}

impl Engine {
    /// Removes backups beyond `keep`. With `dry` it only tells which.
    ///
    /// # Errors
    /// The repository can't be read or written. What is half-removed is not listed, and the next sweep finishes it.
    pub async fn prune(&self, keep: Keep, dry: bool) -> Result<PruneReport, BackupError> {
        let entries = self.list().await?.entries;
        let candidates: Vec<Candidate> = entries.iter().map(Candidate::from).collect();
        let gone = retention::removable(&candidates, keep);
        let mut report = PruneReport { unverified: unverified(&candidates), ..PruneReport::default() };
        for entry in entries {
            if !gone.contains(&entry.backup.id) {
                report.kept += 1;
            } else if dry || self.remove(&entry.backup.id).await? {
                report.removed.push(entry.backup);
            } else {
                report.in_use.push(entry.backup.id);
            }
        }
        Ok(report)
    }

    /// Removes one backup; false when somebody reads it. The manifest goes first: half-removed it is not listed.
    async fn remove(&self, id: &BackupId) -> Result<bool, BackupError> {
        let Some(mark) = self.repository.claim_for_removal(id).await? else { return Ok(false) };
        self.repository.remove(&manifest_key(id)).await?;
        self.repository.remove_all(&objects_prefix(id)).await?;
        self.repository.remove_all(&format!("records/{id}")).await?;
        mark.release().await?;
        Ok(true)
    }
}

fn unverified(candidates: &[Candidate]) -> Vec<String> {
    let mut names: Vec<String> = candidates
        .iter()
        .filter(|c| !candidates.iter().any(|o| o.group == c.group && o.trust >= reeve_model::backup::BackupTrust::Verified))
        .map(|c| format!("{}/{}", c.group.0, c.group.1))
        .collect();
    names.sort();
    names.dedup();
    names
}
