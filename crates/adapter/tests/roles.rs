//! Reeve's own pools on real servers (SPEC A1 to A5).
#![allow(clippy::unwrap_used)]

mod common;

use common::{endpoint, eventually, pools, settings};
use futures::FutureExt;
use reeve_adapter::{AdapterError, Freshness, RoleConfig, RolePools, RoleSettings, roles::Connections};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::{Circuit, StoreRole as R};
use sqlx::{Connection, Executor};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

#[tokio::test]
async fn a5_twenty_held_and_three_waiting_show_three() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = RolePools::new(RoleConfig::main_only(endpoint(&cluster))).unwrap();
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(pools.acquire(R::Main).await.unwrap());
    }
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let pools = pools.clone();
            tokio::spawn(async move { pools.acquire(R::Main).await.map(|_| ()) })
        })
        .collect();
    eventually("three wait", || async { pools.connections()[&R::Main].waiting == 3 }).await;
    assert_eq!(pools.connections()[&R::Main], Connections { total: 20, idle: 0, waiting: 3 });
    let report = pools.report();
    assert_eq!((report.pools[0].waiting, report.pools[0].max), (3, 20));
    assert!(pools.health().await[&R::Main], "a saturated pool is not a dead one");

    // One gives up: a dropped future waits no more.
    waiters[0].abort();
    eventually("two wait", || async { pools.connections()[&R::Main].waiting == 2 }).await;
    held.clear();
    for waiter in waiters.into_iter().skip(1) {
        waiter.await.unwrap().unwrap();
    }
    eventually("all are back", || async { pools.connections()[&R::Main] == Connections { total: 20, idle: 20, waiting: 0 } }).await;
    assert!(pools.report().pools[0].acquire_p99_ms.unwrap() >= pools.report().pools[0].acquire_p50_ms.unwrap());
    pools.close().await;
    assert_eq!(pools.connections()[&R::Main].total, 0);
    assert!(matches!(pools.acquire(R::Main).await, Err(AdapterError::Closed)));
}

#[tokio::test]
async fn a1_waiting_ends_with_the_acquire_timeout() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, RoleSettings { acquire_timeout: Duration::from_millis(100), ..settings(&cluster, 1) })]);
    let _held = pools.acquire(R::Main).await.unwrap();
    let error = pools.acquire(R::Main).await.unwrap_err();
    assert!(error.to_string().contains("all 1 connections of the pool main were in use for 100 ms"), "{error}");
}

/// Else callers with less patience than opening takes would each leave nothing for the next.
#[tokio::test]
async fn a1_a_connection_that_its_caller_gave_up_on_is_opened_all_the_same() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 2))]);
    for _ in 0..2 {
        // Asked for once, and given up before anything can have come.
        assert!(pools.acquire(R::Main).now_or_never().is_none());
    }
    let opened = Connections { total: 2, idle: 2, waiting: 0 };
    eventually("both are there", || async { pools.connections()[&R::Main] == opened }).await;
    let lease = pools.acquire(R::Main).now_or_never();
    assert!(lease.is_none(), "one that rests is asked first");
    eventually("and both rest again", || async { pools.connections()[&R::Main].total <= 2 && pools.acquire(R::Main).await.is_ok() }).await;
}

#[tokio::test]
async fn a2_pools_are_lazy_and_named() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 2)), (R::Analytics, settings(&cluster, 2))]);
    assert_eq!(pools.connections()[&R::Analytics].total, 0);
    let mut lease = pools.acquire(R::Main).await.unwrap();
    let names: Vec<(String,)> = sqlx::query_as("select application_name from pg_stat_activity where application_name like 'reeve/%'")
        .fetch_all(&mut *lease)
        .await
        .unwrap();
    assert_eq!(names, [("reeve/main".to_owned(),)]);
    assert_eq!((pools.connections()[&R::Main].total, pools.connections()[&R::Analytics].total), (1, 0));
}

#[tokio::test]
async fn a2_pools_that_ask_for_more_than_the_server_allows_are_told() {
    let cluster = TestCluster::start(&[("max_connections", "20")]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 10)), (R::Documents, settings(&cluster, 10))]);
    assert_eq!(pools.report().warning, None, "nothing is known before the first connection");
    drop(pools.acquire(R::Main).await.unwrap());
    let warning = pools.report().warning.unwrap();
    assert!(warning.contains("(main, documents) may open 20 connections together, but it allows 17"), "{warning}");
}

