//! A bad disk: one bit of a stored backup.

use crate::{
    commands::demo,
    config::Config,
    run::{backups::engine_config, output::say},
};
use reeve_backup::{Engine, repository::Location};
use reeve_model::backup::BackupEntry;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Flips one bit in the middle of the largest object of the newest backup; said again, back.
pub(super) async fn corrupt_backup(config: &Config) -> Result<ExitCode, String> {
    let engine = Engine::open(engine_config(config)).await.map_err(|e| format!("{e}."))?;
    let list = engine.list().await.map_err(|e| format!("{e}."))?;
    let of_sample = |e: &&BackupEntry| e.backup.target.as_str() == demo::TARGET;
    let newest = list.entries.iter().filter(of_sample).max_by_key(|e| e.backup.timestamp);
    let Some(id) = newest.map(|e| e.backup.id.clone()) else {
        return Err("There is no backup of the sample estate yet: press \"Back up now\" on its page, or run `reeve backup run findawise`."
            .to_owned());
    };
    let Location::Directory(root) = engine.config().location.clone() else {
        return Err("The repository is a bucket, which others may share: nothing in it is broken.".to_owned());
    };
    // A sample's backup in a repository that somebody shares with real ones is not ours to break.
    if !root.starts_with(&config.data_dir) {
        return Err(format!("{} is not in the data directory of the sample estate, so nothing in it is broken.", root.display()));
    }
    let object = largest(&root.join("objects").join(id.as_str()))?;
    let mut bytes = fs::read(&object).map_err(|e| format!("{} can't be read ({e}).", object.display()))?;
    let middle = bytes.len() / 2;
    let Some(byte) = bytes.get_mut(middle) else { return Err(format!("{} is empty.", object.display())) };
    *byte ^= 1;
    fs::write(&object, bytes).map_err(|e| format!("{} can't be written ({e}).", object.display()))?;
    say(format!("One bit of backup {id} is flipped: byte {middle} of {}.", object.display()));
    say(format!("Press Verify on /admin/backups/{id}, or run `reeve backup verify {id}`. The same command again flips it back."));
    Ok(ExitCode::SUCCESS)
}

/// The largest file below a directory; of equals the first by name, so that the same one is found again.
fn largest(dir: &Path) -> Result<PathBuf, String> {
    let mut found: Option<(u64, PathBuf)> = None;
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        let unread = |e: std::io::Error| format!("{} can't be read ({e}).", next.display());
        for entry in fs::read_dir(&next).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let meta = entry.metadata().map_err(unread)?;
            if meta.is_dir() {
                open.push(entry.path());
            } else if found.as_ref().is_none_or(|(size, path)| (meta.len(), path) > (*size, &entry.path())) {
                found = Some((meta.len(), entry.path()));
            }
        }
    }
    found.map(|(_, path)| path).ok_or_else(|| format!("{} holds no file.", dir.display()))
}
