//! The store behind its pools: browser sessions, roles, retries.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event, new_account, new_session};
use reeve_model::{
    TargetName, UnixMs,
    pool::StoreRole,
    series::{Point, SeriesKey, Topic},
};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    history::{Retention, SeriesKeyPart},
    migrate,
};
use sqlx::Connection;
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::{
    ExpiredDeletion, SessionStore,
    session::{Id, Record},
};

fn record(id: i128, lives: Duration) -> Record {
    // PostgreSQL keeps microseconds.
    let expiry = (OffsetDateTime::now_utc() + lives).replace_nanosecond(123_456_000).unwrap();
    Record { id: Id(id), data: HashMap::from([("who".to_owned(), serde_json::json!({"ann": [1, null, "ü"]}))]), expiry_date: expiry }
}

#[tokio::test]
async fn g1_browser_sessions_are_kept_by_id_until_they_expire() {
    let bench = Bench::migrated().await;
    let sessions = Store::new(bench.pools(false), DEFAULT_ORG).web_sessions();
    let mut a = record(-5, Duration::hours(1));
    sessions.create(&mut a).await.unwrap();
    assert_eq!(a.id, Id(-5));
    assert_eq!(sessions.load(&Id(-5)).await.unwrap(), Some(a.clone()));
    // An id that is taken: the newcomer gets another one, the first is unharmed.
    let mut b = record(-5, Duration::hours(2));
    b.data.clear();
    sessions.create(&mut b).await.unwrap();
    assert_ne!(b.id, a.id);
    assert_eq!(sessions.load(&a.id).await.unwrap(), Some(a.clone()));
    assert_eq!(sessions.load(&b.id).await.unwrap(), Some(b.clone()));
    // Saving replaces, and makes what isn't there.
    a.data.insert("more".to_owned(), serde_json::json!(1.5));
    sessions.save(&a).await.unwrap();
    assert_eq!(sessions.load(&a.id).await.unwrap(), Some(a.clone()));
    let gone = record(9, Duration::seconds(-1));
    sessions.save(&gone).await.unwrap();
    assert_eq!(sessions.load(&gone.id).await.unwrap(), None);
    sessions.delete_expired().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM main.web_session").fetch_one(&mut bench.owner("one").await).await.unwrap();
    assert_eq!(left, 2);
    sessions.delete(&a.id).await.unwrap();
    sessions.delete(&a.id).await.unwrap();
    assert_eq!(sessions.load(&a.id).await.unwrap(), None);
    assert_eq!(sessions.load(&Id(77)).await.unwrap(), None);
    // Who reads the table can't sign in: the cookie's value isn't in it.
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT digest || record FROM main.web_session").fetch_one(&mut bench.owner("one").await).await.unwrap();
    let cookie = b.id.0.to_be_bytes();
    assert!(!stored.windows(16).any(|w| w == cookie) && !String::from_utf8_lossy(&stored).contains(&b.id.to_string()));
}

#[tokio::test]
async fn a1_the_store_outlives_its_server_being_killed() {
    let mut bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let made = event("create", "account", "ann@example.org");
    let ann = store.create_account(new_account(7, "ann@example.org", &["admin"]), made.clone()).await.unwrap().unwrap();
    let other = store.create_account(new_account(8, "Ann@example.org", &["admin"]), event("create", "account", "ann@example.org"));
    assert_eq!(other.await.unwrap(), None);
    let session = new_session(1, ann, UnixMs::now().plus_ms(60_000));
    let sid = session.sid;
    store.begin_session(session, event("sign_in", "session", "")).await.unwrap();
    bench.cluster.kill_server();
    bench.cluster.start_again().await.unwrap();
    // The pool's connections are dead; nothing of that is seen, and nothing acknowledged is lost.
    assert_eq!(store.live_session(sid).await.unwrap().unwrap().account, ann);
    assert_eq!(store.account_by_email("ANN@example.org").await.unwrap().unwrap().id, ann);
    assert_eq!(store.account_count().await.unwrap(), 1);
    let written: Vec<String> = bench.outbox().await.into_iter().map(|e| e.verb).collect();
    assert_eq!(written, ["create", "sign_in"]);
    assert_eq!(bench.outbox().await[0], made);
    bench.cluster.stop_server().await;
    let error = store.account(ann).await.unwrap_err();
    assert!(error.is_away(), "{error}");
}

#[tokio::test]
async fn a2_history_written_to_main_while_analytics_was_away_is_read_with_the_rest() {
    let bench = Bench::migrated().await;
    let pools = bench.pools(true);
    for (role, domain) in migrate::homes(|r| pools.is_configured(r)) {
        let database = if role == StoreRole::Main { "one" } else { "two" };
        migrate::up(&mut bench.owner(database).await, domain, Bench::RUNTIME).await.unwrap();
    }
    let store = Store::new(pools, DEFAULT_ORG);
    let target = TargetName::new("findawise").unwrap();
    let key = SeriesKey { target: target.clone(), metric: "m".to_owned(), object: String::new() };
    let hour = 3_600_000;
    let start = UnixMs((UnixMs::now().0 / hour - 30) * hour);
    let put = async |minute: i64, value: f64| {
        let at = start.plus_ms(minute * 60_000);
        store.history().append(&target, Topic::Server, at, vec![(SeriesKeyPart::new("m", ""), value)]).await.unwrap();
    };
    put(1, 1.0).await;
    // Analytics goes away: nobody may connect, and those who are connected are thrown out.
    let mut root = sqlx::PgConnection::connect(&bench.cluster.url("postgres")).await.unwrap();
    let away = "ALTER DATABASE two ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'two'";
    for statement in away.split("; ") {
        sqlx::raw_sql(statement).execute(&mut root).await.unwrap();
    }
    put(2, 2.0).await;
    sqlx::raw_sql("ALTER DATABASE two ALLOW_CONNECTIONS true").execute(&mut root).await.unwrap();
    // The pool finds out by itself.
    while store.pools().acquire(StoreRole::Analytics).await.unwrap().served_by() != StoreRole::Analytics {
        tokio::task::yield_now().await;
    }
    put(3, 3.0).await;
    let wanted: Vec<Point> = (1..=3).map(|i| Point { at: start.plus_ms(i * 60_000), value: i as f64 }).collect();
    for _ in 0..2 {
        let found = store.history().range(std::slice::from_ref(&key), start, UnixMs::now(), None).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&wanted));
        let oldest = store.history().earliest_value("m", &target, start.plus_ms(90_000)).await.unwrap();
        assert_eq!(oldest[""], (start.plus_ms(120_000), 2.0));
        store.history().maintain(UnixMs::now(), Retention::default()).await.unwrap();
    }
    for (database, chunks) in [("one", 1), ("two", 1)] {
        let found: i64 =
            sqlx::query_scalar("SELECT count(*) FROM analytics.chunk").fetch_one(&mut bench.owner(database).await).await.unwrap();
        assert_eq!(found, chunks, "{database}");
    }
}
