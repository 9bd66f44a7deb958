//! `reeve access`: who may do what.

use crate::run::output::say;
use clap::Subcommand;
use reeve_access::policy::{SEPARATE, matrix};
use std::process::ExitCode;

/// What to show.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum What {
    /// Print the policy: permissions by role, and which may not be held together.
    Matrix,
}

/// Prints it. Needs neither configuration nor database: the policy is part of the program.
pub fn run(what: What) -> Result<ExitCode, String> {
    match what {
        What::Matrix => {
            say(matrix().trim_end());
            say("");
            say("Never together, by one role or one account:");
            for (verb, noun, other_verb, other_noun) in SEPARATE {
                say(format!("  {verb} {noun}, {other_verb} {other_noun}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
