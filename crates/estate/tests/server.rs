//! Sessions, locks, statements, databases: a cause changes, the figure follows, and goes back.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;

#[tokio::test]
async fn b2_sessions_are_counted_by_state_and_reeves_own_apart() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let mut collector = collector(&url);
    let s = round(&mut collector).await;
    let a = s.activity.value().unwrap();
    assert_eq!((a.total, a.active, a.idle, a.own), (0, 0, 0, 1));
    assert!(a.max > 0 && a.reserved >= 3 && a.hidden == 0);

    let idle = connect(&url).await;
    let transaction = connect(&url).await;
    let transaction_pid: i32 = transaction.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    transaction.batch_execute("BEGIN; SELECT 1").await.unwrap();
    let aborted = connect(&url).await;
    aborted.batch_execute("BEGIN").await.unwrap();
    aborted.batch_execute("SELECT 1/0").await.expect_err("division by zero");
    let busy = connect(&url).await;
    let busy_pid: i32 = busy.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let sleep = tokio::spawn(async move { busy.batch_execute("SELECT pg_sleep(60)").await });
    let s = until(&mut collector, "four sessions", |s| s.activity.value().is_some_and(|a| a.total == 4 && a.active == 1)).await;
    let a = s.activity.value().unwrap();
    assert_eq!((a.idle, a.idle_in_transaction, a.waiting, a.own), (1, 2, 0, 1));
    assert!(a.longest_transaction_s.is_some() && a.longest_query_s.is_some() && a.longest_idle_in_transaction_s.is_some());
    let name = |by: &Option<reeve_model::snapshot::SessionRef>| by.as_ref().map(|s| (s.pid, s.application.clone()));
    assert_eq!(name(&a.longest_query_by), Some((busy_pid, "a test".to_owned())));
    assert_eq!(name(&a.longest_idle_in_transaction_by), Some((transaction_pid, "a test".to_owned())));
    assert_eq!(name(&a.longest_transaction_by), Some((transaction_pid, "a test".to_owned())));

    sleep.abort();
    drop((idle, transaction, aborted));
    let admin = connect(&url).await;
    admin.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'", &[]).await.unwrap();
    drop(admin);
    let s = until(&mut collector, "all gone", |s| s.activity.value().is_some_and(|a| a.total == 0)).await;
    assert_eq!(s.activity.value().unwrap().longest_transaction_s, None);
}

#[tokio::test]
async fn b5_a_lock_chain_names_its_root() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let root = connect(&url).await;
    root.batch_execute("CREATE TABLE t(id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)").await.unwrap();
    root.batch_execute("BEGIN; UPDATE t SET n = 1 WHERE id = 1").await.unwrap();
    let root_pid: i32 = root.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let middle = connect(&url).await;
    middle.batch_execute("BEGIN; UPDATE t SET n = 2 WHERE id = 2").await.unwrap();
    let middle_pid: i32 = middle.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let first = tokio::spawn(async move { middle.batch_execute("UPDATE t SET n = 2 WHERE id = 1; COMMIT").await });
    let last = connect(&url).await;
    let second = tokio::spawn(async move { last.batch_execute("UPDATE t SET n = 3 WHERE id = 2").await });
    let mut collector = collector(&url);
    let s = until(&mut collector, "two waits", |s| s.locks.value().is_some_and(|l| l.waits.len() == 2)).await;
    let locks = s.locks.value().unwrap();
    assert_eq!(locks.waiting, 2);
    let activity = s.activity.value().unwrap();
    assert_eq!((activity.waiting, activity.longest_query_s), (2, None), "who waits for a lock isn't running");
    assert_eq!(activity.longest_idle_in_transaction_by.as_ref().map(|s| s.pid), Some(root_pid));
    for wait in &locks.waits {
        assert_eq!(wait.root_pid, Some(root_pid), "{locks:#?}");
        assert_eq!(wait.root_state.as_deref(), Some("idle in transaction"));
        assert_eq!(wait.database.as_deref(), Some("postgres"));
        assert!(wait.waited_s.is_some() && !wait.mode.is_empty());
    }
    assert!(locks.waits.iter().any(|w| w.blocked_by == [middle_pid]));
    root.batch_execute("COMMIT").await.unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let s = until(&mut collector, "no waits", |s| s.locks.value().is_some_and(|l| l.waiting == 0)).await;
    assert!(s.locks.value().unwrap().waits.is_empty());
}

