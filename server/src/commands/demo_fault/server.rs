//! What goes wrong with the whole server: it dies, or it hangs.

use crate::run::{self, output::say};
use nix::{
    sys::signal::{Signal, kill as send},
    unistd::Pid,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// The postmaster as it says itself, if that process does work there: pids are used again, and the file may be old.
fn postmaster(data: &Path) -> Option<i32> {
    let said = std::fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()?;
    reeve_cluster::working_in(data).contains(&said).then_some(said)
}

/// While this file is there the server is killed whenever it comes back.
const MARK: &str = "fault.kill-target";
/// How often it is looked whether it came back; another process starts it.
const LOOK: Duration = Duration::from_millis(100);

/// Kills it as a crash would, and again whenever Reeve has started it anew, until Ctrl-C or `reeve demo heal`.
pub(super) async fn kill(data: &Path) -> Result<ExitCode, String> {
    let mark = mark(data);
    let mut stop = run::signals::Stop::listen()?;
    let Some(first) = postmaster(data) else { return Err("The server's process is not known.".to_owned()) };
    std::fs::write(&mark, "").map_err(|e| format!("{} can't be written ({e}).", mark.display()))?;
    send(Pid::from_raw(first), Signal::SIGKILL).map_err(|e| format!("The server was not killed ({e})."))?;
    say(format!("Process {first} is killed, and what Reeve starts in its place will be. It goes on until Ctrl-C or `reeve demo heal`."));
    let mut killed = first;
    while mark.exists() {
        if let Some(pid) = postmaster(data).filter(|pid| *pid != killed) {
            // It may have ended by itself.
            send(Pid::from_raw(pid), Signal::SIGKILL).ok();
            killed = pid;
        }
        tokio::select! {
            () = stop.requested() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    spare(data);
    Ok(ExitCode::SUCCESS)
}

/// Ends the killing; answers whether there was any.
pub(super) fn spare(data: &Path) -> bool {
    std::fs::remove_file(mark(data)).is_ok()
}

/// Whether it is being killed.
pub(super) fn dies(data: &Path) -> bool {
    mark(data).exists()
}

fn mark(data: &Path) -> PathBuf {
    data.with_file_name(MARK)
}

/// Stops every process of it where it stands.
pub(super) fn hang(data: &Path) -> Result<ExitCode, String> {
    let count = signal(data, Signal::SIGSTOP);
    if count == 0 {
        return Err("The server has no process that could be stopped.".to_owned());
    }
    say(format!("{count} processes of the server stand still. `reeve demo heal` lets them go on."));
    Ok(ExitCode::SUCCESS)
}

/// Lets those go on that stand still; answers how many.
pub(super) fn wake(data: &Path) -> usize {
    if hangs(data) { signal(data, Signal::SIGCONT) } else { 0 }
}

/// Whether the postmaster stands still.
pub(super) fn hangs(data: &Path) -> bool {
    let status = postmaster(data).and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")).ok());
    status.is_some_and(|text| text.lines().any(|line| line.starts_with("State:") && line.contains('T')))
}

fn signal(data: &Path, what: Signal) -> usize {
    // The postmaster first: it must not start anew what stops.
    let mut all: Vec<i32> = postmaster(data).into_iter().collect();
    all.extend(reeve_cluster::working_in(data).into_iter().filter(|pid| !all.contains(pid)).collect::<Vec<_>>());
    all.into_iter().filter(|pid| send(Pid::from_raw(*pid), what).is_ok()).count()
}
