//! What only the machine of a server tells: how much room its filesystems have left.

use crate::{fault::ProbeError, probe::Got};
use nix::sys::statvfs::statvfs;
use reeve_model::{
    UnixMs,
    snapshot::{Disk, DiskUse},
};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long the filesystems are waited for: one that hangs must not hold the round up.
const PATIENCE: Duration = Duration::from_secs(1);
/// The server's own file and its own answer may say its start this far apart.
const SAME_START_MS: i64 = 2_000;
/// Why there is nothing to see.
pub(crate) const ELSEWHERE: &str = "The server does not tell its free disk space by SQL; Reeve sees it only where it runs on the same machine, as a user who may read the data directory.";

/// Where a server keeps its files.
pub(crate) struct Places {
    pub(crate) data: PathBuf,
    /// By name; a place inside the data directory may be relative to it.
    pub(crate) tablespaces: Vec<(String, PathBuf)>,
}

/// The directory that is being looked at, if one is. What hangs is not looked at a second time beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looking(Arc<Mutex<Option<PathBuf>>>);

impl Looking {
    fn at(&self) -> Option<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, place: Option<PathBuf>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

/// The filesystems of the server that was started then, if it runs on this machine.
pub(crate) async fn look(looking: &Looking, places: Places, started_at: UnixMs) -> Result<Got<Vec<Disk>>, ProbeError> {
    if let Some(place) = looking.at() {
        return Err(hangs(&place));
    }
    looking.set(Some(places.data.clone()));
    let (answer, looked) = oneshot::channel();
    let mine = looking.clone();
    // On a thread of its own, which the end of the program does not wait for.
    let begun = std::thread::Builder::new().name("disks".to_owned()).spawn(move || {
        let found = runs_here(&places.data, started_at).then(|| measure(&mine, &places));
        mine.set(None);
        // Nobody waits any more: the round is over.
        let _ = answer.send(found);
    });
    if let Err(error) = begun {
        looking.set(None);
        return Err(ProbeError::Shape(format!("The disks were not looked at: there is no further thread ({error}).")));
    }
    match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(Some(found))) => Ok(found),
        Ok(Ok(None)) => Err(ProbeError::Unavailable(ELSEWHERE.to_owned())),
        Ok(Err(_)) => Err(ProbeError::Shape("Looking at the disks ended without an answer.".to_owned())),
        Err(_) => Err(hangs(&looking.at().unwrap_or_default())),
    }
}

fn hangs(place: &Path) -> ProbeError {
    ProbeError::Shape(format!("The filesystem of {} does not answer, so no disk of this server can be looked at.", place.display()))
}

/// A socket or a port may be forwarded, and another machine may have the same directory. No two servers start there in the same second.
fn runs_here(data: &Path, started_at: UnixMs) -> bool {
    let Ok(said) = fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let started_s = said.lines().nth(2).and_then(|line| line.trim().parse::<i64>().ok());
    started_s.is_some_and(|s| (s.saturating_mul(1_000) - started_at.0).abs() <= SAME_START_MS)
}

/// Each filesystem once, with all that lies on it.
fn measure(looking: &Looking, places: &Places) -> Got<Vec<Disk>> {
    let mut all = vec![(DiskUse::Data, places.data.clone()), (DiskUse::Wal, places.data.join("pg_wal"))];
    all.extend(places.tablespaces.iter().map(|(name, path)| (DiskUse::Tablespace(name.clone()), places.data.join(path))));
    let mut found: Vec<(u64, Disk)> = Vec::new();
    let mut missing = Vec::new();
    for (holds, path) in all {
        looking.set(Some(path.clone()));
        match room(&path) {
            Ok((device, total_bytes, free_bytes)) => match found.iter_mut().find(|(other, _)| *other == device) {
                Some((_, disk)) => disk.holds.push(holds),
                None => found.push((device, Disk { holds: vec![holds], path: path.display().to_string(), total_bytes, free_bytes })),
            },
            Err(why) => missing.push(format!("{holds} ({}: {why})", path.display())),
        }
    }
    let missing = (!missing.is_empty()).then(|| format!("Reeve can't see the filesystem of {}.", missing.join(", ")));
    Got { value: found.into_iter().map(|(_, disk)| disk).collect(), missing }
}

