//! A server that is kept from running while a tool works on its files.
//!
//! Who starts a server takes `offline.lock` shared for that moment; who works on its files takes it alone. A tool has the lock as its standard
//! input, so a server stays away until the tool has ended, also when the process that began it was killed in between.

use crate::{ClusterConfig, ClusterError, account::Account, binaries::Installation, create, layout::Layout, processes};
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    time::Duration,
};
use tokio::time::Instant;

/// How often a lock that is held is tried again: no event tells when a lock of files is free, and a thread that waits can't be called off.
const LOOK: Duration = Duration::from_millis(20);
/// How long a start, or another tool, may hold it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster whose server is stopped. Its supervisor starts it again when this is dropped.
#[derive(Debug)]
pub struct Offline {
    layout: Layout,
    account: Account,
    installation: Installation,
    lock: File,
}

impl Offline {
    /// Stops the server of the cluster, whoever runs it, and keeps it stopped.
    ///
    /// # Errors
    /// The directory is not that of a cluster, or its server does not end.
    pub async fn begin(config: &ClusterConfig) -> Result<Self, ClusterError> {
        let account = Account::for_server()?;
        let layout = Layout::prepare(&config.dir, &account)?;
        let installation = create::choose_installation(&layout, config.major)?;
        let until = Instant::now() + PATIENCE;
        let file = open(&layout)?;
        while let Err(error) = file.try_lock() {
            held(&layout, error)?;
            if Instant::now() > until {
                return Err(ClusterError::InUse { dir: layout.dir, pid: "(unknown)".to_owned() });
            }
            tokio::time::sleep(LOOK).await;
        }
        let left = processes::end_leftovers(&layout.data).await;
        left.map_err(|pids| ClusterError::system("stopping the server", format!("{pids:?} do not end")))?;
        Ok(Self { layout, account, installation, lock: file })
    }

    /// Runs one of the server's programs on the data directory, as the server's user, to its end. Answers what it printed.
    ///
    /// # Errors
    /// With what it said.
    pub async fn run(&self, program: &str, arguments: &[&str]) -> Result<String, ClusterError> {
        let program = self.installation.program(program);
        let doing = || format!("running {}", program.display());
        let lock = self.lock.try_clone().map_err(|e| ClusterError::system(doing(), e))?;
        let mut command = self.account.command(&program, &self.layout.dir);
        command.args(arguments).arg("-D").arg(&self.layout.data).stdin(lock);
        let output = tokio::process::Command::from(command).output().await.map_err(|e| ClusterError::system(doing(), e))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(ClusterError::system(doing(), String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// What a tool holds while it works.
    ///
    /// # Errors
    /// No more files can be opened.
    #[cfg(feature = "testing")]
    pub fn hold_for_test(&self) -> std::io::Result<File> {
        self.lock.try_clone()
    }
}

/// The right to start the server, for as long as the answer lives. Waits while somebody works on its files.
pub(crate) async fn may_start(layout: &Layout) -> Result<File, ClusterError> {
    let file = open(layout)?;
    while let Err(error) = file.try_lock_shared() {
        held(layout, error)?;
        tokio::time::sleep(LOOK).await;
    }
    Ok(file)
}

fn open(layout: &Layout) -> Result<File, ClusterError> {
    let path = layout.dir.join("offline.lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    file.map_err(|e| ClusterError::io(&path, &e))
}

/// That somebody else has it is no error.
fn held(layout: &Layout, error: TryLockError) -> Result<(), ClusterError> {
    match error {
        TryLockError::WouldBlock => Ok(()),
        TryLockError::Error(e) => Err(ClusterError::io(&layout.dir.join("offline.lock"), &e)),
    }
}
