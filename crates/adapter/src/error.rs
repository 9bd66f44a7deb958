//! What went wrong with a database, sorted, in one sentence that says what to do and holds no secret.

use reeve_model::Refusal;
use std::{error::Error as StdError, io, time::Duration};

/// Stands for the server until [`AdapterError::located`] names it.
const UNNAMED: &str = "the database";

/// Why a database did not do what was asked. `server` is `host:port/database`.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)] // The fields are what the sentences say.
pub enum AdapterError {
    #[error("{server} refuses connections: start the server there, or correct host and port")]
    Refused { server: String },
    #[error("the host of {server} is unknown: correct the name, or the name service")]
    UnknownHost { server: String },
    #[error(
        "{server} did not answer {what} within {after_ms} ms: look at its machine (load, memory, disk), and at the network if that is another one"
    )]
    TimedOut { server: String, what: String, after_ms: u64 },
    #[error("{server} refuses the login: correct user and password, and see its pg_hba.conf ({message})")]
    WrongLogin { server: String, sqlstate: String, message: String },
    #[error("the database of {server} does not exist: create it or correct the name")]
    NoDatabase { server: String },
    #[error("{server} does not offer TLS: switch it on there, or use sslmode=disable if the way is safe")]
    TlsNotOffered { server: String },
    #[error("the certificate of {server} is not accepted ({why}): correct sslrootcert or host name, or choose another sslmode")]
    Certificate { server: String, why: String },
    #[error("{server} is reached through a connection pooler ({why}): this needs a session of its own, so give the server's own address")]
    Pooler { server: String, why: String },
    #[error("{server}, or a pooler before it, answered: {message}; see the log there and try again")]
    Protocol { server: String, message: String },
    #[error("{server} has no connection left ({message}): {}", more_room(.message))]
    TooManyConnections { server: String, message: String },
    #[error("the login at {server} lacks a right ({message}): grant it, or use another login")]
    NoPrivilege { server: String, message: String },
    #[error("{server}: a lock was not free in time; try again later or see who holds it")]
    LockTimeout { server: String },
    #[error("{server}: the statement was cancelled, it ran out of its time; try again or raise the limit")]
    StatementTimeout { server: String },
    #[error("the disk of {server} is full: free some space there")]
    DiskFull { server: String },
    #[error("{server} is starting or shutting down: try again in a moment")]
    Unavailable { server: String },
    #[error("the connection to {server} was lost: try again")]
    ConnectionLost { server: String },
    #[error("{server}: another transaction was in the way (SQLSTATE {sqlstate}): try again")]
    Conflict { server: String, sqlstate: String },
    #[error("{server} is not asked for now, it failed before: {failure}")]
    CircuitOpen { server: String, failure: String },
    #[error("all {max} connections of the pool {role} were in use for {after_ms} ms: raise its limit or find what holds them")]
    PoolTimeout { role: String, max: u32, after_ms: u64 },
    #[error("Reeve is shutting down")]
    Closed,
    #[error("the variable {variable} is set and the database driver would obey it: unset it and start again")]
    Environment { variable: String },
    #[error("no database is set for the role main: set DATABASE_URL")]
    MainMissing,
    #[error("{server} answered with SQLSTATE {sqlstate}: {message}")]
    Database { server: String, sqlstate: String, message: String },
    #[error("{server}: {message}")]
    Other { server: String, message: String },
}

