//! The `reeve` binary.

mod commands;
mod config;
mod run;
mod web;

use clap::Parser;
use commands::Reeve;
use run::output::complain;
use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    // Libraries read PG* variables as if they were part of every address. Nothing of Reeve's may depend on them.
    let strangers: Vec<_> = std::env::vars_os().map(|(name, _)| name).filter(|n| n.as_encoded_bytes().starts_with(b"PG")).collect();
    if !strangers.is_empty() {
        return start_without(&strangers);
    }
    let line = Reeve::parse();
    run::logging::start(line.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("the runtime could not be started ({error})."));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(commands::dispatch(line));
    // Whatever blocking work is left (a password being hashed) is not waited for.
    runtime.shutdown_background();
    code
}

/// Starts this program anew, in the same process, without some environment variables.
fn start_without(names: &[OsString]) -> ExitCode {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    let error = again.exec();
    complain(format!("the program could not be started without the environment's PG variables ({error}); unset them and try again."));
    ExitCode::FAILURE
}
