//! `reeve migrate`: Reeve's own schema.

use super::table;
use crate::{
    config::Config,
    run::{self, output::say, signals},
};
use clap::Subcommand;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum What {
    /// Show each migration and whether it is applied.
    Status,
    /// Apply what is pending. `serve` and `demo` do this by themselves.
    Up,
}

/// Runs it. `status` exits with 1 while something is pending.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    // An embedded cluster that was started for this ends with it, also when it is told to stop.
    let stopped = "Stopped before it was done; what is applied stays, the rest is still pending.";
    signals::unless_stopped(stopped, async {
        let database = run::store::Database::reach(config).await?;
        let outcome = match act(&database, *what).await {
            Err(sentence) => Err(database.explain(sentence).await),
            done => done,
        };
        database.stop().await;
        outcome
    })
    .await
}

async fn act(database: &run::store::Database, what: What) -> Result<ExitCode, String> {
    if matches!(what, What::Up) {
        let applied = database.migrate().await?;
        say(if applied == 0 { "Nothing was pending.".to_owned() } else { format!("{applied} applied.") });
        return Ok(ExitCode::SUCCESS);
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
