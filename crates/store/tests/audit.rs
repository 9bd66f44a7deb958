//! G3: from the outbox into the log.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, account, event, numbered, refused, write};
use reeve_model::{
    audit::{AuditEvent, AuditQuery, Outcome},
    pool::StoreRole,
};
use reeve_store::{Domain, Store, StoreError, accounts::DEFAULT_ORG, audit, migrate};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// The whole log, oldest first.
async fn all(store: &Store) -> Vec<(i64, AuditEvent)> {
    let mut entries = Vec::new();
    let mut query = AuditQuery { limit: 500, ..AuditQuery::default() };
    loop {
        let page = store.search_audit(query.clone()).await.unwrap();
        entries.extend(page.items.into_iter().map(|e| (e.seq.unwrap(), e.event.unwrap())));
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    entries.reverse();
    entries
}

fn in_order(events: &[AuditEvent]) -> Vec<(i64, AuditEvent)> {
    events.iter().cloned().zip(1..).map(|(e, n)| (n, e)).collect()
}

#[tokio::test]
async fn g3_events_are_sealed_in_order_once_and_as_they_were() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let mut events = numbered(25);
    events[3].account = Some(Uuid::from_u128(7).to_string());
    events[4].origin.address = "::ffff:192.0.2.1".parse().ok();
    events[5].origin.address = "2001:db8::102:304".parse().ok();
    events[6].origin.address = None;
    events[7].before = Some("{\"a\": 1.0,\t\"ü\":null}".to_owned());
    events[8].after = Some(String::new());
    events[9].count = 70_000;
    events[9].outcome = Outcome::Refused;
    write(&bench, &events).await;
    write(&bench, &events[..5]).await;
    assert_eq!(store.audit_waiting().await.unwrap().count, 25);
    let first = store.relay_audit(10).await.unwrap();
    assert_eq!((first.sealed, first.waiting, first.heads[0].seq), (10, 15, 10));
    let second = store.relay_audit(100).await.unwrap();
    assert_eq!((second.sealed, second.waiting, second.heads[0].seq), (15, 0, 25));
    assert_eq!(store.audit_head().await.unwrap().as_ref(), second.heads.first());
    assert_eq!(store.relay_audit(100).await.unwrap().sealed, 0);
    assert_eq!(all(&store).await, in_order(&events));
    let [log] = &store.verify_audit(&[]).await.unwrap()[..] else { panic!("one log") };
    assert_eq!((log.verdict.checked, log.verdict.good_to, &log.verdict.problems[..]), (25, 25, &[][..]));
    assert_eq!(log.verdict.head, hex::encode(second.heads[0].hash));
    assert_eq!(store.audit_waiting().await.unwrap(), audit::Waiting { count: 0, oldest: None });
}

#[tokio::test]
async fn g3_an_event_waits_for_the_commit_of_one_that_was_written_before() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let (mut a, mut b) = (bench.runtime("one").await, bench.runtime("one").await);
    let [first, second] = [event("change", "account", "first"), event("change", "account", "second")];
    let mut held = a.begin().await.unwrap();
    audit::write(&mut held, &first).await.unwrap();
    let later = audit::write(&mut b, &second);
    let commit = async {
        let mut c = bench.runtime("one").await;
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut c).await.unwrap() {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.relay_audit(10).await.unwrap().sealed, 0, "an event overtook another");
        held.commit().await.unwrap();
    };
    let (later, ()) = tokio::join!(later, commit);
    later.unwrap();
    store.relay_audit(10).await.unwrap();
    assert_eq!(all(&store).await, in_order(&[first, second]));
}

