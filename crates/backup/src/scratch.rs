//! Private directories for what is only needed while a job runs, and what is done about those that a killed job left.

use crate::BackupError;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const PREFIX: &str = "job-";
const LOCK: &str = "lock";
/// How long what a killed job left may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile; there is no event to wait for.
const LOOK: Duration = Duration::from_millis(20);
/// What may run in a scratch directory.
const PROGRAMS: &[&str] = &["postgres", "pg_dump", "pg_restore", "psql", "pg_amcheck", "initdb"];

/// A directory of one job; removed when dropped. Its lock is held as long as it lives.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: PathBuf,
    private: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes one below `root`, after clearing away what killed jobs left there.
    pub(crate) fn open(root: &Path) -> Result<Self, BackupError> {
        // Root's server runs as another user, who must pass through; what is secret lies in `private`.
        let passable = if Uid::effective().is_root() { 0o711 } else { 0o700 };
        make_all(root, passable)?;
        // Between a directory and its lock nobody else is at work here; so one without a lock belongs to somebody who was killed there.
        let gate = File::open(root).and_then(|gate| gate.lock().map(|()| gate)).map_err(|e| BackupError::io(root, &e))?;
        let dead = abandoned(root);
        let mut name = [0_u8; 6];
        getrandom::fill(&mut name).map_err(|e| BackupError::system("reading random bytes", e))?;
        let dir = root.join(format!("{PREFIX}{}", hex::encode(name)));
        make(&dir, passable)?;
        let path = dir.join(LOCK);
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|e| BackupError::io(&path, &e))?;
        lock.lock().map_err(|e| BackupError::io(&path, &e))?;
        drop(gate);
        dead.iter().for_each(|(dir, _lock)| clear(dir));
        let private = dir.join("private");
        make(&private, 0o700)?;
        Ok(Self { dir, private, _lock: lock })
    }

    /// For what only this process's user may see.
    pub(crate) fn private(&self) -> &Path {
        &self.private
    }

    /// Passable for the user that runs a private server.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What was killed just now may still be at its last write.
        let until = Instant::now() + PATIENCE;
        while !working_in(&self.dir).is_empty() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), %error, "scratch space was not removed; the next job tries again");
        }
    }
}

fn make_all(dir: &Path, mode: u32) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(|e| BackupError::io(dir, &e))
}

fn make(dir: &Path, mode: u32) -> Result<(), BackupError> {
    DirBuilder::new().mode(mode).create(dir).map_err(|e| BackupError::io(dir, &e))?;
    std::fs::set_permissions(dir, Permissions::from_mode(mode)).map_err(|e| BackupError::io(dir, &e))
}

/// Free bytes at `path` for whoever is not root; none when the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    nix::sys::statvfs::statvfs(path).ok().map(|s| s.blocks_available().saturating_mul(s.fragment_size()))
}

/// Directories of jobs that are no more, with their locks, which are held from here on. Those that never came to have one are removed at
/// once. Only for who holds the gate.
fn abandoned(root: &Path) -> Vec<(PathBuf, File)> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut dead = Vec::new();
    for dir in entries.flatten().filter(|e| e.file_name().to_str().is_some_and(|n| n.starts_with(PREFIX))).map(|e| e.path()) {
        match File::open(dir.join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => dead.push((dir, lock)),
            Err(error) if error.kind() == ErrorKind::NotFound => remove(&dir),
            _ => {}
        }
    }
    dead
}

/// Removes a directory, and ends the tools that still work in it.
fn clear(dir: &Path) {
    tracing::info!(dir = %dir.display(), "clearing away what a killed job left");
    for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
        let until = Instant::now() + PATIENCE;
        for pid in working_in(dir) {
            // It may have ended by itself meanwhile.
            kill(Pid::from_raw(pid), signal).ok();
        }
        while !working_in(dir).is_empty() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
    }
    remove(dir);
}

fn remove(dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(dir) {
        tracing::warn!(dir = %dir.display(), %error, "old scratch space can't be removed");
    }
}

/// PostgreSQL's programs whose working directory is `dir` or below.
fn working_in(dir: &Path) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let link = |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}"));
        let ours = |exe: PathBuf| exe.file_name().is_some_and(|n| PROGRAMS.iter().any(|p| n.as_encoded_bytes().starts_with(p.as_bytes())));
        link("cwd").is_ok_and(|cwd| cwd.starts_with(dir)) && link("exe").is_ok_and(ours)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_what_a_killed_job_left_is_cleared_away_and_what_a_living_one_uses_stays() {
        let root = tempfile::tempdir().expect("a directory");
        let living = Scratch::open(root.path()).expect("opens");
        let dead = root.path().join("job-dead");
        std::fs::create_dir_all(dead.join("private")).expect("makes");
        std::fs::write(dead.join(LOCK), "").expect("writes");
        std::fs::write(dead.join("private/passfile"), "secret").expect("writes");
        let next = Scratch::open(root.path()).expect("opens");
        assert!(!dead.exists() && living.private().is_dir() && next.private().is_dir());
        let place = living.dir().to_owned();
        drop(living);
        assert!(!place.exists());
    }

    /// Killed between the directory and its lock; and many that begin at once leave one another alone.
    #[test]
    fn d1_a_directory_without_a_lock_is_cleared_away_and_none_that_just_begins() {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(root.path().join(format!("{PREFIX}000000000000"))).expect("made");
        std::thread::scope(|all| {
            for _ in 0..8 {
                all.spawn(|| {
                    for _ in 0..25 {
                        let scratch = Scratch::open(root.path()).expect("opens");
                        assert!(scratch.private().is_dir() && scratch.dir().join(LOCK).is_file());
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(root.path()).expect("read").count(), 0);
    }
}
