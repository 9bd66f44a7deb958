//! `reeve config`: what can be said in `reeve.toml` and in the environment.

use crate::{config, run::output::say};
use clap::Subcommand;
use std::process::ExitCode;

/// What to show.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum What {
    /// A reeve.toml with every setting, its default and a word about it.
    Example,
    /// Every variable of the environment that is read, as a table in Markdown.
    Variables,
}

/// Shows it; reads neither the configuration nor a database.
///
/// # Errors
/// None; the type is what commands have.
pub fn run(what: What) -> Result<ExitCode, String> {
    match what {
        What::Example => say(config::EXAMPLE.trim_end()),
        What::Variables => say(config::variables::table().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
