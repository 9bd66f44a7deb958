//! Jobs: what is asked is done once, told, and seen by those who may.

use super::{Bench, PATIENCE, Scripted, ask, caller, history, job, name, operator, until};
use reeve_access::{
    authorize,
    permission::{CancelBackup, RunBackup, ViewBackupJob, ViewBackups},
};
use reeve_model::{
    Role, Scope,
    backup::{BackupAct, BackupQuery, JobState, RepositoryState},
};
use reeve_ports::{BackupsPort, PortError};
use reeve_runtime::Supervisor;
use reeve_service::backups::Stopped;
use reeve_store::backup_jobs::Begun;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

#[tokio::test(flavor = "multi_thread")]
async fn d1_what_is_asked_is_done_listed_and_told_to_the_trail() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    let intent = bench.events().await.pop().unwrap();
    assert_eq!((intent.verb.as_str(), intent.resource.as_str(), intent.actor.as_str()), ("request", "shop/orders", "bo@example.org"));
    let running = until(&backups, &asked.id, |j| j.progress.is_some()).await;
    assert_eq!((running.state, running.progress.unwrap().done_bytes), (JobState::Running, 5));
    assert!(history(&backups, &operator()).await.items.is_empty(), "nothing half-done is listed");
    works.go.add_permits(1);
    let done = until(&backups, &asked.id, |j| !j.state.open()).await;
    assert_eq!(done.state, JobState::Done);
    let seen = history(&backups, &operator()).await;
    assert_eq!(seen.items.len(), 1);
    assert_eq!(done.backup.as_ref(), Some(&seen.items[0].backup.id), "whoever sees it done finds what it made");
    let outcome = bench.events().await.into_iter().find(|e| e.verb == "make").unwrap();
    assert!(outcome.after.unwrap().contains(&asked.id));
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_two_at_once_one_runs_and_another_database_does_not_wait() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    let (one, two) = tokio::join!(ask(&backups, "shop", "orders"), ask(&backups, "shop", "orders"));
    let (good, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    let sentence = refused.unwrap_err().to_string();
    assert!(sentence.contains("already, asked by bo@example.org"), "{sentence}");
    let other = ask(&backups, "ledger", "orders").await.unwrap();
    until(&backups, &good.as_ref().unwrap().id, |j| j.progress.is_some()).await;
    until(&backups, &other.id, |j| j.progress.is_some()).await;
    assert_eq!(works.most.load(Ordering::SeqCst), 2);
    works.go.add_permits(2);
    for id in [&good.unwrap().id, &other.id] {
        until(&backups, id, |j| j.state == JobState::Done).await;
    }
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_reeve_ending_in_the_middle_is_a_failure_that_is_told() {
    let (bench, works) = (Bench::start().await, Scripted::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    // Told to stop: the job ends and clears away, and says why.
    let supervisor = Supervisor::new();
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.progress.is_some()).await;
    assert!(supervisor.stop(PATIENCE).await);
    let ended = job(&backups, &asked.id).await;
    assert_eq!(ended.state, JobState::Failed);
    assert!(ended.sentence.unwrap().contains("Reeve ended"), "and nobody cancelled it");

    // Killed: nobody wrote anything. The next one finds it at work and says so; nothing of it is listed.
    let killed = ask(&backups, "shop", "orders").await.unwrap();
    let begun = bench.store.begin_backup_job(killed.id.parse().unwrap()).await.unwrap();
    assert!(matches!(begun, Begun::Job(_)), "{begun:?}");
    let next = bench.backups(Some(Arc::clone(&works)));
    let supervisor = Supervisor::new();
    next.start(&supervisor);
    let told = until(&next, &killed.id, |j| !j.state.open()).await;
    assert_eq!(told.state, JobState::Failed);
    assert!(told.sentence.unwrap().contains("ask for it again"));
    assert!(history(&next, &operator()).await.items.is_empty());
    assert_eq!(bench.events().await.iter().filter(|e| e.verb == "make").count(), 2, "each end is told");
    // And the same can be asked for again.
    works.go.add_permits(1);
    let again = ask(&next, "shop", "orders").await.unwrap();
    until(&next, &again.id, |j| j.state == JobState::Done).await;
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_job_is_ended_by_who_may_and_says_so() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(works));
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.progress.is_some()).await;
    let grant = |target: &str| authorize::<CancelBackup>(&operator(), (name(target), asked.id.clone())).unwrap();
    assert!(matches!(backups.cancel(grant("ledger")).await, Err(PortError::NotFound(_))), "of another target it is not there");
    backups.cancel(grant("shop")).await.unwrap();
    let ended = until(&backups, &asked.id, |j| !j.state.open()).await;
    assert_eq!((ended.state, ended.sentence.unwrap().as_str()), (JobState::Cancelled, "It was cancelled, and nothing of it is kept."));
    let refused = backups.cancel(grant("shop")).await;
    assert!(matches!(&refused, Ok(job) if job.state == JobState::Cancelled), "{refused:?}");
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_reeves_own_database_going_away_ends_no_job() {
    let (mut bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.progress.is_some()).await;
    bench.cluster.stop_server().await;
    // Longer than the queue's library waits for what it gave out.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(works.now.load(Ordering::SeqCst), 1, "it is at work all the same");
    bench.cluster.start_again().await.unwrap();
    let other = loop {
        match ask(&backups, "ledger", "books").await {
            Ok(job) => break job,
            // Its circuit is still open.
            Err(PortError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("{error}"),
        }
    };
    until(&backups, &other.id, |j| j.progress.is_some()).await;
    assert_eq!(works.now.load(Ordering::SeqCst), 2, "and others begin again");
    works.go.add_permits(2);
    for id in [&asked.id, &other.id] {
        assert_eq!(until(&backups, id, |j| !j.state.open()).await.state, JobState::Done);
    }
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_what_is_out_of_scope_leaves_no_trace() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    works.go.add_permits(2);
    let shop = ask(&backups, "shop", "orders").await.unwrap();
    let ledger = ask(&backups, "ledger", "books").await.unwrap();
    for id in [&shop.id, &ledger.id] {
        until(&backups, id, |j| j.state == JobState::Done).await;
    }
    let scoped = caller(Role::Viewer, Scope::Target(name("shop")));
    let seen = history(&backups, &scoped).await;
    let text = serde_json::to_string(&seen).unwrap();
    assert!(text.contains("orders") && !text.contains("ledger") && !text.contains("books"), "{text}");
    assert_eq!((seen.total, seen.jobs.len()), (1, 1));
    let hidden = backups.backup_job(authorize::<ViewBackupJob>(&scoped, ledger.id.clone()).unwrap()).await;
    assert!(matches!(hidden, Err(PortError::NotFound(_))));
    let act = BackupAct::Backup { database: "orders".into(), tables: Vec::new() };
    assert!(authorize::<RunBackup>(&scoped, (name("shop"), act)).is_err(), "a viewer runs nothing");
    // A backup of one target is not there when asked for as one of another.
    let stray = BackupAct::Drill { backup: history(&backups, &operator()).await.items[0].backup.id.clone() };
    let of = history(&backups, &operator()).await.items[0].backup.target.clone();
    let wrong = if of == name("shop") { "ledger" } else { "shop" };
    let refused = backups.ask(authorize::<RunBackup>(&operator(), (name(wrong), stray)).unwrap(), None).await;
    assert!(matches!(refused, Err(PortError::NotFound(_))), "{refused:?}");
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_pages_of_the_history_hold_each_backup_once_whatever_its_id() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    works.go.add_permits(4);
    backups.start(&supervisor);
    for database in ["orders", "blog", "wiki", "shop"] {
        let asked = ask(&backups, "shop", database).await.unwrap();
        until(&backups, &asked.id, |j| j.state == JobState::Done).await;
    }
    // All of one second by their ids, which are random after that; the list goes by the moment.
    let all = history(&backups, &operator()).await.items;
    let listed: Vec<_> = all.iter().map(|e| e.backup.id.clone()).collect();
    assert!(all.is_sorted_by(|a, b| a.backup.timestamp >= b.backup.timestamp) && listed.len() == 4);
    let (mut query, mut paged) = (BackupQuery { limit: 1, ..BackupQuery::default() }, Vec::new());
    loop {
        let page = backups.backup_history(authorize::<ViewBackups>(&operator(), ()).unwrap(), query.clone()).await.unwrap();
        paged.extend(page.items.into_iter().map(|e| e.backup.id));
        match page.next {
            Some(next) if paged.len() <= listed.len() => query.cursor = Some(next),
            _ => break,
        }
    }
    assert_eq!(paged, listed);
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_repository_that_is_away_says_so_and_what_was_known_stays() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    works.go.add_permits(1);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.state == JobState::Done).await;
    *works.away.lock().unwrap() = Some("it is not mounted".to_owned());
    *works.outcome.lock().unwrap() = Err(Stopped::Failed("the repository is not mounted: mount it".to_owned()));
    works.go.add_permits(1);
    let failed = ask(&backups, "shop", "orders").await.unwrap();
    let failed = until(&backups, &failed.id, |j| !j.state.open()).await;
    assert_eq!((failed.state, failed.sentence.as_deref()), (JobState::Failed, Some("The repository is not mounted: mount it.")));
    let seen = history(&backups, &operator()).await;
    assert!(matches!(&seen.repository, RepositoryState::Unreachable { last: Some(_), sentence, .. } if sentence == "it is not mounted"));
    assert_eq!(seen.items.len(), 1, "what was known stays");
    let none = bench.backups(None);
    let refused = ask(&none, "shop", "orders").await.unwrap_err();
    assert!(refused.to_string().contains("No repository is configured"));
    assert_eq!(history(&none, &operator()).await.repository, RepositoryState::NotConfigured);
    assert!(supervisor.stop(PATIENCE).await);
}