impl AdapterError {
    /// Whether the same may well succeed when tried again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::UnknownHost { .. }
                | Self::TimedOut { .. }
                | Self::TooManyConnections { .. }
                | Self::LockTimeout { .. }
                | Self::Unavailable { .. }
                | Self::ConnectionLost { .. }
                | Self::Protocol { .. }
                | Self::Conflict { .. }
        )
    }

    /// The SQLSTATE, where the server gave one that isn't told by the kind.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Database { sqlstate, .. } | Self::Conflict { sqlstate, .. } | Self::WrongLogin { sqlstate, .. } => Some(sqlstate),
            Self::NoPrivilege { .. } => Some("42501"),
            Self::LockTimeout { .. } => Some("55P03"),
            Self::StatementTimeout { .. } => Some("57014"),
            Self::NoDatabase { .. } => Some("3D000"),
            Self::TooManyConnections { .. } => Some("53300"),
            Self::DiskFull { .. } => Some("53100"),
            _ => None,
        }
    }

    /// What a server that answers holds against the login, where that is why a sign-in failed. Ask it of nothing but a sign-in: a statement
    /// may lack a right, too.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::WrongLogin { sqlstate, .. } if sqlstate == "28000" => Some(Refusal::Rules),
            Self::WrongLogin { .. } => Some(Refusal::Password),
            Self::NoDatabase { .. } => Some(Refusal::Database),
            Self::NoPrivilege { .. } => Some(Refusal::Right),
            Self::TooManyConnections { .. } => Some(Refusal::Limit),
            _ => None,
        }
    }

    /// Sorts an error of sqlx. `server` is what [`crate::Endpoint::redacted`] says.
    #[must_use]
    pub fn from_sqlx(server: &str, error: &sqlx::Error) -> Self {
        let at = || server.to_owned();
        match error {
            sqlx::Error::Database(db) => Self::from_state(server, db.code().as_deref().unwrap_or(""), db.message()),
            sqlx::Error::Io(e) => Self::from_io(server, e),
            sqlx::Error::Tls(e) => Self::from_tls(server, e.as_ref()),
            sqlx::Error::PoolTimedOut => Self::TimedOut { server: at(), what: "with a connection".into(), after_ms: 0 },
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::WorkerCrashed => Self::ConnectionLost { server: at() },
            other => Self::Other { server: at(), message: other.to_string() },
        }
    }

    /// Sorts an error of tokio-postgres.
    #[must_use]
    pub fn from_wire(server: &str, error: &tokio_postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self::from_state(server, db.code().code(), db.message());
        }
        if error.is_closed() {
            return Self::ConnectionLost { server: server.to_owned() };
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Self::from_tls(server, tls);
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                return Self::from_io(server, io);
            }
            source = cause.source();
        }
        let text = with_sources(error);
        if text.contains("server does not support TLS") {
            return Self::TlsNotOffered { server: server.to_owned() };
        }
        if text.contains("password missing") {
            let (sqlstate, message) = ("28P01".to_owned(), "it wants a password and none is set".to_owned());
            return Self::WrongLogin { server: server.to_owned(), sqlstate, message };
        }
        Self::Other { server: server.to_owned(), message: text }
    }

    /// Names the server in an error that came up by `?` inside a piece of work.
    pub(crate) fn located(mut self, at: &str) -> Self {
        if let Some(server) = self.server_mut().filter(|s| *s == UNNAMED) {
            at.clone_into(server);
        }
        self
    }

    fn server_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Refused { server }
            | Self::UnknownHost { server }
            | Self::TimedOut { server, .. }
            | Self::WrongLogin { server, .. }
            | Self::NoDatabase { server }
            | Self::TlsNotOffered { server }
            | Self::Certificate { server, .. }
            | Self::Pooler { server, .. }
            | Self::Protocol { server, .. }
            | Self::TooManyConnections { server, .. }
            | Self::NoPrivilege { server, .. }
            | Self::LockTimeout { server }
            | Self::StatementTimeout { server }
            | Self::DiskFull { server }
            | Self::Unavailable { server }
            | Self::ConnectionLost { server }
            | Self::Conflict { server, .. }
            | Self::CircuitOpen { server, .. }
            | Self::Database { server, .. }
            | Self::Other { server, .. } => Some(server),
            Self::PoolTimeout { .. } | Self::Closed | Self::Environment { .. } | Self::MainMissing => None,
        }
    }

    pub(crate) fn timed_out(server: &str, what: &str, after: Duration) -> Self {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Self::TimedOut { server: server.to_owned(), what: what.to_owned(), after_ms }
    }

    fn from_state(server: &str, state: &str, message: &str) -> Self {
        let (server, message) = (server.to_owned(), message.to_owned());
        match state {
            "28P01" | "28000" => Self::WrongLogin { server, sqlstate: state.to_owned(), message },
            "3D000" => Self::NoDatabase { server },
            "53100" => Self::DiskFull { server },
            "53300" => Self::TooManyConnections { server, message },
            "42501" => Self::NoPrivilege { server, message },
            "55P03" => Self::LockTimeout { server },
            "57014" => Self::StatementTimeout { server },
            "57P01" | "57P02" | "57P03" => Self::Unavailable { server },
            "40001" | "40P01" => Self::Conflict { server, sqlstate: state.to_owned() },
            // Poolers don't know the settings that a session may begin with: PgBouncer says the first, proxies of clouds the second.
            "08P01" | "0A000" if message.contains("startup parameter") || message.contains("command-line options") => {
                Self::Pooler { server, why: message }
            }
            // PgBouncer's code for nearly all that it has to say.
            "08P01" => Self::Protocol { server, message },
            // Class 08: connection exceptions.
            lost if lost.starts_with("08") => Self::ConnectionLost { server },
            _ => Self::Database { server, sqlstate: state.to_owned(), message },
        }
    }

    pub(crate) fn from_io(server: &str, error: &io::Error) -> Self {
        use io::ErrorKind as K;
        // rustls' errors travel inside I/O errors.
        if let Some(tls) = error.get_ref().filter(|inner| inner.is::<rustls::Error>()) {
            return Self::from_tls(server, tls);
        }
        let server = server.to_owned();
        match error.kind() {
            // A local socket that isn't there: nobody listens.
            K::ConnectionRefused | K::NotFound => Self::Refused { server },
            K::TimedOut => Self::TimedOut { server, what: "on the network".to_owned(), after_ms: 0 },
            K::BrokenPipe | K::ConnectionReset | K::ConnectionAborted | K::UnexpectedEof | K::NotConnected => {
                Self::ConnectionLost { server }
            }
            K::HostUnreachable | K::NetworkUnreachable => Self::Other { server, message: "there is no way to that host".to_owned() },
            _ if error.to_string().contains("failed to lookup address") => Self::UnknownHost { server },
            _ => Self::Other { server, message: error.to_string() },
        }
    }

    fn from_tls(server: &str, error: &(dyn StdError + 'static)) -> Self {
        let why = with_sources(error);
        if why.contains("does not support TLS") {
            return Self::TlsNotOffered { server: server.to_owned() };
        }
        let plain = error.downcast_ref::<rustls::Error>().and_then(in_plain_words);
        Self::Certificate { server: server.to_owned(), why: plain.map_or(why, str::to_owned) }
    }
}

