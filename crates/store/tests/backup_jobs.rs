//! Jobs about backups: what is written down, that one runs at a time, and what the login may not do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event, refused};
use reeve_model::{
    TargetName,
    audit::Outcome,
    backup::{BackupAct, BackupId, BackupJob, BackupKind, JobState, VerificationLevel},
};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    backup_jobs::{Agreed, Asked, Begun, Ending, NewBackupJob},
};
use uuid::Uuid;

const BACKUP: &str = "20261126T131845Z-7f3a9c01";

fn new(database: &str, act: BackupAct) -> NewBackupJob {
    NewBackupJob {
        id: Uuid::new_v4(),
        target: TargetName::new("shop").unwrap(),
        database: database.to_owned(),
        act,
        kind: BackupKind::Manual,
        account: None,
        asked_by: "bo@example.org".to_owned(),
        idempotency_key: None,
    }
}

fn backup(database: &str) -> NewBackupJob {
    new(database, BackupAct::Backup { database: database.to_owned(), tables: vec!["public.ord'ers".to_owned()] })
}

fn verify() -> NewBackupJob {
    new("orders", BackupAct::Verify { backup: BackupId::new(BACKUP).unwrap(), level: VerificationLevel::Full })
}

fn ended(state: JobState) -> Ending {
    Ending { state, sentence: "It came to an end.".to_owned(), backup: None, progress: None, restored: None }
}

fn uuid(job: &BackupJob) -> Uuid {
    Uuid::parse_str(&job.id).unwrap()
}

async fn asked(store: &Store, new: NewBackupJob) -> BackupJob {
    match store.ask_backup_job(new, event("request", "backup", "")).await.unwrap() {
        Asked::Queued(job) => job,
        other => panic!("{other:?}"),
    }
}

async fn begun(store: &Store, job: &BackupJob) -> Option<BackupJob> {
    match store.begin_backup_job(uuid(job)).await.unwrap() {
        Begun::Job(job) => Some(*job),
        Begun::Busy | Begun::Over => None,
    }
}

#[tokio::test]
async fn g3_a_job_and_its_event_are_written_together_before_anything_is_done() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let asked_for = backup("orders");
    let job = asked(&store, asked_for.clone()).await;
    assert_eq!((job.state, &job.act, job.asked_by.as_str()), (JobState::Queued, &asked_for.act, "bo@example.org"));
    assert_eq!(bench.outbox().await.len(), 1);
    // The answer was lost on its way, and the same is asked again.
    assert_eq!(asked(&store, asked_for).await, job);
    assert_eq!(bench.outbox().await.len(), 1, "one intent");

    // An event that can't be written takes its job with it.
    let mut bad = event("request", "backup", "");
    bad.id = "no id".to_owned();
    let other = backup("blog");
    assert!(store.ask_backup_job(other.clone(), bad).await.is_err());
    assert_eq!(store.backup_job(other.id).await.unwrap(), None);

    let begun = begun(&store, &job).await.unwrap();
    assert_eq!((begun.id.as_str(), begun.state), (job.id.as_str(), JobState::Running));
    let mut outcome = event("make", "backup", "shop/orders");
    outcome.outcome = Outcome::Failed;
    let made = Ending { backup: Some(BackupId::new(BACKUP).unwrap()), ..ended(JobState::Done) };
    assert!(store.finish_backup_job(uuid(&job), made, outcome.clone()).await.unwrap());
    assert!(!store.finish_backup_job(uuid(&job), ended(JobState::Failed), outcome).await.unwrap(), "an end is an end");
    let of: Vec<_> = store.backup_jobs_of(&BackupId::new(BACKUP).unwrap(), 9).await.unwrap();
    assert_eq!((of.len(), of[0].state, of[0].sentence.as_deref()), (1, JobState::Done, Some("It came to an end.")));
    assert_eq!(bench.outbox().await.len(), 2);
}

#[tokio::test]
async fn d1_one_job_of_a_database_runs_at_a_time_and_the_same_is_open_once() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let first = asked(&store, backup("orders")).await;
    let same = store.ask_backup_job(backup("orders"), event("request", "backup", "")).await.unwrap();
    assert!(matches!(&same, Asked::Open(job) if job.id == first.id), "{same:?}");
    let second = asked(&store, verify()).await;
    let third = asked(&store, backup("blog")).await;

    // Whatever gives them out, and however often at the same moment.
    let ids = [&first, &second, &third, &first, &second, &third].map(uuid);
    let all = futures::future::join_all(ids.map(|id| store.begin_backup_job(id))).await;
    let running: Vec<String> = store.running_backup_jobs().await.unwrap().into_iter().map(|job| job.id).collect();
    let busy = all.into_iter().filter(|b| matches!(b, Ok(Begun::Busy))).count();
    assert_eq!((running.len(), busy, running.contains(&third.id)), (2, 2, true), "one of the two waits for the other: {running:?}");
    // The answer was lost on its way, and it is asked again.
    let (now, then) = if running.contains(&first.id) { (&first, &second) } else { (&second, &first) };
    assert_eq!(begun(&store, now).await.unwrap().id, now.id);
    store.finish_backup_job(uuid(now), ended(JobState::Failed), event("make", "backup", "")).await.unwrap();
    assert_eq!(begun(&store, now).await, None, "an end is an end");
    assert_eq!(begun(&store, then).await.unwrap().id, then.id);
    assert_eq!(store.running_backup_jobs().await.unwrap().len(), 2);
}

