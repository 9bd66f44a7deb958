//! The registry of questions, and what each needs.

use super::{code, objects, rights::Rights, rows, server};
use crate::{
    facts::Facts,
    probe::{Query, Scope, in_database, quote_identifier},
};

/// What a role needs so that the answer is whole; the tiers are those of docs/COMPLIANCE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Any login (E0).
    Login,
    /// `pg_monitor` (E1): without it sessions and statements of others are hidden.
    Monitor,
    /// `SELECT` on a view and `EXECUTE` on its function (E2).
    File {
        /// The view.
        view: &'static str,
        /// The function behind it.
        function: &'static str,
    },
    /// `EXECUTE` on `pg_control_system()`, which any login has unless somebody took it away.
    Control,
    /// The helper function of docs/COMPLIANCE.md, or a superuser (E3).
    Verifiers,
    /// `pg_stat_statements` in this database, and `pg_monitor`.
    Statements,
}

impl Needs {
    /// Why the question can't be answered by this role; none when it can.
    pub(super) fn missing(self, title: &str, rights: &Rights, facts: &Facts) -> Option<String> {
        let role = quote_identifier(&facts.user);
        match self {
            Self::Login => None,
            Self::Monitor => (!rights.stats).then(|| format!("{title} can't be read in full by this role; run GRANT pg_monitor TO {role};")),
            Self::File { view, function } => (!rights.files.iter().any(|f| f == view)).then(|| {
                format!("{title} can't be read by this role; run GRANT SELECT ON pg_catalog.{view} TO {role}; GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {role};")
            }),
            Self::Control => (!rights.control).then(|| {
                format!("{title} can't be read by this role; run GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO {role};")
            }),
            Self::Verifiers => (!rights.authid && !rights.helper).then(|| {
                if rights.helper_there {
                    let place = in_database(&facts.database);
                    format!("{title} can't be read by this role; run GRANT USAGE ON SCHEMA reeve TO {role}; GRANT EXECUTE ON FUNCTION reeve.password_verifiers() TO {role}; {place}")
                } else {
                    format!("{title} can't be read by this role; install the helper function of docs/COMPLIANCE.md, with GRANT USAGE ON SCHEMA reeve and GRANT EXECUTE ON FUNCTION reeve.password_verifiers() TO {role}.")
                }
            }),
            Self::Statements => rights
                .statements
                .is_some()
                .then(|| (!rights.stats).then(|| format!("{title} can't be read in full by this role; run GRANT pg_monitor TO {role};")))
                .flatten(),
        }
    }
}

/// One question.
#[derive(Debug)]
pub struct Question {
    /// Stable id; controls name it.
    pub id: &'static str,
    /// What it is about, as the subject of a sentence.
    pub title: &'static str,
    /// Asked once, or in each database.
    pub scope: Scope,
    /// What a whole answer needs.
    pub needs: Needs,
    /// The statement by server version. `{statements}` stands for the quoted schema of `pg_stat_statements`, `{secret …}` for patterns.
    pub query: Query,
}

/// All questions.
pub const QUESTIONS: &[&Question] = &[
    &server::SERVER,
    &server::SYSTEM,
    &server::SETTINGS,
    &server::SETTING_SECRETS,
    &server::PENDING_RESTART,
    &server::OVERRIDES,
    &server::ROLES,
    &server::MEMBERSHIPS,
    &server::OWN_ROLE,
    &server::HBA,
    &server::IDENT,
    &server::FILES,
    &server::VERIFIERS,
    &server::DATABASES,
    &server::SESSIONS,
    &server::REPLICATION,
    &server::RECEIVER,
    &server::SLOTS,
    &server::ARCHIVER,
    &server::PARAMETER_ACL,
    &objects::COUNTS,
    &objects::SCHEMAS,
    &objects::PUBLIC_GRANTS,
    &objects::GRANTABLE,
    &objects::DEFAULT_ACL,
    &objects::EXTENSIONS,
    &objects::REMOTES,
    &rows::RLS_TABLES,
    &rows::POLICIES,
    &rows::VIEWS,
    &rows::CHILDREN,
    &code::FUNCTIONS,
    &code::SUPERUSER_VIEWS,
    &code::SECRETS,
    &code::STATEMENTS,
];

/// The statements for a server of a major version, one after the other: for a person who wants to see what is asked.
#[must_use]
pub fn sql_for(facts: &Facts) -> String {
    let texts = QUESTIONS.iter().map(|question| match text(question, facts, "\"public\"") {
        Ok(sql) => format!("-- {}: {}\n{sql}\n", question.id, question.title),
        Err(why) => format!("-- {}: {why}\n", question.id),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The statement as it is sent.
pub(super) fn text(question: &Question, facts: &Facts, statements: &str) -> Result<String, String> {
    let sql = question.query.sql(facts)?;
    Ok(super::secrets::insert(&sql).replace("{statements}", statements))
}