#[tokio::test]
async fn b5_statements_are_counted_exactly_and_a_reset_yields_nothing() {
    let cluster = cluster().await;
    let db = connect(&cluster.url("postgres")).await;
    db.batch_execute("CREATE SCHEMA \"odd \"\"one\"; CREATE EXTENSION pg_stat_statements SCHEMA \"odd \"\"one\"; CREATE ROLE app LOGIN PASSWORD 'secret'")
        .await
        .unwrap();
    let app = connect(&cluster.url_for("app", "secret", "postgres")).await;
    app.batch_execute("SELECT 1 AS known_one").await.unwrap();
    let mut collector = collector(&cluster.url("postgres"));
    let s = round(&mut collector).await;
    let first = s.statements.value().unwrap();
    assert_eq!((first.window_s, first.calls_per_s, first.top.len()), (0.0, None, 0));

    for _ in 0..7 {
        app.batch_execute("SELECT 1 AS known_one").await.unwrap();
    }
    let rows = app.query("SELECT g AS known_rows FROM generate_series(1, 50) g", &[]).await.unwrap();
    assert_eq!(rows.len(), 50);
    let s = round(&mut collector).await;
    let found = s.statements.value().unwrap();
    let of = |text: &str| found.top.iter().find(|r| r.text.as_deref().is_some_and(|t| t.contains(text)));
    let known = of("known_one").unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!((known.calls, known.user.as_str(), known.database.as_str()), (7, "app", "postgres"));
    assert_eq!(of("known_rows").unwrap().rows, 50);
    assert_eq!(found.top.iter().map(|r| r.calls).sum::<i64>(), 8, "Reeve's own role is left out: {found:#?}");
    assert!(found.window_s > 0.0 && found.calls_per_s.unwrap() > 0.0 && found.p99_of_means_ms.is_some() && found.evicted == Some(0));
    assert!(s.probes.iter().filter(|p| p.server_ms.is_some_and(|ms| ms > 0.0)).count() > 5, "{:#?}", s.probes);

    db.execute("SELECT \"odd \"\"one\".pg_stat_statements_reset()", &[]).await.unwrap();
    app.batch_execute("SELECT 1 AS known_one").await.unwrap();
    let s = round(&mut collector).await;
    assert_eq!((s.statements.value().unwrap().calls_per_s, s.statements.value().unwrap().top.len()), (None, 0), "{:?}", troubled(&s));
    app.batch_execute("SELECT 1 AS known_one").await.unwrap();
    let s = round(&mut collector).await;
    assert_eq!(s.statements.value().unwrap().top.iter().map(|r| r.calls).sum::<i64>(), 1);
}

#[tokio::test]
async fn a9_a_missing_extension_is_unavailable_and_says_what_to_run() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let mut collector = collector(&url);
    let s = round(&mut collector).await;
    assert!(s.statements.why().unwrap().contains("CREATE EXTENSION pg_stat_statements"), "{:?}", s.statements);
    assert!(s.io.why().unwrap().contains("Needs PostgreSQL 16"), "{:?}", s.io);
    let report = reeve_estate::check(collector.spec()).await.unwrap();
    assert!(report.version.starts_with("PostgreSQL 1") && report.missing.len() == 1 && report.latency_ms > 0.0, "{report:?}");
    connect(&url).await.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    until(&mut collector, "statements", |s| s.statements.why().is_none() && s.statements.value().is_some()).await;
    assert!(reeve_estate::check(collector.spec()).await.unwrap().missing.is_empty());
}

