//! What makes a backup count: its manifest, written last.
//!
//! `{"sha256": "…", "manifest": {…}}`, the digest over the manifest's own bytes, so that a flip in it is found as well.

use reeve_model::backup::{Backup, BackupId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The format that this program writes. A newer one is refused.
pub const FORMAT: u32 = 1;

/// A backup and its objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// What a person is told.
    pub backup: Backup,
    /// Everything that is stored, in the order of names.
    pub objects: Vec<ObjectRecord>,
}

/// One stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// The file it was, such as `dump/toc.dat` or `globals.sql`.
    pub name: String,
    /// Where it is stored, below the backup's own prefix.
    pub stored_as: String,
    /// Bytes of the file.
    pub plain_bytes: u64,
    /// Bytes stored.
    pub stored_bytes: u64,
    /// SHA-256 of the stored bytes, hexadecimal.
    pub sha256: String,
}

/// The checksum of a backup: SHA-256 over a line `sha256 bytes name` for each object, in the order of names.
#[must_use]
pub fn checksum(objects: &[ObjectRecord]) -> String {
    let mut lines: Vec<_> = objects.iter().map(|o| (&o.name, format!("{} {} {}\n", o.sha256, o.stored_bytes, o.name))).collect();
    lines.sort();
    let mut hasher = Sha256::new();
    lines.iter().for_each(|(_, line)| hasher.update(line));
    hex::encode(hasher.finalize())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    sha256: String,
    manifest: Box<RawValue>,
}

impl Manifest {
    /// Its bytes as they are stored.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let manifest = RawValue::from_string(serde_json::to_string(self)?)?;
        serde_json::to_vec(&Envelope { sha256: digest(manifest.get()), manifest })
    }

    /// Reads what is stored under a backup's name.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub(crate) fn from_bytes(id: &BackupId, bytes: &[u8]) -> Result<Self, String> {
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|e| format!("it is no manifest: {e}"))?;
        if digest(envelope.manifest.get()) != envelope.sha256 {
            return Err("its own digest does not fit".to_owned());
        }
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_str(envelope.manifest.get()).map_err(|e| format!("it is no manifest: {e}"))?;
        if head.format > FORMAT {
            return Err(format!("its format is {} and this program knows up to {FORMAT}; use a newer one", head.format));
        }
        let manifest: Self = serde_json::from_str(envelope.manifest.get()).map_err(|e| format!("it is no manifest: {e}"))?;
        if manifest.backup.id != *id {
            return Err(format!("it is the manifest of {}", manifest.backup.id));
        }
        if checksum(&manifest.objects) != manifest.backup.checksum {
            return Err("its checksum does not fit its objects".to_owned());
        }
        // It decides where files are written: nothing may lead outside.
        if let Some(bad) = manifest.objects.iter().find(|o| !is_safe(&o.name) || !is_safe(&o.stored_as)) {
            return Err(format!("it holds an object with an unusable name, {:?}", bad.name));
        }
        Ok(manifest)
    }
}

fn is_safe(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    name.split('/').all(part)
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::{
        TargetName, UnixMs,
        backup::{BackupDatabase, BackupKind},
    };

    fn manifest(name: &str) -> Manifest {
        let objects = vec![ObjectRecord {
            name: name.into(),
            stored_as: "globals.sql.zst".into(),
            plain_bytes: 3,
            stored_bytes: 2,
            sha256: digest("x"),
        }];
        let database = BackupDatabase {
            name: "ü".into(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 1,
            properties: None,
        };
        let backup = Backup {
            id: BackupId::new("20261126T131845Z-7f3a9c01").expect("an id"),
            timestamp: UnixMs(1),
            size_bytes: 2,
            tables: Vec::new(),
            kind: BackupKind::Manual,
            checksum: checksum(&objects),
            target: TargetName::new("orders").expect("a name"),
            database,
            whole: true,
            server_version: "15.18".into(),
            server_major: 15,
            tool_version: "15.18".into(),
            tool_major: 15,
            started_at: UnixMs(0),
            duration_ms: 1,
            plain_bytes: 3,
            encrypted_to: Vec::new(),
            copies: Vec::new(),
            notes: Vec::new(),
        };
        Manifest { format: FORMAT, backup, objects }
    }

    #[test]
    fn d4_every_single_flipped_bit_of_a_manifest_is_found() {
        let good = manifest("globals.sql");
        let id = good.backup.id.clone();
        let bytes = good.to_bytes().expect("writes");
        assert_eq!(Manifest::from_bytes(&id, &bytes), Ok(good));
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut spoilt = bytes.clone();
                spoilt[place] ^= 1 << bit;
                assert!(Manifest::from_bytes(&id, &spoilt).is_err(), "byte {place}, bit {bit}");
            }
        }
        assert!(Manifest::from_bytes(&id, &bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn d4_a_manifest_under_another_name_or_leading_outside_is_refused() {
        let good = manifest("globals.sql");
        let other = BackupId::new("20261126T131845Z-7f3a9c02").expect("an id");
        let why = Manifest::from_bytes(&other, &good.to_bytes().expect("writes")).expect_err("another name");
        assert!(why.contains("7f3a9c01"), "{why}");
        for bad in ["../x", "/etc/x", "dump/../../x", "dump//x", ".x", "a b"] {
            let bytes = manifest(bad).to_bytes().expect("writes");
            assert!(Manifest::from_bytes(&good.backup.id, &bytes).is_err(), "{bad}");
        }
    }
}
