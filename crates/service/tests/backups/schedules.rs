//! Schedules: a due moment is one job, whatever became of Reeve meanwhile.

use super::{Bench, PATIENCE, Scripted, ask, caller, history, name, operator, until};
use reeve_access::{
    authorize,
    permission::{ScheduleBackup, UnscheduleBackup, ViewBackups},
};
use reeve_model::{
    Role, Scope, UnixMs,
    audit::Outcome,
    backup::{BackupAct, BackupKind, BackupSchedule, JobState, NewSchedule, ScheduledWhat},
};
use reeve_ports::{BackupsPort, PortError};
use reeve_runtime::Supervisor;
use reeve_service::backups::Backups;
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, time::Duration};

/// A time of day that is half a day away, so that only what the test winds back is due.
fn far() -> String {
    format!("daily at {:02}:30", (UnixMs::now().0 / 3_600_000 + 12) % 24)
}

fn wanted(database: &str, what: ScheduledWhat, when: &str) -> NewSchedule {
    NewSchedule { database: database.to_owned(), what, when: when.to_owned(), time_zone: "UTC".to_owned(), enabled: true }
}

async fn set(backups: &Backups, target: &str, new: NewSchedule) -> Result<BackupSchedule, PortError> {
    backups.set_schedule(authorize::<ScheduleBackup>(&operator(), (name(target), new)).unwrap()).await
}

/// As if Reeve had been down for ten days.
async fn missed(bench: &Bench) {
    let mut root = PgConnection::connect(&bench.cluster.url("postgres")).await.unwrap();
    sqlx::raw_sql("UPDATE main.backup_schedule SET last_due = now() - interval '10 days'").execute(&mut root).await.unwrap();
}

