//! Where a database is and how to get in.
//!
//! An endpoint comes from one URL and from nothing else: no `PG*` variable, no `~/.pgpass`, no service file fills a
//! gap, because the same configuration must mean the same server wherever it is started.
//!
//! Encryption, when `sslmode` is absent: a local socket is never encrypted; TCP to this machine (`localhost`,
//! 127.0.0.0/8, ::1) is when the server offers it (`prefer`); any other TCP must be (`require`), and with
//! `sslrootcert` the server must prove itself (`verify-full`). As in libpq, `require` with `sslrootcert` means
//! `verify-ca`.

mod convert;
mod parse;

use crate::way::Way;
pub(crate) use convert::startup_options;
pub use parse::EndpointError;
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The directory of a local socket.
    Socket(PathBuf),
    /// A host name or address.
    Tcp(String),
}

/// What is asked of the encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// None.
    Disable,
    /// When the server offers it.
    Prefer,
    /// Always; the server's certificate isn't looked at.
    Require,
    /// Always; the certificate must come from a trusted root.
    VerifyCa,
    /// Always; and it must be for this host.
    VerifyFull,
}

impl TlsMode {
    /// The word in a URL.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The certificate that a login shows, and its key: files in PEM, read at each connection, so that renewed ones are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCert {
    /// The certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// Its key, without a pass phrase.
    pub key: PathBuf,
}

/// A PostgreSQL database, its login and how to reach it. Shown (`Display`, `Debug`) without the password.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<SecretString>,
    pub(crate) database: String,
    pub(crate) tls: TlsMode,
    pub(crate) root_cert: Option<PathBuf>,
    pub(crate) client_cert: Option<ClientCert>,
    pub(crate) connect_timeout_s: Option<u64>,
    pub(crate) settings: Vec<(String, String)>,
    /// What was learned of the way there; clones share it.
    pub(crate) way: Arc<Way>,
}

impl Endpoint {
    /// Reads a URL: `postgresql://user:password@host:5432/database?sslmode=require`, or with a socket's directory
    /// `postgresql:///database?host=/run/postgresql&user=…`. Parameters: `host`, `port`, `user`, `password`,
    /// `dbname`, `sslmode`, `sslrootcert`, `sslcert` and `sslkey` (both or none), `connect_timeout` (seconds),
    /// `options` (`-c name=value …`), `channel_binding` (`prefer` or `disable`); `application_name` is accepted and replaced by Reeve's own.
    ///
    /// # Errors
    /// What is wrong and where, never with a piece of the URL that could be a secret.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        parse::parse(url)
    }

    /// `host:port/database`, for people.
    #[must_use]
    pub fn redacted(&self) -> String {
        match &self.host {
            Host::Socket(dir) => format!("{}:{}/{}", dir.display(), self.port, self.database),
            Host::Tcp(host) if host.contains(':') => format!("[{host}]:{}/{}", self.port, self.database),
            Host::Tcp(host) => format!("{host}:{}/{}", self.port, self.database),
        }
    }

    /// The server without the database: two endpoints on one server have the same.
    #[must_use]
    pub fn server(&self) -> String {
        let whole = self.redacted();
        whole[..whole.len() - self.database.len() - 1].to_owned()
    }

    /// How the server is reached.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whether it names this machine: a socket, or `localhost`, 127.0.0.0/8, ::1. What answers there may still be elsewhere, behind a tunnel.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &self.host {
            Host::Socket(_) => true,
            Host::Tcp(name) => parse::is_loopback(name),
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The login.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// What is asked of the encryption.
    #[must_use]
    pub fn tls(&self) -> TlsMode {
        self.tls
    }

    /// The password, for programs that log in on their own. Never to be shown.
    #[must_use]
    pub fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    /// The file with the certificates to trust, when one is named.
    #[must_use]
    pub fn root_cert(&self) -> Option<&Path> {
        self.root_cert.as_deref()
    }

    /// The certificate that the login shows, when one is named.
    #[must_use]
    pub fn client_cert(&self) -> Option<&ClientCert> {
        self.client_cert.as_ref()
    }

    /// Whether both mean the same in everything, the password included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let all = |e: &Self| {
            let place = (e.host.clone(), e.port, e.user.clone(), e.database.clone());
            (place, e.tls, e.root_cert.clone(), e.client_cert.clone(), e.connect_timeout_s, e.settings.clone())
        };
        let same_secret = match (&self.password, &other.password) {
            (None, None) => true,
            (Some(one), Some(two)) => one.expose_secret() == two.expose_secret(),
            _ => false,
        };
        same_secret && all(self) == all(other)
    }

    /// The same server and login, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// The same server and database, another login.
    #[must_use]
    pub fn with_login(&self, user: &str, password: SecretString) -> Self {
        Self { user: user.to_owned(), password: Some(password), ..self.clone() }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(url: &str) -> Result<Self, EndpointError> {
        Self::parse(url)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({}@{}, sslmode={})", self.user, self.redacted(), self.tls.word())
    }
}