/// Device, bytes that the server could use in all, and bytes that are free for it.
fn room(path: &Path) -> Result<(u64, i64, i64), String> {
    let device = fs::metadata(path).map_err(|e| e.to_string())?.dev();
    let found = statvfs(path).map_err(|e| e.to_string())?;
    let (free, taken) = (found.blocks_available(), found.blocks().saturating_sub(found.blocks_free()));
    let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(found.fragment_size())).unwrap_or(i64::MAX);
    Ok((device, bytes(free.saturating_add(taken)), bytes(free)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;

    const STARTED: UnixMs = UnixMs(1_700_000_000_900);

    fn places(data: &Path) -> Places {
        Places { data: data.to_owned(), tablespaces: vec![("gone".to_owned(), data.join("nowhere"))] }
    }

    fn directory(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("reeve-disks-{}-{name}", std::process::id()));
        fs::create_dir_all(dir.join("pg_wal")).unwrap();
        dir
    }

    #[tokio::test]
    async fn b7_only_the_server_of_this_very_start_is_looked_at() {
        let dir = directory("start");
        let look = async || look(&Looking::default(), places(&dir), STARTED).await;
        assert!(matches!(look().await, Err(ProbeError::Unavailable(why)) if why == ELSEWHERE), "no such directory of a running server");
        for (line, here) in [("1700000000", true), ("1700000002", true), ("1700000004", false), ("", false)] {
            fs::write(dir.join("postmaster.pid"), format!("4711\n{}\n{line}\n5432\n", dir.display())).unwrap();
            assert_eq!(look().await.is_ok(), here, "{line}");
        }
        fs::write(dir.join("postmaster.pid"), "4711\n/\n1700000000\n").unwrap();
        let got = look().await.unwrap_or_else(|e| panic!("{e}"));
        let [disk] = got.value.as_slice() else { panic!("one filesystem: {:?}", got.value) };
        assert_eq!(disk.holds, [DiskUse::Data, DiskUse::Wal]);
        assert!(disk.total_bytes > 0 && (0..=disk.total_bytes).contains(&disk.free_bytes), "{disk:?}");
        assert!(got.missing.is_some_and(|m| m.contains("tablespace gone")), "what is not there is named");
        fs::remove_dir_all(dir).unwrap();
    }

    /// Opening a pipe waits for somebody who writes, as a mount of a server that is gone waits.
    #[tokio::test]
    async fn b7_a_filesystem_that_hangs_holds_nothing_up_and_is_not_asked_twice() {
        let dir = directory("hangs");
        let pipe = dir.join("postmaster.pid");
        nix::unistd::mkfifo(&pipe, Mode::from_bits_truncate(0o600)).unwrap();
        let looking = Looking::default();
        for most in [Duration::from_secs(5), Duration::from_millis(200)] {
            let begun = std::time::Instant::now();
            let outcome = look(&looking, places(&dir), STARTED).await;
            assert!(matches!(outcome, Err(ProbeError::Shape(why)) if why.contains("does not answer") && why.contains("reeve-disks-")));
            assert!(begun.elapsed() < most, "the second is not waited for");
        }
        fs::write(&pipe, "4711\n/\n1700000000\n").unwrap();
        while looking.at().is_some() {
            tokio::task::yield_now().await;
        }
        fs::remove_file(&pipe).unwrap();
        fs::write(&pipe, "4711\n/\n1700000000\n").unwrap();
        assert!(look(&looking, places(&dir), STARTED).await.is_ok(), "it is looked at again");
        fs::remove_dir_all(dir).unwrap();
    }
}