/// The schedule of a database, once it is as wanted.
async fn seen(backups: &Backups, database: &str, as_wanted: impl Fn(&BackupSchedule) -> bool) -> BackupSchedule {
    let begun = tokio::time::Instant::now();
    loop {
        let all = backups.backup_schedules(authorize::<ViewBackups>(&operator(), ()).unwrap()).await.unwrap();
        let found = all.into_iter().find(|s| s.database == database).unwrap();
        if as_wanted(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_what_was_missed_is_made_up_for_once_and_a_restart_runs_nothing_twice() {
    let (bench, works) = (Bench::start().await, Scripted::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    let orders = set(&backups, "shop", wanted("orders", ScheduledWhat::Backup, &far())).await.unwrap();
    assert!(orders.next_at.is_some_and(|at| at > UnixMs::now()) && orders.next_local.as_ref().is_some_and(|t| t.ends_with(":30 UTC")));
    let event = bench.events().await.pop().unwrap();
    assert_eq!((event.verb.as_str(), event.noun.as_str(), event.actor.as_str()), ("schedule", "backup", "bo@example.org"));
    assert_eq!((event.resource.as_str(), event.outcome, event.before.is_none()), ("shop/orders", Outcome::Done, true));
    missed(&bench).await;
    works.go.add_permits(9);

    let supervisor = Supervisor::new();
    backups.start(&supervisor);
    let made = seen(&backups, "orders", |s| s.last.as_ref().is_some_and(|l| l.state == JobState::Done)).await;
    let job = until(&backups, &made.last.unwrap().job, |j| !j.state.open()).await;
    assert_eq!((job.kind, job.asked_by.as_str()), (BackupKind::Scheduled, "schedule"));
    let after = history(&backups, &operator()).await;
    assert_eq!((after.items.len(), after.items[0].backup.kind), (1, BackupKind::Scheduled));
    assert_eq!(after.jobs.len(), 1, "ten were missed, one is made up for");
    let told = bench.events().await.into_iter().find(|e| e.verb == "request").unwrap();
    assert!(told.account.is_none() && told.after.unwrap().contains(&orders.id), "Reeve asked, because of this schedule");
    assert!(supervisor.stop(PATIENCE).await);

    // The next Reeve looks at all schedules; when it has come to the later one, it has passed the first.
    let next = bench.backups(Some(Arc::clone(&works)));
    set(&next, "shop", wanted("zebra", ScheduledWhat::Backup, &far())).await.unwrap();
    let mut root = PgConnection::connect(&bench.cluster.url("postgres")).await.unwrap();
    let wind = "UPDATE main.backup_schedule SET last_due = now() - interval '2 days' WHERE database = 'zebra'";
    sqlx::raw_sql(wind).execute(&mut root).await.unwrap();
    let supervisor = Supervisor::new();
    next.start(&supervisor);
    seen(&next, "zebra", |s| s.last.as_ref().is_some_and(|l| l.state == JobState::Done)).await;
    let jobs = history(&next, &operator()).await.jobs;
    assert_eq!(jobs.iter().filter(|j| j.database == "orders").count(), 1, "a restart runs nothing twice");
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_what_is_open_already_is_passed_over_and_says_so() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    set(&backups, "shop", wanted("orders", ScheduledWhat::Backup, &far())).await.unwrap();
    let manual = ask(&backups, "shop", "orders").await.unwrap();
    missed(&bench).await;
    backups.start(&supervisor);
    let passed = seen(&backups, "orders", |s| s.note.is_some()).await;
    assert!(passed.note.unwrap().contains("already, asked by bo@example.org"));
    assert_eq!(passed.last, None, "the other one is not its own");
    works.go.add_permits(1);
    until(&backups, &manual.id, |j| j.state == JobState::Done).await;
    assert_eq!(history(&backups, &operator()).await.jobs.len(), 1);
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_drill_takes_the_newest_good_backup_and_says_when_there_is_none() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    set(&backups, "shop", wanted("orders", ScheduledWhat::Drill, &far())).await.unwrap();
    missed(&bench).await;
    backups.start(&supervisor);
    let none = seen(&backups, "orders", |s| s.note.is_some()).await;
    assert_eq!((none.note.as_deref(), none.last), (Some("There was no good backup to drill."), None));
    works.go.add_permits(1);
    let made = ask(&backups, "shop", "orders").await.unwrap();
    let made = until(&backups, &made.id, |j| j.state == JobState::Done).await.backup.unwrap();
    missed(&bench).await;
    // Setting another schedule wakes the task: nobody waits for a minute to pass.
    set(&backups, "ledger", wanted("books", ScheduledWhat::Backup, &far())).await.unwrap();
    let drilled = seen(&backups, "orders", |s| s.last.is_some()).await;
    let job = until(&backups, &drilled.last.unwrap().job, |j| j.progress.is_some()).await;
    assert_eq!((job.act, job.kind), (BackupAct::Drill { backup: made }, BackupKind::Scheduled));
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_schedules_are_set_by_who_may_and_seen_in_scope() {
    let (bench, works) = (Bench::start().await, Scripted::new());
    let backups = bench.backups(Some(works));
    set(&backups, "ledger", wanted("books", ScheduledWhat::Backup, &far())).await.unwrap();
    let first = set(&backups, "shop", wanted("orders", ScheduledWhat::Backup, "weekly on Sunday at 03:00")).await.unwrap();
    let second = set(&backups, "shop", wanted("orders", ScheduledWhat::Backup, "0 4 1 * *")).await.unwrap();
    assert_eq!((first.id.as_str(), second.words.as_str()), (second.id.as_str(), "monthly on day 1 at 04:00"), "it takes the other's place");
    let changed = bench.events().await.pop().unwrap();
    assert!(changed.before.unwrap().contains("0 3 * * 0") && changed.after.unwrap().contains("0 4 1 * *"));

    let scoped = caller(Role::Viewer, Scope::Target(name("shop")));
    let text = serde_json::to_string(&history(&backups, &scoped).await).unwrap();
    assert!(text.contains("0 4 1 * *") && !text.contains("books") && !text.contains("ledger"), "{text}");
    let new = wanted("orders", ScheduledWhat::Backup, &far());
    assert!(authorize::<ScheduleBackup>(&scoped, (name("shop"), new.clone())).is_err(), "a viewer plans nothing");
    let elsewhere = caller(Role::Operator, Scope::Target(name("ledger")));
    assert!(authorize::<ScheduleBackup>(&elsewhere, (name("shop"), new)).is_err(), "nor an operator of another target");

    let remove = |target: &str, id: &str| {
        backups.remove_schedule(authorize::<UnscheduleBackup>(&operator(), (name(target), id.to_owned())).unwrap())
    };
    assert!(matches!(remove("ledger", &first.id).await, Err(PortError::NotFound(_))), "of another target it is not there");
    remove("shop", &first.id).await.unwrap();
    assert!(matches!(remove("shop", &first.id).await, Err(PortError::NotFound(_))));
    let gone = bench.events().await.pop().unwrap();
    assert_eq!((gone.verb.as_str(), gone.resource.as_str()), ("unschedule", "shop/orders"));
    assert_eq!(history(&backups, &operator()).await.schedules.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_what_can_not_be_planned_says_what_to_do() {
    let (bench, works) = (Bench::start().await, Scripted::new());
    let backups = bench.backups(Some(works));
    for (new, hint) in [
        (wanted("orders", ScheduledWhat::Backup, "now and then"), "daily at 02:30"),
        (wanted("orders", ScheduledWhat::Drill, "0 0 31 2 *"), "never comes"),
        (NewSchedule { time_zone: "Mars/Olympus".into(), ..wanted("orders", ScheduledWhat::Backup, &far()) }, "Europe/Berlin"),
        (wanted("", ScheduledWhat::Backup, &far()), "name of 1 to 63 bytes"),
    ] {
        let refused = set(&backups, "shop", new).await.unwrap_err();
        assert!(matches!(&refused, PortError::Invalid(sentence) if sentence.contains(hint)), "{refused:?}");
    }
    let none = bench.backups(None);
    let refused = set(&none, "shop", wanted("orders", ScheduledWhat::Backup, &far())).await.unwrap_err();
    assert!(refused.to_string().contains("No repository is configured"));
    assert!(bench.events().await.iter().all(|e| e.verb != "schedule"), "nothing was written");
}
