//! Schedules of backups: one of each kind per database, and a due moment that is taken once whoever comes.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event};
use reeve_model::{
    TargetName, UnixMs,
    backup::{BackupAct, BackupKind, JobState, ScheduledWhat},
};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    backup_jobs::{Ending, NewBackupJob},
    backup_schedules::{Due, DueJob, NewStoredSchedule, StoredSchedule},
};
use uuid::Uuid;

const SET: UnixMs = UnixMs(1_795_000_000_123);

fn target() -> TargetName {
    TargetName::new("shop").unwrap()
}

fn new(database: &str, what: ScheduledWhat, cron: &str) -> NewStoredSchedule {
    NewStoredSchedule {
        id: Uuid::new_v4(),
        target: target(),
        database: database.to_owned(),
        what,
        cron: cron.to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        enabled: true,
        set_by: "bo@example.org".to_owned(),
        set_at: SET,
    }
}

fn ask() -> DueJob {
    let id = Uuid::new_v4();
    let job = NewBackupJob {
        id,
        target: target(),
        database: "orders".to_owned(),
        act: BackupAct::Backup { database: "orders".to_owned(), tables: Vec::new() },
        kind: BackupKind::Scheduled,
        account: None,
        asked_by: "schedule".to_owned(),
        idempotency_key: None,
    };
    DueJob::Ask(Box::new((job, event("request", "backup", "shop/orders"))))
}

async fn only(store: &Store) -> StoredSchedule {
    let mut all = store.backup_schedules().await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test]
async fn d1_a_database_has_one_schedule_of_each_kind_and_each_change_its_event() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let first = new("orders", ScheduledWhat::Backup, "30 2 * * *");
    store.set_backup_schedule(first.clone(), event("schedule", "backup", "shop/orders")).await.unwrap();
    let stored = only(&store).await;
    assert_eq!((stored.id, stored.last_due, stored.last.clone()), (first.id, SET, None), "what was before it is none of its business");
    store.take_due_backup(stored, SET.plus_ms(10), DueJob::Nothing("There was none.".to_owned())).await.unwrap();

    let again = NewStoredSchedule { set_at: SET.plus_ms(99), ..new("orders", ScheduledWhat::Backup, "0 4 * * 1") };
    store.set_backup_schedule(again, event("schedule", "backup", "shop/orders")).await.unwrap();
    let stored = only(&store).await;
    assert_eq!((stored.id, stored.cron.as_str(), stored.last_due, stored.last_note), (first.id, "0 4 * * 1", SET.plus_ms(99), None));
    store.set_backup_schedule(new("orders", ScheduledWhat::Drill, "0 5 * * *"), event("schedule", "backup", "")).await.unwrap();
    assert_eq!(store.backup_schedules().await.unwrap().len(), 2);
    assert_eq!(bench.outbox().await.len(), 3);

    // An event that can't be written takes its change with it.
    let mut bad = event("schedule", "backup", "");
    bad.id = "no id".to_owned();
    assert!(store.set_backup_schedule(new("blog", ScheduledWhat::Backup, "0 5 * * *"), bad.clone()).await.is_err());
    assert!(store.remove_backup_schedule(first.id, bad).await.is_err());
    assert_eq!(store.backup_schedules().await.unwrap().len(), 2);

    assert!(store.remove_backup_schedule(first.id, event("unschedule", "backup", "shop/orders")).await.unwrap());
    assert!(!store.remove_backup_schedule(first.id, event("unschedule", "backup", "shop/orders")).await.unwrap());
    assert_eq!((only(&store).await.what, bench.outbox().await.len()), (ScheduledWhat::Drill, 4));
}

