//! `reeve demo`: Reeve with the sample estate.

use crate::{
    config::{Address, Config, TargetConfig},
    run::{self, output::say, reeve::Extra},
};
use reeve_adapter::Endpoint;
use reeve_cluster::{Cluster, ClusterConfig};
use reeve_estate::Cadence;
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName};
use reeve_service::vault::Vault;
use secrecy::ExposeSecret;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The sample estate is looked at every ten seconds; definitions and exact sizes every half minute.
const CADENCE: Cadence = Cadence { live_ms: 1_000, critical_ms: 5_000, metrics_ms: 10_000, health_ms: 30_000, budget_permille: 20 };
/// In the sample estate an index counts as unused after five minutes, so that a newcomer sees the planted ones.
const UNUSED_AFTER_S: f64 = 300.0;
/// Small, because the whole estate shares one machine with whoever tries it.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "128MB"),
    ("max_connections", "60"),
    ("max_wal_size", "512MB"),
    ("shared_preload_libraries", "pg_stat_statements"),
    ("track_io_timing", "on"),
    ("wal_level", "replica"),
];

/// The target that the sample estate brings.
pub const TARGET: &str = "findawise";

/// Where the sample estate lives.
pub fn dir(config: &Config) -> PathBuf {
    config.data_dir.join("demo").join(TARGET)
}

/// Its cluster.
pub fn cluster(config: &Config) -> ClusterConfig {
    let settings = SETTINGS.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    ClusterConfig { dir: dir(config), settings, label: TARGET.to_owned(), major: None }
}

/// Starts the sample estate, loads it when that was not done, and serves.
pub async fn run(mut config: Config) -> Result<ExitCode, String> {
    let mut signal = run::signals::Stop::listen()?;
    let name = TargetName::new(TARGET)?;
    if config.targets.iter().any(|t| t.info.name == name) {
        return Err("The sample estate brings a target called findawise; rename yours in the configuration.".to_owned());
    }
    let listener = run::reeve::listen(&config).await?;
    let started = tokio::select! {
        outcome = start(&config) => outcome,
        () = signal.requested() => return Ok(ExitCode::SUCCESS),
    }?;
    let Sample { cluster, logins, store, vault } = started;
    let endpoint = Endpoint::parse(logins.monitor_url.expose_secret()).map_err(|e| e.to_string())?;
    // What watches may read no rows, and nobody but the owner of the machine may make databases.
    let root = Endpoint::parse(cluster.superuser_url(reeve_demo::DATABASE).expose_secret()).map_err(|e| e.to_string())?;
    let info = TargetInfo {
        name,
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: endpoint.redacted(),
        tags: vec!["sample".to_owned()],
        region: None,
        owner: None,
    };
    config.targets.push(TargetConfig {
        info,
        address: Address::Known(endpoint),
        backup: Some(root),
        cadence: CADENCE,
        databases: Vec::new(),
        place: "the sample estate".to_owned(),
    });
    let workload = reeve_demo::Workload::start(&logins.app_url, &reeve_demo::WorkloadOptions::default()).map_err(|e| e.to_string());
    let workload = match workload {
        Ok(workload) => workload,
        Err(sentence) => {
            store.stop().await;
            cluster.stop().await;
            return Err(sentence);
        }
    };
    let outcome = run::reeve::serve(config, listener, store, vault, Extra { unused_after_s: Some(UNUSED_AFTER_S) }, signal).await;
    workload.stop().await;
    cluster.stop().await;
    outcome
}

struct Sample {
    cluster: Cluster,
    logins: reeve_demo::FindawiseLogins,
    store: run::store::Opened,
    vault: Vault,
}

async fn start(config: &Config) -> Result<Sample, String> {
    let dir = dir(config);
    let cluster = Cluster::start(cluster(config));
    let (store, cluster) = tokio::join!(run::store::open_with_key(config), cluster);
    let ((store, vault), cluster) = match (store, cluster) {
        (Ok(opened), Ok(cluster)) => (opened, cluster),
        (store, cluster) => {
            let sentence = match (&store, &cluster) {
                (Err(sentence), _) => sentence.clone(),
                (_, Err(error)) => error.to_string(),
                _ => String::new(),
            };
            if let Ok((store, _)) = store {
                store.stop().await;
            }
            if let Ok(cluster) = cluster {
                cluster.stop().await;
            }
            return Err(sentence);
        }
    };
    let loaded = load(&cluster, &dir).await;
    match loaded {
        Ok(logins) => Ok(Sample { cluster, logins, store, vault }),
        Err(sentence) => {
            store.stop().await;
            cluster.stop().await;
            Err(sentence)
        }
    }
}

async fn load(cluster: &Cluster, dir: &Path) -> Result<reeve_demo::FindawiseLogins, String> {
    let url = |database: &str| cluster.superuser_url(database).expose_secret().to_owned();
    let passwords = reeve_demo::Passwords {
        owner: run::secrets::kept(dir, "owner.password")?,
        app: run::secrets::kept(dir, "app.password")?,
        monitor: run::secrets::kept(dir, "monitor.password")?,
    };
    let logins = reeve_demo::prepare(url, &passwords).await.map_err(|e| e.to_string())?;
    let mut stage = None;
    let report = reeve_demo::load(&url(reeve_demo::DATABASE), |progress| {
        if stage.replace(progress.stage) != Some(progress.stage) {
            say(format!("Sample estate: {}", saying(progress.stage)));
        }
    })
    .await
    .map_err(|e| e.to_string())?;
    if !report.already_loaded {
        let (mb, s) = (report.bytes / 1_000_000, report.elapsed.as_secs_f64());
        say(format!("Sample estate: {} tables, {} rows, {mb} MB in {s:.0} s", report.tables, report.rows));
    }
    Ok(logins)
}

/// What a person is told while the sample rows are made.
fn saying(stage: reeve_demo::Stage) -> &'static str {
    match stage {
        reeve_demo::Stage::Clearing => "removing what an interrupted load left",
        reeve_demo::Stage::Tables => "making 299 tables",
        reeve_demo::Stage::Rows => "filling them with rows",
        reeve_demo::Stage::ForeignKeys => "adding foreign keys",
        reeve_demo::Stage::Faults => "planting faults to be found",
        reeve_demo::Stage::Statistics => "gathering statistics",
        _ => "working",
    }
}
