//! The probes' connection, and the sentences for what can be wrong with one, through both drivers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{endpoint, password, pools, tcp_door};
use reeve_adapter::{AdapterError, Endpoint, RoleSettings, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::StoreRole;
use std::time::{Duration, Instant};

fn options() -> WireOptions {
    WireOptions { application_name: "reeve/test".into(), connect_timeout: Duration::from_secs(2), settings: Vec::new() }
}

#[tokio::test]
async fn b3_settings_hold_from_the_first_moment_and_queries_travel_together() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let settings =
        [("lock_timeout", "50ms"), ("statement_timeout", "5s"), ("default_transaction_read_only", "on"), ("search_path", "a, b")];
    let settings = settings.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    let client = wire::connect(&endpoint(&cluster), WireOptions { settings, ..options() }).await.unwrap();
    let rows = tokio::try_join!(
        client.query_one("select current_setting('lock_timeout')", &[]),
        client.query_one("select current_setting('statement_timeout')", &[]),
        client.query_one("select current_setting('default_transaction_read_only')", &[]),
        client.query_one("select current_setting('search_path')", &[]),
        client.query_one("select current_setting('application_name')", &[]),
    )
    .unwrap();
    let text = |row: &tokio_postgres::Row| row.get::<_, String>(0);
    let all = [text(&rows.0), text(&rows.1), text(&rows.2), text(&rows.3), text(&rows.4)];
    assert_eq!(all, ["50ms", "5s", "on", "a, b", "reeve/test"]);
    assert_eq!((client.is_encrypted(), client.major()), (false, Some(cluster.major())));
}

#[tokio::test]
async fn b3_what_runs_out_of_time_is_cancelled_on_the_server() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let (client, watcher) = (wire::connect(&endpoint(&cluster), options()).await.unwrap(), endpoint(&cluster));
    let watcher = wire::connect(&watcher, options()).await.unwrap();
    let begun = Instant::now();
    let error = client.within(Duration::from_millis(100), client.batch_execute("select pg_sleep(60)")).await.unwrap_err();
    assert!(matches!(error, AdapterError::TimedOut { .. }) && begun.elapsed() < Duration::from_secs(3), "{error}");
    let running =
        "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()";
    // The error is sent a moment before the session counts as idle.
    while watcher.query_one(running, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(3), "it runs on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The connection is good for more.
    client.within(Duration::from_secs(5), client.batch_execute("select 1")).await.unwrap();
}

#[tokio::test]
async fn a1_a_server_that_hangs_is_given_up_in_time() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let client = wire::connect(&endpoint(&cluster), options()).await.unwrap();
    let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let signal = |what: &str| assert!(std::process::Command::new("kill").args([what, &pid.to_string()]).status().unwrap().success());
    signal("-STOP");
    let begun = Instant::now();
    let result = client.within(Duration::from_millis(100), client.batch_execute("select 1")).await;
    signal("-CONT");
    assert!(matches!(result, Err(AdapterError::TimedOut { .. })) && begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    tokio::time::timeout(Duration::from_secs(5), client.closed()).await.expect("a connection that doesn't obey is closed");
}

#[tokio::test]
async fn a1_a_lost_connection_is_noticed_at_once() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let client = wire::connect(&endpoint(&cluster), options()).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_secs(10), client.closed());
    cluster.kill_server();
    let (ended, _) = tokio::join!(waiting, client.batch_execute("select pg_sleep(5)"));
    ended.expect("the kill is noticed");
    let error = client.batch_execute("select 1").await.unwrap_err();
    assert!(client.sort(&error).is_transient());
}

