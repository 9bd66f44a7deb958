//! Why a cluster can't be had. Each text is one sentence that says what to do.

use std::path::PathBuf;

/// Why a cluster could not be created or started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No usable server binaries on this machine.
    #[error(
        "no PostgreSQL 13 to 18 is installed: install one (on Debian set `create_main_cluster = false` in /etc/postgresql-common/createcluster.conf, then `apt-get install postgresql-15`) or set DATABASE_URL to an existing database"
    )]
    NoPostgres,
    /// The wanted major isn't installed.
    #[error(
        "PostgreSQL {wanted} was asked for but is not installed (found: {found}): install it, for example with `apt-get install postgresql-{wanted}`, or ask for one that is there"
    )]
    MajorMissing {
        /// The major asked for.
        wanted: u32,
        /// What is installed, for a person.
        found: String,
    },
    /// The data directory was made by a major that isn't installed or isn't the one asked for.
    #[error(
        "the data directory {dir} was made by PostgreSQL {needed}, which {why}: use PostgreSQL {needed}, or choose another data directory"
    )]
    OtherMajor {
        /// The data directory.
        dir: PathBuf,
        /// The major that made it.
        needed: String,
        /// Why that doesn't work here.
        why: String,
    },
    /// The directory can't be made or written.
    #[error("{} cannot be written ({why}): make it writable or choose another data directory", path.display())]
    NotWritable {
        /// What can't be written.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// Another process uses the directory.
    #[error("the data directory {} is in use by process {pid}: stop that one first or choose another data directory", dir.display())]
    InUse {
        /// The cluster's directory.
        dir: PathBuf,
        /// Its user's pid as text, "(unknown)" if it can't be read.
        pid: String,
    },
    /// Another process holds the directory, but its server can't be talked to.
    #[error("process {pid} uses the data directory {} but its PostgreSQL did not answer within {seconds} s: wait until it has started, or stop it, and try again", dir.display())]
    NotAnswering {
        /// The cluster's directory.
        dir: PathBuf,
        /// Its holder's pid as text, "(unknown)" if it can't be read.
        pid: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The path of the socket is longer than the system allows.
    #[error("the path of the server's socket, {}, is {length} bytes long and must stay under 100: set XDG_RUNTIME_DIR to a shorter directory", path.display())]
    SocketPathTooLong {
        /// The socket.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The socket's directory belongs to somebody else.
    #[error("the socket directory {} belongs to another user (uid {owner}) and is not trusted: remove it or choose another data directory", path.display())]
    SocketDirForeign {
        /// The directory.
        path: PathBuf,
        /// Its owner's uid.
        owner: u32,
    },
    /// We are root and there is no account to run the server as.
    #[error(
        "PostgreSQL refuses to run as root and there is no user `postgres` to run it as: create one with `adduser --system --group postgres`, or start Reeve as an ordinary user"
    )]
    NoServerUser,
    /// The server's user can't reach the directory.
    #[error("the user `{user}` that runs PostgreSQL cannot enter {}, which holds the data directory: run `chmod o+x {}` or choose another data directory", blocking.display(), blocking.display())]
    NotTraversable {
        /// The server's user.
        user: String,
        /// The first directory that blocks.
        blocking: PathBuf,
    },
    /// The superuser's password file is gone while the data directory is there.
    #[error("{} is missing or unreadable ({why}) while the data directory exists: restore that file from a backup, or choose a new data directory", path.display())]
    PasswordLost {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// `initdb` failed.
    #[error("initdb could not create the data directory: {output}")]
    InitFailed {
        /// Last lines of what it said, joined.
        output: String,
    },
    /// The server did not become ready.
    #[error("PostgreSQL did not start ({why}): read {} for the cause; it ends with: {tail}", log.display())]
    NotStarted {
        /// How it ended.
        why: String,
        /// Where the log is.
        log: PathBuf,
        /// Last lines of the log, joined.
        tail: String,
    },
    /// Somebody removed the data directory while it was in use.
    #[error("the data directory {} is gone: put it back, or stop Reeve and start it again to begin with an empty one", dir.display())]
    DataGone {
        /// The data directory.
        dir: PathBuf,
    },
    /// No space.
    #[error("the disk that holds {} is full: free some space there", dir.display())]
    DiskFull {
        /// The cluster's directory.
        dir: PathBuf,
    },
    /// The operating system refused something else.
    #[error("{what} failed: {why}")]
    System {
        /// What was tried.
        what: String,
        /// The system's words.
        why: String,
    },
}

impl ClusterError {
    /// Sorts an I/O error on `path` into disk full, not writable, or other.
    pub(crate) fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        match error.kind() {
            K::StorageFull | K::QuotaExceeded => Self::DiskFull { dir: path.to_owned() },
            K::AlreadyExists | K::NotADirectory => {
                Self::NotWritable { path: path.to_owned(), why: "a file is in the way where a directory is needed".to_owned() }
            }
            _ => Self::NotWritable { path: path.to_owned(), why: error.to_string() },
        }
    }

    pub(crate) fn system(what: impl Into<String>, error: impl std::fmt::Display) -> Self {
        Self::System { what: what.into(), why: error.to_string() }
    }
}
