//! Runs the server, watches it and starts it anew when it dies.

use crate::{
    ClusterError,
    account::Account,
    binaries::Installation,
    create::SUPERUSER,
    layout::{Layout, PORT},
    offline, processes,
};
use nix::sys::signal::Signal;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::Child,
    sync::{mpsc, watch},
};

/// How often `postmaster.pid` is read while a server starts.
const LOOK: Duration = Duration::from_millis(20);
/// A start may take this long; replaying much WAL after a crash takes its time.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How long a fast shutdown may take before an immediate one, and that before the end.
const FAST_STOP: Duration = Duration::from_secs(20);
const IMMEDIATE_STOP: Duration = Duration::from_secs(5);
/// Back-off between restarts; the first comes at once.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A server that was ready this long starts with a clean slate.
const STEADY: Duration = Duration::from_secs(60);

/// What the server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterState {
    /// Started, not yet answering.
    Starting,
    /// It answers.
    Ready,
    /// It died and is being started anew.
    Down {
        /// Since when.
        since: SystemTime,
        /// Why, in one sentence.
        sentence: String,
    },
    /// Stopped by us, for good.
    Stopped,
}

/// How the supervisor is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Fast, then immediate shutdown.
    Stop,
    /// Immediate shutdown.
    Quit,
    /// Leave the server running.
    #[cfg(feature = "testing")]
    Abandon,
}

/// The supervisor of one server. It holds the lock of the directory while it lives.
pub(crate) struct Supervisor {
    pub(crate) layout: Layout,
    pub(crate) account: Account,
    pub(crate) installation: Installation,
    pub(crate) label: String,
    pub(crate) pid: Arc<AtomicI32>,
    pub(crate) state: watch::Sender<ClusterState>,
    pub(crate) _lock: std::fs::File,
}

/// What ended one run of the server.
enum Outcome {
    Died(ClusterError),
    Told(End),
}

impl Supervisor {
    /// Starts the server for the first time and waits until it answers.
    pub(crate) async fn first_start(&self) -> Result<Child, ClusterError> {
        let (mut child, from) = self.launch().await?;
        match self.await_ready(&mut child, from).await {
            Ok(()) => Ok(child),
            Err(error) => {
                self.finish(child, End::Quit).await;
                self.layout.remove_socket_dir();
                Err(error)
            }
        }
    }

    /// Watches the server until told to end.
    pub(crate) async fn run(self, child: Child, mut orders: mpsc::Receiver<End>) {
        let mut running = Some(child);
        let mut pause = Duration::ZERO;
        let mut down_since: Option<SystemTime> = None;
        loop {
            let outcome = match running.take() {
                Some(child) => {
                    let ready_at = Instant::now();
                    down_since = None;
                    self.state.send_replace(ClusterState::Ready);
                    let outcome = self.watch_running(child, &mut orders).await;
                    if ready_at.elapsed() >= STEADY {
                        pause = Duration::ZERO;
                    }
                    outcome
                }
                None => self.start_again(&mut running, &mut orders).await,
            };
            match outcome {
                None => {}
                Some(Outcome::Told(_)) => break,
                Some(Outcome::Died(error)) => {
                    let since = *down_since.get_or_insert_with(SystemTime::now);
                    tracing::warn!(cluster = %self.label, %error, pause_ms = pause.as_millis(), "the private PostgreSQL is down; starting it anew");
                    self.state.send_replace(ClusterState::Down { since, sentence: error.to_string() });
                    tokio::select! {
                        _ = orders.recv() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                }
            }
        }
        self.layout.remove_socket_dir();
        self.state.send_replace(ClusterState::Stopped);
    }

    /// Waits for the server's death or for the order to end, and obeys that.
    async fn watch_running(&self, mut child: Child, orders: &mut mpsc::Receiver<End>) -> Option<Outcome> {
        let from = log_length(&self.layout);
        tokio::select! {
            status = child.wait() => {
                self.pid.store(0, Ordering::SeqCst);
                let why = status.map_or_else(|e| e.to_string(), |s| format!("it ended with {s}"));
                Some(Outcome::Died(self.failure(why, from)))
            }
            order = orders.recv() => {
                // A closed channel: the handle is gone without a word.
                let order = order.unwrap_or(End::Quit);
                self.finish(child, order).await;
                Some(Outcome::Told(order))
            }
        }
    }

    /// One more start; can be told to end meanwhile.
    async fn start_again(&self, running: &mut Option<Child>, orders: &mut mpsc::Receiver<End>) -> Option<Outcome> {
        // Nothing is awaited after the process is there, so one that was called off has started none.
        let launched = tokio::select! {
            launched = self.launch() => launched,
            order = orders.recv() => return Some(Outcome::Told(order.unwrap_or(End::Quit))),
        };
        let (mut child, from) = match launched {
            Ok(started) => started,
            Err(error) => return Some(Outcome::Died(error)),
        };
        let outcome = tokio::select! {
            ready = self.await_ready(&mut child, from) => match ready {
                Ok(()) => None,
                Err(error) => Some(Outcome::Died(error)),
            },
            order = orders.recv() => Some(Outcome::Told(order.unwrap_or(End::Quit))),
        };
        match &outcome {
            None => *running = Some(child),
            Some(Outcome::Told(order)) => self.finish(child, *order).await,
            Some(Outcome::Died(_)) => self.finish(child, End::Quit).await,
        }
        outcome
    }

    /// Starts the process. Answers it and where its part of the log begins.
    async fn launch(&self) -> Result<(Child, u64), ClusterError> {
        // Else it would look as if the server's program were missing.
        if !self.layout.data.is_dir() {
            return Err(ClusterError::DataGone { dir: self.layout.data.clone() });
        }
        let _starting = offline::may_start(&self.layout).await?;
        let left = processes::end_leftovers(&self.layout.data).await;
        left.map_err(|pids| ClusterError::system("ending the processes of an earlier server", format!("{pids:?} do not end")))?;
        self.layout.prepare_socket_dir(&self.account)?;
        let log = self.layout.open_log()?;
        let from = log_length(&self.layout);
        let errors = log.try_clone().map_err(|e| ClusterError::io(&self.layout.log, &e))?;
        let program = self.installation.program("postgres");
        let mut command = self.account.command(&program, &self.layout.data);
        command.arg("-D").arg(&self.layout.data).stdout(log).stderr(errors);
        let mut command = tokio::process::Command::from(command);
        let child = command.spawn().map_err(|e| ClusterError::system(format!("running {}", program.display()), e))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0);
        self.pid.store(pid, Ordering::SeqCst);
        if !matches!(*self.state.borrow(), ClusterState::Down { .. }) {
            self.state.send_replace(ClusterState::Starting);
        }
        tracing::debug!(cluster = %self.label, pid, "started PostgreSQL");
        Ok((child, from))
    }

