//! Beside a cluster that another process runs: used, never owned.
#![allow(clippy::unwrap_used)]

use reeve_cluster::{Attached, Cluster, ClusterConfig, ClusterError, Reached};
use secrecy::ExposeSecret;
use std::{fs::File, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use tokio_postgres::NoTls;

const PATIENCE: Duration = Duration::from_secs(30);

fn short_dir() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("reeve-test-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    dir
}

fn config(dir: &Path) -> ClusterConfig {
    ClusterConfig { dir: dir.to_owned(), settings: vec![("fsync".into(), "off".into())], label: "test".into(), major: None }
}

async fn other(dir: &Path) -> Attached {
    match Cluster::start_or_attach(config(dir), PATIENCE).await.unwrap() {
        Reached::Other(attached) => attached,
        Reached::Own(_) => panic!("the directory was held by somebody else"),
    }
}

async fn postmaster(url: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let started = "select (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint";
    client.query_one(started, &[]).await.unwrap().get(0)
}

/// A holder that is still in its first start is waited for; the guest leaves the server as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a2_a_second_process_uses_the_running_server_and_stops_nothing() {
    let dir = short_dir();
    // What lies there once the lock is taken, so that the guest certainly comes second.
    let holder = tokio::spawn(Cluster::start(config(dir.path())));
    let lock = dir.path().join("reeve.lock");
    let begun = tokio::time::Instant::now();
    while !std::fs::read_to_string(&lock).is_ok_and(|pid| !pid.is_empty()) {
        assert!(begun.elapsed() < PATIENCE, "the holder never began");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let attached = other(dir.path()).await;
    let cluster = holder.await.unwrap().unwrap();
    assert_eq!(attached.holder(), std::process::id().to_string());
    assert_eq!(attached.superuser_url("postgres").expose_secret(), cluster.superuser_url("postgres").expose_secret());
    let since = postmaster(attached.superuser_url("postgres").expose_secret()).await;
    drop(attached);
    assert_eq!(postmaster(cluster.superuser_url("postgres").expose_secret()).await, since, "the same server goes on");
    cluster.stop().await;
}

#[tokio::test]
async fn a2_a_directory_that_nobody_holds_is_started() {
    let dir = short_dir();
    Cluster::start(config(dir.path())).await.unwrap().stop().await;
    // The file of a dead process is there; a lock on it is not.
    assert!(dir.path().join("reeve.lock").exists());
    let Reached::Own(cluster) = Cluster::start_or_attach(config(dir.path()), PATIENCE).await.unwrap() else {
        panic!("nobody holds it");
    };
    let attached = other(dir.path()).await;
    assert!(attached.answers().await);
    cluster.stop().await;
    assert!(!attached.answers().await, "its holder has stopped it");
}

/// The holder stopped in between: the guest starts the server itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a2_a_holder_that_lets_go_is_followed_and_a_silent_one_is_named() {
    let dir = short_dir();
    Cluster::start(config(dir.path())).await.unwrap().stop().await;
    let lock = File::options().write(true).open(dir.path().join("reeve.lock")).unwrap();
    lock.lock().unwrap();
    let error = Cluster::start_or_attach(config(dir.path()), Duration::from_millis(300)).await.expect_err("nobody answers");
    assert!(matches!(error, ClusterError::NotAnswering { .. }), "{error}");
    assert!(error.to_string().contains("did not answer"), "{error}");
    let waiting = tokio::spawn(Cluster::start_or_attach(config(dir.path()), PATIENCE));
    drop(lock);
    let Reached::Own(cluster) = waiting.await.unwrap().unwrap() else { panic!("nobody holds it any more") };
    cluster.stop().await;
}

/// Who planted a socket's directory must not be talked to.
#[tokio::test]
async fn a2_a_socket_directory_of_somebody_else_is_refused() {
    if !nix::unistd::Uid::effective().is_root() {
        return; // Only root can give a directory away.
    }
    let dir = short_dir();
    Cluster::start(config(dir.path())).await.unwrap().stop().await;
    let lock = File::options().write(true).open(dir.path().join("reeve.lock")).unwrap();
    lock.lock().unwrap();
    let planted = short_dir();
    std::os::unix::fs::chown(planted.path(), Some(65_534), Some(65_534)).unwrap();
    let pid = format!("1\n{}\n0\n5432\n{}\n", dir.path().join("pgdata").display(), planted.path().display());
    std::fs::write(dir.path().join("pgdata/postmaster.pid"), pid).unwrap();
    let error = Cluster::start_or_attach(config(dir.path()), PATIENCE).await.expect_err("foreign");
    assert!(matches!(error, ClusterError::SocketDirForeign { owner: 65_534, .. }), "{error}");
}
