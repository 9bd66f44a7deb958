//! A cluster that follows another one: a hot standby, made from a base backup and streaming over a replication slot.
//!
//! Its data directory is made beside its place and then renamed, so that a killed run never leaves half of one. What stands there is
//! kept as long as it is a standby; the caller says when it has to be made anew.

use crate::{
    Cluster, ClusterConfig, ClusterError,
    account::Account,
    binaries::Installation,
    create::remove_dir,
    layout::{Layout, PORT, last_lines},
    processes::{self, GroupGuard},
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Stdio,
};

/// The file that makes a data directory one of a standby.
const SIGNAL: &str = "standby.signal";

/// The cluster to follow, and as whom.
#[derive(Debug, Clone)]
pub struct Upstream {
    socket_dir: PathBuf,
    superuser_password: SecretString,
    major: u32,
    /// A login with REPLICATION.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// The physical replication slot to stream from; it must exist.
    pub slot: String,
    /// What the primary calls the standby (`application_name`).
    pub name: String,
}

impl Upstream {
    /// The way to a cluster that runs here.
    #[must_use]
    pub fn of(cluster: &Cluster, user: &str, password: SecretString, slot: &str, name: &str) -> Self {
        Self {
            socket_dir: cluster.socket_dir().to_owned(),
            superuser_password: cluster.superuser_password().clone(),
            major: cluster.major(),
            user: user.to_owned(),
            password,
            slot: slot.to_owned(),
            name: name.to_owned(),
        }
    }

    /// How libpq finds it; the password stands in a file of its own.
    fn conninfo(&self, passfile: &Path) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        format!(
            "host={} port={PORT} user={} passfile={} application_name={}",
            quoted(&self.socket_dir.to_string_lossy()),
            quoted(&self.user),
            quoted(&passfile.to_string_lossy()),
            quoted(&self.name)
        )
    }
}

impl Cluster {
    /// Whether the data directory of the cluster in `dir` is one of a standby.
    #[must_use]
    pub fn is_standby(dir: &Path) -> bool {
        let data = dir.join("pgdata");
        data.join(SIGNAL).is_file() && data.join("PG_VERSION").is_file()
    }

    /// Starts a hot standby of `upstream` and waits until it answers. Its data directory is made from a base backup when it isn't one of
    /// a standby, and in any case when `anew`. Whether it streams is another question: see `pg_stat_replication` there.
    ///
    /// # Errors
    /// As [`Cluster::start`], and what `pg_basebackup` says.
    pub async fn start_standby(config: ClusterConfig, upstream: &Upstream, anew: bool) -> Result<Self, ClusterError> {
        let passfile = passfile(&config.dir);
        let mut settings = config.settings;
        for (name, value) in [
            ("hot_standby", "on"),
            ("primary_conninfo", upstream.conninfo(&passfile).as_str()),
            ("primary_slot_name", upstream.slot.as_str()),
        ] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        // Before it recovers, a server makes sure of every file of its copy: one call for the whole file system instead of one for each.
        if upstream.major >= 14 && cfg!(target_os = "linux") {
            settings.push(("recovery_init_sync_method".to_owned(), "syncfs".to_owned()));
        }
        let config = ClusterConfig { settings, major: Some(upstream.major), ..config };
        Self::start_from(config, None, Origin::Backup { upstream, anew }).await
    }
}

/// Where a data directory comes from.
pub(crate) enum Origin<'a> {
    /// From initdb; `sync` false doesn't wait for the disk.
    Init { sync: bool },
    /// From a base backup of another cluster.
    Backup { upstream: &'a Upstream, anew: bool },
}

/// Beside the data directory, which is replaced as a whole.
fn passfile(dir: &Path) -> PathBuf {
    // The server resolves it from its own directory.
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned()).join("upstream.pgpass")
}

/// Makes the data directory when it isn't there, and the files beside it in any case: the upstream's passwords may be new.
pub(crate) async fn create_if_missing(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    upstream: &Upstream,
    anew: bool,
) -> Result<(), ClusterError> {
    // Roles and their passwords are the upstream's.
    private(&layout.password, upstream.superuser_password.expose_secret(), account)?;
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
    let passfile = passfile(&layout.dir);
    let line = format!("*:*:*:{}:{}", escaped(&upstream.user), escaped(upstream.password.expose_secret()));
    private(&passfile, &line, account)?;
    let old = layout.data.with_extension("old");
    remove_dir(&old)?;
    if !anew && Cluster::is_standby(&layout.dir) {
        return Ok(());
    }
    for dir in [&layout.data, &layout.fresh] {
        let left = processes::end_makers(dir).await;
        left.map_err(|pids| ClusterError::system("ending what an earlier start left", format!("{pids:?} do not end")))?;
    }
    remove_dir(&layout.fresh)?;
    std::fs::DirBuilder::new().mode(0o700).create(&layout.fresh).map_err(|e| ClusterError::io(&layout.fresh, &e))?;
    account.own(&layout.fresh)?;
    base_backup(layout, account, installation, upstream, &passfile).await?;
    private(&layout.fresh.join(SIGNAL), "# Made by Reeve.", account)?;
    // Aside first: removing takes a while, and half a data directory must never stand in its place.
    if layout.data.exists() {
        std::fs::rename(&layout.data, &old).map_err(|e| ClusterError::io(&layout.data, &e))?;
    }
    std::fs::rename(&layout.fresh, &layout.data).map_err(|e| ClusterError::io(&layout.data, &e))?;
    std::fs::File::open(&layout.dir).and_then(|d| d.sync_all()).map_err(|e| ClusterError::io(&layout.dir, &e))?;
    remove_dir(&old)
}

async fn base_backup(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    upstream: &Upstream,
    passfile: &Path,
) -> Result<(), ClusterError> {
    let program = installation.program("pg_basebackup");
    let mut command = account.command(&program, &layout.fresh);
    command.arg("--dbname").arg(upstream.conninfo(passfile)).arg("--slot").arg(&upstream.slot).arg("--pgdata").arg(&layout.fresh);
    command.args(["--checkpoint=fast", "--wal-method=stream", "--no-password"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let trouble = |e| ClusterError::system(format!("running {}", program.display()), e);
    let child = tokio::process::Command::from(command).spawn().map_err(trouble)?;
    let mut guard = GroupGuard(child.id().and_then(|id| i32::try_from(id).ok()));
    let output = child.wait_with_output().await.map_err(trouble)?;
    guard.0 = None;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No space left on device") {
        return Err(ClusterError::DiskFull { dir: layout.dir.clone() });
    }
    Err(ClusterError::system("the base backup for the standby", last_lines(&said, 3)))
}

/// Writes a file that only the server's user can read. One that says the same already stays: somebody may be reading it.
fn private(path: &Path, text: &str, account: &Account) -> Result<(), ClusterError> {
    if std::fs::read_to_string(path).is_ok_and(|found| found.trim_end() == text) {
        return Ok(());
    }
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| ClusterError::io(path, &e))?;
    account.own(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i3_a_hostile_name_survives_the_conninfo() {
        let upstream = Upstream {
            socket_dir: "/tmp/it's".into(),
            superuser_password: SecretString::default(),
            major: 15,
            user: "a b".into(),
            password: "hunter2".to_owned().into(),
            slot: "s".into(),
            name: r"x\y".into(),
        };
        let text = upstream.conninfo(Path::new("/d/upstream.pgpass"));
        assert_eq!(text, r"host='/tmp/it\'s' port=5432 user='a b' passfile='/d/upstream.pgpass' application_name='x\\y'");
    }
}
