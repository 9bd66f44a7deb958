//! Testing a target before it is registered, and afterwards: what it says of itself, what is missing, what that costs, the SQL that helps.

use crate::run::{
    look::{Missing, look},
    output::say,
};
use reeve_adapter::{AdapterError, Endpoint};
use reeve_estate::{
    CheckReport, TargetSpec,
    check::{POOLED, check},
};
use reeve_model::TargetInfo;
use serde_json::{Value, json};

/// A target that can be watched.
pub struct Tried {
    report: CheckReport,
    missing: Missing,
}

/// A target that can't be watched, and the SQL that may help.
pub struct Failed {
    /// Why, in one sentence.
    pub sentence: String,
    sql: Vec<String>,
}

/// Connects as a collector would, to each of `databases` too, and looks for all that is missing.
///
/// # Errors
/// When it can't be reached, is too old, or lets nobody into a database that is named.
pub async fn attempt(info: &TargetInfo, endpoint: &Endpoint, databases: &[String]) -> Result<Tried, Failed> {
    let failed = |sentence: String| Failed { sentence, sql: Vec::new() };
    let at = |endpoint: &Endpoint| TargetSpec::new(info.clone(), endpoint.clone());
    let report = check(&at(endpoint)).await.map_err(|error| refused(endpoint, &error))?;
    if report.too_old {
        return Err(failed(format!("{} is older than 13; Reeve reads PostgreSQL 13 to 18.", report.version)));
    }
    for database in databases {
        let endpoint = endpoint.with_database(database);
        check(&at(&endpoint)).await.map_err(|error| refused(&endpoint, &error))?;
    }
    let missing = look(info, endpoint).await.map_err(failed)?;
    Ok(Tried { report, missing })
}

fn refused(endpoint: &Endpoint, error: &AdapterError) -> Failed {
    let rights = matches!(error, AdapterError::WrongLogin { .. } | AdapterError::NoPrivilege { .. });
    let sql = if rights { reeve_estate::check::recipe(endpoint) } else { Vec::new() };
    Failed { sentence: error.to_string(), sql }
}

/// Says what a test found.
pub fn tell(name: &str, outcome: &Result<Tried, Failed>) {
    let sql = match outcome {
        Ok(Tried { report, missing }) => {
            let CheckReport { latency_ms, version, user, standby, tls, pooled, sql, .. } = report;
            let (kind, encrypted) = (if *standby { ", a standby" } else { "" }, if *tls { "with TLS" } else { "without TLS" });
            say(format!("{name} answers in {latency_ms:.1} ms: {version}{kind}, as the role {user}, {encrypted}."));
            if *pooled {
                say(POOLED);
            }
            if missing.is_empty() {
                say("Nothing is missing; every panel and every control has what it needs.");
            }
            for (why, what) in missing {
                say(format!("  {why}"));
                say(format!("    without it: {}", what.join(", ")));
            }
            sql
        }
        Err(Failed { sentence, sql }) => {
            say(format!("{name} can't be watched: {sentence}"));
            sql
        }
    };
    if !sql.is_empty() {
        say("What a superuser of that server can run for it:");
        sql.iter().for_each(|statement| say(format!("  {statement}")));
    }
}

/// The same as JSON.
pub fn as_json(name: &str, outcome: &Result<Tried, Failed>) -> Value {
    match outcome {
        Ok(Tried { report, missing }) => {
            let missing: Vec<Value> = missing.iter().map(|(why, what)| json!({ "because": why, "missing": what })).collect();
            let CheckReport { latency_ms, version, user, standby, tls, pooled, sql, .. } = report;
            json!({
                "name": name, "good": true, "latency_ms": latency_ms, "version": version, "role": user, "standby": standby, "tls": tls, "pooled": pooled,
                "missing": missing, "sql": sql,
            })
        }
        Err(Failed { sentence, sql }) => json!({ "name": name, "good": false, "fault": sentence, "sql": sql }),
    }
}