#[tokio::test]
async fn g3_a_relay_that_died_between_the_databases_seals_nothing_twice() {
    for second in [None, Some(StoreRole::Compliance)] {
        let bench = Bench::migrated().await;
        migrate::up(&mut bench.owner("two").await, Domain::Compliance, Bench::RUNTIME).await.unwrap();
        let store = Store::new(bench.pools_with(second), DEFAULT_ORG);
        let events = numbered(30);
        write(&bench, &events[..20]).await;
        let mut owner = bench.owner("one").await;
        sqlx::raw_sql(
            "CREATE TABLE main.copy AS SELECT * FROM main.audit_outbox; CREATE TABLE main.heads AS SELECT * FROM main.audit_head",
        )
        .execute(&mut owner)
        .await
        .unwrap();
        assert_eq!(store.relay_audit(15).await.unwrap().sealed, 15);
        // As if main had not heard of it: the rows are back, the head is not recorded.
        sqlx::raw_sql(
            "DELETE FROM main.audit_outbox; DELETE FROM main.audit_head;
             INSERT INTO main.audit_outbox OVERRIDING SYSTEM VALUE SELECT * FROM main.copy",
        )
        .execute(&mut owner)
        .await
        .unwrap();
        write(&bench, &events[20..]).await;
        let done = store.relay_audit(100).await.unwrap();
        assert_eq!((done.sealed, done.waiting, done.problems.len()), (15, 0, 0));
        assert_eq!(all(&store).await, in_order(&events));
        assert!(store.verify_audit(&[]).await.unwrap().iter().all(|v| v.verdict.problems.is_empty()));
        let head: i64 = sqlx::query_scalar("SELECT seq FROM main.audit_head").fetch_one(&mut owner).await.unwrap();
        assert_eq!(head, 30);
    }
}

#[tokio::test]
async fn g3_two_relays_at_once_make_one_chain() {
    for second in [None, Some(StoreRole::Compliance)] {
        let bench = Bench::migrated().await;
        migrate::up(&mut bench.owner("two").await, Domain::Compliance, Bench::RUNTIME).await.unwrap();
        let stores = [bench.pools_with(second), bench.pools_with(second), bench.pools_with(second)].map(|p| Store::new(p, DEFAULT_ORG));
        let events = numbered(300);
        write(&bench, &events).await;
        let relays = stores.iter().cloned().map(|store| {
            tokio::spawn(async move {
                let mut sealed = 0;
                loop {
                    let done = store.relay_audit(7).await.unwrap();
                    sealed += done.sealed;
                    if done.waiting == 0 {
                        return sealed;
                    }
                }
            })
        });
        let mut sealed = 0;
        for relay in relays.collect::<Vec<_>>() {
            sealed += relay.await.unwrap();
        }
        assert_eq!(sealed, 300);
        assert_eq!(all(&stores[0]).await, in_order(&events));
        let verdicts = stores[0].verify_audit(&[]).await.unwrap();
        assert_eq!(verdicts.iter().map(|v| (v.verdict.good_to, v.verdict.problems.len())).collect::<Vec<_>>(), [(300, 0)]);
    }
}

