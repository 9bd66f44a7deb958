//! `reeve migrate`: Reeve's own schema.

use super::table;
use crate::{
    config::Config,
    run::{self, output::say, signals},
};
use clap::{Subcommand, ValueEnum};
use reeve_store::Domain;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// Show each migration and whether it is applied.
    Status,
    /// Apply what is pending. `serve` and `demo` do this by themselves.
    Up,
    /// Take back what is newer, before an older Reeve is installed again. Says what would go, and does it with --typed alone.
    Rollback {
        /// The schema.
        schema: Schema,
        /// The newest migration that stays, as `reeve migrate status` numbers them.
        version: u32,
        /// The schema's name once more, typed by you.
        #[arg(long, value_name = "SCHEMA")]
        typed: Option<String>,
    },
}

/// A schema of Reeve's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// Accounts, targets, jobs, schedules.
    Main,
    /// History.
    Analytics,
    /// The audit trail, scans, findings.
    Compliance,
}

impl Schema {
    fn domain(self) -> Domain {
        match self {
            Self::Main => Domain::Main,
            Self::Analytics => Domain::Analytics,
            Self::Compliance => Domain::Compliance,
        }
    }
}

/// Runs it. `status` exits with 1 while something is pending.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    // An embedded cluster that was started for this ends with it, also when it is told to stop.
    let stopped = "Stopped before it was done; what is applied stays, the rest is still pending.";
    signals::unless_stopped(stopped, async {
        let database = match what {
            // Under a Reeve that runs nothing may go.
            What::Rollback { .. } => {
                run::store::must_exist(config)?;
                run::store::Database::take(config).await?
            }
            What::Status | What::Up => run::store::Database::reach(config).await?,
        };
        let outcome = match act(&database, what).await {
            Err(sentence) => Err(database.explain(sentence).await),
            done => done,
        };
        database.stop().await;
        outcome
    })
    .await
}

async fn act(database: &run::store::Database, what: &What) -> Result<ExitCode, String> {
    match what {
        What::Status => {}
        What::Up => {
            let applied = database.migrate().await?;
            say(if applied == 0 { "Nothing was pending.".to_owned() } else { format!("{applied} applied.") });
            return Ok(ExitCode::SUCCESS);
        }
        What::Rollback { schema, version, typed } => {
            return roll_back(database, schema.domain(), i64::from(*version), typed.as_deref()).await;
        }
    }
    let states = database.status().await?;
    let pending = states.iter().any(|s| s.applied_at.is_none());
    let rows: Vec<Vec<String>> = states
        .iter()
        .map(|s| {
            let applied = s.applied_at.map_or_else(|| "pending".to_owned(), run::store::when);
            vec![s.domain.to_string(), s.version.to_string(), s.name.clone(), applied]
        })
        .collect();
    say(table(&["schema", "version", "name", "applied"], &rows));
    Ok(if pending { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn roll_back(database: &run::store::Database, domain: Domain, version: i64, typed: Option<&str>) -> Result<ExitCode, String> {
    let states = database.status().await?;
    let mut going: Vec<(i64, &str)> = states
        .iter()
        .filter(|s| s.domain == domain && s.version > version && s.applied_at.is_some())
        .map(|s| (s.version, s.name.as_str()))
        .collect();
    going.sort_unstable();
    going.dedup();
    if going.is_empty() {
        say(format!("Nothing of {domain} is newer than {version}."));
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<String> = going.iter().map(|(version, name)| format!("{version} ({name})")).collect();
    if typed != Some(domain.schema()) {
        let names = names.join(", ");
        return Err(format!(
            "Rolling {domain} back to {version} takes back {names}, and what only they hold is lost. Nothing was changed; make a copy, then say --typed {domain}."
        ));
    }
    let undone = database.roll_back(domain, version).await?;
    say(format!("{} taken back: {}. A start of this Reeve applies them again.", undone.len(), names.join(", ")));
    Ok(ExitCode::SUCCESS)
}
