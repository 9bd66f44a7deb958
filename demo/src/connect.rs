//! One way to open a connection, and URLs for logins of our own.

use std::fmt::Write as _;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::DemoError;

/// The database of the sample estate.
pub const DATABASE: &str = "findawise";
/// Owns the schemas; loads them.
pub const OWNER: &str = "findawise_owner";
/// The application's login; reads and writes rows.
pub const APP: &str = "findawise_app";
/// The login a monitor uses; reads statistics only.
pub const MONITOR: &str = "reeve_monitor";
/// The login a replica streams with; may do nothing else.
pub const REPLICATOR: &str = "systems_replicator";

/// Reads a URL. The driver's own message is dropped: it can quote parts of the URL.
pub(crate) fn parse(url: &str, whom: &'static str) -> Result<Config, DemoError> {
    url.parse().map_err(|_| DemoError::Url { whom })
}

/// Opens a connection without TLS (the estate's server is local). The handle ends when the connection does.
pub(crate) async fn open(config: &Config, application: &str) -> Result<(Client, JoinHandle<()>), DemoError> {
    let mut config = config.clone();
    config.application_name(application).connect_timeout(std::time::Duration::from_secs(10));
    let whom = config.get_user().unwrap_or("the default user").to_owned();
    let (client, connection) = config.connect(NoTls).await.map_err(|source| DemoError::Connect { whom, source })?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of the sample estate ended");
        }
    });
    Ok((client, task))
}

/// The URL of `user` on the server that `config` points at. For a socket everything stands behind the question mark:
/// libpq and the Rust drivers all understand that form, and none of them an empty host behind a user.
pub(crate) fn url_for(config: &Config, user: &str, password: &SecretString, database: &str) -> Result<SecretString, DemoError> {
    let password = encoded(password.expose_secret());
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let url = match config.get_hosts().first() {
        Some(Host::Tcp(name)) if name.contains(':') => format!("postgresql://{user}:{password}@[{name}]:{port}/{database}"),
        Some(Host::Tcp(name)) => format!("postgresql://{user}:{password}@{name}:{port}/{database}"),
        Some(Host::Unix(path)) => {
            let directory = encoded(&path.to_string_lossy());
            format!("postgresql:///{database}?host={directory}&port={port}&user={user}&password={password}")
        }
        None => return Err(DemoError::Url { whom: "the superuser" }),
    };
    Ok(url.into())
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn i1_a_socket_and_a_hostile_password_survive_the_url() {
        let config: Config = "postgresql://postgres@%2Ftmp%2Fs:6543/postgres".parse().unwrap();
        let url = url_for(&config, APP, &"p@ss/wörd?&%".into(), DATABASE).unwrap();
        let back: Config = url.expose_secret().parse().unwrap();
        assert_eq!(back.get_hosts(), [Host::Unix("/tmp/s".into())]);
        assert_eq!((back.get_ports(), back.get_dbname(), back.get_user()), ([6543].as_slice(), Some(DATABASE), Some(APP)));
        assert_eq!(back.get_password(), Some("p@ss/wörd?&%".as_bytes()));
    }

    #[test]
    fn i1_a_bad_url_is_refused_without_its_text() {
        let error = parse("postgresql://me:hunter2@:::/x", "the superuser").unwrap_err().to_string();
        assert!(error.contains("the superuser") && !error.contains("hunter2"), "{error}");
    }
}
