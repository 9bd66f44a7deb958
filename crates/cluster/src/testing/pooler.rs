//! A throw-away PgBouncer before a throw-away cluster.

use super::{TestCluster, open_dir};
use crate::{ClusterError, account::Account, url::socket_url};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt::Write,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The port is only part of the socket's name.
const PORT: u16 = 6432;
/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A PgBouncer in transaction mode, on a socket in a directory of its own. Dropping it ends it and removes everything.
#[derive(Debug)]
pub struct TestPooler {
    child: Option<Child>,
    dir: tempfile::TempDir,
    program: PathBuf,
}

impl TestPooler {
    /// Starts one before a cluster: who signs in there with which password, and settings over or beside the usual ones; `connect_query`
    /// is run in each session of the pool before it is lent. None: PgBouncer isn't installed; `scripts/setup.sh test` does that.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(cluster: &TestCluster, logins: &[(&str, &str)], settings: &[(&str, &str)]) -> Result<Option<Self>, ClusterError> {
        let Some(program) = program() else { return Ok(None) };
        let dir = open_dir().map_err(|e| ClusterError::system("making a directory", e))?;
        let run = dir.path().join("run");
        let mut all = vec![
            ("pool_mode", "transaction".to_owned()),
            ("default_pool_size", "2".to_owned()),
            ("listen_port", PORT.to_string()),
            ("unix_socket_dir", run.display().to_string()),
            ("auth_type", "scram-sha-256".to_owned()),
            ("auth_file", run.join("users").display().to_string()),
        ];
        let (first, settings): (Vec<_>, Vec<_>) = settings.iter().partition(|(name, _)| *name == "connect_query");
        for (name, value) in &settings {
            all.retain(|(known, _)| known != name);
            all.push((name, (*value).to_owned()));
        }
        // A port that nobody listens on by TCP: it only names the server's socket.
        let first: String = first.iter().map(|(name, sql)| format!(" {name}='{}'", sql.replace('\'', "''"))).collect();
        let mut ini = format!("[databases]\n* = host={} port=5432{first}\n[pgbouncer]\n", cluster.socket_dir().display());
        for (name, value) in &all {
            writeln!(ini, "{name} = {value}").ok();
        }
        let users: String = logins.iter().map(|(user, password)| format!("\"{user}\" \"{password}\"\n")).collect();
        let account = Account::for_server()?;
        let prepare = || {
            std::fs::create_dir(&run)?;
            std::fs::write(run.join("ini"), ini)?;
            std::fs::write(run.join("users"), users)
        };
        prepare().map_err(|e| ClusterError::io(&run, &e))?;
        account.own(&run)?;
        let mut this = Self { child: None, dir, program };
        this.start_again()?;
        Ok(Some(this))
    }

    /// Its version, major and minor; none when it isn't installed or doesn't say.
    #[must_use]
    pub fn version() -> Option<(u32, u32)> {
        let said = Command::new(program()?).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let mut numbers = said.strip_prefix("PgBouncer ")?.split(['.', '\n']).map_while(|n| n.trim().parse().ok());
        Some((numbers.next()?, numbers.next()?))
    }

    /// Starts it, after it was stopped.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        self.stop();
        let run = self.run_dir();
        let mut command = Account::for_server()?.command(&self.program, &run);
        command.arg(run.join("ini")).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().map_err(|e| ClusterError::system("starting PgBouncer", e))?);
        let until = Instant::now() + PATIENCE;
        while UnixStream::connect(run.join(format!(".s.PGSQL.{PORT}"))).is_err() {
            if Instant::now() > until {
                return Err(ClusterError::system("starting PgBouncer", "it does not listen"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends it as a crash would; clients lose their connections.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().and_then(|()| child.wait()).ok();
            std::fs::remove_file(self.run_dir().join(format!(".s.PGSQL.{PORT}"))).ok();
        }
    }

    /// The URL of a database for a login.
    #[must_use]
    pub fn url_for(&self, user: &str, password: &str, database: &str) -> String {
        socket_url(&self.run_dir(), PORT, user, &SecretString::from(password.to_owned()), database).expose_secret().to_owned()
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }
}

impl Drop for TestPooler {
    fn drop(&mut self) {
        self.stop();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([Path::new("/usr/sbin").to_owned()]);
    dirs.map(|dir| dir.join("pgbouncer")).find(|program| program.is_file())
}
