//! What can be wrong with a data directory: one clear sentence each.
#![allow(clippy::unwrap_used)]

use reeve_cluster::{Cluster, ClusterConfig, ClusterError, testing::TestCluster};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

fn config(dir: &Path) -> ClusterConfig {
    ClusterConfig { dir: dir.to_owned(), settings: Vec::new(), label: "test".into(), major: None }
}

fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

#[tokio::test]
async fn a_directory_that_the_server_cannot_enter_is_named() {
    if !is_root() {
        return; // Only root runs the server as somebody else.
    }
    let closed = tempfile::Builder::new().prefix("reeve-test-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let error = Cluster::start(config(&closed.path().join("data"))).await.expect_err("closed");
    let ClusterError::NotTraversable { ref user, ref blocking } = error else { panic!("{error}") };
    assert_eq!((user.as_str(), blocking.as_path()), ("postgres", closed.path()));
    assert!(error.to_string().contains("chmod o+x"), "{error}");
}

#[tokio::test]
async fn a_data_directory_of_another_major_says_which_is_needed() {
    let mut cluster = TestCluster::start(&[]).await.unwrap();
    let dir = cluster.dir().to_owned();
    cluster.stop_server().await;
    let version = dir.join("pgdata/PG_VERSION");
    std::fs::write(&version, "12\n").unwrap();
    let error = Cluster::start(config(&dir)).await.expect_err("12").to_string();
    assert!(error.contains("made by PostgreSQL 12") && error.contains("not installed"), "{error}");
}

#[tokio::test]
async fn an_asked_for_major_that_is_not_installed_is_refused() {
    let dir = tempfile::Builder::new().prefix("reeve-test-").tempdir_in("/tmp").unwrap();
    let asked = ClusterConfig { major: Some(12), ..config(dir.path()) };
    let error = Cluster::start(asked).await.expect_err("12").to_string();
    assert!(error.contains("PostgreSQL 12 was asked for"), "{error}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let place = if is_root() { PathBuf::from("/proc/reeve-test") } else { PathBuf::from("/reeve-test") };
    let error = Cluster::start(config(&place)).await.expect_err("not writable");
    assert!(matches!(&error, ClusterError::NotWritable { path, .. } if *path == place), "{error}");
    assert!(error.to_string().contains("make it writable"), "{error}");
}

#[tokio::test]
async fn settings_that_the_server_refuses_show_what_it_said() {
    let error = TestCluster::start(&[("work_mem", "a lot")]).await.expect_err("nonsense").to_string();
    assert!(error.contains("did not start") && error.contains("work_mem"), "{error}");
}

#[tokio::test]
async fn a_library_that_is_missing_is_left_out_and_told() {
    let cluster = TestCluster::start(&[("shared_preload_libraries", "no_such_library")]).await.unwrap();
    assert!(cluster.notes()[0].contains("no_such_library"), "{:?}", cluster.notes());
}

#[tokio::test]
async fn a_socket_directory_of_somebody_else_is_not_trusted() {
    if !is_root() {
        return; // Only root can make one that belongs to another user.
    }
    let mut cluster = TestCluster::start(&[]).await.unwrap();
    let (dir, socket_dir) = (cluster.dir().to_owned(), cluster.socket_dir().to_owned());
    cluster.stop_server().await;
    std::fs::create_dir(&socket_dir).unwrap();
    std::os::unix::fs::chown(&socket_dir, Some(12345), None).unwrap();
    let error = Cluster::start(config(&dir)).await.expect_err("foreign").to_string();
    std::fs::remove_dir(&socket_dir).unwrap();
    assert!(error.contains("belongs to another user (uid 12345)"), "{error}");
}
