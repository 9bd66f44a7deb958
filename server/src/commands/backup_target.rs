//! The server that a backup is taken from or restored into: a configured target, or the sample estate.

use super::demo;
use crate::{
    config::{Config, TargetConfig},
    run,
};
use reeve_adapter::Endpoint;
use reeve_cluster::{Cluster, ClusterConfig, Reached};
use reeve_model::TargetName;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// How long a sample estate that is still starting is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to a server.
pub struct Way {
    /// How to log in.
    pub endpoint: Endpoint,
    sample: Option<Reached>,
}

impl Way {
    /// Stops what was started for this command alone.
    pub async fn stop(self) {
        if let Some(Reached::Own(cluster)) = self.sample {
            cluster.stop().await;
        }
    }
}

/// Finds a target by its name.
///
/// # Errors
/// One sentence: there is none of that name, or its address can't be had.
pub async fn reach(config: &Config, name: &TargetName) -> Result<Way, String> {
    if let Some(target) = config.targets.iter().find(|t| t.info.name == *name) {
        return Ok(Way { endpoint: configured(config, target).await?, sample: None });
    }
    // Nobody backs a replica up.
    if demo::backed_up(config).any(|sample| sample == name.as_str())
        && let Some((cluster, database)) = demo::cluster_of(config, name.as_str())
    {
        return sample(cluster, database).await;
    }
    let targets = run::targets::all(config).await;
    let mut known: Vec<String> = targets.all.iter().map(|(name, _)| name.to_string()).collect();
    if let Some((_, spec)) = targets.all.into_iter().find(|(known, _)| known == name) {
        return Ok(Way { endpoint: spec?.endpoint, sample: None });
    }
    known.extend(demo::backed_up(config).map(str::to_owned));
    let known = if known.is_empty() { "none is".to_owned() } else { known.join(", ") };
    let note = targets.note.map_or_else(String::new, |note| format!(" {note}"));
    Err(format!(
        "There is no target {name}; configured: {known}. Add [[target]] to reeve.toml, set REEVE_TARGET_<NAME>_URL, or run `reeve target add`.{note}"
    ))
}

async fn configured(config: &Config, target: &TargetConfig) -> Result<Endpoint, String> {
    if let Some(endpoint) = &target.backup {
        return Ok(endpoint.clone());
    }
    if let Some(endpoint) = target.address.known() {
        return Ok(endpoint.clone());
    }
    let all = run::targets::all(config).await.all;
    let own = all.into_iter().find(|(name, _)| *name == target.info.name);
    own.map_or_else(|| Err("The target has no address.".to_owned()), |(_, spec)| spec).map(|spec| spec.endpoint)
}

/// The superuser of a server of the sample estate: its cluster is Reeve's own.
async fn sample(cluster: ClusterConfig, database: &str) -> Result<Way, String> {
    let reached = Cluster::start_or_attach(cluster, PATIENCE).await.map_err(|e| e.to_string())?;
    let url: SecretString = match &reached {
        Reached::Own(cluster) => cluster.superuser_url(database),
        Reached::Other(attached) => attached.superuser_url(database),
    };
    let endpoint = Endpoint::parse(url.expose_secret()).map_err(|e| e.to_string())?;
    Ok(Way { endpoint, sample: Some(reached) })
}
