//! The list of backups as evidence that controls judge (SPEC E1: BKP-01, BKP-03, ENC-10).

use super::Backups;
use reeve_estate::evidence::digest;
use reeve_model::{TargetName, UnixMs, backup::RepositoryState, compliance::Evidence};

const COLUMNS: [&str; 7] = ["database", "there", "backups", "plain", "last_good_ms", "proven_ms", "last_drill"];

impl Backups {
    /// What the repository holds of each database of a target: how many backups and how many of them are not encrypted, and the moments
    /// (milliseconds since 1970) of the last good one and of the last restore that proved one.
    #[must_use]
    pub fn evidence(&self, target: &TargetName) -> Evidence {
        let (state, held) = self.inner.repository();
        let (query, at, missing) = match &state {
            RepositoryState::NotConfigured => {
                let why =
                    "Reeve has no repository of backups, and what other tools keep is not seen; name one under [backup] in reeve.toml.";
                (String::new(), UnixMs::now(), Some(why.to_owned()))
            }
            RepositoryState::NotRead => {
                (String::new(), UnixMs::now(), Some("The repository of backups was not read yet; scan again in a moment.".to_owned()))
            }
            RepositoryState::Unreachable { location, sentence, last, .. } => {
                let why = format!("The repository of backups can't be read: {sentence}");
                (location.clone(), last.unwrap_or_else(UnixMs::now), Some(why))
            }
            RepositoryState::Read { location, at } => (location.clone(), *at, None),
        };
        let columns = COLUMNS.map(str::to_owned).to_vec();
        let mut rows = Vec::new();
        if missing.is_none() {
            for cover in self.inner.cover(&held.entries, &[], |name| name == target) {
                let of = |e: &&reeve_model::backup::BackupEntry| e.backup.target == *target && e.backup.database.name == cover.database;
                let plain = held.entries.iter().filter(of).filter(|e| e.backup.encrypted_to.is_empty()).count();
                rows.push(vec![
                    Some(cover.database.clone()),
                    Some(cover.there.to_string()),
                    Some(cover.backups.to_string()),
                    Some(plain.to_string()),
                    cover.last_good_at.map(|at| at.0.to_string()),
                    cover.proven_at.map(|at| at.0.to_string()),
                    cover.last_drill.map(|outcome| outcome.word().to_owned()),
                ]);
            }
        }
        Evidence {
            id: "backups".to_owned(),
            database: None,
            query: if query.is_empty() { query } else { format!("-- Reeve's own list of backups in {query}; reeve backup list shows it") },
            row_count: rows.len() as u64,
            hash: if missing.is_some() { String::new() } else { digest(&columns, &rows) },
            columns,
            rows,
            at,
            elapsed_ms: 0,
            missing,
        }
    }
}
