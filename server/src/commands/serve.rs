//! `reeve serve`

use crate::{config::Config, run};
use std::process::ExitCode;

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<ExitCode, String> {
    let signal = run::signals::Stop::listen()?;
    let listener = run::reeve::listen(&config).await?;
    let store = run::store::open(&config).await?;
    run::reeve::serve(config, listener, store, run::reeve::Extra::default(), signal).await
}
