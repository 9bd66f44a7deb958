//! Verifications and drills, kept beside the backups they speak of.

use super::Repository;
use crate::BackupError;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path as Key;
use reeve_model::{
    UnixMs,
    backup::{BackupId, Drill, Verification},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub(crate) enum Record {
    Verification(Verification),
    Drill(Drill),
}

/// The newest records of one backup.
#[derive(Debug, Clone, Default)]
pub(crate) struct Newest {
    pub(crate) verification: Option<Verification>,
    pub(crate) drill: Option<Drill>,
}

impl Repository {
    /// Keeps a record.
    pub(crate) async fn record(&self, record: &Record) -> Result<(), BackupError> {
        let (id, at, word) = match record {
            Record::Verification(v) => (&v.backup, v.at, "verification"),
            Record::Drill(d) => (&d.backup, d.at, "drill"),
        };
        let bytes = serde_json::to_vec(record).map_err(|e| BackupError::system("writing JSON", e))?;
        // Two at the same millisecond: the second takes the next one.
        for shift in 0..1_000 {
            if self.create(&key(id, at.plus_ms(shift), word), bytes.clone()).await? {
                return Ok(());
            }
        }
        Err(BackupError::Refused(format!("{} does not take another record of {id}", self.location())))
    }

    /// The newest records of all backups. One that can't be read counts as absent: it proves nothing.
    pub(crate) async fn newest_records(&self) -> Result<BTreeMap<BackupId, Newest>, BackupError> {
        let mut last: BTreeMap<(BackupId, bool), (String, Key)> = BTreeMap::new();
        for meta in self.list("records").await? {
            let parts: Vec<String> = meta.location.parts().map(|p| p.as_ref().to_owned()).collect();
            let [_, id, name] = parts.as_slice() else { continue };
            let Ok(id) = BackupId::new(id.as_str()) else { continue };
            let slot = last.entry((id, name.ends_with("-drill.json"))).or_insert_with(|| (name.clone(), meta.location.clone()));
            if *name > slot.0 {
                *slot = (name.clone(), meta.location.clone());
            }
        }
        let read =
            futures::stream::iter(last).map(|((id, _), (_, key))| async move { Ok::<_, BackupError>((id, self.read_small(&key).await?)) });
        let mut all: BTreeMap<BackupId, Newest> = BTreeMap::new();
        for (id, bytes) in read.buffer_unordered(super::AT_ONCE).try_collect::<Vec<_>>().await? {
            let Some(record) = bytes.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok()) else { continue };
            let slot = all.entry(id.clone()).or_default();
            match record {
                Record::Verification(v) if v.backup == id => slot.verification = Some(v),
                Record::Drill(d) if d.backup == id => slot.drill = Some(d),
                _ => {}
            }
        }
        Ok(all)
    }
}

/// Zero-padded, so that the order of names is the order of time.
fn key(id: &BackupId, at: UnixMs, word: &str) -> Key {
    Key::from(format!("records/{id}/{:016}-{word}.json", at.0.max(0)))
}
