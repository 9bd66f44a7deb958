//! What a workload file says: statements under headings that tell how often they are run.
//!
//! ```text
//! -- weight 5: what it is for           one of the statements that take turns, five times as often as one of weight 1
//! -- replica weight 2: …                the same, at the replica
//! -- every 30 s: …                      at the start and then every half minute
//! ```
//!
//! All statements under one heading are sent together and are one transaction.

use std::time::Duration;

use super::Database;
use crate::error::DemoError;

/// How often a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// As often as its weight among all weights says.
    Weight(u64),
    /// At the start, and again after this time.
    Every(Duration),
}

/// One thing that the application does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is for.
    pub about: &'static str,
    /// How often.
    pub turn: Turn,
    /// Whether it is run at the replica.
    pub replica: bool,
    /// One or more statements.
    pub sql: &'static str,
}

/// Reads the workload of a database.
///
/// # Errors
/// A heading that is none of the three, or has nothing below it.
pub fn read(database: &Database) -> Result<Vec<Statement>, DemoError> {
    // The first heading follows nothing, so what comes before it is empty.
    let text = database.workload.strip_prefix("-- ").unwrap_or(database.workload);
    text.split("\n-- ")
        .map(|block| {
            let (heading, sql) = block.split_once('\n').unwrap_or((block, ""));
            statement(heading, sql.trim()).ok_or_else(|| DemoError::Heading { database: database.name, line: heading.to_owned() })
        })
        .collect()
}

fn statement(heading: &'static str, sql: &'static str) -> Option<Statement> {
    let (when, about) = heading.split_once(": ")?;
    let (replica, when) = when.strip_prefix("replica ").map_or((false, when), |rest| (true, rest));
    let turn = match when.strip_prefix("weight ") {
        Some(weight) => Turn::Weight(weight.parse().ok().filter(|weight| *weight > 0)?),
        None => Turn::Every(Duration::from_secs(when.strip_prefix("every ")?.strip_suffix(" s")?.parse().ok()?)),
    };
    (!sql.is_empty()).then_some(Statement { about, turn, replica, sql })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::DATABASES;
    use super::*;

    #[test]
    fn i6_every_workload_can_be_read_and_trims_what_it_writes() {
        for database in DATABASES {
            let all = read(database).unwrap();
            assert!(all.iter().any(|s| matches!(s.turn, Turn::Weight(_)) && !s.replica), "{}", database.name);
            let trims = |s: &Statement| matches!(s.turn, Turn::Every(_)) && (s.sql.contains("DELETE") || s.sql.contains("retire"));
            assert!(all.iter().any(trims), "{} grows without bound", database.name);
            assert_eq!(all.iter().any(|s| s.replica), database.name == super::super::MAIN, "{}", database.name);
        }
    }

    #[test]
    fn i6_a_heading_that_says_nothing_is_named() {
        for workload in [
            "-- weight 0: x\nSELECT 1",
            "-- sometimes: x\nSELECT 1",
            "-- weight 1: x\n",
            "-- every 5 s: a\nSELECT 1\n-- every 5: b\nSELECT 1",
        ] {
            let error = read(&Database { workload, ..DATABASES[0] }).unwrap_err();
            assert!(error.to_string().contains(DATABASES[0].name), "{error}");
        }
    }
}
