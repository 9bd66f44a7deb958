//! One look: a connection to the server, then one to each database, one after the other.

use super::{
    question::{Needs, QUESTIONS, Question, text},
    rights::{self, Rights},
};
use crate::{
    facts::Facts,
    probe::{Scope, quote_identifier},
    probes::identity,
    session,
    spec::{DatabaseChoice, PROVIDER_DATABASES, TargetSpec},
};
use futures::future::join_all;
use reeve_adapter::{AdapterError, Endpoint, Guarded, Host};
use reeve_model::{
    UnixMs,
    compliance::{DatabaseRead, Evidence, EvidenceSet},
};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use tokio_postgres::error::SqlState;

/// What `pg_stat_activity` shows.
const APPLICATION: &str = "reeve/evidence";

/// Each connection sets these from the first moment on; the server itself ends what takes too long, and refuses every change.
const SETTINGS: &[(&str, &str)] = &[
    ("lock_timeout", "100ms"),
    ("statement_timeout", "8s"),
    ("default_transaction_read_only", "on"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("jit", "off"),
    ("standard_conforming_strings", "on"),
    ("search_path", "pg_catalog"),
];

/// Longest time for one connection, whatever the server does.
const LIMIT: Duration = Duration::from_secs(40);

/// Rows that are kept of one answer. More than these nobody reads one by one; the verdict says that there are more.
const MOST_ROWS: usize = 5_000;

/// Reads all evidence of a target. A database or a question that can't be read says so in the set; only a server that can't be reached
/// is an error.
///
/// # Errors
/// When the server can't be reached, or its first answer does not come; one sentence without secrets.
pub async fn collect(spec: &TargetSpec) -> Result<EvidenceSet, AdapterError> {
    let started_at = UnixMs::now();
    let (facts, mut items, names) = limited(&spec.endpoint, server(spec)).await?;
    let mut databases = Vec::new();
    for (name, closed) in names {
        let missing = match closed {
            Some(sentence) => Some(sentence),
            None => match limited(&spec.endpoint, database(spec, &facts, &name)).await {
                Ok(found) => {
                    items.extend(found);
                    None
                }
                Err(error) => Some(error.to_string()),
            },
        };
        databases.push(DatabaseRead { name, missing });
    }
    Ok(EvidenceSet {
        target: spec.info.name.clone(),
        server: spec.endpoint.redacted(),
        version_num: facts.version_num,
        version: facts.version,
        standby: facts.standby,
        role: facts.user,
        started_at,
        finished_at: UnixMs::now(),
        databases,
        items,
    })
}

async fn limited<T>(endpoint: &Endpoint, work: impl Future<Output = Result<T, AdapterError>>) -> Result<T, AdapterError> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
        let after_ms = u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX);
        Err(AdapterError::TimedOut { server: endpoint.redacted(), what: "to the questions of a scan".to_owned(), after_ms })
    })
}

/// A database's name, and why it is not read.
type Named = (String, Option<String>);

async fn server(spec: &TargetSpec) -> Result<(Facts, Vec<Evidence>, Vec<Named>), AdapterError> {
    let client = session::connect(&spec.endpoint, None, APPLICATION, SETTINGS).await?;
    let other = |message: String| AdapterError::Other { server: client.server().to_owned(), message };
    let sql = identity::QUERY.sql(&identity::before_contact()).map_err(other)?;
    let row = client.first(&sql, &[]).await.map_err(|e| client.sort(&e))?;
    let facts = identity::facts(&row.ok_or_else(|| other("the server answered without a row".to_owned()))?, &client)
        .map_err(|e| other(e.to_string()))?;
    if facts.version_num < 130_000 {
        return Err(other(format!("{} is older than 13; Reeve reads PostgreSQL 13 to 18", facts.version)));
    }
    let mut items = ask_all(&client, &facts, None).await?;
    items.push(connection(spec, &client, &facts));
    let names = databases(spec, &client, &facts).await?;
    Ok((facts, items, names))
}

async fn database(spec: &TargetSpec, facts: &Facts, name: &str) -> Result<Vec<Evidence>, AdapterError> {
    let client = session::connect(&spec.endpoint, Some(name), APPLICATION, SETTINGS).await?;
    ask_all(&client, facts, Some(name)).await
}

/// The databases to read, and those that nobody can.
async fn databases(spec: &TargetSpec, client: &Guarded, facts: &Facts) -> Result<Vec<Named>, AdapterError> {
    const SQL: &str = "/* reeve:evidence/which */
SELECT d.datname::text, d.datallowconn, has_database_privilege(d.oid, 'CONNECT') AS may
  FROM pg_catalog.pg_database d WHERE NOT d.datistemplate ORDER BY d.datname";
    let rows = client.query(SQL, &[]).await.map_err(|e| client.sort(&e))?;
    let mut names = Vec::new();
    for row in rows {
        let name: String = row.try_get(0).map_err(|e| client.sort(&e))?;
        let (open, may): (bool, bool) = (row.try_get(1).map_err(|e| client.sort(&e))?, row.try_get(2).map_err(|e| client.sort(&e))?);
        let chosen = match &spec.databases {
            DatabaseChoice::AllUser => true,
            DatabaseChoice::Only(some) => some.contains(&name),
        };
        // What belongs to the provider, and what nobody can enter, is no hole in the picture.
        if PROVIDER_DATABASES.contains(&name.as_str()) || !open {
            continue;
        }
        let closed = if !chosen {
            Some(format!("The database {name} is left out by Reeve's configuration."))
        } else if !may {
            let (database, role) = (quote_identifier(&name), quote_identifier(&facts.user));
            Some(format!("The database {name} does not let this role in; run GRANT CONNECT ON DATABASE {database} TO {role};"))
        } else {
            None
        };
        names.push((name, closed));
    }
    Ok(names)
}

