//! Sessions on demand, and ending one (SPEC B5).
#![allow(clippy::unwrap_used)]

mod common;

use common::{cluster, connect, spec};
use reeve_adapter::WireClient;
use reeve_cluster::testing::TestCluster;
use reeve_estate::activity::{Looker, Signalled, signal};
use reeve_model::activity::{SessionOrder, SessionRow, SessionSignal, SessionState, Sessions};
use std::time::Duration;

const ROLES: &str = "CREATE ROLE reeve LOGIN PASSWORD 'secret' IN ROLE pg_monitor; CREATE ROLE app LOGIN PASSWORD 'secret';
    CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0); GRANT ALL ON t TO app";

async fn app(cluster: &TestCluster) -> (WireClient, i32) {
    let client = connect(&cluster.url_for("app", "secret", "postgres")).await;
    let pid = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    (client, pid)
}

/// An order about a session as it was seen.
fn order(row: &SessionRow, signal: SessionSignal) -> SessionOrder {
    SessionOrder { pid: row.pid, started_at: row.started_at, seen: row.seen(signal), signal, typed: row.pid.to_string() }
}

fn of(sessions: &Sessions, pid: i32) -> &SessionRow {
    sessions.rows.iter().find(|r| r.pid == pid).unwrap_or_else(|| panic!("{pid} is not among {:#?}", sessions.rows))
}

