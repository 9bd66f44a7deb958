//! Reeve's own database: an embedded cluster, or what the configuration names.

use super::secrets;
use crate::config::Config;
use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings, WireClient, WireOptions, wire};
use reeve_cluster::{Cluster, ClusterConfig, ClusterState};
use reeve_estate::TargetSpec;
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName, UnixMs, pool::StoreRole};
use reeve_service::store_watch::Cause;
use reeve_store::{
    Domain,
    migrate::{self, MigrationState},
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The embedded database and its two logins.
const DATABASE: &str = "reeve";
const OWNER: &str = "reeve_owner";
const RUNTIME: &str = "reeve_runtime";
/// Small: Reeve's own data is history and a few accounts.
const SETTINGS: &[(&str, &str)] =
    &[("shared_buffers", "64MB"), ("max_connections", "120"), ("max_wal_size", "256MB"), ("autovacuum_naptime", "20s")];

/// How long a connection may take, network, TLS and login together.
const CONNECT: Duration = Duration::from_secs(15);

/// Where Reeve's own databases are.
pub struct Database {
    cluster: Option<Cluster>,
    roles: BTreeMap<StoreRole, Endpoint>,
    owners: BTreeMap<StoreRole, Endpoint>,
}

/// A migrated database with its pools.
pub struct Opened {
    database: Database,
    /// The pools of all roles.
    pub pools: RolePools,
}

/// Reaches the database, brings its schema up to date, makes the pools.
///
/// # Errors
/// One sentence that says what to do.
pub async fn open(config: &Config) -> Result<Opened, String> {
    let database = Database::reach(config).await?;
    if let Err(sentence) = database.migrate().await {
        database.stop().await;
        return Err(sentence);
    }
    let roles = database.roles.iter().map(|(role, at)| (*role, RoleSettings::with_defaults(*role, at.clone()))).collect();
    match RolePools::new(RoleConfig::new(roles)) {
        Ok(pools) => Ok(Opened { database, pools }),
        Err(error) => {
            database.stop().await;
            Err(error.to_string())
        }
    }
}

impl Opened {
    /// Why the embedded cluster is down, while its supervisor knows.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let state = self.database.cluster.as_ref().map(Cluster::state);
        Arc::new(move || match state.as_ref().map(|s| s.borrow().clone()) {
            Some(ClusterState::Down { sentence, .. }) => Some(sentence),
            _ => None,
        })
    }

    /// Closes the pools, then stops the embedded cluster.
    pub async fn stop(self) {
        self.pools.close().await;
        self.database.stop().await;
    }
}

impl Database {
    /// Starts the embedded cluster, or takes what is configured.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn reach(config: &Config) -> Result<Self, String> {
        if let Some(main) = config.store.get(&StoreRole::Main) {
            // A role with a database of its own is migrated with its own login; main's may have a separate owner.
            let mut owners = config.store.clone();
            owners.insert(StoreRole::Main, config.owner.as_ref().unwrap_or(main).clone());
            return Ok(Self { cluster: None, roles: config.store.clone(), owners });
        }
        let dir = config.data_dir.join("store");
        let settings = SETTINGS.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let cluster = Cluster::start(ClusterConfig { dir, settings, label: "store".to_owned(), major: None }).await;
        let cluster = cluster.map_err(|e| e.to_string())?;
        match provision(config, &cluster).await {
            Ok((owner, runtime)) => Ok(Self {
                cluster: Some(cluster),
                roles: BTreeMap::from([(StoreRole::Main, runtime)]),
                owners: BTreeMap::from([(StoreRole::Main, owner)]),
            }),
            Err(sentence) => {
                cluster.stop().await;
                Err(sentence)
            }
        }
    }

    /// Applies what is pending; says how much that was.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn migrate(&self) -> Result<usize, String> {
        let mut applied = 0;
        for (role, domain) in self.homes() {
            let mut connection = self.owner(role, domain).await?;
            let login = self.roles.get(&role).map(|e| e.user().to_owned()).unwrap_or_default();
            applied += migrate::up(&mut connection, domain, &login).await.map_err(|e| e.to_string())?.len();
        }
        Ok(applied)
    }

    /// Each migration and whether it is applied.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn status(&self) -> Result<Vec<MigrationState>, String> {
        let mut all = Vec::new();
        for (role, domain) in self.homes() {
            let mut connection = self.owner(role, domain).await?;
            all.extend(migrate::status(&mut connection, domain).await.map_err(|e| e.to_string())?);
        }
        Ok(all)
    }

    /// Main holds every domain, so that it can stand in; a role with a database of its own holds its domain there too.
    fn homes(&self) -> Vec<(StoreRole, Domain)> {
        migrate::homes(|role| self.roles.contains_key(&role))
    }

    async fn owner(&self, role: StoreRole, domain: Domain) -> Result<PgConnection, String> {
        let endpoint = self.owners.get(&role).ok_or_else(|| format!("Nobody is named who may migrate {domain}."))?;
        let options = endpoint.to_sqlx("reeve/migrate").map_err(|e| e.to_string())?.disable_statement_logging();
        let answer = tokio::time::timeout(CONNECT, PgConnection::connect_with(&options)).await.map_err(|_| {
            let (at, s) = (endpoint.redacted(), CONNECT.as_secs());
            format!("Reeve's own database can't be reached: {at} did not answer within {s} s; check the network and the server's load.")
        })?;
        answer.map_err(|error| {
            let sorted = reeve_adapter::AdapterError::from_sqlx(&endpoint.redacted(), &error);
            format!("Reeve's own database can't be reached: {sorted}")
        })
    }

    /// Stops the embedded cluster, if there is one.
    pub async fn stop(self) {
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

/// Makes the two logins and the database, or gives them this data directory's passwords.
async fn provision(config: &Config, cluster: &Cluster) -> Result<(Endpoint, Endpoint), String> {
    let dir = config.data_dir.join("store");
    let owner = secrets::kept(&dir, "owner.password")?;
    let runtime = secrets::kept(&dir, "runtime.password")?;
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

/// A role of the store in the shape that `reeve check` tests.
///
/// # Errors
/// When the role's word is no name for a target; all present ones are.
pub fn as_target(role: StoreRole, endpoint: &Endpoint) -> Result<TargetSpec, String> {
    let info = TargetInfo {
        name: TargetName::new(role.word().to_ascii_lowercase())?,
        kind: TargetKind::Postgres,
        environment: Environment::Prod,
        address: endpoint.redacted(),
        tags: Vec::new(),
    };
    Ok(TargetSpec::new(info, endpoint.clone()))
}

/// A moment as people write it in UTC.
pub fn when(at: UnixMs) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.0 / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_else(|_| at.0.to_string())
}
