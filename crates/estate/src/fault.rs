//! Why a probe read nothing, in words a person can act on.

use crate::{
    facts::Facts,
    probe::{in_database, quote_identifier},
};
use tokio_postgres::{Error, error::SqlState};

/// Why a probe read nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The statement failed, or the connection did.
    #[error("{0}")]
    Sql(#[from] Error),
    /// Can't run here; the sentence says what would change it.
    #[error("{0}")]
    Unavailable(String),
    /// The role may not read it; the sentence names the grant.
    #[error("{0}")]
    Rights(String),
    /// The answer was not what the statement promises.
    #[error("{0}")]
    Shape(String),
}

impl ProbeError {
    /// The connection itself is gone.
    pub(crate) fn broken(&self) -> bool {
        match self {
            Self::Sql(error) => broken(error),
            _ => false,
        }
    }

    /// The SQLSTATE, if the server sent one.
    pub(crate) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Sql(error) => error.code(),
            _ => None,
        }
    }
}

/// The connection is gone: no answer from the server, or an answer that ends the session.
pub(crate) fn broken(error: &Error) -> bool {
    let Some(db) = error.as_db_error() else { return !is_conversion(error) };
    matches!(db.severity(), "FATAL" | "PANIC")
}

fn is_conversion(error: &Error) -> bool {
    // A column of an unexpected type says nothing about the connection.
    let text = error.to_string();
    text.starts_with("error deserializing") || text.starts_with("error serializing") || text.starts_with("invalid column")
}

/// One sentence about a failed probe.
pub(crate) fn sentence(error: &ProbeError, title: &str, facts: &Facts) -> String {
    let error = match error {
        ProbeError::Sql(error) => error,
        ProbeError::Unavailable(text) | ProbeError::Rights(text) | ProbeError::Shape(text) => return text.clone(),
    };
    let Some(db) = error.as_db_error() else {
        return if broken(error) {
            format!("The connection to the server broke while {title} was read.")
        } else {
            format!("{title} came in a form that Reeve does not know: {error}.")
        };
    };
    match db.code() {
        c if *c == SqlState::INSUFFICIENT_PRIVILEGE => lacks(title, db.message(), facts),
        c if *c == SqlState::QUERY_CANCELED => {
            format!("{title} took longer than the statement timeout of 4 s, so the server ended the reading.")
        }
        c if *c == SqlState::LOCK_NOT_AVAILABLE => {
            format!("{title} met a lock that was not released within 0.1 s; it is read again at the next round.")
        }
        code => format!("{title} could not be read: {} (SQLSTATE {}).", db.message().trim_end_matches('.'), code.code()),
    }
}

/// What a refusal comes down to. `pg_monitor` gives no way into the schema of an extension: where that is closed, its members see nothing.
fn lacks(title: &str, said: &str, facts: &Facts) -> String {
    // The server's words may be of any language; the name is not.
    let is_schema = |word: &str, schema: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_') == schema;
    let schema = facts.statements.as_ref().map(|e| e.schema.as_str());
    match schema.filter(|schema| said.split_whitespace().any(|word| is_schema(word, schema))) {
        Some(schema) => {
            let (quoted, role) = (quote_identifier(schema), quote_identifier(&facts.user));
            let place = in_database(&facts.database);
            format!(
                "{title} can't be read by role {}, which has no USAGE on schema {quoted}; run GRANT USAGE ON SCHEMA {quoted} TO {role}; {place}",
                facts.user
            )
        }
        None => needs_monitor(title, facts),
    }
}

/// The sentence for what `pg_monitor` would show.
pub(crate) fn needs_monitor(title: &str, facts: &Facts) -> String {
    format!("{title} can't be read in full by role {}; run GRANT pg_monitor TO {};", facts.user, quote_identifier(&facts.user))
}

/// A clause as a sentence: a capital at the start where there is a word, a full stop at the end.
pub(crate) fn capitalised(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let word = text.split([' ', ':']).next().unwrap_or_default();
    // An address keeps its case.
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    match text.chars().next().filter(|_| plain) {
        Some(first) => format!("{}{}.", first.to_uppercase(), &text[first.len_utf8()..]),
        None => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::lacks;
    use crate::facts::{Facts, StatementsExtension};

    #[test]
    fn a9_a_closed_schema_takes_usage_and_not_what_is_held_already() {
        let mut facts = Facts::assumed(15, 110);
        facts.statements = Some(StatementsExtension { schema: "extensions".into(), version: 110, shown: "1.10".into() });
        for said in ["permission denied for schema extensions", "keine Berechtigung für Schema »extensions«"] {
            let sentence = lacks("Statements", said, &facts);
            let sql = "; run GRANT USAGE ON SCHEMA \"extensions\" TO \"reeve\"; -- in database \"postgres\"";
            assert!(sentence.ends_with(sql) && !sentence.contains("pg_monitor"), "{sentence}");
        }
        assert!(lacks("Sessions", "permission denied for function pg_ls_waldir", &facts).contains("GRANT pg_monitor TO"));
    }
}
