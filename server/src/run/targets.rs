//! From configured targets to what is watched: stored addresses are read from the vault.

use super::{
    keys,
    store::{Database, Opened},
};
use crate::config::{Address, Config, TargetConfig};
use reeve_adapter::Endpoint;
use reeve_estate::{DatabaseChoice, TargetSpec};
use reeve_model::TargetInfo;
use reeve_service::vault::secrets::{SecretName, Secrets};
use secrecy::ExposeSecret;

/// All targets, ready to be watched.
///
/// # Errors
/// One sentence for each address that can't be had.
pub async fn resolve(targets: &[TargetConfig], secrets: &Secrets) -> Result<Vec<TargetSpec>, String> {
    let mut specs = Vec::new();
    let mut missing = Vec::new();
    for target in targets {
        match one(target, secrets).await {
            Ok(spec) => specs.push(spec),
            Err(sentence) => missing.push(sentence),
        }
    }
    if missing.is_empty() { Ok(specs) } else { Err(missing.join("\n")) }
}

/// The same for a command that needs the store only for stored addresses; each target answers for itself.
pub async fn resolve_each(config: &Config) -> Vec<Result<TargetSpec, String>> {
    let stored = config.targets.iter().any(|t| matches!(t.address, Address::Stored));
    let opened = if stored { Some(open(config).await) } else { None };
    let mut all = Vec::new();
    for target in &config.targets {
        all.push(match (&target.address, &opened) {
            (Address::Known(endpoint), _) => Ok(spec(target, endpoint)),
            (Address::Stored, Some(Ok((_, secrets)))) => one(target, secrets).await,
            (Address::Stored, Some(Err(sentence))) => Err(sentence.clone()),
            (Address::Stored, None) => Err(missing(&target.info)),
        });
    }
    if let Some(Ok((opened, _))) = opened {
        opened.stop().await;
    }
    all
}

/// The store as it is: looking at targets changes no schema.
async fn open(config: &Config) -> Result<(Opened, Secrets), String> {
    let vault = keys::vault(config).await?;
    let opened = Database::reach(config).await?.opened_as_it_is().await?;
    let secrets = keys::secrets(vault, &opened.pools);
    Ok((opened, secrets))
}

async fn one(target: &TargetConfig, secrets: &Secrets) -> Result<TargetSpec, String> {
    match &target.address {
        Address::Known(endpoint) => Ok(spec(target, endpoint)),
        Address::Stored => {
            let name = SecretName::target(target.info.name.as_str());
            let url = secrets.get(&name).await.map_err(|e| e.to_string())?.ok_or_else(|| missing(&target.info))?;
            let endpoint = Endpoint::parse(url.expose_secret());
            let endpoint = endpoint
                .map_err(|e| format!("The stored address of {}: {e}. Set it anew with `reeve secret set {name}`.", target.info.name))?;
            Ok(spec(target, &endpoint))
        }
    }
}

fn missing(info: &TargetInfo) -> String {
    let name = SecretName::target(info.name.as_str());
    format!("The address of the target {} is to be a stored secret, but none is stored; run `reeve secret set {name}`.", info.name)
}

fn spec(target: &TargetConfig, endpoint: &Endpoint) -> TargetSpec {
    let databases = if target.databases.is_empty() { DatabaseChoice::AllUser } else { DatabaseChoice::Only(target.databases.clone()) };
    let info = TargetInfo { address: endpoint.redacted(), ..target.info.clone() };
    TargetSpec { cadence: target.cadence, databases, ..TargetSpec::new(info, endpoint.clone()) }
}
