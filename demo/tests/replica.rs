//! The streaming replica, on real servers (SPEC I3).
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use reeve_cluster::{Cluster, ClusterConfig};
use reeve_demo::systems::{MAIN, SystemsOptions, SystemsWorkload};
use reeve_demo::{REPLICA, REPLICATOR, Replica, SLOT};
use secrecy::ExposeSecret;
use support::{connect, list, system_passwords, systems, until};
use tokio_postgres::Client;

const PATIENCE: Duration = Duration::from_secs(60);

fn config(dir: &std::path::Path) -> ClusterConfig {
    let settings = [("shared_buffers", "16MB"), ("shared_preload_libraries", "pg_stat_statements")];
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ClusterConfig { dir: dir.to_owned(), settings, label: REPLICA.to_owned(), major: None }
}

/// The application's connection to the replica, once it may come in.
async fn reader(replica: &Replica) -> Client {
    let url = replica.url("parafort_app", &system_passwords().of("parafort_app"), MAIN).unwrap();
    let mut client = None;
    until("the replica lets its readers in", PATIENCE, async || {
        client = connect(url.expose_secret()).await.ok();
        client.is_some()
    })
    .await;
    client.unwrap()
}

async fn streams(admin: &Client) {
    let sql = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'";
    until("the replica streams", PATIENCE, async || list(admin, sql).await == [REPLICA]).await;
}

/// Writes something at the primary and waits until it is seen at the replica.
async fn arrives(admin: &Client, reader: &Client, name: &str) {
    admin.batch_execute(&format!("UPDATE business_entities SET legal_name = '{name}' WHERE id = 1")).await.unwrap();
    until(&format!("{name} arrives"), PATIENCE, async || {
        list(reader, "SELECT legal_name FROM business_entities WHERE id = 1").await == [name]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_the_replica_streams_comes_back_and_is_made_anew_when_it_cannot() {
    let (mut primary, systems) = systems(&[MAIN]).await;
    // Beside the primary's own directory, which the server's user may enter.
    let dir = primary.dir().join("replica");
    let password = || system_passwords().of(REPLICATOR);
    let replica = Replica::start(config(&dir), &primary, password()).await.unwrap();
    let admin = connect(&primary.url(MAIN)).await.unwrap();
    streams(&admin).await;
    let client = reader(&replica).await;
    arrives(&admin, &client, "First").await;
    let error = client.batch_execute("UPDATE users SET role = 'agent'").await.unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("25006"), "a replica is read only: {error:?}");

    // Its readers' work, without an error.
    let app_url = replica.url("parafort_app", &system_passwords().of("parafort_app"), MAIN).unwrap();
    let workload = SystemsWorkload::start(&systems.app_urls, Some(&app_url), &SystemsOptions::default()).unwrap();
    let seen = "SELECT application_name FROM pg_stat_activity WHERE application_name = 'parafort_main-dashboard'";
    until("the dashboard reads", PATIENCE, async || list(&client, seen).await.len() == 1).await;
    until("some work is done", PATIENCE, async || workload.counters().commits > 20).await;
    let done = workload.stop().await;
    assert_eq!((done.errors, done.connects), (0, 2), "{done:?}");

    // Both stop and come back: it goes on from where it was.
    replica.stop().await;
    assert!(Cluster::is_standby(&dir));
    let mark = dir.join("pgdata").join("kept");
    std::fs::write(&mark, "").unwrap();
    primary.stop_server().await;
    primary.start_again().await.unwrap();
    let replica = Replica::start(config(&dir), &primary, password()).await.unwrap();
    let admin = connect(&primary.url(MAIN)).await.unwrap();
    streams(&admin).await;
    arrives(&admin, &reader(&replica).await, "Second").await;
    assert!(mark.exists(), "nothing was made anew");

    // Its slot goes while it runs: its keeper makes it anew.
    let drop_slot = format!("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots; SELECT pg_drop_replication_slot('{SLOT}')");
    until("the slot is dropped", PATIENCE, async || admin.batch_execute(&drop_slot).await.is_ok()).await;
    until("it is made anew", PATIENCE, async || !mark.exists()).await;
    streams(&admin).await;
    arrives(&admin, &reader(&replica).await, "Third").await;
    replica.stop().await;

    // Its slot is gone at the start, and half of a data directory and of a base backup lie there.
    admin.batch_execute(&format!("SELECT pg_drop_replication_slot('{SLOT}')")).await.unwrap();
    std::fs::remove_file(dir.join("pgdata").join("PG_VERSION")).unwrap();
    std::fs::create_dir_all(dir.join("pgdata.new").join("base")).unwrap();
    std::fs::create_dir_all(dir.join("pgdata.old").join("base")).unwrap();
    let replica = Replica::start(config(&dir), &primary, password()).await.unwrap();
    streams(&admin).await;
    arrives(&admin, &reader(&replica).await, "Fourth").await;
    assert!(!dir.join("pgdata.new").exists() && !dir.join("pgdata.old").exists());
    replica.stop().await;

    // What lies there does not start: it is only a copy.
    std::fs::remove_file(dir.join("pgdata").join("global").join("pg_control")).unwrap();
    let replica = Replica::start(config(&dir), &primary, password()).await.unwrap();
    streams(&admin).await;
    replica.stop().await;
}
