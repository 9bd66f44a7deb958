//! `reeve serve`

use crate::{config::Config, run};
use std::process::ExitCode;

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<ExitCode, String> {
    let mut signal = run::signals::Stop::listen()?;
    let listener = run::reeve::listen(&config).await?;
    let opened = run::store::open_with_key(&config);
    // A database that never answers must not keep Reeve from ending.
    let (store, vault) = tokio::select! {
        opened = opened => opened?,
        () = signal.requested() => return Ok(ExitCode::SUCCESS),
    };
    run::reeve::serve(config, listener, store, vault, run::reeve::Extra::default(), signal).await
}
