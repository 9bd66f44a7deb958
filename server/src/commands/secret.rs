//! `reeve secret`: small secrets, sealed in Reeve's own database. Values go in and never come out.

use super::table;
use crate::{
    config::Config,
    run::{self, output::say, prompt, signals},
};
use clap::Subcommand;
use reeve_adapter::Endpoint;
use reeve_model::TargetName;
use reeve_service::vault::{
    VaultKey,
    secrets::{MAX_BYTES, SecretEntry, SecretName, Secrets},
};
use reeve_store::{Store, accounts::DEFAULT_ORG, registered::Registered};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// Store a secret, replacing the one before. The value is read from standard input, or asked for without showing it.
    ///
    /// `target/NAME` is the address of a target with `url_stored = true`. A running Reeve takes a target's address up within seconds.
    Set {
        /// Which secret: KIND/NAME, like target/orders.
        #[arg(value_name = "KIND/NAME")]
        name: SecretName,
    },
    /// Show what is stored: names, the key that sealed each, when. Never values.
    List {
        /// The same as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a secret away. Exit code 1 when there is none of that name.
    Remove {
        /// Which secret: KIND/NAME, like target/orders.
        #[arg(value_name = "KIND/NAME")]
        name: SecretName,
    },
    /// Seal all anew with the first key, in one step. Safe to repeat.
    ///
    /// Give Reeve the new key, name the old one in `old_key_files`, run this, then take the old one away.
    Rotate,
    /// Print a new key, in base64. Needs no configuration and stores nothing.
    GenerateKey,
}

/// Prints a new key.
pub fn generate_key() -> Result<ExitCode, String> {
    say(VaultKey::generate().map_err(|e| e.to_string())?.expose_secret());
    Ok(ExitCode::SUCCESS)
}

/// Runs it, also beside a running Reeve.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    signals::unless_stopped("Stopped before it was done; nothing was changed.", async {
        // Read first: nobody's database should wait for somebody who types.
        let value = match what {
            What::Set { name } => Some(ask(name).await?),
            _ => None,
        };
        let vault = run::keys::vault(config).await?;
        let opened = run::store::open_beside(config).await?;
        let secrets = run::keys::secrets(vault, &opened.pools);
        let outcome = match act(&secrets, &Store::new(opened.pools.clone(), DEFAULT_ORG), what, value).await {
            Err(sentence) => Err(opened.explain(sentence).await),
            done => done,
        };
        opened.stop().await;
        outcome
    })
    .await
}

async fn ask(name: &SecretName) -> Result<SecretString, String> {
    let value = prompt::secret(&format!("Value of {name}"), MAX_BYTES).await?;
    if name.kind() == "target" {
        TargetName::new(name.name())?;
        Endpoint::parse(value.expose_secret()).map_err(|e| format!("Nothing was stored: {e}."))?;
    }
    Ok(value)
}

async fn act(secrets: &Secrets, store: &Store, what: &What, value: Option<SecretString>) -> Result<ExitCode, String> {
    let user = run::user();
    match (what, value) {
        (What::Set { name }, Some(value)) => {
            secrets.set(name, &value, &user).await.map_err(|e| e.to_string())?;
            say(format!(
                "{name} is stored, sealed with the key {}. A running Reeve takes a target's address up within seconds.",
                secrets.vault().sealing_key()
            ));
        }
        (What::List { json }, _) => say(shown(&secrets.list().await.map_err(|e| e.to_string())?, *json)),
        (What::Remove { name }, _) => {
            let stored = store.stored_targets().await.map_err(|e| e.to_string())?;
            let registered = |of: &&Registered| SecretName::target(of.registration.name.as_str()) == *name;
            if let Some(of) = stored.registered.iter().find(registered) {
                let of = &of.registration.name;
                return Err(format!(
                    "The target {of} is registered and would be lost without its address; remove it with `reeve target remove {of}`."
                ));
            }
            if !secrets.remove(name, &user).await.map_err(|e| e.to_string())? {
                return Err(format!("There is no secret {name}; `reeve secret list` shows those there are."));
            }
            say(format!("{name} is removed."));
        }
        (What::Rotate, _) => {
            let done = secrets.rotate(&user).await.map_err(|e| e.to_string())?;
            say(format!("{done} sealed anew with the key {}.", secrets.vault().sealing_key()));
        }
        (What::GenerateKey, _) => return generate_key(),
        (What::Set { .. }, None) => return Err("No value was given.".to_owned()),
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(entries: &[SecretEntry], as_json: bool) -> String {
    let key = |entry: &SecretEntry| entry.key.map(|id| id.to_string());
    if as_json {
        let all: Vec<_> = entries
            .iter()
            .map(|entry| {
                json!({
                    "kind": entry.name.kind(),
                    "name": entry.name.name(),
                    "key": key(entry),
                    "can_be_opened": entry.can_be_opened,
                    "updated_at": run::store::when(entry.updated_at),
                })
            })
            .collect();
        return format!("{:#}", json!({ "secrets": all }));
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let mut sealed = key(entry).unwrap_or_else(|| "not sealed".to_owned());
            if !entry.can_be_opened {
                sealed.push_str(" (not configured)");
            }
            vec![entry.name.to_string(), sealed, run::store::when(entry.updated_at)]
        })
        .collect();
    table(&["secret", "key", "set"], &rows)
}
