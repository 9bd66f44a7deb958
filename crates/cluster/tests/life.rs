//! A cluster's life on real servers: start, stop, crash, and what a killed run leaves.
#![allow(clippy::unwrap_used)]

use reeve_cluster::{Cluster, ClusterConfig, ClusterError, ClusterState, Offline, testing::TestCluster};
use secrecy::ExposeSecret;
use std::{os::unix::fs::PermissionsExt, time::Duration};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Connects as soon as the server lets us.
async fn connect_soon(url: &str) -> Client {
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        match connect(url).await {
            Ok(client) => return client,
            Err(error) if tokio::time::Instant::now() > until => panic!("no connection: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn count(client: &Client) -> i64 {
    client.query_one("select count(*) from t", &[]).await.unwrap().get(0)
}

fn short_dir() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("reeve-test-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    dir
}

fn config(dir: &std::path::Path) -> ClusterConfig {
    ClusterConfig { dir: dir.to_owned(), settings: vec![("fsync".into(), "off".into())], label: "test".into(), major: None }
}

#[tokio::test]
async fn a2_a_private_cluster_is_made_started_and_stopped() {
    let dir = short_dir();
    let inside = dir.path().join("a/b");
    let cluster = Cluster::start(config(&inside)).await.unwrap();
    let client = connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    let row = client
        .query_one("select current_setting('data_checksums'), current_setting('listen_addresses'), current_setting('server_encoding'), current_setting('password_encryption')", &[])
        .await
        .unwrap();
    assert_eq!(
        (row.get(0), row.get(1), row.get(2), row.get(3)),
        ("on".to_owned(), String::new(), "UTF8".to_owned(), "scram-sha-256".to_owned())
    );
    let mode = |p: &str| inside.join(p).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("superuser.password"), mode("pgdata")), (0o600, 0o700));
    assert_eq!(cluster.socket_dir().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let (pid, state, socket_dir) = (cluster.pid().unwrap(), cluster.state(), cluster.socket_dir().to_owned());
    assert_eq!(*state.borrow(), ClusterState::Ready);
    cluster.stop().await;
    assert_eq!(*state.borrow(), ClusterState::Stopped);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists() && !socket_dir.exists());
}

#[tokio::test]
async fn a2_a_restart_keeps_data_and_wrong_passwords_stay_out() {
    let dir = short_dir();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    let client = connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    client.batch_execute("create table t(i int); insert into t values (1)").await.unwrap();
    cluster.stop().await;
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    let client = connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    assert_eq!(count(&client).await, 1);
    let wrong = cluster.login_url("postgres", &"wrong".to_owned().into(), "postgres");
    assert!(connect(wrong.expose_secret()).await.is_err());
    cluster.stop().await;
}

/// A2, and issue 2's "killed with -9 under load: back by itself, nothing lost that was acknowledged".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a2_a_killed_server_comes_back_with_all_that_was_acknowledged() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let url = cluster.url("postgres");
    let client = connect(&url).await.unwrap();
    client.batch_execute("create table t(i int)").await.unwrap();
    let (first, second) = (cluster.pid().unwrap(), std::sync::Arc::new(tokio::sync::Notify::new()));
    let enough = second.clone();
    let writer = tokio::spawn(async move {
        let mut acknowledged = 0_i64;
        while client.execute("insert into t values (1)", &[]).await.is_ok() {
            acknowledged += 1;
            if acknowledged == 50 {
                enough.notify_one();
            }
        }
        acknowledged
    });
    second.notified().await;
    let mut state = cluster.state();
    state.mark_unchanged();
    cluster.kill_server();
    state.wait_for(|s| matches!(s, ClusterState::Down { .. })).await.unwrap();
    state.wait_for(|s| *s == ClusterState::Ready).await.unwrap();
    let acknowledged = writer.await.unwrap();
    let client = connect_soon(&url).await;
    // One more may have been committed whose answer got lost.
    let kept = count(&client).await;
    assert!(kept == acknowledged || kept == acknowledged + 1, "{kept} kept, {acknowledged} acknowledged");
    assert_ne!(cluster.pid().unwrap(), first);
}

/// What `kill -9` of Reeve leaves: a server without a supervisor.
#[tokio::test]
async fn a2_an_orphaned_server_is_ended_and_started_anew() {
    let dir = short_dir();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    let client = connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    client.batch_execute("create table t(i int); insert into t values (1)").await.unwrap();
    let orphan = cluster.pid().unwrap();
    cluster.abandon_for_test().await;
    client.execute("insert into t values (2)", &[]).await.expect("the orphan still serves");
    // Somebody looks around in the data directory: that is nobody's business.
    let mut guest = std::process::Command::new("sleep").arg("60").current_dir(dir.path().join("pgdata")).spawn().unwrap();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    assert_ne!(cluster.pid().unwrap(), orphan);
    assert!(guest.try_wait().unwrap().is_none(), "only the server's processes are ended");
    guest.kill().unwrap();
    guest.wait().unwrap();
    let client = connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    assert_eq!(count(&client).await, 2);
    cluster.stop().await;
}

/// Backends of a killed server keep its shared memory and would block a new one.
#[tokio::test]
async fn a2_backends_left_by_a_killed_orphan_are_ended() {
    let dir = short_dir();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    let client = connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    let busy = tokio::spawn(async move {
        client.batch_execute("do $$ begin for i in 1..2000000000 loop null; end loop; end $$").await.expect_err("it is ended");
    });
    let orphan = cluster.pid().unwrap();
    cluster.abandon_for_test().await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(orphan), nix::sys::signal::Signal::SIGKILL).unwrap();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    busy.await.unwrap();
    connect(cluster.superuser_url("postgres").expose_secret()).await.unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn a2_a_second_start_on_the_same_directory_is_refused() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let error = Cluster::start(config(cluster.dir())).await.expect_err("in use");
    assert!(matches!(error, ClusterError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())), "{error}");
    connect(&cluster.url("postgres")).await.expect("the first one goes on");
}