#[tokio::test]
async fn a1_idempotent_work_survives_a_killed_backend() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 3))]);
    let attempts = AtomicU32::new(0);
    let answer = pools
        .idempotent(R::Main, |conn| {
            let first = attempts.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if first {
                    conn.execute("select pg_terminate_backend(pg_backend_pid())").await?;
                }
                Ok(sqlx::query_scalar::<_, i32>("select 42").fetch_one(conn).await?)
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!((answer, attempts.into_inner()), (42, 2));
}

#[tokio::test]
async fn a1_a_mistake_is_not_repeated() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 3))]);
    let attempts = AtomicU32::new(0);
    let work = pools.idempotent(R::Main, |conn| {
        attempts.fetch_add(1, Ordering::SeqCst);
        async move { Ok(conn.execute("select 1/0").await.map(|_| ())?) }.boxed()
    });
    let error = work.await.unwrap_err();
    assert!(error.to_string().contains(&endpoint(&cluster).redacted()), "{error}");
    assert_eq!((error.sqlstate(), attempts.load(Ordering::SeqCst)), (Some("22012"), 1));
}

#[tokio::test]
async fn a1_a_batch_is_all_or_nothing() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 1))]);
    pools.acquire(R::Main).await.unwrap().execute("create table t(i int primary key)").await.unwrap();
    let count = || async {
        let mut lease = pools.acquire(R::Main).await.unwrap();
        sqlx::query_scalar::<_, i64>("select count(*) from t").fetch_one(&mut *lease).await.unwrap()
    };
    let failed =
        pools.batch(R::Main, |conn| async move { Ok(conn.execute("insert into t values (1); insert into t values (1)").await?) }.boxed());
    assert!(failed.await.is_err());
    assert_eq!(count().await, 0);
    let done = pools.batch(R::Main, |conn| {
        async move {
            conn.execute("insert into t values (1)").await?;
            conn.execute("insert into t values (2)").await?;
            Ok(())
        }
        .boxed()
    });
    done.await.unwrap();
    assert_eq!(count().await, 2);
}

/// What a caller leaves open must not reach the next one.
#[tokio::test]
async fn a1_an_open_transaction_and_a_dropped_statement_do_not_outlive_the_loan() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 1))]);
    pools.acquire(R::Main).await.unwrap().execute("create table t(i int)").await.unwrap();
    {
        let mut lease = pools.acquire(R::Main).await.unwrap();
        let mut transaction = lease.begin().await.unwrap();
        transaction.execute("insert into t values (1)").await.unwrap();
    }
    let mut lease = pools.acquire(R::Main).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>("select count(*) from t").fetch_one(&mut *lease).await.unwrap(), 0);
    tokio::time::timeout(Duration::from_millis(50), lease.execute("select pg_sleep(60)")).await.unwrap_err();
    drop(lease);
    let begun = Instant::now();
    let mut lease = pools.acquire(R::Main).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i32>("select 7").fetch_one(&mut *lease).await.unwrap(), 7);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a1_the_circuit_opens_on_a_dead_server_fails_fast_and_heals() {
    let mut cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 3))]);
    drop(pools.acquire(R::Main).await.unwrap());
    assert!(pools.health().await[&R::Main]);
    cluster.stop_server().await;
    for _ in 0..3 {
        let error = pools.acquire(R::Main).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
    let begun = Instant::now();
    let error = pools.acquire(R::Main).await.unwrap_err();
    assert!(matches!(error, AdapterError::CircuitOpen { .. }) && begun.elapsed() < Duration::from_millis(20), "{error}");
    let figures = pools.report().pools.remove(0);
    assert!(figures.circuit != Circuit::Closed && figures.failing_since.is_some() && figures.total == 0, "{figures:?}");
    assert!(figures.failure.unwrap().contains("refuses connections"));
    assert!(!pools.health().await[&R::Main]);
    assert!(!pools.report().roles[0].answers);

    cluster.start_again().await.unwrap();
    // By itself: nobody calls meanwhile.
    eventually("the circuit closes", || async { pools.report().pools[0].circuit == Circuit::Closed }).await;
    pools.acquire(R::Main).await.unwrap();
    assert!(pools.health().await[&R::Main] && pools.report().pools[0].failing_since.is_none());
}

