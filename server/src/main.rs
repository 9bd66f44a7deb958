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
    if !strangers.is_empty() || std::env::var_os(ARENAS.0).is_none() {
        return start_anew(&strangers);
    }
    let line = Reeve::parse();
    run::logging::start(line.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().event_interval(LOOK_EVERY).build() {
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

/// After so many tasks it is looked whether the network has something. The usual 61 are for tasks of microseconds; a page takes nearly a
/// millisecond, and where many are asked for at once, each answer of the store was seen 50 ms late, and a few of them in a row cost more than
/// anybody waits.
const LOOK_EVERY: u32 = 2;

/// Each thread of glibc's allocator may keep a part of the memory to itself, eight for each processor; with two in all the process needs a
/// tenth less, and nothing was measured to be slower. The allocator reads this before the program begins.
const ARENAS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// Starts this program anew, in the same process, without some environment variables and with the allocator's.
fn start_anew(names: &[OsString]) -> ExitCode {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    if std::env::var_os(ARENAS.0).is_none() {
        again.env(ARENAS.0, ARENAS.1);
    }
    let error = again.exec();
    complain(format!(
        "the program could not be started anew ({error}): unset the environment's PG variables, set {}={}, and try again.",
        ARENAS.0, ARENAS.1
    ));
    ExitCode::FAILURE
}