/// Both drivers must tell the same and keep the password to themselves.
async fn both_say(url: &str, secret: &str, words: &str) {
    let endpoint = Endpoint::parse(url).unwrap();
    let by_wire = wire::connect(&endpoint, options()).await.unwrap_err();
    let role = RoleSettings::with_defaults(StoreRole::Main, endpoint);
    let by_pool = pools([(StoreRole::Main, role)]).acquire(StoreRole::Main).await.unwrap_err();
    for error in [by_wire, by_pool] {
        let text = format!("{error} {error:?}");
        assert!(error.to_string().contains(words), "wanted {words:?}: {text}");
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a9_what_is_wrong_is_said_in_one_sentence() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let good = password(&cluster);
    both_say(&cluster.url_for("postgres", "wr0ngsecret", "postgres"), "wr0ngsecret", "refuses the login").await;
    both_say(&cluster.url_for("nobody-here", "wr0ngsecret", "postgres"), "wr0ngsecret", "refuses the login").await;
    both_say(&cluster.url("no such database"), &good, "does not exist: create it").await;
    both_say("postgresql:///d?host=/nowhere&user=u&password=s3cretly", "s3cretly", "refuses connections").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    both_say(&format!("postgresql://u:s3cretly@127.0.0.1:{closed}/d"), "s3cretly", "refuses connections").await;
    both_say("postgresql://u:s3cretly@no-such-host.invalid/d", "s3cretly", "unknown").await;
    let port = tcp_door(&cluster).await;
    both_say(&format!("postgresql://postgres:{good}@127.0.0.1:{port}/postgres?sslmode=require"), &good, "does not offer TLS").await;
    // And without the demand it works, by the rule for this machine.
    let plain = Endpoint::parse(&format!("postgresql://postgres:{good}@127.0.0.1:{port}/postgres")).unwrap();
    assert!(!wire::connect(&plain, options()).await.unwrap().is_encrypted());
}

#[tokio::test]
async fn a9_the_limit_of_a_role_or_a_database_is_named_with_its_repair() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let client = wire::connect(&endpoint(&cluster), options()).await.unwrap();
    let roles = "create role small login password 'sm4llish' connection limit 0; create role other login password '0therwise'";
    client.batch_execute(roles).await.unwrap();
    client.batch_execute("create database narrow connection limit 0").await.unwrap();
    for (url, words) in [
        (cluster.url_for("small", "sm4llish", "postgres"), "ALTER ROLE \"small\" CONNECTION LIMIT n"),
        (cluster.url_for("other", "0therwise", "narrow"), "ALTER DATABASE \"narrow\" CONNECTION LIMIT n"),
    ] {
        let error = wire::connect(&Endpoint::parse(&url).unwrap(), options()).await.unwrap_err();
        assert!(matches!(error, AdapterError::TooManyConnections { .. }) && error.to_string().contains(words), "{error}");
    }
}

/// A server that takes the connection and says nothing.
#[tokio::test]
async fn a1_silence_is_given_up_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgresql://u:s3cretly@127.0.0.1:{}/d?connect_timeout=1", silent.local_addr().unwrap().port());
    let begun = Instant::now();
    both_say(&url, "s3cretly", "within 1000 ms").await;
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a1_too_many_connections_and_missing_rights_are_told() {
    let cluster =
        TestCluster::start(&[("max_connections", "5"), ("superuser_reserved_connections", "1"), ("max_wal_senders", "0")]).await.unwrap();
    let client = wire::connect(&endpoint(&cluster), options()).await.unwrap();
    client
        .batch_execute("create role small login password 'sm4ll'; create table secret(); revoke all on secret from public")
        .await
        .unwrap();
    let url = cluster.url_for("small", "sm4ll", "postgres");
    let small = wire::connect(&Endpoint::parse(&url).unwrap(), options()).await.unwrap();
    let denied = small.sort(&small.batch_execute("select from secret").await.unwrap_err());
    assert!(matches!(denied, AdapterError::NoPrivilege { .. }), "{denied}");
    let mut kept = Vec::new();
    let full = loop {
        match wire::connect(&Endpoint::parse(&url).unwrap(), options()).await {
            Ok(client) => kept.push(client),
            Err(error) => break error,
        }
        assert!(kept.len() < 10);
    };
    assert!(matches!(full, AdapterError::TooManyConnections { .. }), "{full}");
    client.batch_execute("begin; lock table secret").await.unwrap();
    let blocked = kept.pop().unwrap();
    blocked.batch_execute("set lock_timeout = '20ms'").await.unwrap();
    client.batch_execute("commit; grant all on secret to small; begin; lock table secret").await.unwrap();
    let locked = blocked.sort(&blocked.batch_execute("select from secret").await.unwrap_err());
    assert!(matches!(locked, AdapterError::LockTimeout { .. }), "{locked}");
    blocked.batch_execute("set statement_timeout = '20ms'").await.unwrap();
    let slow = blocked.sort(&blocked.batch_execute("select pg_sleep(5)").await.unwrap_err());
    assert!(matches!(slow, AdapterError::StatementTimeout { .. }) && !slow.is_transient(), "{slow}");
}
