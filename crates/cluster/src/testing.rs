//! Throw-away clusters for tests: private, parallel-safe, gone when dropped.

mod majors;
mod pooler;

pub use pooler::TestPooler;

use crate::{Cluster, ClusterConfig, ClusterError, account::Account, binaries::Installation, layout, processes};
use secrecy::{ExposeSecret, SecretString};
use std::{
    ops::Deref,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// Short and directly under /tmp: the path of the socket has a limit, and the server's user must be able to enter.
const PREFIX: &str = "reeve-test-";
/// What a killed test left is swept when it is older than this.
const STALE: Duration = Duration::from_secs(120);

/// A cluster in a directory of its own under /tmp. Dropping it ends the server and removes everything.
#[derive(Debug)]
pub struct TestCluster {
    // An option so that `drop` can let go of the cluster before the directory.
    cluster: Option<Cluster>,
    dir: tempfile::TempDir,
    settings: Vec<(String, String)>,
    /// Another server than an installed one.
    programs: Option<Installation>,
}

impl TestCluster {
    /// Starts one. It doesn't wait for the disk (`fsync = off`), which survives a killed server all the same; name
    /// the setting to have it otherwise.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self, ClusterError> {
        tokio::task::spawn_blocking(sweep).await.map_err(|e| ClusterError::system("sweeping /tmp", e))?;
        let dir = open_dir().map_err(|e| ClusterError::system("making a directory", e))?;
        Self::start_in(dir, settings, None).await
    }

    /// Starts one of this major, installed or not. None: there is no such server here; `scripts/setup.sh test` fetches them.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_major(major: u32, settings: &[(&str, &str)]) -> Result<Option<Self>, ClusterError> {
        let dir = open_dir().map_err(|e| ClusterError::system("making a directory", e))?;
        let installed = crate::binaries::installed().into_iter().find(|i| i.major == major);
        let Some(programs) = installed.map_or_else(|| majors::unpack(major, dir.path()), |i| Ok(Some(i)))? else { return Ok(None) };
        Self::start_in(dir, settings, Some(programs)).await.map(Some)
    }

    async fn start_in(dir: tempfile::TempDir, settings: &[(&str, &str)], programs: Option<Installation>) -> Result<Self, ClusterError> {
        let mut all = vec![("fsync".to_owned(), "off".to_owned()), ("shared_buffers".to_owned(), "16MB".to_owned())];
        all.extend(settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        let mut this = Self { cluster: None, dir, settings: all, programs };
        this.start_again().await?;
        Ok(this)
    }

    /// Starts a hot standby that streams from this cluster; logins and passwords are the same.
    ///
    /// # Errors
    /// As [`Cluster::start`], and what `pg_basebackup` says.
    pub async fn standby(&self) -> Result<Self, ClusterError> {
        let dir = open_dir().map_err(|e| ClusterError::system("making a directory", e))?;
        let account = Account::for_server()?;
        let (data, password) = (dir.path().join("pgdata"), dir.path().join("superuser.password"));
        let prepare = || {
            std::fs::create_dir(&data)?;
            std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;
            std::fs::copy(self.dir().join("superuser.password"), &password)
        };
        prepare().map_err(|e| ClusterError::io(dir.path(), &e))?;
        account.own(&data)?;
        account.own(&password)?;
        let mut copy = account.command(&self.installation().program("pg_basebackup"), dir.path());
        // Throw-away credentials: they may stand in the arguments here.
        copy.args(["--dbname", &self.url("postgres"), "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--pgdata"]).arg(&data);
        let output = tokio::process::Command::from(copy).output().await.map_err(|e| ClusterError::system("running pg_basebackup", e))?;
        if !output.status.success() {
            return Err(ClusterError::system("pg_basebackup", String::from_utf8_lossy(&output.stderr)));
        }
        let mut this = Self { cluster: None, dir, settings: self.settings.clone(), programs: None };
        this.start_again().await?;
        Ok(this)
    }

    /// Starts a hot standby from a copy of this cluster's files, for which it is stopped a moment: the packages of [`Self::start_major`]
    /// have no `pg_basebackup`.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn standby_of_copy(&mut self) -> Result<Self, ClusterError> {
        let dir = open_dir().map_err(|e| ClusterError::system("making a directory", e))?;
        let primary = self.url("postgres");
        self.stop_server().await;
        let data = dir.path().join("pgdata");
        let prepare = || {
            majors::clone_owned(&self.dir().join("pgdata"), &data)?;
            majors::clone_owned(&self.dir().join("superuser.password"), &dir.path().join("superuser.password"))?;
            let mut conf = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.auto.conf"))?;
            std::io::Write::write_all(&mut conf, format!("primary_conninfo = '{primary}'\n").as_bytes())?;
            std::fs::write(data.join("standby.signal"), "")
        };
        prepare().map_err(|e| ClusterError::io(dir.path(), &e))?;
        Account::for_server()?.own(&data.join("standby.signal"))?;
        self.start_again().await?;
        let mut this = Self { cluster: None, dir, settings: self.settings.clone(), programs: self.programs.clone() };
        this.start_again().await?;
        Ok(this)
    }

    /// The URL of a database for the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.cluster().superuser_url(database).expose_secret().to_owned()
    }

    /// The URL of a database for a login.
    #[must_use]
    pub fn url_for(&self, user: &str, password: &str, database: &str) -> String {
        self.cluster().login_url(user, &SecretString::from(password.to_owned()), database).expose_secret().to_owned()
    }

    /// The cluster's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kills the server with SIGKILL, as a crash would. The supervisor starts it anew.
    pub fn kill_server(&self) {
        if let Some(pid) = self.cluster().pid() {
            processes::signal(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Stops the server and keeps its files, for [`TestCluster::start_again`].
    pub async fn stop_server(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await;
        }
    }

    /// Starts a stopped server on the same files; socket and passwords stay the same.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_again(&mut self) -> Result<(), ClusterError> {
        self.stop_server().await;
        let config =
            ClusterConfig { dir: self.dir.path().to_owned(), settings: self.settings.clone(), label: "test".to_owned(), major: None };
        self.cluster = Some(Cluster::start_with(config, false, self.programs.clone()).await?);
        Ok(())
    }

    #[allow(clippy::expect_used)]
    fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("the test stopped this server; start it again first")
    }
}

