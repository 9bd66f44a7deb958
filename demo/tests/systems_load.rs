//! Loading the other systems and keeping them alive, on a real server (SPEC I2 to I6).
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Mutex;
use std::time::Duration;

use reeve_cluster::testing::TestCluster;
use reeve_demo::DemoError;
use reeve_demo::systems::{DATABASES, SystemsOptions, SystemsWorkload, load, statements};
use support::{application, connect, databases, list, system_passwords, systems, until};
use tokio::sync::oneshot;

#[tokio::test(flavor = "multi_thread")]
async fn i3_load_resumes_after_an_abort_is_idempotent_and_leaves_others_alone() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let (url, passwords) = (|database: &str| cluster.url(database), system_passwords());
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let wanted = databases(&["parafort_main", "parafort_compliance", "parafort_documents", "higherup"]);
    tokio::select! {
        // Ends the first load in the middle, as a killed process would.
        done = load(&wanted, url, &passwords, |_| {
            if let Some(tell) = tell.lock().unwrap().take() {
                tell.send(()).unwrap();
            }
        }) => panic!("the load was not ended: {done:?}"),
        first = told => first.unwrap(),
    }
    // And one that lost its mark, as a killed load leaves it.
    let admin = connect(&cluster.url("postgres")).await.unwrap();
    let second = load(&wanted, url, &passwords, |_| {}).await.unwrap();
    let kept: Vec<_> = second.loaded.iter().filter(|loaded| loaded.already_loaded).map(|loaded| loaded.database).collect();
    assert!(!kept.is_empty() && kept.len() < wanted.len(), "what was complete stays: {kept:?}");
    admin.batch_execute("COMMENT ON DATABASE parafort_main IS NULL").await.unwrap();
    let third = load(&wanted, url, &passwords, |_| {}).await.unwrap();
    let made: Vec<_> = third.loaded.iter().filter(|loaded| !loaded.already_loaded).map(|loaded| loaded.database).collect();
    assert_eq!(made, ["parafort_main"]);
    let main = connect(&cluster.url("parafort_main")).await.unwrap();
    assert_eq!(list(&main, "SELECT count(*)::text FROM users").await, ["4000"]);

    admin.batch_execute("DROP DATABASE higherup WITH (FORCE); ").await.unwrap();
    admin.batch_execute("CREATE DATABASE higherup").await.unwrap();
    let error = load(&wanted, url, &passwords, |_| {}).await.unwrap_err();
    assert!(matches!(&error, DemoError::DatabaseNotOurs { database, .. } if database == "higherup"), "{error}");
}

/// Foreign keys that no index leads with, and tables without a primary key.
const SLOPPY: &str = "
    SELECT c.conrelid::regclass || ': ' || pg_get_constraintdef(c.oid) FROM pg_constraint c
     WHERE c.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.conrelid AND x.indisvalid AND x.indkey[0] = c.conkey[1])
    UNION ALL
    SELECT r.oid::regclass::text FROM pg_class r
     WHERE r.relkind IN ('r', 'p') AND r.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = r.oid AND c.contype = 'p')
    UNION ALL
    SELECT relid::regclass::text || ' was never analysed' FROM pg_stat_user_tables WHERE last_analyze IS NULL AND last_autoanalyze IS NULL";

/// Indexes that nothing used; those that keep something unique or are for a foreign key are for more than reading, and a month that has no
/// rows yet needs none.
const UNUSED: &str = "
    SELECT s.relname || '.' || s.indexrelname FROM pg_stat_user_indexes s JOIN pg_index x USING (indexrelid) JOIN pg_class r ON r.oid = s.relid
     WHERE s.idx_scan = 0 AND NOT x.indisunique AND NOT r.relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = s.relid AND c.conkey[1] = x.indkey[0])";