/// An error inside a piece of work, where the server is known from elsewhere.
impl From<sqlx::Error> for AdapterError {
    fn from(error: sqlx::Error) -> Self {
        Self::from_sqlx(UNNAMED, &error)
    }
}

/// The limit that a server's words name. Written in another language they still quote the role or database whose limit it is.
fn more_room(message: &str) -> String {
    const LESS: &str = "or lower what uses it";
    // It quotes the name as it is, without doubling a quote inside.
    let name =
        message.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map(|(name, _)| format!("\"{}\"", name.replace('"', "\"\"")));
    match name {
        Some(role) if message.contains("for role") => {
            format!("raise the limit of that role (ALTER ROLE {role} CONNECTION LIMIT n), {LESS}")
        }
        Some(database) if message.contains("for database") => {
            format!("raise the limit of that database (ALTER DATABASE {database} CONNECTION LIMIT n), {LESS}")
        }
        Some(_) => format!("raise the CONNECTION LIMIT of the role or of the database, or max_connections, {LESS}"),
        None => format!("raise its max_connections {LESS}"),
    }
}

/// The usual faults of a certificate; the library's own words are for those who know it.
fn in_plain_words(error: &rustls::Error) -> Option<&'static str> {
    use rustls::CertificateError as C;
    let rustls::Error::InvalidCertificate(error) = error else { return None };
    match error {
        C::UnknownIssuer => Some("it was not signed by an authority that is trusted here"),
        C::NotValidForName | C::NotValidForNameContext { .. } => Some("it is made out to another host name"),
        C::Expired | C::ExpiredContext { .. } => Some("it has expired"),
        C::NotValidYet | C::NotValidYetContext { .. } => Some("it is not valid yet"),
        // The verifier's own error, which has no kind in rustls.
        C::Other(inner) if format!("{inner:?}").contains("CaUsedAsEndEntity") => Some(
            "it is marked as an authority, and an authority's certificate can't be a server's own: issue one for the server, signed by it, and keep that authority as sslrootcert",
        ),
        _ => None,
    }
}

fn with_sources(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_a_limit_that_is_reached_is_named_with_the_repair_that_fits() {
        let said = |message: &str| AdapterError::from_state("h:5432/d", "53300", message).to_string();
        let role = said("too many connections for role \"reeve_monitor\"");
        assert!(role.contains("for role \"reeve_monitor\")") && role.contains("ALTER ROLE \"reeve_monitor\" CONNECTION LIMIT n"), "{role}");
        let database = said("too many connections for database \"a\"b\"");
        assert!(database.contains("ALTER DATABASE \"a\"\"b\" CONNECTION LIMIT n"), "{database}");
        for all in [&role, &database] {
            assert!(!all.contains("max_connections"), "{all}");
        }
        let server = said("sorry, too many clients already");
        assert!(server.contains("(sorry, too many clients already)") && server.contains("max_connections"), "{server}");
    }

    #[test]
    fn b1_a_refused_sign_in_is_told_from_silence() {
        use Refusal::{Database, Limit, Password, Right, Rules};
        let refusal = |state: &str| AdapterError::from_state("h:5432/d", state, "said").refusal();
        let all = ["28P01", "28000", "3D000", "42501", "53300", "53100", "57P03"].map(refusal);
        assert_eq!(all, [Some(Password), Some(Rules), Some(Database), Some(Right), Some(Limit), None, None]);
        assert_eq!(AdapterError::Refused { server: "h:5432/d".to_owned() }.refusal(), None);
    }

    /// The verifier's error as rustls carries it; its own type is in no dependency of this crate.
    #[derive(Debug)]
    struct CaUsedAsEndEntity;

    impl std::fmt::Display for CaUsedAsEndEntity {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("CaUsedAsEndEntity")
        }
    }

    impl StdError for CaUsedAsEndEntity {}

    #[test]
    fn a9_a_certificate_that_is_its_own_authority_is_told_in_plain_words() {
        let inner = rustls::OtherError(std::sync::Arc::new(CaUsedAsEndEntity));
        let error = rustls::Error::InvalidCertificate(rustls::CertificateError::Other(inner));
        let said = AdapterError::from_tls("h:5432/d", &error).to_string();
        assert!(said.contains("marked as an authority") && !said.contains("CaUsed") && !said.contains("Other("), "{said}");
    }
}
