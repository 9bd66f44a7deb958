//! The `reeve` binary.

mod commands;
mod config;
mod run;
mod web;

use clap::Parser;
use commands::Reeve;
use std::process::ExitCode;

fn main() -> ExitCode {
    let line = Reeve::parse();
    run::logging::start(line.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("reeve: the runtime could not be started ({error}).");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(commands::dispatch(line));
    // Whatever blocking work is left (a password being hashed) is not waited for.
    runtime.shutdown_background();
    code
}
