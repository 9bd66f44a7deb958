//! The handle of a running cluster.

use crate::{
    ClusterError,
    account::Account,
    binaries::Installation,
    create::{self, SUPERUSER},
    layout::{Layout, PORT},
    processes, settings,
    standby::{self, Origin},
    supervise::{ClusterState, End, Supervisor},
    url,
};
use nix::sys::signal::Signal;
use secrecy::SecretString;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// What a cluster is to be.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Holds the data directory, the superuser's password and the log; made where it is missing.
    pub dir: PathBuf,
    /// Server settings, as in `postgresql.conf`. Those that keep the cluster private can't be changed.
    pub settings: Vec<(String, String)>,
    /// A name for log lines.
    pub label: String,
    /// The major version; none: the one that made the data directory, else the newest installed.
    pub major: Option<u32>,
}

/// A running, supervised cluster. Dropped without [`Cluster::stop`], its server is shut down at once (it recovers
/// from its log at the next start).
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    installation: Installation,
    password: SecretString,
    notes: Vec<String>,
    pid: Arc<AtomicI32>,
    state: watch::Receiver<ClusterState>,
    end: mpsc::Sender<End>,
    task: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Creates the cluster where it is missing, ends what a killed run left, starts the server and waits until it
    /// answers. From then on it is watched and started anew when it dies.
    ///
    /// # Errors
    /// One clear sentence each, see [`ClusterError`].
    pub async fn start(config: ClusterConfig) -> Result<Self, ClusterError> {
        Self::start_with(config, true, None).await
    }

    /// `sync` false: initdb doesn't wait for the disk. For clusters that are thrown away. `programs`: those instead of installed ones.
    pub(crate) async fn start_with(config: ClusterConfig, sync: bool, programs: Option<Installation>) -> Result<Self, ClusterError> {
        Self::start_from(config, programs, Origin::Init { sync }).await
    }

    /// Starts it with a data directory that comes from `origin` where it is missing.
    pub(crate) async fn start_from(
        config: ClusterConfig,
        programs: Option<Installation>,
        origin: Origin<'_>,
    ) -> Result<Self, ClusterError> {
        let prepared = tokio::task::spawn_blocking(move || Prepared::new(config, programs)).await;
        let prepared = prepared.map_err(|e| ClusterError::system("preparing the data directory", e))??;
        let Prepared { layout, account, installation, lock, settings, label } = prepared;
        match origin {
            Origin::Init { sync } => create::create_if_missing(&layout, &account, &installation, sync).await?,
            Origin::Backup { upstream, anew } => {
                standby::create_if_missing(&layout, &account, &installation, upstream, anew).await?;
            }
        }
        let password = layout.read_password()?;

        // Before the settings are written: a server that still runs must not read them.
        let left = processes::end_leftovers(&layout.data).await;
        left.map_err(|pids| ClusterError::system("ending the processes of an earlier server", format!("{pids:?} do not end")))?;
        let notes = settings::write(&layout, &account, &installation, &settings)?;
        notes.iter().for_each(|note| tracing::warn!(cluster = %label, "{note}"));

        let pid = Arc::new(AtomicI32::new(0));
        let (state_sender, state) = watch::channel(ClusterState::Starting);
        let (end, orders) = mpsc::channel(1);
        // Whoever drops this future while the server starts must not leave it running.
        let mut guard = KillOnDrop(Some(pid.clone()));
        let supervisor = Supervisor {
            layout: layout.clone(),
            account,
            installation: installation.clone(),
            label,
            pid: pid.clone(),
            state: state_sender,
            _lock: lock,
        };
        let child = supervisor.first_start().await?;
        guard.0 = None;
        let task = Some(tokio::spawn(supervisor.run(child, orders)));
        Ok(Self { layout, installation, password, notes, pid, state, end, task })
    }

    /// The URL of a database for the superuser. It holds the password.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> SecretString {
        self.login_url(SUPERUSER, &self.password, database)
    }

    /// The URL of a database for a login. It holds the password.
    #[must_use]
    pub fn login_url(&self, user: &str, password: &SecretString, database: &str) -> SecretString {
        url::socket_url(&self.layout.socket_dir, PORT, user, password, database)
    }

    pub(crate) fn superuser_password(&self) -> &SecretString {
        &self.password
    }

    /// The directory of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.layout.socket_dir
    }

    /// The port in the socket's name. Nothing listens on TCP.
    #[must_use]
    pub fn port(&self) -> u16 {
        PORT
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.installation.major
    }

    /// The binaries it runs on.
    #[must_use]
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The server's process id; none while it is down.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        Some(self.pid.load(Ordering::SeqCst)).filter(|pid| *pid > 0)
    }

    /// What the server is doing, and every change of it.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ClusterState> {
        self.state.clone()
    }

    /// What was asked for and left out, as sentences.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Shuts the server down: fast, after 20 s at once. Returns when it is gone.
    pub async fn stop(mut self) {
        self.end_with(End::Stop).await;
    }

    /// Lets go of the server without ending it, as a killed Reeve would.
    #[cfg(feature = "testing")]
    pub async fn abandon_for_test(mut self) {
        self.end_with(End::Abandon).await;
    }

    async fn end_with(&mut self, order: End) {
        // A full channel: an order is on its way already.
        self.end.try_send(order).ok();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the supervisor of the private PostgreSQL failed");
        }
    }

    /// Tells the supervisor to end and signals the server at once, for callers that can't wait.
    pub(crate) fn quit(&self) {
        self.end.try_send(End::Quit).ok();
        if let Some(pid) = self.pid() {
            processes::signal(pid, Signal::SIGQUIT);
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn data_dir(&self) -> &Path {
        &self.layout.data
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.task.is_some() {
            self.quit();
        }
    }
}

/// Ends the server unless disarmed.
struct KillOnDrop(Option<Arc<AtomicI32>>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let Some(pid) = self.0.take().map(|p| p.load(Ordering::SeqCst)) else { return };
        if pid > 0 {
            processes::signal(pid, Signal::SIGQUIT);
        }
    }
}

/// All that must be there before the data directory can be made and the server can run.
struct Prepared {
    layout: Layout,
    account: Account,
    installation: Installation,
    lock: std::fs::File,
    settings: Vec<(String, String)>,
    label: String,
}

impl Prepared {
    fn new(config: ClusterConfig, programs: Option<Installation>) -> Result<Self, ClusterError> {
        let account = Account::for_server()?;
        let layout = Layout::prepare(&config.dir, &account)?;
        let lock = layout.lock()?;
        let installation = programs.map_or_else(|| create::choose_installation(&layout, config.major), Ok)?;
        account.check_entry(&layout.dir, &installation)?;
        Ok(Self { layout, account, installation, lock, settings: config.settings, label: config.label })
    }
}