impl Deref for TestCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster()
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let Some(cluster) = self.cluster.take() else { return };
        cluster.quit();
        let until = Instant::now() + Duration::from_secs(10);
        while !processes::working_in(cluster.data_dir()).is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::remove_dir_all(cluster.socket_dir()).ok();
    }
}

fn open_dir() -> std::io::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in("/tmp")?;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711))?;
    Ok(dir)
}

/// Removes what tests that were killed left under /tmp: directories whose lock nobody holds.
fn sweep() {
    let Ok(entries) = std::fs::read_dir("/tmp") else { return };
    for dir in entries.flatten().filter(|e| e.file_name().to_str().is_some_and(|n| n.starts_with(PREFIX))).map(|e| e.path()) {
        let lock = dir.join("reeve.lock");
        let age = lock.metadata().and_then(|m| m.modified()).ok().and_then(|t| SystemTime::now().duration_since(t).ok());
        let Some(_) = age.filter(|age| *age > STALE) else { continue };
        let Ok(file) = std::fs::File::open(&lock) else { continue };
        if file.try_lock().is_err() {
            continue;
        }
        for pid in processes::working_in(&dir.join("pgdata")) {
            processes::signal(pid, nix::sys::signal::Signal::SIGQUIT);
        }
        if let Ok(account) = Account::for_server() {
            std::fs::remove_dir_all(layout::socket_dir(&dir, &account)).ok();
        }
        std::fs::remove_dir_all(&dir).ok();
    }
}
