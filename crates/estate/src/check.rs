//! `reeve check`: one connection, one look.

use crate::{
    fault::needs_monitor,
    probes::{identity, statements},
    session::Session,
    spec::TargetSpec,
};
use reeve_adapter::AdapterError;
use tokio::time::Instant;

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
    /// What is missing, one sentence each with the SQL that helps.
    pub missing: Vec<String>,
}

/// Connects to a target as a probe would.
///
/// # Errors
/// When it can't be reached or doesn't answer; the text says why, without secrets.
pub async fn check(spec: &TargetSpec) -> Result<CheckReport, AdapterError> {
    let start = Instant::now();
    let look = async {
        let session = Session::open(&spec.endpoint, None, &std::sync::Arc::default()).await?;
        let sql = identity::QUERY.sql(&identity::before_contact());
        let sql = sql.map_err(|message| AdapterError::Other { server: spec.endpoint.redacted(), message })?;
        let rows = session.query(&sql, &[]).await.map_err(|e| session.sort(&e))?;
        let facts = rows.first().map(identity::facts).transpose();
        let facts = facts.map_err(|e| AdapterError::Other { server: spec.endpoint.redacted(), message: e.to_string() })?;
        facts.ok_or_else(|| AdapterError::ConnectionLost { server: spec.endpoint.redacted() })
    };
    let facts = tokio::time::timeout(spec.deadline, look).await.unwrap_or_else(|_| {
        let after_ms = u64::try_from(spec.deadline.as_millis()).unwrap_or(u64::MAX);
        Err(AdapterError::TimedOut { server: spec.endpoint.redacted(), what: "to the check".to_owned(), after_ms })
    })?;
    let mut missing = Vec::new();
    if facts.version_num < 130_000 {
        missing.push(format!("{} is older than 13; Reeve reads PostgreSQL 13 to 18.", facts.version));
    }
    if !facts.read_all_stats || !facts.read_all_settings {
        missing.push(needs_monitor("Statistics", &facts));
    }
    if facts.statements.is_none() {
        missing.push(statements::not_installed(&facts));
    }
    Ok(CheckReport {
        latency_ms: start.elapsed().as_secs_f64() * 1000.0,
        version: facts.version,
        user: facts.user,
        standby: facts.standby,
        tls: facts.tls,
        missing,
    })
}
