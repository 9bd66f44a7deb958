//! `reeve account`: for whoever has the machine, when nobody can sign in any more.

use super::table;
use crate::{
    config::Config,
    run::{self, output::say, signals::Stop},
};
use clap::Subcommand;
use reeve_service::{accounts::local_reset, audit::Trail};
use reeve_store::{Store, accounts::DEFAULT_ORG};
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// List all accounts: e-mail, roles, last sign-in.
    List,
    /// Make a link to set a new password. It works once, for one day; open it at Reeve's address.
    Reset {
        /// E-mail of the account.
        email: String,
    },
}

/// Runs it, beside a running Reeve or alone.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    let mut signal = Stop::listen()?;
    let work = async {
        run::store::must_exist(config)?;
        let opened = run::store::open_beside(config).await?;
        let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
        let outcome = match what {
            What::List => list(&store).await,
            What::Reset { email } => reset(config, &store, email).await,
        };
        let outcome = match outcome {
            Err(sentence) => Err(opened.explain(sentence).await),
            good => good,
        };
        opened.stop().await;
        outcome
    };
    tokio::select! {
        outcome = work => outcome,
        () = signal.requested() => Err("Stopped before it was done.".to_owned()),
    }
}

async fn list(store: &Store) -> Result<ExitCode, String> {
    let accounts = store.account_views(None).await.map_err(|e| e.to_string())?;
    let rows: Vec<Vec<String>> = accounts
        .into_iter()
        .map(|account| {
            let roles: Vec<String> = account.bindings.iter().map(ToString::to_string).collect();
            let state = if account.disabled_at.is_some() { "disabled" } else { "enabled" };
            vec![
                account.email,
                roles.join(" "),
                account.last_sign_in.map_or_else(|| "never".to_owned(), run::store::when),
                state.to_owned(),
            ]
        })
        .collect();
    say(table(&["account", "roles", "last sign-in", "state"], &rows));
    Ok(ExitCode::SUCCESS)
}

async fn reset(config: &Config, store: &Store, email: &str) -> Result<ExitCode, String> {
    let user = run::user();
    let made = local_reset(store, &Trail::new(store.clone(), None), email, &user).await?;
    let origin = config.http.public_origin.clone().unwrap_or_else(|| {
        let scheme = if config.http.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", config.listen)
    });
    say(format!("Open {origin}{} to set a new password. The link works once, for one day.", made.secret));
    Ok(ExitCode::SUCCESS)
}