#[tokio::test]
async fn g3_while_the_log_is_away_events_wait_and_main_never_stands_in() {
    let bench = Bench::migrated().await;
    migrate::up(&mut bench.owner("two").await, Domain::Compliance, Bench::RUNTIME).await.unwrap();
    let store = Store::new(bench.pools_with(Some(StoreRole::Compliance)), DEFAULT_ORG);
    let events = numbered(6);
    write(&bench, &events[..2]).await;
    assert_eq!(store.relay_audit(100).await.unwrap().sealed, 2);
    let mut root = PgConnection::connect(&bench.cluster.url("postgres")).await.unwrap();
    let away = "ALTER DATABASE two ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'two'";
    for statement in away.split("; ") {
        sqlx::raw_sql(statement).execute(&mut root).await.unwrap();
    }
    // Changes go on, with their events.
    account(&mut bench.runtime("one").await, 7, "ann@example.org", &["viewer"]).await;
    write(&bench, &events[2..]).await;
    for _ in 0..5 {
        let error = store.relay_audit(100).await.unwrap_err();
        assert!(matches!(error, StoreError::Adapter(_)), "{error}");
    }
    assert!(store.search_audit(AuditQuery::default()).await.is_err());
    assert!(store.verify_audit(&[]).await.is_err());
    assert_eq!(store.audit_waiting().await.unwrap().count, 5);
    let in_main: i64 =
        sqlx::query_scalar("SELECT count(*) FROM compliance.audit_log").fetch_one(&mut bench.owner("one").await).await.unwrap();
    assert_eq!(in_main, 0);
    sqlx::raw_sql("ALTER DATABASE two ALLOW_CONNECTIONS true").execute(&mut root).await.unwrap();
    // The pool finds out by itself.
    let done = loop {
        match store.relay_audit(100).await {
            Ok(done) => break done,
            Err(error) => assert!(matches!(error, StoreError::Adapter(_)), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((done.sealed, done.waiting), (5, 0));
    let log = all(&store).await;
    assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    let changed: Vec<AuditEvent> = log.into_iter().map(|(_, e)| e).filter(|e| e.verb == "change").collect();
    assert_eq!(changed, events);
    let verdicts = store.verify_audit(&[]).await.unwrap();
    assert!(verdicts.len() == 1 && verdicts[0].verdict.problems.is_empty() && verdicts[0].place == Some(StoreRole::Compliance));
}

#[tokio::test]
async fn g3_the_runtime_login_can_add_to_the_log_and_nothing_else() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    write(&bench, &numbered(3)).await;
    store.relay_audit(100).await.unwrap();
    let month: String = sqlx::query_scalar("SELECT tableoid::regclass::text FROM compliance.audit_log LIMIT 1")
        .fetch_one(&mut bench.owner("one").await)
        .await
        .unwrap();
    let mut runtime = bench.runtime("one").await;
    for sql in [
        "UPDATE compliance.audit_log SET actor = 'x'",
        "DELETE FROM compliance.audit_log",
        "TRUNCATE compliance.audit_log",
        "DROP TABLE compliance.audit_log",
        "ALTER TABLE compliance.audit_log DISABLE TRIGGER keep_entries",
        "UPDATE compliance.audit_origin SET id = gen_random_uuid()",
        "DELETE FROM compliance.audit_actor",
        "SET session_replication_role = replica",
        &format!("DELETE FROM {month}"),
        &format!("TRUNCATE {month}"),
        &format!("INSERT INTO {month} SELECT * FROM compliance.audit_log"),
        &format!("ALTER TABLE compliance.audit_log DETACH PARTITION {month}"),
        "CREATE TABLE compliance.mine (a int)",
    ] {
        assert!(refused(&mut runtime, sql).await, "{sql} was not refused");
    }
    // Its owner is refused too, but for an erasure that leaves place and proofs.
    let mut owner = bench.owner("one").await;
    for sql in [
        "UPDATE compliance.audit_log SET actor = 'x'",
        "UPDATE compliance.audit_log SET actor = NULL",
        "DELETE FROM compliance.audit_log WHERE seq = 2",
        "TRUNCATE compliance.audit_log",
        &format!("DELETE FROM {month}"),
        &format!("TRUNCATE {month}"),
    ] {
        assert!(refused(&mut owner, sql).await, "{sql} was not refused");
    }
    let erase = "UPDATE compliance.audit_log SET (id, at, account, actor, via, verb, noun, resource, outcome, address, agent, request, before,
        after, count, salt) = ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) WHERE seq = 2";
    sqlx::raw_sql(erase).execute(&mut owner).await.unwrap();
    let page = store.search_audit(AuditQuery::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|e| e.event.is_some()).collect::<Vec<_>>(), [true, false, true]);
    let verdict = &store.verify_audit(&[]).await.unwrap()[0].verdict;
    assert_eq!((verdict.good_to, verdict.erased, verdict.problems.len()), (3, 1, 0));
}

#[tokio::test]
async fn g3_partitions_are_made_ahead_and_a_clock_that_was_set_back_keeps_the_order() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let events = numbered(4);
    write(&bench, &events[..2]).await;
    store.relay_audit(100).await.unwrap();
    let mut owner = bench.owner("one").await;
    let months: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_inherits WHERE inhparent = 'compliance.audit_log'::regclass")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(months, 2);
    // The newest entry is from the future, as after a clock that ran ahead.
    let mut root = bench.superuser("one").await;
    sqlx::raw_sql("UPDATE compliance.audit_log SET sealed_at = sealed_at + interval '20 days' WHERE seq = 2")
        .execute(&mut root)
        .await
        .unwrap();
    write(&bench, &events[2..]).await;
    assert_eq!(store.relay_audit(100).await.unwrap().sealed, 2);
    let order: Vec<i64> =
        sqlx::query_scalar("SELECT seq FROM compliance.audit_log ORDER BY sealed_at, seq").fetch_all(&mut owner).await.unwrap();
    assert_eq!(order, [1, 2, 3, 4]);
}
