//! Targets that are reached through PgBouncer in transaction mode: the same figures, the same limits, nothing left behind.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_adapter::{Endpoint, Guarded, WireOptions};
use reeve_cluster::testing::{TestCluster, TestPooler};
use reeve_estate::{
    activity::{Looker, Signalled, signal},
    check,
};
use reeve_model::{
    Reach,
    activity::{SessionOrder, SessionSignal, Sessions},
    table::TableRef,
};
use std::{sync::Arc, time::Duration};

const REEVE: (&str, &str) = ("reeve", "secret");
const APP: (&str, &str) = ("app", "secret");

const SETUP: &str = "CREATE ROLE reeve LOGIN PASSWORD 'secret' IN ROLE pg_monitor, pg_read_all_data; CREATE ROLE app LOGIN PASSWORD 'secret';
    CREATE EXTENSION pg_stat_statements; GRANT CREATE ON SCHEMA public TO app, reeve;
    CREATE TABLE parent (id int PRIMARY KEY, n int); CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent);
    INSERT INTO parent SELECT g, g FROM generate_series(1, 5000) g; INSERT INTO child (parent) SELECT 1 + g % 5000 FROM generate_series(1, 9000) g;
    ANALYZE; CREATE DATABASE other";

async fn server() -> TestCluster {
    let cluster = cluster().await;
    let client = connect(&cluster.url("postgres")).await;
    for statement in SETUP.split(';') {
        client.batch_execute(statement).await.unwrap();
    }
    connect(&cluster.url("other")).await.batch_execute("CREATE TABLE there (id int)").await.unwrap();
    cluster
}

/// None, said aloud, where there is no PgBouncer.
fn pooler(cluster: &TestCluster, settings: &[(&str, &str)]) -> Option<TestPooler> {
    let found = TestPooler::start(cluster, &[REEVE, APP], settings).unwrap();
    if found.is_none() {
        println!("SKIP pgbouncer is not installed here");
    }
    found
}

async fn guarded(url: &str, settings: &[(&str, &str)]) -> Guarded {
    let options = settings.iter().fold(WireOptions::new("reeve/probe"), |o, (name, value)| o.set(name, value));
    Guarded::connect(&Endpoint::parse(url).unwrap(), options, &[], Arc::default()).await.unwrap()
}

async fn text(client: &Guarded, sql: &str) -> String {
    client.texts(sql).await.unwrap().1[0][0].clone().unwrap()
}

#[tokio::test]
async fn at_31_through_a_transaction_pooler_every_probe_reads_what_it_reads_directly() {
    let cluster = server().await;
    let straight = cluster.url_for(REEVE.0, REEVE.1, "postgres");
    let mut direct = collector(&straight);
    let expected = round(&mut direct).await;
    assert!(!expected.server.as_ref().unwrap().pooled);
    direct.close().await;
    for settings in [&[][..], &[("ignore_startup_parameters", "options")], &[("pool_mode", "session")]] {
        let Some(pooler) = pooler(&cluster, settings) else { return };
        let url = pooler.url_for(REEVE.0, REEVE.1, "postgres");
        let mut collector = collector(&url);
        let found = until(&mut collector, "all databases", |s| s.tables.len() == 2 && s.reach != Reach::Untried).await;
        assert_eq!(troubled(&found), troubled(&expected));
        let probes =
            |s: &reeve_model::snapshot::TargetSnapshot| s.probes.iter().map(|p| (p.id.clone(), p.database.clone())).collect::<Vec<_>>();
        assert_eq!(probes(&found), probes(&expected));
        let server = found.server.as_ref().unwrap();
        assert!(server.pooled, "{server:?}");
        assert_eq!(server.version, expected.server.as_ref().unwrap().version);
        assert_eq!(server.user, "reeve");
        for database in ["postgres", "other"] {
            let (found, expected) = (tables(&found, database), tables(&expected, database));
            let facts = |t: &reeve_model::snapshot::DatabaseTables| {
                t.tables.iter().map(|t| (t.name.clone(), t.oid, t.live_rows, t.total_bytes())).collect::<Vec<_>>()
            };
            assert_eq!(facts(found), facts(expected), "{database}");
            assert_eq!((&found.indexes.len(), &found.foreign_keys), (&expected.indexes.len(), &expected.foreign_keys));
        }
        assert_eq!(found.settings.value(), expected.settings.value());
        assert_eq!(found.sequences.value(), expected.sequences.value());
        assert_eq!(found.activity.value().unwrap().max, expected.activity.value().unwrap().max);
        // Only the session that asks is Reeve's own; those that rest in the pool are the pool's.
        let activity = found.activity.value().unwrap();
        assert_eq!(activity.own, 1, "{activity:?}");

        // What is read on demand: sessions, a table, a check, evidence.
        let spec = spec(&url);
        let sessions = Looker::new(spec.clone()).look().await.unwrap();
        assert!(sessions.hidden == 0 && sessions.total > 0);
        let table = TableRef { database: "postgres".to_owned(), schema: "public".to_owned(), table: "child".to_owned() };
        let definition = reeve_estate::describe_table(&spec, &table).await.unwrap();
        assert_eq!((definition.columns.len(), definition.foreign_keys.len()), (2, 1));
        let report = check(&spec).await.unwrap();
        assert!(report.pooled && report.missing.is_empty(), "{report:?}");
        let through = reeve_estate::evidence::collect(&spec).await.unwrap();
        let directly = reeve_estate::evidence::collect(&common::spec(&straight)).await.unwrap();
        let all = |set: &reeve_model::compliance::EvidenceSet| {
            let moving = ["sessions", "statements", "archiver", "connection"];
            let kept = set.items.iter().filter(|e| !moving.contains(&e.id.as_str()));
            kept.map(|e| (e.id.clone(), e.database.clone(), e.columns.clone(), e.hash.clone(), e.missing.clone())).collect::<Vec<_>>()
        };
        assert_eq!(all(&through), all(&directly));
        assert_eq!(through.items.len(), directly.items.len());
    }
}