#[tokio::test]
async fn g3_asking_again_with_the_same_key_is_asking_once() {
    let bench = Bench::migrated().await;
    let account = common::account(&mut bench.runtime("one").await, 7, "bo@example.org", &["operator"]).await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let keyed = |database| NewBackupJob { account: Some(account), idempotency_key: Some("k-1".to_owned()), ..backup(database) };
    let job = asked(&store, keyed("orders")).await;
    let before = bench.outbox().await.len();
    for database in ["orders", "blog"] {
        let again = store.ask_backup_job(keyed(database), event("request", "backup", "")).await.unwrap();
        assert!(matches!(&again, Asked::Before(known) if known.id == job.id), "{again:?}");
    }
    assert_eq!(bench.outbox().await.len(), before);
}

#[tokio::test]
async fn d1_what_waits_ends_at_once_and_what_runs_is_marked() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let (first, second) = (asked(&store, backup("orders")).await, asked(&store, verify()).await);
    begun(&store, &first).await.unwrap();
    let cancel = |job: &BackupJob| store.cancel_backup_job(uuid(job), event("cancel", "backup", ""));
    let running = cancel(&first).await.unwrap().unwrap();
    assert_eq!((running.state, running.cancelling, running.ended_at), (JobState::Running, true, None));
    let waiting = cancel(&second).await.unwrap().unwrap();
    assert_eq!(waiting.state, JobState::Cancelled);
    assert!(waiting.sentence.is_some() && waiting.ended_at.is_some());
    assert_eq!(cancel(&second).await.unwrap().unwrap().state, JobState::Cancelled, "asked again it changes nothing");
    assert_eq!(bench.outbox().await.iter().filter(|e| e.verb == "cancel").count(), 2);
    store.finish_backup_job(uuid(&first), ended(JobState::Done), event("make", "backup", "")).await.unwrap();
    let newest = store.backup_jobs(10).await.unwrap();
    assert_eq!(newest.len(), 2);
    let refusals = [
        "DELETE FROM main.backup_job",
        "TRUNCATE main.backup_job",
        "ALTER TABLE main.backup_job ADD COLUMN x int",
        "DROP INDEX main.backup_job_running",
    ];
    for sql in refusals {
        assert!(refused(&mut bench.runtime("one").await, sql).await, "{sql}");
    }
}

#[tokio::test]
async fn d3_a_database_is_replaced_only_when_a_second_person_agrees() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let bo = common::account(&mut c, 7, "bo@example.org", &["operator"]).await;
    let ann = common::account(&mut c, 8, "ann@example.org", &["operator"]).await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let replace = |asker: Option<Uuid>| {
        let act = BackupAct::Replace { backup: BackupId::new(BACKUP).unwrap(), typed: "orders".into() };
        NewBackupJob { account: asker, ..new("orders", act) }
    };
    assert!(store.ask_backup_job(replace(None), event("request", "backup", "")).await.is_err(), "somebody must have asked");
    let job = asked(&store, replace(Some(bo))).await;
    assert_eq!((job.state, job.agreed.as_ref()), (JobState::Waiting, None));
    assert_eq!(begun(&store, &job).await, None, "nothing begins");
    let same = store.ask_backup_job(replace(Some(ann)), event("request", "backup", "")).await.unwrap();
    assert!(matches!(same, Asked::Open(_)), "{same:?}");

    let agree = |who: Uuid, email: &'static str| store.agree_backup_job(uuid(&job), who, email, event("approve", "restore", ""));
    let told = async || bench.outbox().await.iter().filter(|e| e.verb == "approve").count();
    assert_eq!(agree(bo, "bo@example.org").await.unwrap(), Agreed::SamePerson);
    let mut owner = bench.owner("one").await;
    let age = |hours: &str| format!("UPDATE main.backup_job SET asked_at = clock_timestamp() - interval '{hours} hours'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(age("25"))).execute(&mut owner).await.unwrap();
    assert_eq!(agree(ann, "ann@example.org").await.unwrap(), Agreed::TooLate);
    assert_eq!(told().await, 0, "what was not done is not told as done");
    sqlx::raw_sql(sqlx::AssertSqlSafe(age("23"))).execute(&mut owner).await.unwrap();
    for _ in 0..2 {
        let queued = agree(ann, "ann@example.org").await.unwrap();
        let Agreed::Queued(queued) = queued else { panic!("{queued:?}") };
        assert_eq!((queued.state, queued.agreed.unwrap().0.as_str()), (JobState::Queued, "ann@example.org"));
    }
    assert_eq!(told().await, 1, "agreed once, however often the answer was lost");
    assert!(matches!(agree(bo, "bo@example.org").await.unwrap(), Agreed::Not(_)));
    assert_eq!(begun(&store, &job).await.unwrap().id, job.id);
    let nobody = store.agree_backup_job(Uuid::new_v4(), ann, "ann@example.org", event("approve", "restore", "")).await.unwrap();
    assert_eq!(nobody, Agreed::Missing);
    // Not even by hand, and not by one for themselves.
    store.finish_backup_job(uuid(&job), ended(JobState::Failed), event("replace", "backup", "")).await.unwrap();
    let again = asked(&store, replace(Some(bo))).await;
    for state in ["state = 'queued'", "state = 'queued', agreed_account = account_id, agreed_by = asked_by, agreed_at = now()"] {
        let sql = format!("UPDATE main.backup_job SET {state} WHERE id = '{}'", again.id);
        assert!(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut owner).await.is_err(), "{state}");
    }
    assert_eq!(store.cancel_backup_job(uuid(&again), event("cancel", "backup", "")).await.unwrap().unwrap().state, JobState::Cancelled);
}
