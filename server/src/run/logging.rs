//! Log lines on standard error.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging. `REEVE_LOG` filters as tracing's filters do (`info` by default).
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("REEVE_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.with_target(false).compact().init(),
        LogFormat::Json => subscriber.json().init(),
    }
}
