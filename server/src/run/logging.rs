//! Log lines on standard error.

use clap::ValueEnum;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Without `REEVE_LOG`. What the queue's library can't do is told by its caller, once. An unknown session cookie is everyday (an old tab) and can be sent by anybody a thousand times a second: no warning.
const DEFAULT: &str = "info,sqlx=warn,graphile_worker=off,tower_sessions=error,tower_sessions_core=error";

/// Starts logging. `REEVE_LOG` filters as tracing's filters do (`info` by default). When standard error is closed, nothing is logged and
/// everything else goes on.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("REEVE_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        // Into a file or a journal colours would be written as codes.
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => subscriber.with_target(false).compact().init(),
        LogFormat::Json => subscriber.json().init(),
    }
}
