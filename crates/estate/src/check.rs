//! `reeve check`: one connection, one look; and the SQL that gives a login what Reeve needs, and no more.

use crate::{
    fault::needs_monitor,
    probe::quote_identifier,
    probes::{identity, statements},
    session,
    spec::TargetSpec,
};
use reeve_adapter::{AdapterError, Endpoint};
use tokio::time::Instant;

/// What it means when a target is reached through a connection pooler; one sentence.
pub const POOLED: &str = "It is reached through a connection pooler: Reeve reads it one transaction at a time with all its limits in force, but backups and restores need the server's own address (backup_url_file).";

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckReport {
    /// From the start of connecting to the first answer, milliseconds.
    pub latency_ms: f64,
    /// For example `PostgreSQL 15.18`.
    pub version: String,
    /// The role Reeve signs in with.
    pub user: String,
    /// In recovery.
    pub standby: bool,
    /// The connection is encrypted.
    pub tls: bool,
    /// Reached through a connection pooler, a transaction at a time; [`POOLED`] says what that means.
    pub pooled: bool,
    /// Too old to be read.
    pub too_old: bool,
    /// What is missing, one sentence each with the SQL that helps.
    pub missing: Vec<String>,
    /// The statements that help with all that is missing, for a superuser, with a comment where more has to be done.
    pub sql: Vec<String>,
}

/// The statements that make the login of an endpoint and give it what Reeve needs, and no more: for a superuser of that server.
#[must_use]
pub fn recipe(endpoint: &Endpoint) -> Vec<String> {
    let role = quote_identifier(endpoint.user());
    vec![
        format!("CREATE ROLE {role} LOGIN PASSWORD '…' CONNECTION LIMIT 10;"),
        monitor(endpoint.user()),
        format!("GRANT CONNECT ON DATABASE {} TO {role};", quote_identifier(endpoint.database())),
        extension(endpoint.database()),
    ]
}

fn monitor(user: &str) -> String {
    format!("GRANT pg_monitor TO {};", quote_identifier(user))
}

fn extension(database: &str) -> String {
    // A name can hold a line break, which would end the comment.
    let database: String = quote_identifier(database).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!(
        "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; -- in the database {database}; the server must have it in shared_preload_libraries"
    )
}

/// Connects to a target as a probe would.
///
/// # Errors
/// When it can't be reached or doesn't answer; the text says why, without secrets.
pub async fn check(spec: &TargetSpec) -> Result<CheckReport, AdapterError> {
    let start = Instant::now();
    let look = async {
        let session = session::probing(&spec.endpoint, None, &std::sync::Arc::default()).await?;
        let sql = identity::QUERY.sql(&identity::before_contact());
        let sql = sql.map_err(|message| AdapterError::Other { server: spec.endpoint.redacted(), message })?;
        let rows = session.query(&sql, &[]).await.map_err(|e| session.sort(&e))?;
        let facts = rows.first().map(|row| identity::facts(row, &session)).transpose();
        let facts = facts.map_err(|e| AdapterError::Other { server: spec.endpoint.redacted(), message: e.to_string() })?;
        facts.ok_or_else(|| AdapterError::ConnectionLost { server: spec.endpoint.redacted() })
    };
    let facts = tokio::time::timeout(spec.deadline, look).await.unwrap_or_else(|_| {
        let after_ms = u64::try_from(spec.deadline.as_millis()).unwrap_or(u64::MAX);
        Err(AdapterError::TimedOut { server: spec.endpoint.redacted(), what: "to the check".to_owned(), after_ms })
    })?;
    let (mut missing, mut sql) = (Vec::new(), Vec::new());
    let too_old = facts.version_num < 130_000;
    if too_old {
        missing.push(format!("{} is older than 13; Reeve reads PostgreSQL 13 to 18.", facts.version));
    }
    if !facts.read_all_stats || !facts.read_all_settings {
        missing.push(needs_monitor("Statistics", &facts));
        sql.push(monitor(&facts.user));
    }
    if facts.statements.is_none() {
        missing.push(statements::not_installed(&facts));
        sql.push(extension(&facts.database));
    }
    Ok(CheckReport {
        latency_ms: start.elapsed().as_secs_f64() * 1000.0,
        version: facts.version,
        user: facts.user,
        standby: facts.standby,
        tls: facts.tls,
        pooled: facts.pooled,
        too_old,
        missing,
        sql,
    })
}
