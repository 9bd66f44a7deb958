//! What goes wrong with the replica: it is cut off from its primary, or it replays nothing.

use super::Fault;
use crate::{commands::demo, config::Config, run::output::say};
use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_cluster::{Cluster, Reached};
use secrecy::ExposeSecret;
use std::{process::ExitCode, time::Duration};

/// How long to wait for the replica's server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The superuser of the replica; none when it does not run.
async fn open(config: &Config) -> Result<Option<WireClient>, String> {
    let Some((cluster, database)) = demo::cluster_of(config, demo::REPLICA) else { return Ok(None) };
    // Only one that runs: beside it a start of our own would be no replica.
    if !cluster.dir.join("pgdata").join("postmaster.pid").exists() {
        return Ok(None);
    }
    let url = match Cluster::start_or_attach(cluster, PATIENCE).await.map_err(|e| e.to_string())? {
        Reached::Other(attached) => attached.superuser_url(database),
        Reached::Own(cluster) => {
            cluster.stop().await;
            return Ok(None);
        }
    };
    let endpoint = Endpoint::parse(url.expose_secret()).map_err(|e| e.to_string())?;
    wire::connect(&endpoint, WireOptions::new("demo fault replica".to_owned())).await.map(Some).map_err(|e| format!("{e}."))
}

/// How often a statement is tried that what is replayed gets in the way of: each time it sees a newer moment.
const TRIES: usize = 20;

/// Runs it again while what is replayed gets in its way, as it does on a standby that catches up.
async fn insist<T>(client: &WireClient, mut ask: impl AsyncFnMut() -> Result<T, tokio_postgres::Error>) -> Result<T, String> {
    for _ in 1..TRIES {
        match ask().await {
            Err(error) if error.code() == Some(&tokio_postgres::error::SqlState::T_R_SERIALIZATION_FAILURE) => {}
            other => return other.map_err(|e| format!("{}.", client.sort(&e))),
        }
    }
    ask().await.map_err(|e| format!("{}.", client.sort(&e)))
}

async fn execute(client: &WireClient, sql: &str) -> Result<(), String> {
    insist(client, async || client.batch_execute(sql).await).await
}

/// Causes it; it stays until `reeve demo heal`, over restarts too when it is cut off.
pub(super) async fn cause(config: &Config, fault: Fault) -> Result<ExitCode, String> {
    let Some(client) = open(config).await? else {
        return Err(
            "The replica of the sample estate does not run: start `reeve demo`, and say this beside it, with the same REEVE_DATA_DIR."
                .to_owned(),
        );
    };
    let name = demo::REPLICA;
    if fault == Fault::ReplicaLag {
        execute(&client, "SELECT pg_wal_replay_pause()").await?;
        say(format!(
            "{name} receives and replays nothing: it grows older while its primary is written to. `reeve demo heal` lets it go on."
        ));
    } else {
        // It wins over what Reeve writes at each start.
        execute(&client, "ALTER SYSTEM SET primary_conninfo = ''").await?;
        execute(&client, "SELECT pg_reload_conf()").await?;
        say(format!("{name} is cut off from its primary and receives nothing; it still answers. `reeve demo heal` connects it again."));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether it is cut off, and whether it replays nothing.
async fn broken(client: &WireClient) -> Result<(bool, bool), String> {
    let sql = "SELECT current_setting('primary_conninfo') = '', pg_is_in_recovery() AND pg_is_wal_replay_paused()";
    let row = insist(client, async || client.query_one(sql, &[]).await).await?;
    Ok((row.get(0), row.get(1)))
}

/// Takes it back. Answers what was done; none when the replica does not run.
pub(super) async fn heal(config: &Config) -> Result<Option<Vec<String>>, String> {
    let Some(client) = open(config).await? else { return Ok(None) };
    let (cut, paused) = broken(&client).await?;
    let mut done = Vec::new();
    if cut {
        execute(&client, "ALTER SYSTEM RESET primary_conninfo").await?;
        execute(&client, "SELECT pg_reload_conf()").await?;
        done.push("the replica streams again".to_owned());
    }
    if paused {
        execute(&client, "SELECT pg_wal_replay_resume()").await?;
        done.push("the replica replays again".to_owned());
    }
    Ok(Some(done))
}

/// What is broken now.
pub(super) async fn active(config: &Config) -> Vec<String> {
    let Ok(Some(client)) = open(config).await else { return Vec::new() };
    let (cut, paused) = broken(&client).await.unwrap_or_default();
    let faults = [(Fault::ReplicaStop, cut), (Fault::ReplicaLag, paused)];
    faults.into_iter().filter(|(_, now)| *now).map(|(fault, _)| fault.word()).collect()
}
