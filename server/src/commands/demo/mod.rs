//! `reeve demo`: Reeve with the sample estate.

mod findawise;
pub mod psql;
mod systems;

use crate::{
    config::{Address, Config, TargetConfig},
    run::{self, reeve::Extra, store::Opened},
};
use findawise::Findawise;
use reeve_adapter::Endpoint;
use reeve_cluster::ClusterConfig;
use reeve_estate::Cadence;
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName};
use reeve_service::vault::Vault;
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;

pub use findawise::cluster;

/// The sample estate is looked at every ten seconds; definitions and exact sizes every half minute.
const CADENCE: Cadence = Cadence { live_ms: 1_000, critical_ms: 5_000, metrics_ms: 10_000, health_ms: 30_000, budget_permille: 20 };
/// In the sample estate an index counts as unused after five minutes, so that a newcomer sees the planted ones.
const UNUSED_AFTER_S: f64 = 300.0;
/// Names the parts of the sample estate that are wanted; all of them when it is not set.
const WANTED: &str = "REEVE_DEMO_SYSTEMS";

/// The target that is Findawise.
pub const TARGET: &str = "findawise";
/// The target with the databases of the other systems.
pub const SYSTEMS: &str = "systems";
/// The target that is their replica.
pub const REPLICA: &str = reeve_demo::REPLICA;

/// Where Findawise lives.
pub fn dir(config: &Config) -> PathBuf {
    systems::dir(config, TARGET)
}

/// The cluster that a target of the sample estate is, with the database to enter first; none for other names and for one that was never made.
pub fn cluster_of(config: &Config, target: &str) -> Option<(ClusterConfig, &'static str)> {
    let (cluster, database) = match target {
        TARGET => (cluster(config), reeve_demo::DATABASE),
        SYSTEMS | REPLICA => (systems::cluster(config, target), reeve_demo::systems::MAIN),
        _ => return None,
    };
    cluster.dir.exists().then_some((cluster, database))
}

/// The targets of the sample estate that can be backed up and were made in this data directory.
pub fn backed_up(config: &Config) -> impl Iterator<Item = &'static str> {
    [TARGET, SYSTEMS].into_iter().filter(|name| cluster_of(config, name).is_some())
}

/// Which servers of the sample estate are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    findawise: bool,
    systems: bool,
    replica: bool,
}

impl Parts {
    /// Reads a list of targets, separated by commas. A replica without its primary is none, so it brings it along.
    fn parse(list: &str) -> Result<Self, String> {
        let mut parts = Self { findawise: false, systems: false, replica: false };
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                TARGET => parts.findawise = true,
                SYSTEMS => parts.systems = true,
                REPLICA => (parts.systems, parts.replica) = (true, true),
                other => {
                    return Err(format!("{WANTED} names {other}; it can name {TARGET}, {SYSTEMS} and {REPLICA}, separated by commas."));
                }
            }
        }
        if !parts.findawise && !parts.systems {
            return Err(format!("{WANTED} names nothing; leave it away for the whole sample estate."));
        }
        Ok(parts)
    }

    fn wanted() -> Result<Self, String> {
        std::env::var(WANTED).map_or(Ok(Self { findawise: true, systems: true, replica: true }), |list| Self::parse(&list))
    }

    fn targets(self) -> impl Iterator<Item = &'static str> {
        [(TARGET, self.findawise), (SYSTEMS, self.systems), (REPLICA, self.replica)].into_iter().filter(|(_, on)| *on).map(|(name, _)| name)
    }
}

/// A target that comes with the sample estate.
type Brought = TargetConfig;

/// Starts the sample estate, loads it when that was not done, and serves.
pub async fn run(mut config: Config) -> Result<ExitCode, String> {
    let parts = Parts::wanted()?;
    let mut signal = run::signals::Stop::listen()?;
    if let Some(name) = parts.targets().find(|name| config.targets.iter().any(|t| t.info.name.as_str() == *name)) {
        return Err(format!("The sample estate brings a target called {name}; rename yours in the configuration."));
    }
    let listener = run::reeve::listen(&config).await?;
    let Started { store, vault, running, brought } = tokio::select! {
        outcome = start(&config, parts) => outcome?,
        () = signal.requested() => return Ok(ExitCode::SUCCESS),
    };
    config.targets.extend(brought);
    let outcome = run::reeve::serve(config, listener, store, vault, Extra { unused_after_s: Some(UNUSED_AFTER_S) }, signal).await;
    running.stop().await;
    outcome
}