#[tokio::test]
async fn a4_a_dead_role_falls_back_to_main_and_heals() {
    let (main, mut other) = (TestCluster::start(&[]).await.unwrap(), TestCluster::start(&[]).await.unwrap());
    let pools = pools([(R::Main, settings(&main, 3)), (R::Analytics, settings(&other, 3))]);
    assert_eq!(pools.acquire(R::Analytics).await.unwrap().served_by(), R::Analytics);
    assert_eq!(pools.acquire(R::Documents).await.unwrap().served_by(), R::Main);
    other.stop_server().await;
    for _ in 0..5 {
        assert_eq!(pools.acquire(R::Analytics).await.unwrap().served_by(), R::Main);
    }
    let health = pools.health().await;
    assert_eq!(R::ALL.map(|role| health[&role]), [true, false, true, true, false]);
    let state = pools.report().roles.into_iter().find(|r| r.role == R::Analytics).unwrap();
    assert!(state.answers && state.served_by == R::Main && state.configured);
    assert!(state.reduced.unwrap().contains("analytics is read from and written to main"));

    other.start_again().await.unwrap();
    eventually("analytics serves itself", || async { pools.acquire(R::Analytics).await.unwrap().served_by() == R::Analytics }).await;
    let state = pools.report().roles.into_iter().find(|r| r.role == R::Analytics).unwrap();
    assert!(state.reduced.is_none() && pools.health().await[&R::Analytics]);
}

/// A killed server that its supervisor brings back: callers see a short failure at most.
#[tokio::test]
async fn a1_the_pool_reconnects_by_itself_after_a_crash() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 3))]);
    drop(pools.acquire(R::Main).await.unwrap());
    cluster.kill_server();
    eventually("it answers again", || async { pools.acquire(R::Main).await.is_ok() }).await;
}

#[tokio::test]
async fn a3_reads_leave_a_replica_that_is_none_and_say_why() {
    let (main, other) = (TestCluster::start(&[]).await.unwrap(), TestCluster::start(&[]).await.unwrap());
    let pools = pools([(R::Main, settings(&main, 3)), (R::ReadReplica, settings(&other, 3))]);
    assert_eq!(pools.read(R::Main, Freshness::Bounded).await.unwrap().served_by(), R::Main);
    let state = pools.report().roles.into_iter().find(|r| r.role == R::ReadReplica).unwrap();
    assert_eq!(state.served_by, R::Main);
    assert!(state.reduced.unwrap().contains("not a standby"));
}

#[tokio::test]
async fn a3_reads_go_to_a_standby_while_it_is_near_and_own_writes_are_read_from_main() {
    let main = TestCluster::start(&[]).await.unwrap();
    let mut standby = main.standby().await.unwrap();
    let mut config = RoleConfig::new([(R::Main, settings(&main, 3)), (R::ReadReplica, settings(&standby, 3))].into());
    config.max_replica_lag = Duration::from_secs(1);
    let pools = RolePools::new(config).unwrap();
    let by = |domain, freshness| {
        let pools = pools.clone();
        async move { pools.read(domain, freshness).await.unwrap().served_by() }
    };
    eventually("the standby is read", || async { by(R::Main, Freshness::Bounded).await == R::ReadReplica }).await;
    assert_eq!(by(R::Analytics, Freshness::Bounded).await, R::ReadReplica);
    assert_eq!(by(R::Main, Freshness::AfterWrite).await, R::Main);
    assert!(pools.health().await[&R::ReadReplica]);

    // How far behind is known from the first replayed change on.
    pools.acquire(R::Main).await.unwrap().execute("create table first(i int)").await.unwrap();
    let mut on_standby = pools.acquire(R::ReadReplica).await.unwrap();
    while on_standby.execute("select from first").await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // Replay stands still while main goes on: behind, so main is read.
    on_standby.execute("select pg_wal_replay_pause()").await.unwrap();
    pools.acquire(R::Main).await.unwrap().execute("create table t(i int)").await.unwrap();
    eventually("main is read", || async { by(R::Main, Freshness::Bounded).await == R::Main }).await;
    let state = pools.report().roles.into_iter().find(|r| r.role == R::ReadReplica).unwrap();
    assert!(state.served_by == R::Main && state.reduced.unwrap().contains("s behind"));
    on_standby.execute("select pg_wal_replay_resume()").await.unwrap();
    eventually("the standby is read again", || async { by(R::Main, Freshness::Bounded).await == R::ReadReplica }).await;
    drop(on_standby);

    standby.stop_server().await;
    eventually("main is read again", || async { by(R::Main, Freshness::Bounded).await == R::Main }).await;
    assert!(!pools.health().await[&R::ReadReplica]);
}

#[tokio::test]
async fn a2_main_must_be_set() {
    assert!(matches!(RolePools::new(RoleConfig::new(Default::default())), Err(AdapterError::MainMissing)));
}