#[tokio::test]
async fn a2_two_clusters_live_side_by_side() {
    let (a, b) = tokio::join!(TestCluster::start(&[]), TestCluster::start(&[]));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_ne!(a.socket_dir(), b.socket_dir());
    connect(&a.url("postgres")).await.unwrap().batch_execute("create table t()").await.unwrap();
    connect(&b.url("postgres")).await.unwrap().batch_execute("create table t()").await.unwrap();
    let (dir, socket) = (a.dir().to_owned(), a.socket_dir().to_owned());
    drop(a);
    assert!(!dir.exists() && !socket.exists());
    connect(&b.url("postgres")).await.unwrap();
}

/// A run that was killed in the middle of initdb leaves half a data directory beside the real place.
#[tokio::test]
async fn a2_half_a_data_directory_is_made_anew() {
    let dir = short_dir();
    std::fs::create_dir(dir.path().join("pgdata.new")).unwrap();
    std::fs::write(dir.path().join("pgdata.new/PG_VERSION"), "15").unwrap();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    assert!(!dir.path().join("pgdata.new").exists());
    cluster.stop().await;
}

#[tokio::test]
async fn a_standby_for_tests_follows_its_primary() {
    let primary = TestCluster::start(&[]).await.unwrap();
    let standby = primary.standby().await.unwrap();
    connect(&primary.url("postgres")).await.unwrap().batch_execute("create table t(i int); insert into t values (1)").await.unwrap();
    let reader = connect(&standby.url("postgres")).await.unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    while !reader.query_one("select count(*) from t", &[]).await.is_ok_and(|row| row.get::<_, i64>(0) == 1) {
        assert!(tokio::time::Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Pids of processes that work in `dir`, whatever they run.
fn working_in(dir: &std::path::Path) -> Vec<i32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir)).collect()
}

async fn until(what: &str, wanted: impl Fn() -> bool) {
    let begun = tokio::time::Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// `kill -9` of Reeve in the middle of initdb: that works on and would write into what the next start removes.
#[tokio::test]
async fn a2_an_initdb_that_a_killed_start_left_is_ended() {
    let dir = short_dir();
    let fresh = dir.path().join("pgdata.new");
    std::fs::create_dir(&fresh).unwrap();
    let program = dir.path().join("initdb");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let mut left = std::process::Command::new(&program).arg("60").current_dir(&fresh).spawn().unwrap();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    assert!(left.try_wait().unwrap().is_some(), "the left initdb is ended before its directory is taken away");
    cluster.stop().await;
}

/// Ctrl-C in the middle of the first start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a2_a_start_that_is_given_up_leaves_no_initdb() {
    let dir = short_dir();
    let fresh = dir.path().join("pgdata.new");
    let start = tokio::spawn(Cluster::start(config(dir.path())));
    until("initdb never ran", || !working_in(&fresh).is_empty()).await;
    start.abort();
    assert!(start.await.expect_err("given up").is_cancelled());
    until("initdb goes on", || working_in(&fresh).is_empty()).await;
}

#[tokio::test]
async fn a2_a_data_directory_that_is_taken_away_is_named_and_comes_back() {
    let mut cluster = TestCluster::start(&[]).await.unwrap();
    let (data, aside) = (cluster.dir().join("pgdata"), cluster.dir().join("aside"));
    let mut state = cluster.state();
    std::fs::rename(&data, &aside).unwrap();
    cluster.kill_server();
    let gone = |s: &ClusterState| matches!(s, ClusterState::Down { sentence, .. } if sentence.contains("pgdata is gone"));
    tokio::time::timeout(Duration::from_secs(30), state.wait_for(gone)).await.expect("it is said").unwrap();
    std::fs::rename(&aside, &data).unwrap();
    tokio::time::timeout(Duration::from_secs(60), state.wait_for(|s| *s == ClusterState::Ready)).await.expect("it is back").unwrap();
    cluster.stop_server().await;
}

/// I6: who works on a server's files keeps it away from them, however long that takes and whoever dies meanwhile; then it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i6_a_server_stays_away_while_its_files_are_worked_on() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let url = cluster.url("postgres");
    connect(&url).await.unwrap().batch_execute("create table t(i int); insert into t values (1)").await.unwrap();
    let mut state = cluster.state();
    let offline = Offline::begin(&config(cluster.dir())).await.unwrap();
    state.wait_for(|s| matches!(s, ClusterState::Down { .. })).await.unwrap();
    let control = offline.run("pg_controldata", &[]).await.unwrap();
    assert!(control.contains("shut down"), "{control}");
    let refused = offline.run("pg_resetwal", &["--no-such-option"]).await.unwrap_err().to_string();
    assert!(refused.contains("no-such-option"), "{refused}");
    // Whoever began it is gone, and its tool still works: it holds the lock itself.
    let tool = offline.hold_for_test().unwrap();
    drop(offline);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(connect(&url).await.is_err() && cluster.pid().is_none(), "the server was started over a tool at work");
    drop(tool);
    assert_eq!(count(&connect_soon(&url).await).await, 1);
    cluster.state().wait_for(|s| *s == ClusterState::Ready).await.unwrap();
}