struct Started {
    store: Opened,
    vault: Vault,
    running: Running,
    brought: Vec<Brought>,
}

/// The servers of the sample estate.
struct Running {
    findawise: Option<Findawise>,
    systems: Option<systems::Running>,
}

impl Running {
    async fn stop(self) {
        let findawise = async {
            if let Some(findawise) = self.findawise {
                findawise.stop().await;
            }
        };
        let systems = async {
            if let Some(systems) = self.systems {
                systems.stop().await;
            }
        };
        tokio::join!(findawise, systems);
    }
}

/// Starts all at once. When one does not come up the others are stopped, those that are still starting in the middle of it.
async fn start(config: &Config, parts: Parts) -> Result<Started, String> {
    let failed = CancellationToken::new();
    let findawise = async {
        if !parts.findawise {
            return Ok((None, Vec::new()));
        }
        Findawise::start(config).await.map(|(part, brought)| (Some(part), brought))
    };
    let systems = async {
        if !parts.systems {
            return Ok((None, Vec::new()));
        }
        systems::Running::start(config, parts).await.map(|(part, brought)| (Some(part), brought))
    };
    let (store, findawise, systems) =
        tokio::join!(unless(&failed, run::store::open_with_key(config)), unless(&failed, findawise), unless(&failed, systems));
    let mut sentences = Vec::new();
    let mut kept = |sentence| sentences.push(sentence);
    let store = store.map_err(&mut kept).ok();
    let findawise = findawise.map_err(&mut kept).ok();
    let systems = systems.map_err(&mut kept).ok();
    let mut brought = Vec::new();
    let mut running = Running { findawise: None, systems: None };
    if let Some((part, targets)) = findawise {
        running.findawise = part;
        brought.extend(targets);
    }
    if let Some((part, targets)) = systems {
        running.systems = part;
        brought.extend(targets);
    }
    match (store, sentences.into_iter().flatten().next()) {
        (Some((store, vault)), None) => Ok(Started { store, vault, running, brought }),
        (store, sentence) => {
            if let Some((store, _)) = store {
                store.stop().await;
            }
            running.stop().await;
            Err(sentence.unwrap_or_else(|| "The sample estate did not start.".to_owned()))
        }
    }
}

/// Does the work unless something else fails before; then there is nothing to say of it.
async fn unless<T>(failed: &CancellationToken, work: impl Future<Output = Result<T, String>>) -> Result<T, Option<String>> {
    let outcome = failed.run_until_cancelled(work).await;
    if let Some(Err(_)) = outcome {
        failed.cancel();
    }
    outcome.map_or(Err(None), |done| done.map_err(Some))
}

/// A target of the sample estate. What watches may read no rows, and nobody but the owner of the machine may make databases: so backups
/// have another login.
fn sample(name: &str, monitor: &SecretString, superuser: Option<&SecretString>, tags: &[&str]) -> Result<Brought, String> {
    let endpoint = |url: &SecretString| Endpoint::parse(url.expose_secret()).map_err(|e| e.to_string());
    let known = endpoint(monitor)?;
    let info = TargetInfo {
        name: TargetName::new(name)?,
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: known.redacted(),
        tags: [&["sample"], tags].concat().into_iter().map(str::to_owned).collect(),
        region: None,
        owner: None,
    };
    let backup = superuser.map(endpoint).transpose()?;
    Ok(TargetConfig {
        info,
        address: Address::Known(known),
        backup,
        cadence: CADENCE,
        databases: Vec::new(),
        place: "the sample estate".to_owned(),
    })
}

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_the_wanted_servers_are_read_and_a_replica_brings_its_primary() {
        let names = |list: &str| Parts::parse(list).map(|parts| parts.targets().collect::<Vec<_>>().join(" "));
        assert_eq!(names("findawise").as_deref(), Ok("findawise"));
        assert_eq!(names(" systems-replica, findawise ").as_deref(), Ok("findawise systems systems-replica"));
        assert_eq!(names("systems").as_deref(), Ok("systems"));
        assert!(names("findawize").is_err_and(|e| e.contains("findawize") && e.contains("systems-replica")));
        assert!(names(" , ").is_err_and(|e| e.contains("names nothing")));
    }
}
