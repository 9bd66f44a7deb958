//! From configured and registered targets to what is watched.

use super::{
    keys,
    store::{self, Database, Opened},
};
use crate::config::{Address, Config, TargetConfig};
use reeve_estate::TargetSpec;
use reeve_model::TargetName;
use reeve_service::registry::{Plan, Resolved, Standing};
use reeve_store::{Store, accounts::DEFAULT_ORG, registered::StoredTargets};

/// What the configuration says of targets.
#[must_use]
pub fn plan(config: &Config) -> Plan {
    Plan { standing: config.targets.iter().map(standing).collect(), cadence: config.cadence }
}

fn standing(target: &TargetConfig) -> Standing {
    let place = target.place.clone();
    Standing {
        info: target.info.clone(),
        place,
        address: target.address.clone(),
        cadence: target.cadence,
        databases: target.databases.clone(),
    }
}

/// All targets for a command that looks at them.
pub struct Targets {
    /// The configured ones in their order, then the registered ones; each answers for itself.
    pub all: Vec<(TargetName, Result<TargetSpec, String>)>,
    /// Why registered ones are left out, in one sentence.
    pub note: Option<String>,
}

/// All targets, also those that are registered in the store. Where there is no store yet, none is made.
pub async fn all(config: &Config) -> Targets {
    let needed = config.targets.iter().any(|t| matches!(t.address, Address::Stored));
    let there = store::must_exist(config).is_ok();
    if !needed && !there {
        return Targets { all: pairs(configured(config)), note: None };
    }
    match with_store(config).await {
        Ok(resolved) => Targets { all: pairs(resolved), note: None },
        Err(sentence) => Targets {
            all: pairs(configured(config).into_iter().map(|r| Resolved { spec: r.spec.map_err(|_| sentence.clone()), ..r }).collect()),
            note: there.then(|| format!("Targets that are registered in Reeve's own database are left out: {sentence}")),
        },
    }
}

/// What there is to say when a command finds no target at all.
pub const NONE: &str = "No targets are configured; add [[target]] to reeve.toml, set REEVE_TARGET_<NAME>_URL, or run `reeve target add`.";

fn pairs(resolved: Vec<Resolved>) -> Vec<(TargetName, Result<TargetSpec, String>)> {
    resolved.into_iter().map(|r| (r.info.name, r.spec)).collect()
}

async fn with_store(config: &Config) -> Result<Vec<Resolved>, String> {
    // The store as it is: looking at targets changes no schema.
    let opened = Database::reach(config).await?.opened_as_it_is().await?;
    let resolved = read(config, &opened).await;
    opened.stop().await;
    resolved
}

async fn read(config: &Config, opened: &Opened) -> Result<Vec<Resolved>, String> {
    let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
    let stored = store.stored_targets().await.map_err(|e| e.to_string())?;
    resolve(config, opened, &stored).await
}

/// The configured targets alone, as far as they can be made out without a store.
#[must_use]
pub fn configured(config: &Config) -> Vec<Resolved> {
    let one = |standing: Standing| {
        let spec = standing.address.known().map_or_else(|| Err(standing.missing()), |endpoint| Ok(standing.at(endpoint)));
        Resolved { info: standing.info, registered: false, spec }
    };
    plan(config).standing.into_iter().map(one).collect()
}

/// The targets as far as they can be made out of what is stored.
///
/// # Errors
/// One sentence when the key of stored secrets can't be had, and one is needed.
pub async fn resolve(config: &Config, opened: &Opened, stored: &StoredTargets) -> Result<Vec<Resolved>, String> {
    let plan = plan(config);
    let sealed = !stored.registered.is_empty() || plan.standing.iter().any(|s| matches!(s.address, Address::Stored));
    if !sealed {
        // No key is asked for, or made, when there is nothing to open.
        return Ok(configured(config));
    }
    let secrets = keys::secrets(keys::vault(config).await?, &opened.pools);
    Ok(plan.resolve(stored, &secrets))
}