/// Asks every question of a scope at once.
async fn ask_all(client: &Guarded, facts: &Facts, database: Option<&str>) -> Result<Vec<Evidence>, AdapterError> {
    let row = client.first(rights::QUERY, &[]).await.map_err(|e| client.sort(&e))?;
    let rights = row.as_ref().map_or_else(|| Ok(Rights::default()), Rights::read).map_err(|e| client.sort(&e))?;
    let scope = if database.is_some() { Scope::Database } else { Scope::Server };
    let asked = QUESTIONS.iter().filter(|q| q.scope == scope).map(|question| ask(client, facts, &rights, question, database));
    let answers = join_all(asked).await;
    if client.is_closed() {
        return Err(AdapterError::ConnectionLost { server: client.server().to_owned() });
    }
    Ok(answers.into_iter().flatten().collect())
}

/// One answer; none where there is nothing to ask (an extension that is not installed).
async fn ask(client: &Guarded, facts: &Facts, rights: &Rights, question: &Question, database: Option<&str>) -> Option<Evidence> {
    let mut evidence = Evidence {
        id: question.id.to_owned(),
        database: database.map(str::to_owned),
        query: String::new(),
        columns: Vec::new(),
        rows: Vec::new(),
        row_count: 0,
        at: UnixMs::now(),
        elapsed_ms: 0,
        hash: String::new(),
        missing: None,
    };
    if question.needs == Needs::Statements && rights.statements.is_none() {
        return None;
    }
    let sql = match text(question, facts, rights.statements.as_deref().unwrap_or_default()) {
        Ok(sql) if rights.through_helper(question.needs) => sql.replace("{verifiers}", super::server::HELPER),
        Ok(sql) => sql.replace("{verifiers}", super::server::AUTHID),
        Err(why) => {
            evidence.missing = Some(why);
            return Some(evidence);
        }
    };
    evidence.query.clone_from(&sql);
    evidence.missing = question.needs.missing(question.title, rights, facts);
    if evidence.missing.is_some() {
        return Some(evidence);
    }
    let start = Instant::now();
    match client.texts(&sql).await {
        Ok((columns, rows)) => {
            evidence.row_count = rows.len() as u64;
            evidence.hash = digest(&columns, &rows);
            evidence.columns = columns;
            evidence.rows = rows;
            if evidence.rows.len() > MOST_ROWS {
                evidence.rows.truncate(MOST_ROWS);
                evidence.missing = Some(format!("{} are more than {MOST_ROWS}; the first {MOST_ROWS} were judged.", question.title));
            }
        }
        Err(error) => evidence.missing = Some(sentence(&error, question.title)),
    }
    evidence.at = UnixMs::now();
    evidence.elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Some(evidence)
}

/// SHA-256 over `length:bytes,` of every column and value, a missing value as `-,`, each row ended by `;`; hexadecimal.
#[must_use]
pub fn digest(columns: &[String], rows: &[Vec<Option<String>>]) -> String {
    let mut hash = Sha256::new();
    let mut field = |value: Option<&str>| match value {
        Some(value) => {
            hash.update(value.len().to_string());
            hash.update(b":");
            hash.update(value);
            hash.update(b",");
        }
        None => hash.update(b"-,"),
    };
    columns.iter().for_each(|c| field(Some(c)));
    for row in rows {
        field(Some(";"));
        row.iter().for_each(|v| field(v.as_deref()));
    }
    hex::encode(hash.finalize())
}

fn sentence(error: &tokio_postgres::Error, title: &str) -> String {
    let Some(db) = error.as_db_error() else {
        return format!("{title} could not be read: the connection broke or the answer had another form.");
    };
    match db.code() {
        c if *c == SqlState::INSUFFICIENT_PRIVILEGE => format!("{title} can't be read by this role: {}.", db.message()),
        c if *c == SqlState::QUERY_CANCELED => format!("{title} took longer than the statement timeout of 8 s."),
        c if *c == SqlState::LOCK_NOT_AVAILABLE => format!("{title} met a lock that was not released within 0.1 s; scan again."),
        code => format!("{title} could not be read: {} (SQLSTATE {}).", db.message().trim_end_matches('.'), code.code()),
    }
}

/// How Reeve itself is connected: known here, not asked.
fn connection(spec: &TargetSpec, client: &Guarded, facts: &Facts) -> Evidence {
    let socket = matches!(spec.endpoint.host(), Host::Socket(_));
    let columns = ["tls_mode", "encrypted", "socket"].map(str::to_owned).to_vec();
    let rows = vec![vec![
        Some(spec.endpoint.tls().word().to_owned()),
        Some((client.is_encrypted() && facts.tls).to_string()),
        Some(socket.to_string()),
    ]];
    Evidence {
        id: "connection".to_owned(),
        database: None,
        query: String::new(),
        hash: digest(&columns, &rows),
        columns,
        rows,
        row_count: 1,
        at: UnixMs::now(),
        elapsed_ms: 0,
        missing: None,
    }
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn e1_a_value_that_moves_to_another_column_changes_the_hash() {
        let columns = vec!["a".to_owned(), "b".to_owned()];
        let row = |a: Option<&str>, b: Option<&str>| vec![vec![a.map(str::to_owned), b.map(str::to_owned)]];
        let hashes =
            [row(Some("x"), None), row(None, Some("x")), row(Some("x"), Some("")), row(Some("xb"), None)].map(|r| digest(&columns, &r));
        assert!(hashes.iter().enumerate().all(|(i, h)| h.len() == 64 && !hashes[..i].contains(h)));
    }
}
