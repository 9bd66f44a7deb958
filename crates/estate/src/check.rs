//! `reeve check`: one connection, one look; and the SQL that gives a login what Reeve needs, and no more.

use crate::{
    fault::needs_monitor,
    probe::{comment, in_database, quote_identifier},
    probes::{identity, statements},
    session,
    spec::TargetSpec,
};
use reeve_adapter::{AdapterError, Endpoint, Host};
use reeve_model::Refusal;
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
fn recipe(endpoint: &Endpoint) -> Vec<String> {
    let role = quote_identifier(endpoint.user());
    vec![
        format!("CREATE ROLE {role} LOGIN PASSWORD '…' CONNECTION LIMIT 10;"),
        monitor(endpoint.user()),
        entry(endpoint),
        extension(endpoint.database()),
    ]
}

/// What a superuser of that server can run against a refused sign-in, one statement each; nothing where SQL does not help.
#[must_use]
pub fn repair(endpoint: &Endpoint, error: &AdapterError) -> Vec<String> {
    let role = quote_identifier(endpoint.user());
    match (error.refusal(), error) {
        // Servers say the same of a wrong password and of a role that isn't there.
        (Some(Refusal::Password), _) => {
            let other = recipe(endpoint).into_iter().map(|statement| comment(&statement));
            let first = [
                format!("ALTER ROLE {role} PASSWORD '…'; -- or give Reeve the password that the role has"),
                "-- Only where there is no such role yet:".to_owned(),
            ];
            first.into_iter().chain(other).collect()
        }
        // The file's name is the same in all languages.
        (Some(Refusal::Rules), AdapterError::WrongLogin { message, .. }) if message.contains("pg_hba.conf") => {
            let database = quote_identifier(endpoint.database());
            let line = match endpoint.host() {
                Host::Socket(_) => format!("local {database} {role} scram-sha-256"),
                Host::Tcp(_) => format!("host {database} {role} <Reeve's address>/32 scram-sha-256"),
            };
            vec![format!("SELECT pg_reload_conf(); {}", comment(&format!("once pg_hba.conf has the line: {line}")))]
        }
        (Some(Refusal::Rules), AdapterError::WrongLogin { message, .. }) if message.contains("not permitted to log in") => {
            vec![format!("ALTER ROLE {role} LOGIN;")]
        }
        (Some(Refusal::Rules), _) => recipe(endpoint),
        // The server names the database that it keeps the role out of; else a function was refused, which pg_monitor may call.
        (Some(Refusal::Right), AdapterError::NoPrivilege { message, .. }) if message.contains(endpoint.database()) => vec![entry(endpoint)],
        (Some(Refusal::Right), _) => vec![monitor(endpoint.user())],
        (Some(Refusal::Database | Refusal::Limit) | None, _) => Vec::new(),
    }
}

fn entry(endpoint: &Endpoint) -> String {
    format!("GRANT CONNECT ON DATABASE {} TO {};", quote_identifier(endpoint.database()), quote_identifier(endpoint.user()))
}

fn monitor(user: &str) -> String {
    format!("GRANT pg_monitor TO {};", quote_identifier(user))
}

fn extension(database: &str) -> String {
    let place = in_database(database);
    format!("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; {place}; the server must have it in shared_preload_libraries")
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a6_the_sql_fits_what_the_server_said() {
        let endpoint = Endpoint::parse("postgresql://watcher:secret@db.internal/hr").unwrap();
        let server = || endpoint.redacted();
        let login = |sqlstate: &str, message: &str| {
            let error = AdapterError::WrongLogin { server: server(), sqlstate: sqlstate.into(), message: message.into() };
            repair(&endpoint, &error)
        };
        let wrong = login("28P01", "password authentication failed for user \"watcher\"");
        assert!(wrong[0].starts_with("ALTER ROLE \"watcher\" PASSWORD '…';"), "{wrong:#?}");
        assert!(wrong[1..].iter().all(|line| line.starts_with("-- ")), "nothing is made unasked: {wrong:#?}");
        let shut = login("28000", "no pg_hba.conf entry for host \"10.0.0.7\", user \"watcher\", database \"hr\", no encryption");
        assert!(
            shut.len() == 1 && shut[0].starts_with("SELECT pg_reload_conf(); -- ") && shut[0].contains("host \"hr\" \"watcher\""),
            "{shut:#?}"
        );
        assert_eq!(login("28000", "role \"watcher\" is not permitted to log in"), ["ALTER ROLE \"watcher\" LOGIN;"]);
        assert!(login("28000", "role \"watcher\" does not exist")[0].starts_with("CREATE ROLE \"watcher\" LOGIN"));
        let denied = AdapterError::NoPrivilege { server: server(), message: "permission denied for database \"hr\"".into() };
        assert_eq!(repair(&endpoint, &denied), ["GRANT CONNECT ON DATABASE \"hr\" TO \"watcher\";"]);
        assert_eq!(repair(&endpoint, &AdapterError::NoDatabase { server: server() }), Vec::<String>::new());
    }

    #[test]
    fn a9_a_name_with_a_line_break_does_not_end_a_comment() {
        assert_eq!(in_database("a\nDROP b"), "-- in database \"a\u{fffd}DROP b\"");
    }
}
