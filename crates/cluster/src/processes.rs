//! Server processes of a data directory that an earlier run left behind, found by what they are and where they work.

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How often a process that isn't our child is looked at while it ends; there is no event to wait for.
const LOOK: Duration = Duration::from_millis(20);
/// How long a left-over server may take for a fast, and then for an immediate shutdown.
const FAST: Duration = Duration::from_secs(20);
const IMMEDIATE: Duration = Duration::from_secs(5);

/// Sends a signal; a process that is gone already is fine.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Err(error) = kill(Pid::from_raw(pid), signal) {
        tracing::debug!(pid, %signal, %error, "signal not delivered");
    }
}

/// Whether `pid` is a living PostgreSQL process of `data`.
pub(crate) fn works_in(pid: i32, data: &Path) -> bool {
    stands_in(pid, data, &["postgres"])
}

/// Whether `pid` works in `dir` and runs one of `programs`. A zombie has no working directory any more, and somebody's
/// shell that stands there runs another program.
fn stands_in(pid: i32, dir: &Path, programs: &[&str]) -> bool {
    let link = |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}"));
    // After an upgrade the file may be gone: "postgres (deleted)".
    let one_of = |name: &[u8]| programs.iter().any(|p| name.starts_with(p.as_bytes()));
    let ours = |exe: std::path::PathBuf| exe.file_name().is_some_and(|n| one_of(n.as_encoded_bytes()));
    link("cwd").is_ok_and(|cwd| cwd == dir) && link("exe").is_ok_and(ours)
}

/// The server's pid by `postmaster.pid`; none when there is none or it is not a number.
pub(crate) fn postmaster_pid(data: &Path) -> Option<i32> {
    std::fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

/// All PostgreSQL processes that work in the data directory `data`.
#[must_use]
pub fn working_in(data: &Path) -> Vec<i32> {
    standing_in(data, &["postgres"])
}

fn standing_in(dir: &Path, programs: &[&str]) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stands_in(*pid, dir, programs)).collect()
}

/// Ends a server that a killed Reeve left running, and what a killed server left.
///
/// # Errors
/// The pids that would not end.
pub(crate) async fn end_leftovers(data: &Path) -> Result<(), Vec<i32>> {
    if let Some(pid) = postmaster_pid(data).filter(|pid| works_in(*pid, data)) {
        tracing::info!(pid, "ending the server that an earlier run left behind");
        signal(pid, Signal::SIGINT);
        if !gone(data, FAST, |_| vec![pid]).await {
            signal(pid, Signal::SIGQUIT);
            gone(data, IMMEDIATE, |_| vec![pid]).await;
        }
    }
    // Backends of a dead server hold its shared memory and keep a new one from starting. Nothing they do can be
    // acknowledged any more, so they need no grace.
    for step in [Signal::SIGQUIT, Signal::SIGKILL] {
        let left = working_in(data);
        if left.is_empty() {
            return Ok(());
        }
        tracing::info!(?left, %step, "ending processes of a dead server");
        left.iter().for_each(|pid| signal(*pid, step));
        if gone(data, IMMEDIATE, working_in).await {
            return Ok(());
        }
    }
    match working_in(data) {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    }
}

/// Ends an initdb or base backup that a killed Reeve left in `fresh`, and the servers that run there. What they make is thrown away, so they
/// need no grace.
///
/// # Errors
/// The pids that would not end.
pub(crate) async fn end_makers(fresh: &Path) -> Result<(), Vec<i32>> {
    let until = Instant::now() + IMMEDIATE;
    loop {
        // Looked for anew each time: initdb starts one server after the other.
        let left: Vec<i32> = standing_in(fresh, &["initdb", "pg_basebackup", "postgres"]);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(left);
        }
        tracing::info!(?left, "ending what an earlier start left");
        left.iter().for_each(|pid| signal(*pid, Signal::SIGKILL));
        tokio::time::sleep(LOOK).await;
    }
}

/// Kills a process group unless disarmed.
pub(crate) struct GroupGuard(pub(crate) Option<i32>);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(pid) = self.0.filter(|pid| *pid > 1)
            && let Err(error) = killpg(Pid::from_raw(pid), Signal::SIGKILL)
        {
            tracing::debug!(pid, %error, "the process group was not killed");
        }
    }
}

/// Waits until none of the processes works in `data` any more.
async fn gone(data: &Path, within: Duration, which: impl Fn(&Path) -> Vec<i32>) -> bool {
    let until = Instant::now() + within;
    while which(data).into_iter().any(|pid| works_in(pid, data)) {
        if Instant::now() > until {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}
