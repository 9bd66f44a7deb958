//! Preparing and loading on a real server (SPEC I1).
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reeve_demo::{DemoError, Stage, load};
use secrecy::ExposeSecret;
use support::{connect, list, prepared};
use tokio::sync::oneshot;

const TABLES: &str = "SELECT schemaname || '.' || tablename FROM pg_tables \
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";

#[tokio::test(flavor = "multi_thread")]
async fn i1_load_resumes_after_an_abort_and_is_idempotent() {
    let (cluster, logins) = prepared().await;
    let url = logins.owner_url.expose_secret().to_owned();

    // Ends the first load in the middle of its rows, as a killed process would.
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let first_url = url.clone();
    let first = tokio::spawn(async move {
        load(&first_url, |step| {
            if step.stage == Stage::Rows
                && step.done == 120
                && let Some(tell) = tell.lock().unwrap().take()
            {
                let _ = tell.send(());
            }
        })
        .await
    });
    told.await.expect("the load reaches its rows");
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    let stages = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&stages);
    let report = load(&url, move |step| seen.lock().unwrap().push((step.stage, step.done, step.total))).await.unwrap();
    assert!(!report.already_loaded);
    assert_eq!((report.tables, report.rows > 300_000), (299, true), "{report:?}");
    assert!((130_000_000..190_000_000).contains(&report.bytes), "{} bytes", report.bytes);
    assert!(report.foreign_keys >= 250);
    let stages = stages.lock().unwrap().clone();
    assert_eq!(stages.iter().filter(|(stage, ..)| *stage == Stage::Clearing).count(), 8, "what was left is cleared");
    assert!(stages.contains(&(Stage::Rows, 299, 299)) && stages.contains(&(Stage::Statistics, 299, 299)));

    let again = load(&url, |step| panic!("a complete estate needs no {:?}", step.stage)).await.unwrap();
    assert!(again.already_loaded && again.elapsed < Duration::from_secs(5), "{again:?}");
    assert_eq!((again.tables, again.foreign_keys, again.indexes), (299, report.foreign_keys, report.indexes));

    let client = connect(&cluster.url("findawise")).await.unwrap();
    let tables = list(&client, TABLES).await;
    assert_eq!(tables.len(), 299, "no table beside the 299");
    let exact = "SELECT (SELECT count(*) FROM core.users)::text || ' ' || (SELECT max(id) FROM core.users) || ' ' ||
                 (SELECT nextval(pg_get_serial_sequence('core.users', 'id')))";
    let users = reeve_demo::Estate::findawise().unwrap().table("core.users").unwrap().rows;
    assert_eq!(list(&client, exact).await, [format!("{users} {users} {}", users + 1)]);
    // Statistics are true from the start, the bloated table's dead rows included.
    let untrue = "SELECT s.relname::text FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid \
                  WHERE abs(s.n_live_tup - c.reltuples) > 0.1 * c.reltuples + 10 OR c.reltuples < 1";
    assert_eq!(list(&client, untrue).await, Vec::<String>::new());
    let recent = "SELECT (max(occurred_at) > now() - interval '1 day' AND min(occurred_at) < now() - interval '500 days')::text \
                  FROM core.events";
    assert_eq!(list(&client, recent).await, ["true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_logins_have_their_rights_and_no_more() {
    let (cluster, logins) = prepared().await;
    // A second time changes nothing and works.
    reeve_demo::prepare(|database| cluster.url(database), &support::passwords()).await.unwrap();

    let owner = connect(logins.owner_url.expose_secret()).await.unwrap();
    owner.batch_execute("CREATE SCHEMA trial; CREATE TABLE trial.notes (id int); INSERT INTO trial.notes VALUES (1)").await.unwrap();
    let app = connect(logins.app_url.expose_secret()).await.unwrap();
    app.batch_execute("INSERT INTO trial.notes VALUES (2)").await.expect("the application writes rows");
    app.batch_execute("DROP TABLE trial.notes").await.expect_err("and drops nothing");
    let monitor = connect(logins.monitor_url.expose_secret()).await.unwrap();
    monitor.query("SELECT * FROM trial.notes", &[]).await.expect_err("the monitor reads no rows");
    monitor.query("SELECT query FROM pg_stat_statements LIMIT 1", &[]).await.expect("the monitor reads statistics");
    let limit = "SELECT rolconnlimit::text || ' ' || rolsuper::text FROM pg_roles WHERE rolname = 'reeve_monitor'";
    assert_eq!(list(&monitor, limit).await, ["10 false"]);
    let admin = connect(&cluster.url("findawise")).await.unwrap();
    let recorded = "SELECT query FROM pg_stat_statements WHERE query ILIKE '%ROLE%PASSWORD%' AND query NOT ILIKE '%pg_stat_statements%'";
    assert_eq!(list(&admin, recorded).await, Vec::<String>::new(), "no verifier among the recorded statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_schemas_of_somebody_else_are_left_alone() {
    let (cluster, logins) = prepared().await;
    let admin = connect(&cluster.url("findawise")).await.unwrap();
    admin.batch_execute("CREATE SCHEMA core; CREATE TABLE core.precious (id int)").await.unwrap();
    let error = load(logins.owner_url.expose_secret(), |_| {}).await.unwrap_err();
    assert!(matches!(&error, DemoError::NotOurs { schema, .. } if schema == "core"), "{error}");
    assert_eq!(list(&admin, TABLES).await, ["core.precious"]);
}

#[tokio::test]
async fn i1_an_unreachable_server_is_one_clear_sentence() {
    let url = "postgresql:///findawise?host=%2Ftmp%2Fno-such-directory&port=5432&user=findawise_owner&password=hunter2";
    let error = load(url, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("findawise_owner") && error.contains("Check that") && !error.contains("hunter2"), "{error}");
    let error = load("postgresql://x:hunter2@:::/", |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("can't be read") && !error.contains("hunter2"), "{error}");
}
