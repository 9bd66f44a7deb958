//! Killed, cancelled, twice at once: nothing half-done is ever listed, and the next run is as good as the first.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DATABASE, back_up, cluster, config, dir, endpoint, engine, files, impatient, left_in_scratch, objects, request};
use reeve_adapter::Endpoint;
use reeve_backup::{BackupError, Engine, Keys, Progress};
use reeve_cluster::testing::TestCluster;
use reeve_model::backup::{JobPhase, Keep, VerificationLevel};
use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::sync::CancellationToken;

/// Not a test of its own: the process that the tests below kill. It makes backups and says each phase.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests of this file"]
async fn child_that_makes_a_backup() {
    let dir = std::env::var("REEVE_TEST_DIR").unwrap();
    let endpoint = Endpoint::parse(&std::env::var("REEVE_TEST_URL").unwrap()).unwrap();
    let engine = Engine::open(config(Path::new(&dir), Keys::default())).await.unwrap();
    let progress = Progress::new(|now| println!("phase {}", now.phase.saying()));
    let outcome = engine.run(request(endpoint), &progress, &CancellationToken::new()).await;
    println!("ended {outcome:?}");
}

/// Kills a process that makes a backup a moment after it says a phase. Answers whether it came to its end.
async fn killed_in(phase: JobPhase, after: Duration, cluster: &TestCluster, dir: &Path) -> bool {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_makes_a_backup", "--ignored", "--nocapture", "--test-threads=1"])
        .env("REEVE_TEST_DIR", dir)
        .env("REEVE_TEST_URL", cluster.url(DATABASE))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(phase.saying()) {
            tokio::time::sleep(after).await;
            child.kill().await.unwrap();
            break;
        }
    }
    let mut ended = false;
    while let Ok(Some(line)) = lines.next_line().await {
        ended |= line.contains("ended Ok");
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_killed_run_is_never_listed_and_leaves_nothing_after_the_next() {
    let (cluster, dir) = (cluster().await, dir());
    let moments = [
        (JobPhase::Preflight, 0),
        (JobPhase::Dump, 0),
        (JobPhase::Dump, 60),
        (JobPhase::Dump, 200),
        (JobPhase::Store, 0),
        (JobPhase::Store, 40),
        (JobPhase::Store, 120),
        (JobPhase::Commit, 0),
    ];
    let mut listed = 0;
    for (phase, ms) in moments {
        let ended = killed_in(phase, Duration::from_millis(ms), &cluster, dir.path()).await;
        let catalogue = engine(dir.path()).await.list().await.unwrap();
        assert!(catalogue.damaged.is_empty());
        let more = catalogue.entries.len() - listed;
        assert!(more == 0 || (more == 1 && (ended || phase == JobPhase::Commit || phase == JobPhase::Store)), "{phase:?} + {ms} ms");
        listed = catalogue.entries.len();
    }
    // Whatever is listed is whole, and what the dead ones left goes with the next run.
    let engine = impatient(dir.path()).await;
    let last = back_up(&engine, &cluster).await;
    engine.sweep().await.unwrap();
    let catalogue = engine.list().await.unwrap();
    for entry in &catalogue.entries {
        let verification = engine.verify(&entry.backup.id, VerificationLevel::Full, &Progress::silent(), &CancellationToken::new()).await;
        assert!(verification.unwrap().passed());
    }
    let ids: Vec<String> = catalogue.entries.iter().map(|e| e.backup.id.to_string()).collect();
    assert!(ids.contains(&last.id.to_string()));
    for path in objects(dir.path()) {
        assert!(ids.iter().any(|id| path.to_str().unwrap().contains(id)), "{} is nobody's", path.display());
    }
    assert!(files(&dir.path().join("repository/marks")).is_empty());
    assert!(left_in_scratch(dir.path()).is_empty(), "{:?}", left_in_scratch(dir.path()));
}

/// Ends the tool of one job. Answers whether it was found.
fn kill_tool(name: &str, scratch: &Path) -> bool {
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    let mut found = false;
    for pid in pids {
        let link = |what: &str| std::fs::read_link(format!("/proc/{pid}/{what}")).unwrap_or_default();
        if link("cwd").starts_with(scratch) && link("exe").file_name().is_some_and(|exe| exe == name) {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).ok();
            found = true;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_killed_pg_dump_fails_the_run_and_leaves_nothing() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let place = dir.path().join("scratch");
    let running = CancellationToken::new();
    let over = running.clone();
    let killer = tokio::task::spawn_blocking(move || {
        while !over.is_cancelled() {
            if kill_tool("pg_dump", &place) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    });
    let error = engine.run(request(endpoint(&cluster, DATABASE)), &Progress::silent(), &CancellationToken::new()).await.unwrap_err();
    running.cancel();
    assert!(killer.await.unwrap());
    assert!(matches!(&error, BackupError::Tool { tool, .. } if tool == "pg_dump"), "{error}");
    assert!(engine.list().await.unwrap().entries.is_empty() && objects(dir.path()).is_empty() && left_in_scratch(dir.path()).is_empty());
    back_up(&engine, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_cancelled_run_leaves_nothing_and_holds_nothing_up() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    for phase in [JobPhase::Preflight, JobPhase::Dump, JobPhase::Store, JobPhase::Commit] {
        let cancel = CancellationToken::new();
        let at = cancel.clone();
        let progress = Progress::new(move |now| {
            if now.phase == phase {
                at.cancel();
            }
        });
        let error = engine.run(request(endpoint(&cluster, DATABASE)), &progress, &cancel).await.unwrap_err();
        assert!(matches!(error, BackupError::Cancelled), "{phase:?}: {error}");
        assert!(engine.list().await.unwrap().entries.is_empty(), "{phase:?}");
        assert!(objects(dir.path()).is_empty() && left_in_scratch(dir.path()).is_empty(), "{phase:?}");
    }
    back_up(&engine, &cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d1_one_backup_of_a_database_at_a_time() {
    let (cluster, dir, elsewhere) = (cluster().await, dir(), dir());
    let (one, other) = (engine(dir.path()).await, engine(elsewhere.path()).await);
    let refused: Arc<Mutex<Option<BackupError>>> = Arc::default();
    let (slot, second, to) = (refused.clone(), endpoint(&cluster, DATABASE), other.clone());
    let handle = tokio::runtime::Handle::current();
    let asked = Mutex::new(false);
    // Another Reeve, with another repository, asks while the first one dumps.
    let progress = Progress::new(move |now| {
        let mut asked = asked.lock().unwrap();
        if now.phase == JobPhase::Dump && !*asked {
            *asked = true;
            let (to, request, slot) = (to.clone(), request(second.clone()), slot.clone());
            let outcome = std::thread::spawn({
                let handle = handle.clone();
                move || handle.block_on(async move { to.run(request, &Progress::silent(), &CancellationToken::new()).await })
            });
            *slot.lock().unwrap() = outcome.join().unwrap().err();
        }
    });
    one.run(request(endpoint(&cluster, DATABASE)), &progress, &CancellationToken::new()).await.unwrap();
    let error = refused.lock().unwrap().take().unwrap();
    assert!(matches!(&error, BackupError::Busy { database } if database == DATABASE), "{error}");
    assert!(other.list().await.unwrap().entries.is_empty());
    back_up(&other, &cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_what_is_being_read_is_not_pruned_and_what_is_being_made_is_not_swept() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let old = back_up(&engine, &cluster).await;
    let new = back_up(&engine, &cluster).await;
    let keep = Keep { daily: 1, weekly: 0, monthly: 0 };
    let report = engine.prune(keep, false).await.unwrap();
    assert_eq!((report.removed.len(), report.unverified), (0, vec![format!("shop/{DATABASE}")]), "nothing is verified yet");
    engine.verify(&new.id, VerificationLevel::Full, &silent, &cancel).await.unwrap();

    // While the old one is verified, a prune and a sweep come along.
    let (pruner, handle) = (engine.clone(), tokio::runtime::Handle::current());
    let reports = Arc::new(Mutex::new(Vec::new()));
    let ear = reports.clone();
    let progress = Progress::new(move |_| {
        let (pruner, handle) = (pruner.clone(), handle.clone());
        let during = std::thread::spawn(move || {
            handle.block_on(async move {
                pruner.sweep().await.unwrap();
                pruner.prune(keep, false).await.unwrap()
            })
        });
        ear.lock().unwrap().push(during.join().unwrap());
    });
    assert!(engine.verify(&old.id, VerificationLevel::Full, &progress, &cancel).await.unwrap().passed());
    let during = std::mem::take(&mut *reports.lock().unwrap());
    assert!(!during.is_empty() && during.iter().all(|r| r.in_use == [old.id.clone()] && r.removed.is_empty()), "{during:?}");

    let report = engine.prune(keep, true).await.unwrap();
    assert_eq!((report.removed.len(), engine.list().await.unwrap().entries.len()), (1, 2), "a dry run removes nothing");
    let report = engine.prune(keep, false).await.unwrap();
    assert_eq!(report.removed.iter().map(|b| &b.id).collect::<Vec<_>>(), [&old.id]);
    assert!(objects(dir.path()).iter().all(|path| path.to_str().unwrap().contains(new.id.as_str())));
    assert!(engine.verify(&new.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
    assert!(engine.prune(keep, false).await.unwrap().removed.is_empty(), "twice is once");
    assert!(matches!(engine.show(&old.id).await.unwrap_err(), BackupError::NotFound { .. }));

    // A sweep in the midst of a run.
    let (sweeper, handle) = (engine.clone(), tokio::runtime::Handle::current());
    let progress = Progress::new(move |_| {
        let (sweeper, handle) = (sweeper.clone(), handle.clone());
        let swept = std::thread::spawn(move || handle.block_on(async move { sweeper.sweep().await.unwrap() })).join().unwrap();
        assert!(swept.removed.is_empty());
    });
    let third = engine.run(request(endpoint(&cluster, DATABASE)), &progress, &cancel).await.unwrap();
    assert!(engine.verify(&third.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
}
