//! What the runtime login may do: one readable list. It owns nothing, so it can't create, alter or drop.

use super::{Domain, MigrateError};
use sqlx::{AssertSqlSafe, PgConnection};

/// Privileges and the tables they hold for. A table that isn't here can't even be read.
const MAIN: &[(&str, &[&str])] = &[
    ("SELECT", &["_migrations", "organisation"]),
    ("SELECT, INSERT, UPDATE", &["account", "target", "refresh_token", "audit_head", "acceptance", "attestation", "backup_job"]),
    ("SELECT, INSERT, UPDATE, DELETE", &["auth_session", "web_session", "signing_key", "secret", "known_address", "api_token", "invite"]),
    ("SELECT, INSERT, UPDATE, DELETE", &["backup_schedule", "registered_target"]),
    // A right is given or taken. An event is written and, once it is sealed, taken away: neither is ever changed.
    ("SELECT, INSERT, DELETE", &["binding", "audit_outbox"]),
    // Append-only.
    ("SELECT, INSERT", &["verdict_change"]),
];

const ANALYTICS: &[(&str, &[&str])] = &[
    ("SELECT", &["_migrations", "origin"]),
    ("SELECT, INSERT", &["target", "series"]),
    // Rounds leave when their hour becomes chunks.
    ("SELECT, INSERT, DELETE", &["round"]),
    // A late round is worked into the chunk it belongs to. Old ones leave by `drop_partitions` only.
    ("SELECT, INSERT, UPDATE", &["clock", "chunk"]),
];

const COMPLIANCE: &[(&str, &[&str])] = &[
    ("SELECT", &["_migrations", "audit_origin"]),
    // Append-only.
    ("SELECT, INSERT", &["audit_log", "audit_actor", "audit_kind", "scan", "outcome"]),
    // A finding is never removed: fixed is a state.
    ("SELECT, INSERT, UPDATE", &["finding", "evidence"]),
];

/// Functions the runtime login may call.
const ANALYTICS_FUNCTIONS: &[&str] = &["ensure_partitions(timestamptz)", "drop_partitions(timestamptz, timestamptz)"];
const COMPLIANCE_FUNCTIONS: &[&str] = &["ensure_partitions()"];

/// Makes the privileges in the domain's schema exactly those of the list.
pub(super) async fn apply(step: &mut PgConnection, domain: Domain, runtime_login: &str) -> Result<(), MigrateError> {
    let (there, same): (bool, bool) =
        sqlx::query_as("SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1), current_user = $1")
            .bind(runtime_login)
            .fetch_one(&mut *step)
            .await?;
    if same {
        return Ok(());
    }
    if !there {
        return Err(MigrateError::NoSuchLogin { login: runtime_login.to_owned() });
    }
    let (tables, functions): (_, &[&str]) = match domain {
        Domain::Main => (MAIN, &[]),
        Domain::Analytics => (ANALYTICS, ANALYTICS_FUNCTIONS),
        Domain::Compliance => (COMPLIANCE, COMPLIANCE_FUNCTIONS),
    };
    let schema = domain.schema();
    let login = format!("\"{}\"", runtime_login.replace('"', "\"\""));
    let mut script = format!(
        "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {login};\n\
         REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {login};\n\
         REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC, {login};\n\
         REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC, {login};\n\
         GRANT USAGE ON SCHEMA {schema} TO {login};\n"
    );
    for (privileges, names) in tables {
        for name in *names {
            script.push_str(&format!("GRANT {privileges} ON {schema}.{name} TO {login};\n"));
        }
    }
    for function in functions {
        script.push_str(&format!("GRANT EXECUTE ON FUNCTION {schema}.{function} TO {login};\n"));
    }
    sqlx::raw_sql(AssertSqlSafe(script)).execute(step).await?;
    Ok(())
}