#[tokio::test]
async fn a6_every_user_database_is_read_and_a_dropped_one_forgotten() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    for name in ["rdsadmin", "two", "th\"ree"] {
        db.batch_execute(&format!("CREATE DATABASE {}", reeve_estate::probe::quote_identifier(name))).await.unwrap();
        connect(&cluster.url(name)).await.batch_execute("CREATE TABLE here(id int)").await.unwrap();
    }
    let mut collector = collector(&url);
    let s = round(&mut collector).await;
    assert_eq!(s.tables.keys().collect::<Vec<_>>(), ["postgres", "th\"ree", "two"]);
    assert_eq!(tables(&s, "two").tables[0].name, "here");
    assert_eq!(s.activity.value().unwrap().total, 1, "only the test's own session");
    let names: Vec<&str> = s.databases.value().unwrap().iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["postgres", "th\"ree", "two"]);
    assert!(s.databases.value().unwrap().iter().all(|d| d.size_bytes.is_some_and(|b| b > 1_000_000)));
    db.batch_execute("DROP DATABASE \"th\"\"ree\" WITH (FORCE)").await.unwrap();
    let s = until(&mut collector, "it is gone", |s| s.tables.len() == 2).await;
    assert_eq!(s.databases.value().unwrap().len(), 2);
}

#[tokio::test]
async fn b2_counters_wal_settings_and_ages_are_read() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    let mut collector = collector(&url);
    let first = until(&mut collector, "up", |s| s.wal.value().is_some()).await;
    assert_eq!(first.rates.value(), None, "there is nothing to compare with");
    db.batch_execute(
        "CREATE TABLE t AS SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g; ALTER DATABASE postgres SET lock_timeout = '7s'",
    )
    .await
    .unwrap();
    let s = until(&mut collector, "WAL", |s| s.rates.value().is_some_and(|r| r.wal_bytes.is_some_and(|b| b > 100_000.0))).await;
    assert!(s.rates.value().unwrap().commits.is_some());
    assert!(s.wal.value().unwrap().position_bytes > first.wal.value().unwrap().position_bytes);
    assert_eq!(s.wal.value().unwrap().archived, None);
    assert!(s.checkpoints.value().is_some() && s.replication.value().unwrap().standbys.is_empty());
    let w = s.wraparound.value().unwrap();
    assert!(w.oldest_xid_age > 0 && w.freeze_max_age > 0);
    let setting = |name: &str| s.settings.value().unwrap().iter().find(|x| x.name == name).unwrap();
    assert_eq!(setting("fsync").value, "off");
    assert_eq!(setting("autovacuum").value, "off");
    assert_eq!((setting("lock_timeout").value.as_str(), setting("lock_timeout").source.as_str()), ("7s", "database"));
    assert_eq!(setting("statement_timeout").value, "0", "not Reeve's own");
    let server = s.server.as_ref().unwrap();
    assert!(server.version_num >= 130_000 && !server.standby && !server.tls && server.user == "postgres");
    let slot = "SELECT pg_create_physical_replication_slot('kept', true)";
    db.execute(slot, &[]).await.unwrap();
    let s = round(&mut collector).await;
    let slots = &s.replication.value().unwrap().slots;
    assert_eq!((slots[0].name.as_str(), slots[0].active), ("kept", false));
    assert!(slots[0].retained_bytes.is_some());
    assert!(troubled(&s).iter().all(|t| t.starts_with("io") || t.starts_with("statements")), "{:?}", troubled(&s));
}

/// B3: a server that costs more than the budget allows is looked at less often, and the intervals shown say so.
#[tokio::test]
async fn b3_the_budget_slows_the_collector_down() {
    let cluster = cluster().await;
    let mut spec = common::spec(&cluster.url("postgres"));
    spec.cadence = reeve_estate::Cadence { live_ms: 100, critical_ms: 100, metrics_ms: 100, health_ms: 100, budget_permille: 5 };
    let mut collector = reeve_estate::Collector::new(spec);
    let first = collector.round(false).await;
    assert!(first.pace.load_ratio > first.pace.budget_ratio && first.pace.stretch_other > 1.0, "{:?}", first.pace);
    tokio::time::sleep_until(collector.next_due(false)).await;
    collector.round(false).await;
    let slowed = collector.snapshot();
    assert!(slowed.probes.iter().any(|p| p.every_ms > 100), "{:?}", slowed.probes);
    collector.close().await;
}
