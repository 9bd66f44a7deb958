//! `reeve serve`

use crate::{config::Config, run};
use std::process::ExitCode;

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<ExitCode, String> {
    let mut signal = run::signals::Stop::listen()?;
    let listener = run::reeve::listen(&config).await?;
    // The key first: without it the store can't be used.
    let opened = async {
        let vault = run::keys::vault(&config).await?;
        Ok::<_, String>((run::store::open(&config).await?, vault))
    };
    // A database that never answers must not keep Reeve from ending.
    let (store, vault) = tokio::select! {
        opened = opened => opened?,
        () = signal.requested() => return Ok(ExitCode::SUCCESS),
    };
    run::reeve::serve(config, listener, store, vault, run::reeve::Extra::default(), signal).await
}
