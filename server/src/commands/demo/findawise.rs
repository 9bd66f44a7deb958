//! Findawise: 299 tables, planted faults, on a server of its own.

use super::{Brought, TARGET, dir, sample, settings};
use crate::{
    commands::demo_fault,
    config::Config,
    run::{self, output::say},
};
use reeve_cluster::{Cluster, ClusterConfig};
use reeve_demo::{Workload, WorkloadOptions};
use secrecy::ExposeSecret;
use std::path::Path;

/// Small, because the whole estate shares one machine with whoever tries it.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "128MB"),
    ("max_connections", "60"),
    ("max_wal_size", "512MB"),
    ("shared_preload_libraries", "pg_stat_statements"),
    ("track_io_timing", "on"),
    // For a forgotten slot of the fault menu; with a slot there, a server of a lower level does not start.
    ("wal_level", "logical"),
];

/// Its cluster.
pub fn cluster(config: &Config) -> ClusterConfig {
    ClusterConfig { dir: dir(config), settings: settings(SETTINGS), label: TARGET.to_owned(), major: None }
}

/// It runs, and is used.
pub struct Findawise {
    cluster: Cluster,
    workload: Workload,
}

impl Findawise {
    /// Starts it, loads it when that was not done, and lets its application work.
    ///
    /// # Errors
    /// One sentence; nothing is left running.
    pub async fn start(config: &Config) -> Result<(Self, Vec<Brought>), String> {
        // A fault that was killed in the middle must not keep the server from starting.
        demo_fault::mend(config).await?;
        let cluster = Cluster::start(cluster(config)).await.map_err(|e| e.to_string())?;
        match load(&cluster, &dir(config)).await {
            Ok((workload, brought)) => Ok((Self { cluster, workload }, vec![brought])),
            Err(sentence) => {
                cluster.stop().await;
                Err(sentence)
            }
        }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.workload.stop().await;
        self.cluster.stop().await;
    }
}

async fn load(cluster: &Cluster, dir: &Path) -> Result<(Workload, Brought), String> {
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
        let (mb, s) = (report.bytes / 1_048_576, report.elapsed.as_secs_f64());
        say(format!("Sample estate: {} tables, {} rows, {mb} MB in {s:.0} s", report.tables, report.rows));
    }
    let brought = sample(TARGET, &logins.monitor_url, Some(&cluster.superuser_url(reeve_demo::DATABASE)), &[])?;
    let workload = Workload::start(&logins.app_url, &WorkloadOptions::default()).map_err(|e| e.to_string())?;
    Ok((workload, brought))
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
