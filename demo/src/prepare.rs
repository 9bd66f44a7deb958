//! The database and its three logins, before any table is there.

use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Client;

use crate::connect::{APP, DATABASE, MONITOR, OWNER, REPLICATOR, open, parse, url_for};
use crate::error::DemoError;
use crate::vocabulary::quoted;

/// The passwords the three logins get.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// For `findawise_owner`.
    pub owner: SecretString,
    /// For `findawise_app`.
    pub app: SecretString,
    /// For `reeve_monitor`.
    pub monitor: SecretString,
}

/// How to reach the estate, one URL per login. Each carries a password.
#[derive(Debug, Clone)]
pub struct FindawiseLogins {
    /// Owns the database and its schemas.
    pub owner_url: SecretString,
    /// Reads and writes rows: the workload's login.
    pub app_url: SecretString,
    /// `pg_monitor`, the right to end sessions, and how far sequences are; at most 10 connections, no rights on any table: the login for Reeve.
    pub monitor_url: SecretString,
}

/// Makes the database `findawise` and its logins, or brings them to this state; what is there already stays.
///
/// `superuser_url_for` gives the superuser's URL for a database name; `postgres` must exist.
///
/// # Errors
/// A URL that can't be read, a server that can't be reached, or a login that isn't superuser.
pub async fn prepare(superuser_url_for: impl Fn(&str) -> String, passwords: &Passwords) -> Result<FindawiseLogins, DemoError> {
    let config = parse(&superuser_url_for("postgres"), "the superuser")?;
    let (admin, _connection) = open(&config, "findawise setup").await?;
    hush(&admin).await?;
    role(&admin, OWNER, &passwords.owner, "CONNECTION LIMIT 8").await?;
    role(&admin, APP, &passwords.app, "CONNECTION LIMIT 40").await?;
    monitor_role(&admin, &passwords.monitor).await?;

    let there = admin.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&DATABASE]).await;
    if there.map_err(DemoError::sql("Looking for the database"))?.is_none() {
        let create = format!("CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8'");
        admin.batch_execute(&create).await.map_err(DemoError::sql("Creating the database findawise"))?;
    }

    let inside = parse(&superuser_url_for(DATABASE), "the superuser")?;
    let (inside_client, _inside_connection) = open(&inside, "findawise setup").await?;
    extension(&inside_client, "pg_stat_statements").await?;
    // Rights follow each table the owner makes, so that a rebuilt schema needs no second step. The monitor may read how far a
    // sequence is: pg_monitor does not include that.
    let rights = format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SCHEMAS TO {APP};
         ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP};
         ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SEQUENCES TO {APP};
         ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON SEQUENCES TO {MONITOR};"
    );
    inside_client.batch_execute(&rights).await.map_err(DemoError::sql("Granting rights to the application"))?;

    Ok(FindawiseLogins {
        owner_url: url_for(&inside, OWNER, &passwords.owner, DATABASE)?,
        app_url: url_for(&inside, APP, &passwords.app, DATABASE)?,
        monitor_url: url_for(&inside, MONITOR, &passwords.monitor, DATABASE)?,
    })
}

/// Statements with verifiers in them belong neither in the server's log nor among the recorded statements.
pub(crate) async fn hush(admin: &Client) -> Result<(), DemoError> {
    let quiet = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic'; \
                 SET pg_stat_statements.track = 'none';";
    admin.batch_execute(quiet).await.map_err(DemoError::sql("Preparing the session"))
}

/// The login of the one who watches.
pub(crate) async fn monitor_role(admin: &Client, password: &SecretString) -> Result<(), DemoError> {
    role(admin, MONITOR, password, "CONNECTION LIMIT 10").await?;
    admin
        .batch_execute(&format!("GRANT pg_monitor, pg_signal_backend TO {MONITOR}"))
        .await
        .map_err(DemoError::sql("Granting pg_monitor and pg_signal_backend"))
}

/// Makes an extension where the server has it; answers whether it is there.
pub(crate) async fn extension(client: &Client, name: &str) -> Result<bool, DemoError> {
    let available = "SELECT FROM pg_available_extensions WHERE name = $1";
    let found = client.query_opt(available, &[&name]).await.map_err(DemoError::sql(format!("Looking for {name}")))?;
    if found.is_some() {
        let create = format!("CREATE EXTENSION IF NOT EXISTS {name}");
        client.batch_execute(&create).await.map_err(DemoError::sql(format!("Creating {name}")))?;
    }
    Ok(found.is_some())
}

/// Makes the role, or gives it this password and limit. The server only ever sees the verifier.
pub(crate) async fn role(admin: &Client, name: &str, password: &SecretString, limit: &str) -> Result<(), DemoError> {
    let doing = || DemoError::sql(format!("Creating the login {name}"));
    let there = admin.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&name]).await.map_err(doing())?;
    let verb = if there.is_some() { "ALTER" } else { "CREATE" };
    let verifier = quoted(&scram_sha_256(password.expose_secret().as_bytes()));
    let replicates = if name == REPLICATOR { "REPLICATION" } else { "NOREPLICATION" };
    let rights = format!("LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE {replicates} NOBYPASSRLS");
    admin.batch_execute(&format!("{verb} ROLE {name} {rights} {limit} PASSWORD {verifier}")).await.map_err(doing())
}

/// The application's URL, made from the superuser's for the same database.
///
/// # Errors
/// A URL that can't be read.
pub fn app_url(superuser_url: &str, password: &SecretString) -> Result<SecretString, DemoError> {
    url_for(&parse(superuser_url, "the superuser")?, APP, password, DATABASE)
}