#[tokio::test]
async fn at_31_limits_hold_through_a_pooler_and_nothing_stays_in_it() {
    let cluster = server().await;
    for settings in [&[][..], &[("ignore_startup_parameters", "options")]] {
        // One session for everybody.
        let all = [&[("default_pool_size", "1")], settings].concat();
        let Some(pooler) = pooler(&cluster, &all) else { return };
        let url = pooler.url_for(REEVE.0, REEVE.1, "postgres");
        let limits = [
            ("statement_timeout", "300ms"),
            ("lock_timeout", "100ms"),
            ("default_transaction_read_only", "on"),
            ("search_path", "pg_catalog"),
        ];
        let one = guarded(&url, &limits).await;
        let two = guarded(&url, &[("statement_timeout", "7s")]).await;
        assert!(one.is_pooled() && two.is_pooled());

        // Side by side on one session: each has its own limits, each time.
        let pids = (text(&one, "SELECT pg_backend_pid()").await, text(&two, "SELECT pg_backend_pid()").await);
        assert_eq!(pids.0, pids.1, "they share a session, or this test shows nothing");
        for _ in 0..20 {
            let show = "SELECT current_setting('statement_timeout') || ' ' || current_setting('transaction_read_only')";
            let (a, b, c) = tokio::join!(text(&one, show), text(&two, show), text(&one, show));
            assert_eq!((a.as_str(), b.as_str(), c.as_str()), ("300ms on", "7s off", "300ms on"));
        }
        let begun = std::time::Instant::now();
        let error = one.query("SELECT pg_sleep(30)", &[]).await.unwrap_err();
        assert!(one.sort(&error).to_string().contains("ran out of its time") && begun.elapsed() < Duration::from_secs(5), "{error:?}");
        for write in ["CREATE TABLE mine (id int)", "SELECT nextval('public.child_id_seq')", "SET transaction_read_only = off"] {
            let error = one.query(write, &[]).await.unwrap_err();
            let code = error.code().map(|c| c.code().to_owned()).unwrap_or_default();
            assert!(code == "25006" || code == "42501" || code == "25001", "{write}: {error:?}");
        }
        // A lock that somebody holds is not waited for.
        let holder = connect(&cluster.url("postgres")).await;
        holder.batch_execute("GRANT SELECT ON parent TO reeve; BEGIN; LOCK TABLE parent").await.unwrap();
        let error = one.query("SELECT count(*) FROM public.parent", &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "55P03");
        drop(holder);
        // Whoever gives up leaves no transaction open.
        tokio::time::timeout(Duration::from_millis(20), two.query("SELECT pg_sleep(0.2)", &[])).await.unwrap_err();
        assert_eq!(text(&one, "SELECT 'next'").await, "next");

        // A client like any other finds the session as PostgreSQL made it.
        let stranger = connect(&url).await;
        let row = stranger
            .query_typed_one(
                "SELECT pg_backend_pid()::text, ARRAY(SELECT name || '=' || setting FROM pg_settings
                WHERE source = 'session' AND setting IS DISTINCT FROM reset_val AND name <> 'application_name' ORDER BY 1),
                (SELECT count(*) FROM pg_prepared_statements), current_setting('statement_timeout'), current_setting('search_path')",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), pids.0);
        assert_eq!(row.get::<_, Vec<String>>(1), Vec::<String>::new());
        assert_eq!(row.get::<_, i64>(2), 0);
        assert_eq!((row.get::<_, &str>(3), row.get::<_, &str>(4)), ("0", "\"$user\", public"));
        let label = connect(&cluster.url("postgres")).await;
        let label = label.query_one("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'reeve/%'", &[]).await.unwrap();
        assert_eq!(label.get::<_, i64>(0), 0, "what rests in the pool does not bear Reeve's name");
    }
}

