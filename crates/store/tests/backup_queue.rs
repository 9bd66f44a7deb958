//! The queue of backup jobs: what begins when, and that it can be told anew from the records.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event, refused};
use reeve_model::{
    TargetName,
    backup::{BackupAct, BackupJob, BackupKind, JobState},
};
use reeve_store::{
    Domain, Store,
    accounts::DEFAULT_ORG,
    backup_jobs::{Asked, Begun, Ending, NewBackupJob},
    migrate,
    queue::{Begin, Pace},
};
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);
/// So seldom that only what is told is ever looked at.
const TOLD: Duration = Duration::from_secs(3_600);
const ROUND: Duration = Duration::from_millis(500);

async fn asked(store: &Store, database: &str, tables: &[&str]) -> Uuid {
    let act = match tables {
        [] => BackupAct::Backup { database: database.to_owned(), tables: Vec::new() },
        // Another kind, so that the same database can have two open.
        _ => BackupAct::Drill { backup: "20261126T131845Z-7f3a9c01".parse().unwrap() },
    };
    let new = NewBackupJob {
        id: Uuid::new_v4(),
        target: TargetName::new("shop").unwrap(),
        database: database.to_owned(),
        act,
        kind: BackupKind::Manual,
        account: None,
        asked_by: "bo@example.org".to_owned(),
        idempotency_key: None,
    };
    match store.ask_backup_job(new, event("request", "backup", "")).await.unwrap() {
        Asked::Queued(job) => job.id.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A worker that tells what begins, and ends one for each permit.
struct Worker {
    begun: mpsc::UnboundedReceiver<Uuid>,
    go: Arc<Semaphore>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<reeve_store::Result<()>>,
}

impl Worker {
    async fn start(store: &Store, held: Vec<Uuid>, every: Duration) -> Self {
        store.mend_backup_queue(held).await.unwrap();
        let ((tell, begun), go) = (mpsc::unbounded_channel(), Arc::new(Semaphore::new(0)));
        let (stop, stopped) = oneshot::channel::<()>();
        let (permits, of) = (Arc::clone(&go), store.clone());
        let begin = Begin::new(move |id| {
            let (permits, store, tell) = (Arc::clone(&permits), of.clone(), tell.clone());
            async move {
                if !matches!(store.begin_backup_job(id).await, Ok(Begun::Job(_))) {
                    return;
                }
                tell.send(id).unwrap();
                permits.acquire().await.unwrap().forget();
                finish(&store, id).await;
            }
        });
        let store = store.clone();
        let task = tokio::spawn(async move {
            let stop = async { drop(stopped.await) };
            store.work_backup_queue(Pace { at_once: 2, every, grace: Duration::from_millis(200) }, begin, stop).await
        });
        Self { begun, go, stop: Some(stop), task }
    }

    async fn next(&mut self) -> Uuid {
        timeout(PATIENCE, self.begun.recv()).await.unwrap().unwrap()
    }

    fn none_yet(&mut self) -> bool {
        self.begun.try_recv().is_err()
    }

    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

async fn finish(store: &Store, id: Uuid) {
    let done = Ending { state: JobState::Done, sentence: "It is done.".to_owned(), backup: None, progress: None, restored: None };
    assert!(store.finish_backup_job(id, done, event("make", "backup", "")).await.unwrap());
}

async fn state(store: &Store, id: Uuid) -> JobState {
    store.backup_job(id).await.unwrap().map(|job: BackupJob| job.state).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_jobs_of_a_database_follow_each_other_and_others_run_beside_them() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let first = asked(&store, "orders", &[]).await;
    let second = asked(&store, "orders", &["x"]).await;
    let third = asked(&store, "blog", &[]).await;
    let mut worker = Worker::start(&store, Vec::new(), TOLD).await;
    let mut begun = [worker.next().await, worker.next().await];
    begun.sort();
    let mut expected = [first, third];
    expected.sort();
    assert_eq!(begun, expected, "the second waits for the first");
    // One that is asked for while all places are taken, and taken back before it began.
    let fourth = asked(&store, "wiki", &[]).await;
    let cancelled = store.cancel_backup_job(fourth, event("cancel", "backup", "")).await.unwrap().unwrap();
    assert_eq!(cancelled.state, JobState::Cancelled);
    assert!(worker.none_yet());
    worker.go.add_permits(2);
    assert_eq!(worker.next().await, second);
    // What comes while it works is told at once.
    let fifth = asked(&store, "wiki", &[]).await;
    assert_eq!(worker.next().await, fifth);
    worker.go.add_permits(2);
    // Many that are there already need no round each, either.
    let mut many = Vec::new();
    for number in 0..6 {
        many.push(asked(&store, &format!("d{number}"), &[]).await);
        many.push(asked(&store, &format!("d{number}"), &["x"]).await);
    }
    worker.go.add_permits(12);
    for _ in 0..12 {
        let next = worker.next().await;
        assert!(many.contains(&next));
    }
    worker.stop().await;
    assert_eq!((state(&store, second).await, state(&store, fourth).await), (JobState::Done, JobState::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_queue_that_lost_everything_is_told_anew_from_the_records() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let (first, second) = (asked(&store, "orders", &[]).await, asked(&store, "blog", &[]).await);
    let mut worker = Worker::start(&store, Vec::new(), ROUND).await;
    let begun = [worker.next().await, worker.next().await];
    assert!(begun.contains(&first) && begun.contains(&second));
    // Killed: nobody gives back what it had locked.
    worker.task.abort();
    assert!(timeout(PATIENCE, worker.task).await.unwrap().is_err());
    let waiting = asked(&store, "orders", &["x"]).await;
    sqlx::raw_sql("DELETE FROM queue._private_jobs WHERE locked_by IS NULL").execute(&mut bench.owner("one").await).await.unwrap();

    // One is still at work here, the other one was given to somebody who never heard of it.
    let mut worker = Worker::start(&store, vec![first], ROUND).await;
    assert_eq!(worker.next().await, second, "it begins again, and what waits for the first goes on waiting");
    finish(&store, first).await;
    assert_eq!(worker.next().await, waiting);
    worker.go.add_permits(2);
    worker.stop().await;
    for id in [first, second, waiting] {
        assert_eq!(state(&store, id).await, JobState::Done);
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM queue._private_jobs").fetch_one(&mut bench.owner("one").await).await.unwrap();
    store.mend_backup_queue(Vec::new()).await.unwrap();
    let mended: i64 =
        sqlx::query_scalar("SELECT count(*) FROM queue._private_jobs").fetch_one(&mut bench.owner("one").await).await.unwrap();
    assert!(mended == 0 && left <= 1, "{left} left, {mended} after mending");
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_store_that_goes_away_stops_the_queue_and_ends_nothing() {
    let mut bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let first = asked(&store, "orders", &[]).await;
    let mut worker = Worker::start(&store, Vec::new(), ROUND).await;
    assert_eq!(worker.next().await, first);
    bench.cluster.stop_server().await;
    let error = timeout(PATIENCE, worker.task).await.unwrap().unwrap().unwrap_err();
    assert!(error.is_away() && error.to_string().starts_with("The queue of backup jobs stopped"), "{error}");
}

#[tokio::test]
async fn a2_the_login_of_every_day_works_the_queue_and_owns_nothing_of_it() {
    let bench = Bench::migrated().await;
    // Repeated, by two at once, and with another login before.
    tokio::join!(bench.install_queue(), bench.install_queue());
    let mut runtime = bench.runtime("one").await;
    for forbidden in [
        "DROP SCHEMA queue CASCADE",
        "TRUNCATE queue._private_jobs",
        "ALTER TABLE queue._private_jobs DISABLE ROW LEVEL SECURITY",
        "DELETE FROM queue.migrations",
        "CREATE TABLE queue.x (i int)",
        "DROP POLICY reeve ON queue._private_jobs",
    ] {
        assert!(refused(&mut runtime, forbidden).await, "{forbidden}");
    }
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    asked(&store, "orders", &[]).await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM queue._private_jobs").fetch_one(&mut runtime).await.unwrap();
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn h1_an_owner_who_may_not_create_schemas_works_in_those_that_are_given() {
    let bench = Bench::start().await;
    let mut root = PgConnection::connect(&bench.cluster.url("postgres")).await.unwrap();
    for sql in ["CREATE ROLE plain LOGIN PASSWORD 'p'", "CREATE DATABASE given"] {
        sqlx::raw_sql(sql).execute(&mut root).await.unwrap();
    }
    let mut root = PgConnection::connect(&bench.cluster.url("given")).await.unwrap();
    for schema in ["main", "analytics", "compliance"] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema} AUTHORIZATION plain"))).execute(&mut root).await.unwrap();
    }
    let url = bench.cluster.url_for("plain", "p", "given");
    let mut plain = PgConnection::connect(&url).await.unwrap();
    let refused = migrate::up(&mut plain, Domain::Main, Bench::RUNTIME).await.unwrap_err().to_string();
    assert!(refused.contains("backup_queue") || refused.contains("backup queue"), "{refused}");
    assert!(refused.contains("permission denied for database"), "{refused}");
    sqlx::raw_sql("CREATE SCHEMA queue AUTHORIZATION plain").execute(&mut root).await.unwrap();
    for domain in Domain::ALL {
        migrate::up(&mut plain, domain, Bench::RUNTIME).await.unwrap();
    }
    migrate::install_queue(&mut plain, url.parse().unwrap(), Bench::RUNTIME).await.unwrap();
    let mut runtime = bench.runtime("given").await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM queue._private_jobs").fetch_one(&mut runtime).await.unwrap();
    assert_eq!(seen, 0);
}
