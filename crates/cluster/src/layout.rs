//! The directories, the lock, the password and the socket of a cluster.

use crate::{ClusterError, account::Account};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The port in the socket's name. Each cluster has its own socket directory, so they may share it.
pub(crate) const PORT: u16 = 5432;
/// A log bigger than this is turned at the next start, bytes.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
/// Less free space than this counts as none when a server does not start, bytes.
const LEAST_SPACE: u64 = 1024 * 1024;
/// The longest socket path; the system's limit is 107 and clients add to it.
const SOCKET_PATH_LIMIT: usize = 100;

/// The places of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Absolute and free of links.
    pub(crate) dir: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) fresh: PathBuf,
    pub(crate) password: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) socket_dir: PathBuf,
}

impl Layout {
    /// Makes the cluster's directory where it is missing and resolves it.
    pub(crate) fn prepare(dir: &Path, account: &Account) -> Result<Self, ClusterError> {
        make_dirs(dir, account)?;
        let dir = dir.canonicalize().map_err(|e| ClusterError::io(dir, &e))?;
        let socket_dir = socket_dir(&dir, account);
        let socket = socket_dir.join(format!(".s.PGSQL.{PORT}"));
        let length = socket.as_os_str().len();
        if length >= SOCKET_PATH_LIMIT {
            return Err(ClusterError::SocketPathTooLong { path: socket, length });
        }
        Ok(Self {
            data: dir.join("pgdata"),
            fresh: dir.join("pgdata.new"),
            password: dir.join("superuser.password"),
            log: dir.join("postgres.log"),
            socket_dir,
            dir,
        })
    }

    /// Takes the directory for this process; the lock ends with the returned file.
    pub(crate) fn lock(&self) -> Result<File, ClusterError> {
        let path = self.dir.join("reeve.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| ClusterError::io(&path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let read = file.read_to_string(&mut pid);
                let pid = if read.is_ok() && !pid.trim().is_empty() { pid.trim().to_owned() } else { "(unknown)".to_owned() };
                return Err(ClusterError::InUse { dir: self.dir.clone(), pid });
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(ClusterError::system(format!("locking {}", path.display()), e)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(|e| ClusterError::io(&path, &e))?;
        Ok(file)
    }

    /// The socket's directory: mode 0700, owned by the server's user, never somebody else's.
    pub(crate) fn prepare_socket_dir(&self, account: &Account) -> Result<(), ClusterError> {
        let dir = &self.socket_dir;
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => return account.own(dir),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(ClusterError::io(dir, &e)),
        }
        // Not `metadata`: a link planted by somebody else must not be followed.
        let meta = dir.symlink_metadata().map_err(|e| ClusterError::io(dir, &e))?;
        // Root's own is what a start leaves behind that was killed between making and giving away.
        let ours = meta.uid() == account.uid || (account.switch && meta.uid() == 0);
        if !meta.is_dir() || !ours {
            return Err(ClusterError::SocketDirForeign { path: dir.clone(), owner: meta.uid() });
        }
        account.own(dir)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(|e| ClusterError::io(dir, &e))
    }

    /// Removes the socket's directory when nothing is in it.
    pub(crate) fn remove_socket_dir(&self) {
        if let Err(error) = std::fs::remove_dir(&self.socket_dir) {
            tracing::debug!(dir = %self.socket_dir.display(), %error, "socket directory stays");
        }
    }

    /// The log, opened to append; turned first when it is big.
    pub(crate) fn open_log(&self) -> Result<File, ClusterError> {
        if self.log.metadata().is_ok_and(|m| m.len() > LOG_LIMIT) {
            std::fs::rename(&self.log, self.dir.join("postgres.log.1")).map_err(|e| ClusterError::io(&self.log, &e))?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.log);
        file.map_err(|e| ClusterError::io(&self.log, &e))
    }

    /// The last `lines` lines of what the log holds from byte `from` on, joined with " / ".
    pub(crate) fn log_tail(&self, from: u64, lines: usize) -> String {
        let mut text = Vec::new();
        let read = File::open(&self.log).and_then(|mut f| {
            let length = f.metadata()?.len();
            f.seek(SeekFrom::Start(from.min(length).max(length.saturating_sub(16 * 1024))))?;
            f.read_to_end(&mut text)
        });
        match read {
            Ok(_) => last_lines(&String::from_utf8_lossy(&text), lines),
            Err(error) => format!("(the log can't be read: {error})"),
        }
    }

    /// Whether the disk has too little left for a server to start.
    pub(crate) fn is_full(&self) -> bool {
        nix::sys::statvfs::statvfs(&self.dir).is_ok_and(|s| s.blocks_available().saturating_mul(s.fragment_size()) < LEAST_SPACE)
    }

    /// Makes a new superuser password and its file.
    pub(crate) fn write_password(&self, account: &Account) -> Result<(), ClusterError> {
        let mut bytes = [0u8; 24];
        getrandom::fill(&mut bytes).map_err(|e| ClusterError::system("reading random bytes", e))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.password)
            .map_err(|e| ClusterError::io(&self.password, &e))?;
        let written = writeln!(file, "{}", hex::encode(bytes)).and_then(|()| file.sync_all());
        written.map_err(|e| ClusterError::io(&self.password, &e))?;
        // initdb reads it as the server's user; root still can.
        account.own(&self.password)
    }

    /// Reads the superuser password.
    pub(crate) fn read_password(&self) -> Result<SecretString, ClusterError> {
        let lost = |why: String| ClusterError::PasswordLost { path: self.password.clone(), why };
        let text = std::fs::read_to_string(&self.password).map_err(|e| lost(e.to_string()))?;
        let password = SecretString::from(text.trim().to_owned());
        if password.expose_secret().is_empty() {
            return Err(lost("it is empty".to_owned()));
        }
        Ok(password)
    }
}

/// Makes `dir` and its missing parents. What root makes here must be open for the server's user to pass through.
fn make_dirs(dir: &Path, account: &Account) -> Result<(), ClusterError> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        make_dirs(parent, account)?;
    }
    let mode = if account.switch { 0o711 } else { 0o700 };
    match DirBuilder::new().mode(mode).create(dir) {
        Ok(()) => std::fs::set_permissions(dir, Permissions::from_mode(mode)).map_err(|e| ClusterError::io(dir, &e)),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) => Err(ClusterError::io(dir, &e)),
    }
}

/// Where the socket of the cluster in `dir` (absolute, free of links) lies.
pub(crate) fn socket_dir(dir: &Path, account: &Account) -> PathBuf {
    runtime_dir(account).join(format!("reeve-{:016x}", fnv1a(dir.as_os_str().as_encoded_bytes())))
}

/// The user's own runtime directory, else /tmp. Root's is closed to the server's user.
fn runtime_dir(account: &Account) -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|d| !account.switch && d.is_absolute() && d.is_dir())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// The last `count` lines that say something, joined.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    if lines.is_empty() {
        return "(nothing was said)".to_owned();
    }
    lines[lines.len().saturating_sub(count)..].join(" / ")
}

/// A short name from a path, the same in every run and build.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