    /// Waits until the server says "ready" and really answers on its socket.
    async fn await_ready(&self, child: &mut Child, from: u64) -> Result<(), ClusterError> {
        let until = Instant::now() + START_LIMIT;
        let socket = self.layout.socket_dir.join(format!(".s.PGSQL.{PORT}"));
        loop {
            tokio::select! {
                status = child.wait() => {
                    self.pid.store(0, Ordering::SeqCst);
                    let why = status.map_or_else(|e| e.to_string(), |s| format!("it ended with {s}"));
                    return Err(self.failure(why, from));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.says_ready(child) && answers(&socket).await {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(self.failure(format!("not ready after {} s", START_LIMIT.as_secs()), from));
            }
        }
    }

    /// Reads the status line of `postmaster.pid`, when it is this child's.
    fn says_ready(&self, child: &Child) -> bool {
        let Ok(text) = std::fs::read_to_string(self.layout.data.join("postmaster.pid")) else { return false };
        let mut lines = text.lines();
        let pid = lines.next().and_then(|l| l.trim().parse::<u32>().ok());
        pid.is_some() && pid == child.id() && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }

    /// Ends the child as ordered and reaps it.
    async fn finish(&self, mut child: Child, order: End) {
        let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) else { return };
        #[cfg(feature = "testing")]
        if order == End::Abandon {
            self.pid.store(0, Ordering::SeqCst);
            return;
        }
        let steps = [(Signal::SIGINT, FAST_STOP), (Signal::SIGQUIT, IMMEDIATE_STOP), (Signal::SIGKILL, IMMEDIATE_STOP)];
        for (signal, patience) in &steps[usize::from(order == End::Quit)..] {
            processes::signal(pid, *signal);
            if tokio::time::timeout(*patience, child.wait()).await.is_ok() {
                break;
            }
            tracing::warn!(cluster = %self.label, pid, %signal, "PostgreSQL did not end in time");
        }
        self.pid.store(0, Ordering::SeqCst);
    }

    /// The error for a server that ended by itself, with what it last said.
    fn failure(&self, why: String, from: u64) -> ClusterError {
        let tail = self.layout.log_tail(from, 3);
        // On a full disk the log can't be written either.
        if self.layout.log_tail(from, 20).contains("No space left on device") || self.layout.is_full() {
            return ClusterError::DiskFull { dir: self.layout.dir.clone() };
        }
        ClusterError::NotStarted { why, log: self.layout.log.clone(), tail }
    }
}

fn log_length(layout: &Layout) -> u64 {
    layout.log.metadata().map_or(0, |m| m.len())
}

/// Opens a real session as far as the password question: a server that asks is ready.
pub(crate) async fn answers(socket: &std::path::Path) -> bool {
    let ask = async {
        let mut stream = UnixStream::connect(socket).await?;
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        for word in ["user", SUPERUSER, "database", "postgres", ""] {
            body.extend_from_slice(word.as_bytes());
            body.push(0);
        }
        let length = i32::try_from(body.len() + 4).unwrap_or(i32::MAX);
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(&body).await?;
        stream.read_u8().await
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), ask).await, Ok(Ok(b'R')))
}