#[tokio::test]
async fn at_31_a_target_heals_when_its_pooler_was_restarted_and_when_it_was_taken_away() {
    let cluster = server().await;
    let Some(mut pooler) = pooler(&cluster, &[]) else { return };
    let mut collector = collector(&pooler.url_for(REEVE.0, REEVE.1, "postgres"));
    let up = |s: &reeve_model::snapshot::TargetSnapshot| matches!(s.reach, Reach::Up { .. });
    let before = until(&mut collector, "the pooler answers", up).await;
    pooler.stop();
    until(&mut collector, "an outage", |s| matches!(s.reach, Reach::Down { .. })).await;
    pooler.start_again().unwrap();
    let healed = until(&mut collector, "it answers again", |s| up(s) && troubled(s) == troubled(&before)).await;
    assert!(healed.server.as_ref().unwrap().pooled);
    // Restarted between two rounds it is no outage at all.
    pooler.start_again().unwrap();
    let after = round(&mut collector).await;
    assert!(up(&after), "{:?}", after.reach);
    // The pooler answers and the server does not: the pooler's words are told.
    let mut cluster = cluster;
    cluster.stop_server().await;
    let down = until(&mut collector, "an outage behind it", |s| matches!(s.reach, Reach::Down { .. })).await;
    cluster.start_again().await.unwrap();
    let Reach::Down { sentence, .. } = &down.reach else { panic!("{:?}", down.reach) };
    assert!(sentence.contains("did not answer") || sentence.contains("pooler"), "{sentence}");
    until(&mut collector, "the server behind it", up).await;
}

#[tokio::test]
async fn at_31_sessions_are_ended_through_a_pooler_and_the_one_that_carries_the_order_is_not() {
    let cluster = server().await;
    connect(&cluster.url("postgres")).await.batch_execute("GRANT pg_signal_backend TO reeve").await.unwrap();
    let Some(pooler) = pooler(&cluster, &[("default_pool_size", "1")]) else { return };
    let spec = spec(&pooler.url_for(REEVE.0, REEVE.1, "postgres"));
    let app = connect(&cluster.url_for(APP.0, APP.1, "postgres")).await;
    let pid: i32 = app.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    app.batch_execute("BEGIN").await.unwrap();
    let sessions: Sessions = Looker::new(spec.clone()).look().await.unwrap();
    let row = sessions.rows.iter().find(|r| r.pid == pid).unwrap();
    assert!(!row.own && sessions.rows.iter().all(|r| !r.own), "the one that looks is left out: {:#?}", sessions.rows);
    let kind = SessionSignal::Terminate;
    let order = SessionOrder { pid, started_at: row.started_at, seen: row.seen(kind), signal: kind, typed: pid.to_string() };
    assert_eq!(signal(&spec, &order).await.unwrap(), Signalled::Sent("app@postgres (a test)".to_owned()));
    tokio::time::timeout(Duration::from_secs(5), app.closed()).await.unwrap();

    // The pool has one session, which is the one that the order will come by.
    let admin = connect(&cluster.url("postgres")).await;
    let resting = "SELECT pid, (extract(epoch FROM backend_start) * 1000)::int8 FROM pg_stat_activity WHERE usename = 'reeve'";
    let resting = admin.query_one(resting, &[]).await.unwrap();
    let order = SessionOrder { pid: resting.get(0), started_at: reeve_model::UnixMs(resting.get(1)), ..order };
    assert_eq!(signal(&spec, &order).await.unwrap(), Signalled::Refused("It is one of Reeve's own.".to_owned()));
}

/// A pooler that passes settings on, or seems to, and shares sessions all the same.
#[tokio::test]
async fn at_31_a_statement_that_vanished_tells_of_a_pooler_that_did_not_show() {
    let cluster = server().await;
    let mut settings = vec![("ignore_startup_parameters", "options"), ("connect_query", "SET reeve.way = 'straight'")];
    if TestPooler::version() >= Some((1, 21)) {
        // It can carry prepared statements along; here it is one that does not.
        settings.push(("max_prepared_statements", "0"));
    }
    let Some(pooler) = pooler(&cluster, &settings) else { return };
    let url = pooler.url_for(REEVE.0, REEVE.1, "postgres");
    let limits = [("statement_timeout", "3s")];
    let (one, two) = (guarded(&url, &limits).await, guarded(&url, &limits).await);
    let sql = "SELECT current_setting('statement_timeout')";
    one.query(sql, &[]).await.unwrap();
    assert!(!one.is_pooled() && !two.is_pooled());
    // While somebody has the session where it was prepared, the statement meets the other one.
    let (_, row) = tokio::join!(two.query("SELECT pg_sleep(1)", &[]), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        one.first(sql, &[]).await.unwrap().unwrap()
    });
    assert!(one.is_pooled());
    assert_eq!(row.get::<_, &str>(0), "3s");
}
