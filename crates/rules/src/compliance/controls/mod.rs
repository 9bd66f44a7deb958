//! The judges, by topic.

pub(super) mod availability;
pub(super) mod backups;
pub(super) mod configuration;
pub(super) mod encryption;
pub(super) mod functions;
pub(super) mod grants;
pub(super) mod logging;
pub(super) mod passwords;
pub(super) mod roles;
pub(super) mod row_security;
pub(super) mod secrets;
pub(super) mod signing_in;

use super::sql::{ident, literal};

/// How a line of `pg_hba.conf` is repaired.
fn edit(place: &str, what: &str) -> (String, String) {
    let file = place.split(':').next().unwrap_or(place);
    (
        format!("In {place}: {what}. Then: SELECT pg_reload_conf();"),
        format!("Put the former line back in {file}. Then: SELECT pg_reload_conf();"),
    )
}

/// How a setting is repaired and taken back.
fn alter(name: &str, value: &str, former: &str, restart: bool) -> (String, String) {
    let then = if restart { "Then restart the server." } else { "SELECT pg_reload_conf();" };
    (format!("ALTER SYSTEM SET {name} = {}; {then}", literal(value)), format!("ALTER SYSTEM SET {name} = {}; {then}", literal(former)))
}

/// For whom an override holds, as `ALTER` names it, and as a person reads it.
fn whom(role: Option<&str>, database: Option<&str>) -> (String, String) {
    match (role, database) {
        (Some(role), Some(database)) => {
            (format!("ROLE {} IN DATABASE {}", ident(role), ident(database)), format!("role {role} in database {database}"))
        }
        (Some(role), None) => (format!("ROLE {}", ident(role)), format!("role {role}")),
        (None, Some(database)) => (format!("DATABASE {}", ident(database)), format!("database {database}")),
        (None, None) => ("ROLE ALL".to_owned(), "all roles".to_owned()),
    }
}