#[tokio::test]
async fn b5_sessions_tell_what_they_do_and_the_tree_who_waits_for_whom() {
    let cluster = cluster().await;
    connect(&cluster.url("postgres")).await.batch_execute(ROLES).await.unwrap();
    let spec = spec(&cluster.url_for("reeve", "secret", "postgres"));
    let (root, root_pid) = app(&cluster).await;
    root.batch_execute("BEGIN; UPDATE t SET n = 1 WHERE id = 1").await.unwrap();
    let (middle, middle_pid) = app(&cluster).await;
    middle.batch_execute("BEGIN; UPDATE t SET n = 2 WHERE id = 2").await.unwrap();
    let first = tokio::spawn(async move { middle.batch_execute("UPDATE t SET n = 2 WHERE id = 1").await });
    let (last, last_pid) = app(&cluster).await;
    let second = tokio::spawn(async move { last.batch_execute("UPDATE t SET n = 3 WHERE id = 2").await });
    let (_idle, idle_pid) = app(&cluster).await;

    let mut looker = Looker::new(spec.clone());
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    let sessions = loop {
        let sessions = looker.look().await.unwrap();
        if sessions.lock_tree().len() == 3 {
            break sessions;
        }
        assert!(tokio::time::Instant::now() < end, "{sessions:#?}");
    };
    let tree: Vec<_> = sessions.lock_tree().into_iter().map(|b| (b.pid, b.depth, b.waiters)).collect();
    assert_eq!(tree, [(root_pid, 0, 2), (middle_pid, 1, 1), (last_pid, 2, 0)]);
    let root_row = of(&sessions, root_pid);
    assert_eq!(
        (root_row.state, root_row.user.as_deref(), root_row.database.as_deref()),
        (SessionState::IdleInTransaction, Some("app"), Some("postgres"))
    );
    assert!(root_row.transaction_s.is_some() && root_row.xmin_age.is_some() && root_row.protected().is_none());
    let waits = of(&sessions, last_pid);
    assert_eq!((waits.state, waits.blocked_by.as_slice()), (SessionState::Active, &[middle_pid][..]));
    assert!(
        waits.wait.as_deref().is_some_and(|w| w.starts_with("Lock: "))
            && waits.statement.as_deref().is_some_and(|s| s.contains("SET n = 3"))
    );
    assert_eq!(of(&sessions, idle_pid).state, SessionState::Idle);
    assert!(sessions.total >= 4 && sessions.hidden == 0);
    let holds = sessions.holders.iter().find(|h| h.pid == Some(root_pid)).unwrap();
    assert!(holds.kind == "session" && holds.name == "app a test" && holds.age >= 1, "{holds:?}");
    // Looking again takes the same connection, and none is left when it is closed.
    let own = "SELECT count(*)::int4, min(pid) FROM pg_stat_activity WHERE application_name = 'reeve/activity'";
    let admin = connect(&cluster.url("postgres")).await;
    let before = admin.query_one(own, &[]).await.unwrap();
    looker.look().await.unwrap();
    let after = admin.query_one(own, &[]).await.unwrap();
    assert_eq!((before.get::<_, i32>(0), before.get::<_, i32>(1)), (1, after.get::<_, i32>(1)));
    looker.close();
    assert!(!looker.is_open());

    // Without the right nothing is done, and the sentence has the grant.
    let refused = signal(&spec, &order(root_row, SessionSignal::Terminate)).await.unwrap();
    assert!(matches!(&refused, Signalled::Refused(why) if why.contains("GRANT pg_signal_backend TO \"reeve\"")), "{refused:?}");
    connect(&cluster.url("postgres")).await.batch_execute("GRANT pg_signal_backend TO reeve").await.unwrap();
    // Another session that got the pid is not meant.
    let other = signal(&spec, &SessionOrder { started_at: root_row.started_at.plus_ms(1), ..order(root_row, SessionSignal::Terminate) })
        .await
        .unwrap();
    assert_eq!(other, Signalled::Gone);
    assert_eq!(signal(&spec, &order(root_row, SessionSignal::Terminate)).await.unwrap(), Signalled::Sent("app@postgres (a test)".into()));
    first.await.unwrap().unwrap();
    drop(root);
    // The middle's transaction goes on: its client left, so the last one gets its row when that session ends.
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn b5_a_cancel_ends_the_statement_and_superusers_and_reeves_own_are_left_alone() {
    let cluster = cluster().await;
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(ROLES).await.unwrap();
    admin.batch_execute("GRANT pg_signal_backend TO reeve").await.unwrap();
    let admin_pid: i32 = admin.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let spec = spec(&cluster.url_for("reeve", "secret", "postgres"));
    let (slow, slow_pid) = app(&cluster).await;
    let slow = tokio::spawn(async move { slow.batch_execute("SELECT pg_sleep(600)").await.map_err(|e| e.code().cloned()) });
    let mut looker = Looker::new(spec.clone());
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    let seen = loop {
        let seen = of(&looker.look().await.unwrap(), slow_pid).clone();
        if seen.state == SessionState::Active {
            break seen;
        }
        assert!(tokio::time::Instant::now() < end, "{seen:#?}");
    };
    // What it ran before, or runs after, is not meant.
    let other = SessionOrder { seen: seen.statement_at.map(|at| at.plus_ms(-1)), ..order(&seen, SessionSignal::Cancel) };
    let refused = signal(&spec, &other).await.unwrap();
    assert!(matches!(&refused, Signalled::Refused(why) if why.contains("Look again")), "{refused:?}");
    assert_eq!(signal(&spec, &order(&seen, SessionSignal::Cancel)).await.unwrap(), Signalled::Sent("app@postgres (a test)".into()));
    assert_eq!(slow.await.unwrap(), Err(Some(tokio_postgres::error::SqlState::QUERY_CANCELED)));

    let sessions = Looker::new(spec.clone()).look().await.unwrap();
    let root = of(&sessions, admin_pid);
    assert!(root.superuser && root.protected().is_some());
    let refused = signal(&spec, &order(root, SessionSignal::Terminate)).await.unwrap();
    assert!(matches!(&refused, Signalled::Refused(why) if why.contains("superuser")), "{refused:?}");
    admin.batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn b2_what_holds_vacuum_back_is_named_and_maintenance_under_way_is_shown() {
    let cluster = TestCluster::start(&[("max_prepared_transactions", "2")]).await.unwrap();
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(ROLES).await.unwrap();
    admin.batch_execute("BEGIN; UPDATE t SET n = 5 WHERE id = 1; PREPARE TRANSACTION 'left behind'").await.unwrap();
    // Held open at its first block by a lock on the row's page is not possible: a slow vacuum is.
    admin.batch_execute("CREATE TABLE big AS SELECT g AS id, repeat('x', 400) AS t FROM generate_series(1, 60000) g").await.unwrap();
    let slow = connect(&cluster.url("postgres")).await;
    slow.batch_execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1").await.unwrap();
    let stop = slow.cancel_token();
    let vacuum = tokio::spawn(async move { slow.batch_execute("VACUUM big").await });
    let mut looker = Looker::new(spec(&cluster.url_for("reeve", "secret", "postgres")));
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    let sessions = loop {
        let sessions = looker.look().await.unwrap();
        if !sessions.progress.is_empty() {
            break sessions;
        }
        assert!(tokio::time::Instant::now() < end, "{sessions:#?}");
    };
    let prepared = sessions.holders.iter().find(|h| h.kind == "prepared transaction").unwrap();
    assert!(prepared.name == "left behind" && prepared.pid.is_none() && prepared.age >= 1, "{prepared:?}");
    let vacuums: Vec<_> = sessions.progress.iter().map(|p| (p.what.as_str(), p.relation.as_deref(), p.database.as_deref())).collect();
    assert_eq!(vacuums, [("VACUUM", Some("public.big"), Some("postgres"))]);
    let vacuuming = sessions.progress[0].pid;
    assert!(!sessions.holders.iter().any(|h| h.pid == Some(vacuuming)), "a vacuum holds no other back: {:#?}", sessions.holders);
    assert!(sessions.progress[0].done_ratio.is_some_and(|done| done < 1.0));
    stop.cancel_query(tokio_postgres::NoTls).await.unwrap();
    assert!(vacuum.await.unwrap().is_err());
}

#[tokio::test]
async fn b5_a_server_that_hangs_or_comes_back_is_told_and_looked_at_again() {
    let cluster = cluster().await;
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(ROLES).await.unwrap();
    let mut looker = Looker::new(spec(&cluster.url_for("reeve", "secret", "postgres")));
    looker.look().await.unwrap();
    admin.batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reeve/activity'").await.unwrap();
    // At most the look that finds the connection gone fails; it leaves nothing behind that keeps the next from working.
    if looker.look().await.is_err() {
        assert!(!looker.is_open());
    }
    assert!(!looker.look().await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a7_without_pg_monitor_others_are_counted_and_left_alone() {
    let cluster = cluster().await;
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(ROLES).await.unwrap();
    admin.batch_execute("CREATE ROLE bare LOGIN PASSWORD 'secret'; GRANT pg_signal_backend TO bare").await.unwrap();
    let (_other, pid) = app(&cluster).await;
    let spec = spec(&cluster.url_for("bare", "secret", "postgres"));
    let sessions = Looker::new(spec.clone()).look().await.unwrap();
    assert!(sessions.hidden >= 2, "{sessions:#?}");
    let row = of(&sessions, pid);
    assert!(row.hidden && row.protected().is_some_and(|why| why.contains("pg_monitor")), "{row:#?}");
    let refused = signal(&spec, &order(row, SessionSignal::Terminate)).await.unwrap();
    assert!(matches!(&refused, Signalled::Refused(why) if why.contains("pg_monitor")), "{refused:?}");
}

/// A server without a connection left is looked at, and a session of it ended, over the one that the collector keeps.
#[tokio::test]
async fn b5_in_a_flood_of_connections_sessions_are_seen_and_ended_over_the_kept_one() {
    let settings = [("max_connections", "10"), ("superuser_reserved_connections", "2"), ("autovacuum", "off")];
    let cluster = TestCluster::start(&settings).await.unwrap();
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(ROLES).await.unwrap();
    admin.batch_execute("GRANT pg_signal_backend TO reeve").await.unwrap();
    let spec = spec(&cluster.url_for("reeve", "secret", "postgres"));
    let mut collector = reeve_estate::Collector::new(spec.clone());
    common::until(&mut collector, "it answers", |s| matches!(s.reach, reeve_model::Reach::Up { .. })).await;
    let options = || reeve_adapter::WireOptions::new("flood");
    let endpoint = reeve_adapter::Endpoint::parse(&cluster.url_for("app", "secret", "postgres")).unwrap();
    let mut flood = Vec::new();
    while let Ok(client) = reeve_adapter::wire::connect(&endpoint, options()).await {
        flood.push(client);
    }
    assert!(flood.len() >= 4, "{}", flood.len());
    // A stranger gets nothing; one who knows the collector does.
    let stranger = common::spec(&cluster.url_for("reeve", "secret", "postgres"));
    let refused = Looker::new(stranger).look().await.unwrap_err();
    assert!(matches!(refused, reeve_adapter::AdapterError::TooManyConnections { .. }), "{refused}");
    let mut looker = Looker::new(spec.clone());
    let sessions = looker.look().await.unwrap();
    assert!(!looker.is_open(), "what is lent is not kept");
    let one = sessions.rows.iter().find(|row| row.application == "flood").expect("who has them all");
    assert!(matches!(signal(&spec, &order(one, SessionSignal::Terminate)).await.unwrap(), Signalled::Sent(_)));
    // Now there is one again, and the collector goes on with its own.
    assert!(looker.look().await.unwrap().rows.iter().all(|row| row.pid != one.pid));
    let round = common::round(&mut collector).await;
    assert!(round.activity.why().is_none(), "{:?}", round.activity.why());
}
