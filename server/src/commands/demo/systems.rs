//! The other four systems on one server, and its streaming replica.

use super::{Brought, Parts, REPLICA, SYSTEMS, sample, settings};
use crate::{
    config::Config,
    run::{self, output::say},
};
use reeve_cluster::{Cluster, ClusterConfig};
use reeve_demo::{
    MONITOR, REPLICATOR, Replica,
    systems::{DATABASES, Loaded, MAIN, SystemPasswords, Systems, SystemsOptions, SystemsWorkload},
};
use secrecy::ExposeSecret;
use std::path::PathBuf;

/// Small, because the whole estate shares one machine with whoever tries it. A replica that is away may cost the disk this much and no more;
/// it is made anew when that is over.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "40MB"),
    ("max_connections", "40"),
    ("min_wal_size", "64MB"),
    ("max_wal_size", "256MB"),
    ("max_slot_wal_keep_size", "512MB"),
    ("shared_preload_libraries", "pg_stat_statements"),
    ("track_io_timing", "on"),
    ("wal_level", "replica"),
    // Small tables that are written all the time.
    ("autovacuum_naptime", "20s"),
];

/// Where the server or its replica lives.
pub fn dir(config: &Config, target: &str) -> PathBuf {
    config.data_dir.join("demo").join(target)
}

/// The cluster of either.
pub fn cluster(config: &Config, target: &str) -> ClusterConfig {
    ClusterConfig { dir: dir(config, target), settings: settings(SETTINGS), label: target.to_owned(), major: None }
}

/// They run, and are used.
pub struct Running {
    cluster: Cluster,
    replica: Option<Replica>,
    workload: SystemsWorkload,
}

impl Running {
    /// Starts the server, loads what is missing, starts the replica and lets the applications work.
    ///
    /// # Errors
    /// One sentence; nothing is left running.
    pub async fn start(config: &Config, parts: Parts) -> Result<(Self, Vec<Brought>), String> {
        let cluster = Cluster::start(cluster(config, SYSTEMS)).await.map_err(|e| e.to_string())?;
        let fed = match load(config, &cluster).await {
            Ok((systems, passwords)) => follow(config, parts, &cluster, &systems, &passwords).await,
            Err(sentence) => Err(sentence),
        };
        match fed {
            Ok((replica, workload, brought)) => Ok((Self { cluster, replica, workload }, brought)),
            Err(sentence) => {
                cluster.stop().await;
                Err(sentence)
            }
        }
    }

    /// Stops them: the replica first, or the server would wait for it to take the last of its WAL.
    pub async fn stop(self) {
        self.workload.stop().await;
        if let Some(replica) = self.replica {
            replica.stop().await;
        }
        self.cluster.stop().await;
    }
}

async fn load(config: &Config, cluster: &Cluster) -> Result<(Systems, SystemPasswords), String> {
    let dir = dir(config, SYSTEMS);
    let passwords = SystemPasswords::kept(|login| run::secrets::kept(&dir, &format!("{login}.password")))?;
    let url = |database: &str| cluster.superuser_url(database).expose_secret().to_owned();
    let told = |loaded: &Loaded| {
        if !loaded.already_loaded {
            let (mb, s) = (loaded.bytes / 1_048_576, loaded.elapsed.as_secs_f64());
            say(format!("Sample estate: {}, {mb} MB in {s:.1} s", loaded.database));
        }
    };
    let systems = reeve_demo::systems::load(DATABASES, url, &passwords, told).await.map_err(|e| e.to_string())?;
    Ok((systems, passwords))
}

type Fed = (Option<Replica>, SystemsWorkload, Vec<Brought>);

/// The replica, the workload, and the targets that all this brings.
async fn follow(config: &Config, parts: Parts, cluster: &Cluster, systems: &Systems, passwords: &SystemPasswords) -> Result<Fed, String> {
    let mut brought = vec![sample(SYSTEMS, &systems.monitor_url, Some(&cluster.superuser_url(MAIN)), &[])?];
    if !parts.replica {
        let workload = SystemsWorkload::start(&systems.app_urls, None, &SystemsOptions::default()).map_err(|e| e.to_string())?;
        return Ok((None, workload, brought));
    }
    let replica = Replica::start(self::cluster(config, REPLICA), cluster, passwords.of(REPLICATOR)).await.map_err(|e| e.to_string())?;
    let mut used = || {
        let monitor = replica.url(MONITOR, &passwords.of(MONITOR), MAIN).map_err(|e| e.to_string())?;
        // Nobody backs a replica up: what is on it is on its primary.
        brought.push(sample(REPLICA, &monitor, None, &["replica"])?);
        let app = DATABASES.iter().find(|database| database.name == MAIN).map_or("", |database| database.app);
        let reader = replica.url(app, &passwords.of(app), MAIN).map_err(|e| e.to_string())?;
        SystemsWorkload::start(&systems.app_urls, Some(&reader), &SystemsOptions::default()).map_err(|e| e.to_string())
    };
    match used() {
        Ok(workload) => Ok((Some(replica), workload, brought)),
        Err(sentence) => {
            replica.stop().await;
            Err(sentence)
        }
    }
}
