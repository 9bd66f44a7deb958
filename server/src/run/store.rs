//! Reeve's own database: an embedded cluster, or what the configuration names.

use super::embedded::Embedded;
use crate::config::Config;
use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::ClusterState;
use reeve_estate::TargetSpec;
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName, UnixMs, pool::StoreRole};
use reeve_service::{store_watch::Cause, vault::Vault};
use reeve_store::{
    Domain,
    migrate::{self, MigrationState},
};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How long a connection may take, network, TLS and login together.
const CONNECT: Duration = Duration::from_secs(15);

/// The migration of compliance that made the audit trail.
const AUDIT_TRAIL: i64 = 1;
/// Connections of other Reeves to this database.
const BESIDE: &str = "SELECT count(*) FROM pg_catalog.pg_stat_activity \
                      WHERE application_name LIKE 'reeve/%' AND datname = current_database() AND pid <> pg_backend_pid()";

/// Where Reeve's own databases are.
pub struct Database {
    embedded: Option<Embedded>,
    roles: BTreeMap<StoreRole, Endpoint>,
    owners: BTreeMap<StoreRole, Endpoint>,
}

/// A migrated database with its pools.
pub struct Opened {
    database: Database,
    /// The pools of all roles.
    pub pools: RolePools,
}

/// Takes the database for this process, brings its schema up to date, makes the pools. For what serves.
///
/// # Errors
/// One sentence that says what to do, also when another process uses the data directory.
pub async fn open(config: &Config) -> Result<Opened, String> {
    Database::take(config).await?.opened().await
}

/// The same, and the key of stored secrets. The database first: what is wrong with the data directory is said in its words.
///
/// # Errors
/// One sentence that says what to do.
pub async fn open_with_key(config: &Config) -> Result<(Opened, Vault), String> {
    let opened = open(config).await?;
    match super::keys::vault(config).await {
        Ok(vault) => Ok((opened, vault)),
        Err(sentence) => {
            opened.stop().await;
            Err(sentence)
        }
    }
}

/// The same for a command, which may run beside a running Reeve.
///
/// # Errors
/// One sentence that says what to do.
pub async fn open_beside(config: &Config) -> Result<Opened, String> {
    Database::reach(config).await?.opened().await
}

/// For commands that only read and change what is there: they make no Reeve where there is none.
///
/// # Errors
/// One sentence.
pub fn must_exist(config: &Config) -> Result<(), String> {
    if config.store.contains_key(&StoreRole::Main) || Embedded::exists(config) {
        return Ok(());
    }
    let place = config.data_dir.display();
    Err(format!("There is no Reeve in {place}: name the data directory of yours with --data-dir, or start one there with `reeve serve`."))
}

impl Opened {
    /// Why the embedded cluster is down, while its supervisor knows.
    #[must_use]
    pub fn cause(&self) -> Cause {
        let state = self.database.embedded.as_ref().and_then(Embedded::state);
        Arc::new(move || match state.as_ref().map(|s| s.borrow().clone()) {
            Some(ClusterState::Down { sentence, .. }) => Some(sentence),
            _ => None,
        })
    }

    /// A failure in the words that fit, see [`Database::explain`].
    pub async fn explain(&self, sentence: String) -> String {
        self.database.explain(sentence).await
    }

    /// Closes the pools, then stops the embedded cluster if this process started it.
    pub async fn stop(self) {
        self.pools.close().await;
        self.database.stop().await;
    }
}

impl Database {
    /// Starts the embedded cluster for this process, or takes what is configured.
    ///
    /// # Errors
    /// One sentence that says what to do, also when another process uses the data directory.
    pub async fn take(config: &Config) -> Result<Self, String> {
        match Self::configured(config) {
            Some(database) => Ok(database),
            None => Embedded::start(config).await.map(Self::embedded),
        }
    }