#[tokio::test(flavor = "multi_thread")]
async fn i6_all_systems_are_clean_and_their_workload_errs_never_and_uses_every_index() {
    let names: Vec<&str> = DATABASES.iter().map(|database| database.name).collect();
    let (cluster, systems) = systems(&names).await;
    let bytes: u64 = systems.loaded.iter().map(|loaded| loaded.bytes).sum();
    assert!(bytes < 150_000_000, "{bytes} bytes");
    let mut options = SystemsOptions::default();
    (options.rate, options.seed) = (400.0, Some(7));
    let workload = SystemsWorkload::start(&systems.app_urls, None, &options).unwrap();
    for name in names {
        let client = connect(&cluster.url(name)).await.unwrap();
        assert_eq!(list(&client, SLOPPY).await, Vec::<String>::new(), "{name}");
        until(&format!("every index of {name} is used"), Duration::from_secs(60), async || list(&client, UNUSED).await.is_empty()).await;
    }
    let done = workload.stop().await;
    assert!(done.errors == 0 && done.commits > 1_000 && done.connects == 7, "{done:?}");
}

/// What the workload adds to, and how its rows are made older than it keeps them.
const GROWING: &[(&str, &str, &str)] = &[
    ("financial_kingdom", "portfolio_snapshots", "UPDATE portfolio_snapshots SET taken_at = taken_at - interval '2 hours' WHERE live"),
    ("financial_kingdom", "user_sessions", "UPDATE user_sessions SET expires_at = now() - interval '1 hour'"),
    ("futuresync", "analytics_events", "UPDATE analytics_events SET occurred_at = occurred_at - interval '2 hours' WHERE NOT imported"),
    ("futuresync", "audit_log", "UPDATE audit_log SET occurred_at = occurred_at - interval '2 hours' WHERE NOT imported"),
    ("futuresync", "daily_actions", "UPDATE daily_actions SET deleted_at = now() - interval '1 hour' WHERE NOT imported"),
    ("higherup", "audit_log", "UPDATE audit_log SET changed_at = changed_at - interval '2 hours'"),
    ("higherup", "activities", "UPDATE activities SET happened_at = happened_at - interval '2 hours'"),
    ("higherup", "contacts", "UPDATE contacts SET created_at = created_at - interval '2 hours' WHERE company = 'Web form'"),
];

#[tokio::test(flavor = "multi_thread")]
async fn i6_what_the_workload_writes_is_trimmed() {
    let (cluster, systems) = systems(&["financial_kingdom", "futuresync", "higherup"]).await;
    let mut clients = Vec::new();
    for (database, table, _) in GROWING {
        let client = connect(&cluster.url(database)).await.unwrap();
        let count = format!("SELECT count(*)::text FROM {table}");
        let loaded: i64 = list(&client, &count).await[0].parse().unwrap();
        clients.push((client, count, loaded));
    }
    let mut options = SystemsOptions::default();
    options.rate = 300.0;
    let workload = SystemsWorkload::start(&systems.app_urls, None, &options).unwrap();
    for ((client, count, loaded), (database, table, _)) in clients.iter().zip(GROWING) {
        until(&format!("{database}.{table} grows"), Duration::from_secs(60), async || {
            list(client, count).await[0].parse::<i64>().unwrap() > *loaded
        })
        .await;
    }
    workload.stop().await;
    // The server ends what a session that is gone had begun, and may still commit it.
    let left = "SELECT count(*)::text FROM pg_stat_activity WHERE usename LIKE '%\\_app'";
    until("the workload's sessions are gone", Duration::from_secs(30), async || list(&clients[0].0, left).await == ["0"]).await;
    for ((client, ..), (.., age)) in clients.iter().zip(GROWING) {
        client.batch_execute(age).await.unwrap();
    }
    for database in databases(&["financial_kingdom", "futuresync", "higherup"]) {
        let app = application(&systems, database.name).await;
        let rounds = statements::read(&database).unwrap().into_iter().filter(|s| matches!(s.turn, statements::Turn::Every(_)));
        for statement in rounds {
            app.batch_execute(statement.sql).await.unwrap_or_else(|error| panic!("{}: {error:?}", statement.about));
        }
    }
    for ((client, count, loaded), (database, table, _)) in clients.iter().zip(GROWING) {
        let left: i64 = list(client, count).await[0].parse().unwrap();
        // Trimming a contact is written down as well.
        let trimmed = if *table == "audit_log" && *database == "higherup" { *loaded + 5_000 } else { *loaded };
        assert!(left <= trimmed, "{database}.{table}: {loaded} rows were loaded, {left} are left");
    }
}
