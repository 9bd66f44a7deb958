//! The embedded cluster with its two logins: run by this process, or used beside the Reeve that runs it.

use super::secrets;
use crate::config::Config;
use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_cluster::{Attached, Cluster, ClusterConfig, ClusterState, Reached};
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, time::Duration};
use tokio::time::Instant;

/// The embedded database and its two logins.
const DATABASE: &str = "reeve";
const OWNER: &str = "reeve_owner";
const RUNTIME: &str = "reeve_runtime";
const OWNER_FILE: &str = "owner.password";
const RUNTIME_FILE: &str = "runtime.password";
/// Small: Reeve's own data is history and a few accounts.
const SETTINGS: &[(&str, &str)] =
    &[("shared_buffers", "64MB"), ("max_connections", "120"), ("max_wal_size", "256MB"), ("autovacuum_naptime", "20s")];

/// How long a Reeve that is still starting is waited for: its server, then its logins and database.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is tried meanwhile; there is no event to wait for.
const LOOK: Duration = Duration::from_millis(100);

/// Reeve's own cluster and how to get in.
pub struct Embedded {
    server: Reached,
    /// The login that migrates.
    pub owner: Endpoint,
    /// The login that Reeve runs with.
    pub runtime: Endpoint,
}

impl Embedded {
    /// Starts the cluster for this process alone.
    ///
    /// # Errors
    /// One sentence that says what to do, also when another process uses the data directory.
    pub async fn start(config: &Config) -> Result<Self, String> {
        let cluster = Cluster::start(cluster(config)).await.map_err(|e| e.to_string())?;
        Self::provisioned(config, cluster).await
    }

    /// Uses the cluster of a running Reeve, or starts it when there is none.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn reach(config: &Config) -> Result<Self, String> {
        match Cluster::start_or_attach(cluster(config), PATIENCE).await.map_err(|e| e.to_string())? {
            Reached::Own(cluster) => Self::provisioned(config, *cluster).await,
            Reached::Other(attached) => Self::beside(config, attached).await,
        }
    }

    /// Whether a cluster was ever made in this data directory.
    #[must_use]
    pub fn exists(config: &Config) -> bool {
        dir(config).exists()
    }

    async fn provisioned(config: &Config, cluster: Cluster) -> Result<Self, String> {
        match provision(config, &cluster).await {
            Ok((owner, runtime)) => Ok(Self { server: Reached::Own(Box::new(cluster)), owner, runtime }),
            Err(sentence) => {
                cluster.stop().await;
                Err(sentence)
            }
        }
    }

    /// Waits until the other Reeve has made its logins and its database. Makes nothing itself.
    async fn beside(config: &Config, attached: Attached) -> Result<Self, String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let trouble = match logins(config, &attached)? {
                None => "its logins are not made yet".to_owned(),
                Some((owner, runtime)) => match wire::connect(&owner, WireOptions::new("reeve/attach")).await {
                    Ok(_) => return Ok(Self { server: Reached::Other(attached), owner, runtime }),
                    Err(error) => error.to_string(),
                },
            };
            if !attached.answers().await {
                return Err(gone(&attached));
            }
            if Instant::now() > until {
                let holder = attached.holder();
                return Err(format!("The Reeve that runs here (process {holder}) did not let this command in: {trouble}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A failure in the words that fit: when the other Reeve has stopped in between, that is what happened.
    pub async fn explain(&self, sentence: String) -> String {
        match &self.server {
            Reached::Other(attached) if !attached.answers().await => gone(attached),
            _ => sentence,
        }
    }

    /// How the cluster is, when this process runs it.
    pub fn state(&self) -> Option<tokio::sync::watch::Receiver<ClusterState>> {
        match &self.server {
            Reached::Own(cluster) => Some(cluster.state()),
            Reached::Other(_) => None,
        }
    }

    /// Stops the cluster if this process started it.
    pub async fn stop(self) {
        if let Reached::Own(cluster) = self.server {
            cluster.stop().await;
        }
    }
}

fn gone(attached: &Attached) -> String {
    format!("The Reeve that ran here (process {}) has stopped meanwhile; run the command again.", attached.holder())
}

fn dir(config: &Config) -> PathBuf {
    config.data_dir.join("store")
}

fn cluster(config: &Config) -> ClusterConfig {
    let settings = SETTINGS.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    ClusterConfig { dir: dir(config), settings, label: "store".to_owned(), major: None }
}

/// The logins as the data directory's password files have them; none while they are not all there.
fn logins(config: &Config, attached: &Attached) -> Result<Option<(Endpoint, Endpoint)>, String> {
    let dir = dir(config);
    let (Some(owner), Some(runtime)) = (secrets::read(&dir, OWNER_FILE)?, secrets::read(&dir, RUNTIME_FILE)?) else { return Ok(None) };
    let endpoint = |user: &str, password: &SecretString| {
        Endpoint::parse(attached.login_url(user, password, DATABASE).expose_secret()).map_err(|e| e.to_string())
    };
    Ok(Some((endpoint(OWNER, &owner)?, endpoint(RUNTIME, &runtime)?)))
}

/// Makes the two logins and the database, or gives them this data directory's passwords.
async fn provision(config: &Config, cluster: &Cluster) -> Result<(Endpoint, Endpoint), String> {
    let dir = dir(config);
    let owner = secrets::kept(&dir, OWNER_FILE)?;
    let runtime = secrets::kept(&dir, RUNTIME_FILE)?;
    let superuser = Endpoint::parse(cluster.superuser_url("postgres").expose_secret()).map_err(|e| e.to_string())?;
    let options = WireOptions::new("reeve/provision");
    let client = wire::connect(&superuser, options).await.map_err(|e| e.to_string())?;
    for (name, password) in [(OWNER, &owner), (RUNTIME, &runtime)] {
        login(&client, name, password).await.map_err(|e| client.sort(&e).to_string())?;
    }
    let there = client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&DATABASE]).await;
    if there.map_err(|e| client.sort(&e).to_string())?.is_none() {
        let make = format!("CREATE DATABASE {DATABASE} OWNER {OWNER}");
        client.batch_execute(&make).await.map_err(|e| client.sort(&e).to_string())?;
    }
    let close = format!("REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC; GRANT CONNECT ON DATABASE {DATABASE} TO {RUNTIME}");
    client.batch_execute(&close).await.map_err(|e| client.sort(&e).to_string())?;
    let endpoint = |user: &str, password: &SecretString| {
        Endpoint::parse(cluster.login_url(user, password, DATABASE).expose_secret()).map_err(|e| e.to_string())
    };
    Ok((endpoint(OWNER, &owner)?, endpoint(RUNTIME, &runtime)?))
}

async fn login(client: &WireClient, name: &str, password: &SecretString) -> Result<(), tokio_postgres::Error> {
    let there = client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&name]).await?;
    let verb = if there.is_some() { "ALTER" } else { "CREATE" };
    // Only the verifier is sent, so that no log of the server ever holds the password.
    let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
    let rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";
    client.batch_execute(&format!("{verb} ROLE {name} {rights} PASSWORD '{verifier}'")).await
}