    /// The same for a command: a running Reeve's embedded cluster is used and left alone.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn reach(config: &Config) -> Result<Self, String> {
        match Self::configured(config) {
            Some(database) => Ok(database),
            None => Embedded::reach(config).await.map(Self::embedded),
        }
    }

    fn configured(config: &Config) -> Option<Self> {
        let main = config.store.get(&StoreRole::Main)?;
        // A role with a database of its own is migrated with its own login; main's may have a separate owner.
        let mut owners = config.store.clone();
        owners.insert(StoreRole::Main, config.owner.as_ref().unwrap_or(main).clone());
        Some(Self { embedded: None, roles: config.store.clone(), owners })
    }

    fn embedded(embedded: Embedded) -> Self {
        Self {
            roles: BTreeMap::from([(StoreRole::Main, embedded.runtime.clone())]),
            owners: BTreeMap::from([(StoreRole::Main, embedded.owner.clone())]),
            embedded: Some(embedded),
        }
    }

    /// Brings the schema up to date and makes the pools. What was started is stopped when that fails.
    async fn opened(self) -> Result<Opened, String> {
        let made = self.migrate().await.and_then(|_| self.pools());
        self.opened_with(made).await
    }

    /// The same without changing the schema.
    ///
    /// # Errors
    /// One sentence, also when the schema is not up to date.
    pub async fn opened_as_it_is(self) -> Result<Opened, String> {
        let made = self.status().await.and_then(|states| {
            if states.iter().any(|s| s.applied_at.is_none()) {
                return Err("Reeve's own schema is not up to date; start Reeve, or run `reeve migrate up`.".to_owned());
            }
            self.pools()
        });
        self.opened_with(made).await
    }

    async fn opened_with(self, made: Result<RolePools, String>) -> Result<Opened, String> {
        let made = match made {
            Err(sentence) => Err(self.explain(sentence).await),
            made => made,
        };
        match made {
            Ok(pools) => Ok(Opened { database: self, pools }),
            Err(sentence) => {
                self.stop().await;
                Err(sentence)
            }
        }
    }

    fn pools(&self) -> Result<RolePools, String> {
        let roles = self.roles.iter().map(|(role, at)| (*role, RoleSettings::with_defaults(*role, at.clone()))).collect();
        RolePools::new(RoleConfig::new(roles)).map_err(|e| e.to_string())
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
            if (role, domain) == (StoreRole::Main, Domain::Main) {
                let owner = self.owners.get(&role).ok_or_else(|| nobody(domain))?.to_sqlx("reeve/migrate").map_err(|e| e.to_string())?;
                migrate::install_queue(&mut connection, owner, &login).await.map_err(|e| e.to_string())?;
            }
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

    /// Takes back what of a domain is applied above `version`, in each database that holds it; says which migrations that were.
    /// The audit trail stays: it is not taken back by a command.
    ///
    /// # Errors
    /// One sentence, also while another Reeve is connected; nothing is taken back then.
    pub async fn roll_back(&self, domain: Domain, version: i64) -> Result<Vec<i64>, String> {
        if domain == Domain::Compliance && version < AUDIT_TRAIL {
            return Err(
                "Migration 1 of compliance holds the audit trail, which nothing of Reeve removes. Roll back to 1 or above.".to_owned()
            );
        }
        let mut undone = Vec::new();
        for (role, at) in self.homes().into_iter().filter(|(_, each)| *each == domain) {
            let mut connection = self.owner(role, at).await?;
            let others: i64 = sqlx::query_scalar(BESIDE).fetch_one(&mut connection).await.map_err(|e| e.to_string())?;
            if others > 0 {
                return Err(format!(
                    "A Reeve is connected to this database ({others} connections): stop it first. Nothing more was taken back."
                ));
            }
            undone.extend(migrate::down(&mut connection, domain, version).await.map_err(|e| e.to_string())?);
        }
        undone.sort_unstable();
        undone.dedup();
        Ok(undone)
    }

    /// Main holds every domain, so that it can stand in; a role with a database of its own holds its domain there too.
    fn homes(&self) -> Vec<(StoreRole, Domain)> {
        migrate::homes(|role| self.roles.contains_key(&role))
    }

    async fn owner(&self, role: StoreRole, domain: Domain) -> Result<PgConnection, String> {
        let endpoint = self.owners.get(&role).ok_or_else(|| nobody(domain))?;
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

    /// A failure in the words that fit: when a command ran beside another Reeve and that has stopped, it says so.
    pub async fn explain(&self, sentence: String) -> String {
        match &self.embedded {
            Some(embedded) => embedded.explain(sentence).await,
            None => sentence,
        }
    }

    /// Stops the embedded cluster if this process started it.
    pub async fn stop(self) {
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

fn nobody(domain: Domain) -> String {
    format!("Nobody is named who may migrate {domain}.")
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
        region: None,
        owner: None,
    };
    Ok(TargetSpec::new(info, endpoint.clone()))
}

/// A moment as people write it in UTC.
pub fn when(at: UnixMs) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.0 / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_else(|_| at.0.to_string())
}