#[tokio::test]
async fn d1_a_due_moment_is_taken_once_whoever_comes() {
    let bench = Bench::migrated().await;
    let (one, two) = (Store::new(bench.pools(false), DEFAULT_ORG), Store::new(bench.pools(false), DEFAULT_ORG));
    one.set_backup_schedule(new("orders", ScheduledWhat::Backup, "30 2 * * *"), event("schedule", "backup", "")).await.unwrap();
    let (seen, due) = (only(&one).await, SET.plus_ms(60_000));
    // Two Reeves, and each tries several times at the same moment.
    let tries = (0..8).map(|n| (if n % 2 == 0 { &one } else { &two }).take_due_backup(seen.clone(), due, ask()));
    let came: Vec<Due> = futures::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let asked: Vec<_> = came.iter().filter_map(|d| if let Due::Asked(job) = d { Some(job) } else { None }).collect();
    assert_eq!(asked.len(), 1, "{came:?}");
    assert_eq!(came.iter().filter(|d| **d == Due::Taken).count(), 7, "{came:?}");
    let jobs = one.backup_jobs(9).await.unwrap();
    assert_eq!((jobs.len(), jobs[0].kind, jobs[0].asked_by.as_str()), (1, BackupKind::Scheduled, "schedule"));
    assert_eq!(bench.outbox().await.len(), 2, "the schedule's event and one of the asking");
    let now = only(&two).await;
    let last = now.last.clone().unwrap();
    assert_eq!((now.last_due, last.job, last.state, now.last_note), (due, jobs[0].id.clone(), JobState::Queued, None));

    // The next moment finds it open still: it is passed over, for good, and says so.
    let seen = only(&one).await;
    let open = one.take_due_backup(seen.clone(), due.plus_ms(60_000), ask()).await.unwrap();
    assert!(matches!(&open, Due::Open(job) if job.id == jobs[0].id), "{open:?}");
    let passed = only(&one).await;
    assert_eq!(passed.last_note.as_deref(), Some("The same was queued already, asked by schedule."));
    assert_eq!(passed.last.as_ref().unwrap().job, jobs[0].id, "the last run is the one that was");
    assert_eq!(one.take_due_backup(seen, due.plus_ms(60_000), ask()).await.unwrap(), Due::Taken);

    // When it has ended, another one is asked for, and the note is gone.
    let id = Uuid::parse_str(&jobs[0].id).unwrap();
    let begun = one.begin_backup_job(jobs[0].id.parse().unwrap()).await.unwrap();
    assert!(matches!(begun, reeve_store::backup_jobs::Begun::Job(_)), "{begun:?}");
    let end = Ending { state: JobState::Done, sentence: "It is made.".to_owned(), backup: None, progress: None, restored: None };
    assert!(one.finish_backup_job(id, end, event("make", "backup", "")).await.unwrap());
    assert_eq!(only(&one).await.last.unwrap().sentence.as_deref(), Some("It is made."));
    assert!(matches!(one.take_due_backup(only(&one).await, due.plus_ms(120_000), ask()).await.unwrap(), Due::Asked(_)));
    assert_eq!(only(&one).await.last_note, None);
}

#[tokio::test]
async fn d1_what_was_changed_meanwhile_does_not_run_as_it_was() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    store.set_backup_schedule(new("orders", ScheduledWhat::Backup, "30 2 * * *"), event("schedule", "backup", "")).await.unwrap();
    let seen = only(&store).await;
    let due = SET.plus_ms(60_000);
    store.set_backup_schedule(new("orders", ScheduledWhat::Backup, "0 4 * * *"), event("schedule", "backup", "")).await.unwrap();
    assert_eq!(store.take_due_backup(seen, due, ask()).await.unwrap(), Due::Taken);
    let paused = NewStoredSchedule { enabled: false, ..new("orders", ScheduledWhat::Backup, "0 4 * * *") };
    store.set_backup_schedule(paused, event("schedule", "backup", "")).await.unwrap();
    assert_eq!(store.take_due_backup(only(&store).await, due, ask()).await.unwrap(), Due::Taken);
    assert!(store.backup_jobs(9).await.unwrap().is_empty());
}
