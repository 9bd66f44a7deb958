//! Being told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for Ctrl-C, SIGTERM and the end of the terminal from its making on, so that none is lost while Reeve starts.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// None under `nohup`, which wants Reeve to outlive its terminal.
    hangup: Option<Signal>,
}

impl Stop {
    /// Starts listening.
    ///
    /// # Errors
    /// One sentence when the system refuses.
    pub fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("Signals can't be listened to ({error})."));
        let nohup = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status));
        let hangup = if nohup { None } else { Some(listen(SignalKind::hangup())?) };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())?, hangup })
    }

    /// Resolves at the next of them.
    pub async fn requested(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Runs a command's work to its end, unless it is told to stop before: what it started is dropped then, and it says so.
///
/// # Errors
/// The work's own; `stopped`; one sentence when the system refuses.
pub async fn unless_stopped<T>(stopped: &str, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let mut signal = Stop::listen()?;
    tokio::select! {
        outcome = work => outcome,
        () = signal.requested() => Err(stopped.to_owned()),
    }
}

/// Whether the mask of ignored signals has SIGHUP, the first of them.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::ignores_hangup;

    #[test]
    fn nohup_is_seen() {
        assert!(ignores_hangup("Name:\treeve\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("Name:\treeve\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
