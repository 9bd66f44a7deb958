//! `reeve target list`: the configured and the registered targets, and where each stands.

use super::table;
use crate::{
    config::Config,
    run::{self, output::say},
};
use reeve_estate::DatabaseChoice;
use reeve_service::registry::Resolved;
use reeve_store::{Store, accounts::DEFAULT_ORG, registered::StoredTargets};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Where registered targets stand.
const REGISTERED: &str = "registered";

/// Shows all targets, without passwords. Where there is no store yet, none is made.
pub async fn list(config: &Config, as_json: bool) -> Result<ExitCode, String> {
    let (all, stored) = read(config).await?;
    let places: Vec<String> = all.iter().map(|r| place(config, r)).collect();
    // Registered, and passed over: the configuration has one of the same name.
    let passed_over: Vec<&str> = stored
        .registered
        .iter()
        .map(|r| r.registration.name.as_str())
        .filter(|name| config.targets.iter().any(|t| t.info.name.as_str() == *name))
        .collect();
    if as_json {
        let targets: Vec<Value> = all.iter().zip(&places).map(|(r, place)| value(r, place)).collect();
        say(format!("{:#}", json!({ "targets": targets, "passed_over": passed_over })));
        return Ok(ExitCode::SUCCESS);
    }
    let dash = || "—".to_owned();
    let rows: Vec<Vec<String>> = all
        .iter()
        .zip(&places)
        .map(|(r, place)| {
            let info = r.spec.as_ref().map_or(&r.info, |spec| &spec.info);
            let tags = if info.tags.is_empty() { dash() } else { info.tags.join(" ") };
            let (region, owner) = (info.region.clone().unwrap_or_else(dash), info.owner.clone().unwrap_or_else(dash));
            let environment = info.environment.word().to_owned();
            vec![info.name.to_string(), environment, region, owner, tags, info.address.clone(), place.clone()]
        })
        .collect();
    say(table(&["target", "environment", "region", "owner", "tags", "address", "from"], &rows));
    for sentence in all.iter().filter_map(|r| r.spec.as_ref().err()) {
        say(sentence);
    }
    for name in passed_over {
        say(format!("A target called {name} is registered too, and passed over: the configuration wins."));
    }
    if all.is_empty() {
        say(run::targets::NONE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(config: &Config) -> Result<(Vec<Resolved>, StoredTargets), String> {
    if run::store::must_exist(config).is_err() {
        let all = run::targets::configured(config);
        return Ok((all, StoredTargets::default()));
    }
    let opened = run::store::open_beside(config).await?;
    let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
    let found = async {
        let stored = store.stored_targets().await.map_err(|e| e.to_string())?;
        Ok((run::targets::resolve(config, &opened, &stored).await?, stored))
    };
    let found = match found.await {
        Err(sentence) => Err(opened.explain(sentence).await),
        good => good,
    };
    opened.stop().await;
    found
}

fn place(config: &Config, resolved: &Resolved) -> String {
    let standing = config.targets.iter().find(|t| !resolved.registered && t.info.name == resolved.info.name);
    standing.map_or_else(|| REGISTERED.to_owned(), |t| t.place.clone())
}

fn value(resolved: &Resolved, place: &str) -> Value {
    let info = resolved.spec.as_ref().map_or(&resolved.info, |spec| &spec.info);
    let databases = match resolved.spec.as_ref().map(|spec| &spec.databases) {
        Ok(DatabaseChoice::Only(names)) => Some(names),
        _ => None,
    };
    json!({
        "name": info.name, "kind": info.kind, "environment": info.environment, "region": info.region, "owner": info.owner,
        "tags": info.tags, "databases": databases, "address": info.address, "from": place, "registered": resolved.registered,
        "fault": resolved.spec.as_ref().err(),
    })
}
