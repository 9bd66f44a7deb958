//! A cluster that another process runs: used over its socket, owned by nobody here.

use crate::{
    Cluster, ClusterConfig, ClusterError,
    account::Account,
    create::SUPERUSER,
    layout::{Layout, PORT},
    supervise, url,
};
use nix::unistd::Uid;
use secrecy::SecretString;
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// How often the directory is looked at while its holder starts; there is no event to wait for.
const LOOK: Duration = Duration::from_millis(50);

/// A way to a cluster.
#[derive(Debug)]
pub enum Reached {
    /// Nobody held the directory; it was started and is ours to stop.
    Own(Box<Cluster>),
    /// Another process runs it.
    Other(Attached),
}

/// A running cluster of another process. Dropping it stops nothing.
#[derive(Debug, Clone)]
pub struct Attached {
    socket_dir: PathBuf,
    password: SecretString,
    holder: String,
}

impl Attached {
    /// The URL of a database for the superuser. It holds the password.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> SecretString {
        self.login_url(SUPERUSER, &self.password, database)
    }

    /// The URL of a database for a login. It holds the password.
    #[must_use]
    pub fn login_url(&self, user: &str, password: &SecretString, database: &str) -> SecretString {
        url::socket_url(&self.socket_dir, PORT, user, password, database)
    }

    /// The pid of the process that holds the directory, as text; "(unknown)" if it could not be read.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Whether the server asks for a password on its socket now.
    pub async fn answers(&self) -> bool {
        supervise::answers(&socket(&self.socket_dir)).await
    }
}

impl Cluster {
    /// Starts the cluster when nobody holds its directory, else attaches to the one that runs there. A holder that is
    /// still starting is waited for, at most `patience`; one that lets go meanwhile is followed by a start of our own.
    /// The lock of a dead process holds nothing.
    ///
    /// # Errors
    /// As [`Cluster::start`], and [`ClusterError::NotAnswering`] when the holder's server stays silent.
    pub async fn start_or_attach(config: ClusterConfig, patience: Duration) -> Result<Reached, ClusterError> {
        let until = Instant::now() + patience;
        loop {
            // The lock is only ever taken for good: trying it "just to see" would make a start at the same moment fail.
            let (dir, pid) = match Self::start(config.clone()).await {
                Ok(cluster) => return Ok(Reached::Own(Box::new(cluster))),
                Err(ClusterError::InUse { dir, pid }) => (dir, pid),
                Err(error) => return Err(error),
            };
            if let Some(attached) = attach(&dir, &pid)?
                && attached.answers().await
            {
                return Ok(Reached::Other(attached));
            }
            if Instant::now() > until {
                return Err(ClusterError::NotAnswering { dir, pid, seconds: patience.as_secs() });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What the files in `dir` say of the server there; none while it is not far enough.
fn attach(dir: &Path, holder: &str) -> Result<Option<Attached>, ClusterError> {
    let account = Account::for_server()?;
    let layout = Layout::prepare(dir, &account)?;
    let Some(socket_dir) = announced_socket_dir(&layout.data) else { return Ok(None) };
    // The directory may lie in /tmp: what somebody else put there must not be sent a password's proof.
    let Ok(meta) = socket_dir.symlink_metadata() else { return Ok(None) };
    let ours = meta.uid() == account.uid || meta.uid() == Uid::effective().as_raw();
    if !meta.is_dir() || !ours {
        return Err(ClusterError::SocketDirForeign { path: socket_dir, owner: meta.uid() });
    }
    // Not yet written by a first start: it is waited for like the rest.
    let Ok(password) = layout.read_password() else { return Ok(None) };
    Ok(Some(Attached { socket_dir, password, holder: holder.to_owned() }))
}

/// The directory of the socket as the server itself says it: its holder may live with another `XDG_RUNTIME_DIR`.
fn announced_socket_dir(data: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    text.lines().nth(4).map(str::trim).filter(|dir| dir.starts_with('/')).map(PathBuf::from)
}

fn socket(dir: &Path) -> PathBuf {
    dir.join(format!(".s.PGSQL.{PORT}"))
}
