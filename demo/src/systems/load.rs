//! Makes the databases of the systems and fills them. Each is loaded whole or made anew: its comment says when it is complete, and of
//! which SQL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::stream::{StreamExt, TryStreamExt, iter};
use secrecy::SecretString;
use tokio_postgres::Client;

use super::{DATABASES, Database, MAIN};
use crate::connect::{MONITOR, REPLICATOR, open, parse, url_for};
use crate::error::DemoError;
use crate::fingerprint::fnv;
use crate::prepare::{extension, hush, monitor_role, role};
use crate::vocabulary::quoted;

/// Databases that are loaded at the same time.
const LOADERS: usize = 3;
/// Any number, the same in all programs that load: two loads of one server must not meet.
const LOAD_LOCK: i64 = 0x5359_5354;

/// The passwords of all logins, by login.
#[derive(Debug, Clone)]
pub struct SystemPasswords(BTreeMap<&'static str, SecretString>);

impl SystemPasswords {
    /// Asks for the password of each login: the one who watches, the replica's, and each application's.
    ///
    /// # Errors
    /// What `keep` answers.
    pub fn kept<E>(keep: impl Fn(&'static str) -> Result<SecretString, E>) -> Result<Self, E> {
        let logins = [MONITOR, REPLICATOR].into_iter().chain(DATABASES.iter().map(|database| database.app));
        logins.map(|login| keep(login).map(|password| (login, password))).collect::<Result<_, E>>().map(Self)
    }

    /// The password of one login; empty, and so good for nothing, for one that the systems don't have.
    pub fn of(&self, login: &str) -> SecretString {
        self.0.get(login).cloned().unwrap_or_default()
    }
}

/// A database after a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its name.
    pub database: &'static str,
    /// It was complete already and nothing was done.
    pub already_loaded: bool,
    /// Its size in bytes.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// The systems' server with everything in it, and how to reach it.
#[derive(Debug, Clone)]
pub struct Systems {
    /// The monitor's URL: statistics, and how far sequences are.
    pub monitor_url: SecretString,
    /// The application's URL of each database.
    pub app_urls: Vec<(&'static str, SecretString)>,
    /// What was loaded or found.
    pub loaded: Vec<Loaded>,
}

/// Makes these databases and their logins and loads what is not there completely. `done` is called after each database.
///
/// `superuser_url_for` gives the superuser's URL for a database name; `postgres` must exist.
///
/// # Errors
/// A server that can't be reached, a statement that fails, or a database of the same name that belongs to somebody else. Call again: what
/// is complete stays, what isn't is made anew.
pub async fn load(
    databases: &[Database],
    superuser_url_for: impl Fn(&str) -> String,
    passwords: &SystemPasswords,
    done: impl Fn(&Loaded),
) -> Result<Systems, DemoError> {
    let config = parse(&superuser_url_for("postgres"), "the superuser")?;
    let (admin, _connection) = open(&config, "systems setup").await?;
    hush(&admin).await?;
    let lock = "SELECT pg_advisory_lock($1)";
    admin.execute(lock, &[&LOAD_LOCK]).await.map_err(DemoError::sql("Waiting for another load to finish"))?;
    monitor_role(&admin, &passwords.of(MONITOR)).await?;
    role(&admin, REPLICATOR, &passwords.of(REPLICATOR), "CONNECTION LIMIT 5").await?;
    let mut roles: Vec<(&str, &str)> = databases.iter().map(|database| (database.owner, database.app)).collect();
    roles.dedup();
    for (owner, app) in roles {
        owner_role(&admin, owner).await?;
        role(&admin, app, &passwords.of(app), "CONNECTION LIMIT 12").await?;
    }
    let loader = Loader { admin, superuser_url_for };
    // In the order of the list, however they come to an end.
    let loading = iter(databases).map(|database| loader.one(database)).buffered(LOADERS).inspect_ok(|loaded| done(loaded));
    let loaded = loading.try_collect().await?;
    let app_url =
        |database: &Database| url_for(&config, database.app, &passwords.of(database.app), database.name).map(|url| (database.name, url));
    Ok(Systems {
        monitor_url: url_for(&config, MONITOR, &passwords.of(MONITOR), MAIN)?,
        app_urls: databases.iter().map(app_url).collect::<Result<_, _>>()?,
        loaded,
    })
}

/// A role that owns things and that nobody can be.
async fn owner_role(admin: &Client, name: &str) -> Result<(), DemoError> {
    let doing = || DemoError::sql(format!("Creating the owner {name}"));
    if admin.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&name]).await.map_err(doing())?.is_none() {
        admin.batch_execute(&format!("CREATE ROLE {name} NOLOGIN")).await.map_err(doing())?;
    }
    Ok(())
}

struct Loader<F> {
    admin: Client,
    superuser_url_for: F,
}

impl<F: Fn(&str) -> String> Loader<F> {
    async fn one(&self, database: &Database) -> Result<Loaded, DemoError> {
        let (begun, name) = (Instant::now(), database.name);
        let already_loaded = self.found(database).await?;
        if !already_loaded {
            self.make(database).await?;
            self.fill(database).await?;
            self.execute(&format!("COMMENT ON DATABASE {name} IS {}", quoted(&marker(database))), name).await?;
        }
        let doing = || DemoError::sql(format!("Reading the size of {name}"));
        let row = self.admin.query_one("SELECT pg_database_size($1::text::name)", &[&name]).await.map_err(doing())?;
        let bytes: i64 = row.try_get(0).map_err(doing())?;
        Ok(Loaded { database: name, already_loaded, bytes: bytes.max(0).unsigned_abs(), elapsed: begun.elapsed() })
    }

    /// Whether it is there completely. One that an interrupted load or other SQL left goes.
    async fn found(&self, database: &Database) -> Result<bool, DemoError> {
        let name = database.name;
        let doing = || DemoError::sql(format!("Looking for the database {name}"));
        let sql = "SELECT pg_get_userbyid(datdba)::text, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1";
        let Some(row) = self.admin.query_opt(sql, &[&name]).await.map_err(doing())? else { return Ok(false) };
        let owner: String = row.try_get(0).map_err(doing())?;
        if owner != database.owner {
            return Err(DemoError::DatabaseNotOurs { database: name.to_owned(), owner });
        }
        let comment: Option<String> = row.try_get(1).map_err(doing())?;
        if comment.is_some_and(|comment| comment == marker(database)) {
            return Ok(true);
        }
        self.execute(&format!("DROP DATABASE {name} WITH (FORCE)"), name).await?;
        Ok(false)
    }

    /// An empty database that only its application and the monitor may enter.
    async fn make(&self, database: &Database) -> Result<(), DemoError> {
        let Database { name, owner, app, .. } = database;
        for sql in [
            format!("CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'"),
            format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {name} TO {app}, {MONITOR}"),
        ] {
            self.execute(&sql, name).await?;
        }
        Ok(())
    }

    async fn fill(&self, database: &Database) -> Result<(), DemoError> {
        let Database { name, owner, schema, rows, .. } = database;
        let config = parse(&(self.superuser_url_for)(name), "the superuser")?;
        let (client, _connection) = open(&config, "systems load").await?;
        let doing = || DemoError::sql(format!("Loading {name}"));
        // The statements of a load are no part of what the application does.
        let settings = format!(
            "SET synchronous_commit = off; SET lock_timeout = '60s'; SET client_min_messages = warning; \
             ALTER SCHEMA public OWNER TO {owner}; REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
             ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON SEQUENCES TO {MONITOR};"
        );
        client.batch_execute(&settings).await.map_err(doing())?;
        if *name == MAIN {
            // One view shows the statements of all databases.
            extension(&client, "pg_stat_statements").await?;
        }
        let mut with = String::new();
        for (name, sql) in database.with_extensions {
            if extension(&client, name).await? {
                with.push_str(sql);
            }
        }
        let whole = format!("BEGIN; SET LOCAL ROLE {owner};\n{schema}\n{with}\n{rows}\nCOMMIT;");
        client.batch_execute(&whole).await.map_err(doing())?;
        client.batch_execute("VACUUM (ANALYZE)").await.map_err(doing())
    }

    async fn execute(&self, sql: &str, database: &str) -> Result<(), DemoError> {
        self.admin.batch_execute(sql).await.map_err(DemoError::sql(format!("Preparing the database {database}")))
    }
}

/// The comment of a database that is complete.
fn marker(database: &Database) -> String {
    let mut parts = vec![database.schema, database.rows];
    parts.extend(database.with_extensions.iter().map(|(_, sql)| *sql));
    format!("Sample system, generation {:016x}", fnv(&parts))
}
