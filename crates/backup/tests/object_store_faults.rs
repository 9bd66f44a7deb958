//! A line to the store that breaks, a store that fails, answers that are lost, silence: never a listed backup without whole objects, and
//! the next run is as good as the first.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    dir, endpoint, files, left_in_scratch, request, run_sql,
    store::{Fault, Proxy, Store, THREE_PARTS, access, config},
};
use reeve_backup::{BackupError, Engine, EngineConfig, Keys, Patience, Progress, S3Access};
use reeve_cluster::testing::TestCluster;
use reeve_model::backup::{Backup, VerificationLevel};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A database whose dump is stored in three parts, a store, and a proxy before it.
struct Scene {
    cluster: TestCluster,
    store: Store,
    proxy: Proxy,
    dir: TempDir,
    engine: Engine,
}

impl Scene {
    async fn set() -> Self {
        let (cluster, store, dir) = (TestCluster::start(&[]).await.unwrap(), Store::start().await, dir());
        run_sql(&cluster, "postgres", THREE_PARTS).await;
        let proxy = Proxy::before(store.address).await;
        let engine = Engine::open(config(dir.path(), proxy.address, Keys::default())).await.unwrap();
        Self { cluster, store, proxy, dir, engine }
    }

    async fn run(&self, cancel: &CancellationToken) -> Result<Backup, BackupError> {
        self.run_with(&self.engine, cancel).await
    }

    async fn run_with(&self, engine: &Engine, cancel: &CancellationToken) -> Result<Backup, BackupError> {
        engine.run(request(endpoint(&self.cluster, "postgres")), &Progress::silent(), cancel).await
    }

    /// Past the proxy: what is listed is whole, and so many are.
    async fn expect_listed(&self, count: usize) {
        let engine = Engine::open(config(self.dir.path(), self.store.address, Keys::default())).await.unwrap();
        let catalogue = engine.list().await.unwrap();
        assert_eq!((catalogue.entries.len(), catalogue.damaged.len()), (count, 0));
        for entry in catalogue.entries {
            let id = &entry.backup.id;
            let full = engine.verify(id, VerificationLevel::Full, &Progress::silent(), &CancellationToken::new()).await.unwrap();
            assert!(full.passed(), "{full:?}");
        }
    }

    /// Nothing is left of a run that failed.
    async fn expect_nothing_left(&self) {
        assert!(self.store.objects().is_empty(), "{:?}", self.store.objects());
        assert_eq!(self.store.unfinished(), 0);
        assert_eq!(files(&self.store.file("uploads")), Vec::<PathBuf>::new());
        assert_eq!(left_in_scratch(self.dir.path()), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_uploads_that_are_cut_or_refused_fail_the_run_and_leave_nothing() {
    let scene = Scene::set().await;
    let cancel = CancellationToken::new();
    let faults = [
        (Fault::Cut, "PUT", "partNumber=2"),
        (Fault::Cut, "PUT", "globals.sql"),
        (Fault::Status(503), "PUT", "partNumber=2"),
        (Fault::Status(500), "POST", "uploadId="),
        (Fault::Cut, "PUT", "/manifests/"),
        (Fault::Status(503), "PUT", "/manifests/"),
    ];
    for (fault, method, part) in faults {
        scene.proxy.plan(move |asked| if asked.is(method, part) { fault } else { Fault::None });
        let error = scene.run(&cancel).await.unwrap_err();
        assert!(matches!(error, BackupError::Storage { .. }), "{fault:?} {part}: {error}");
        scene.expect_listed(0).await;
        // A commit that failed may have been done: nothing is taken away before it is old.
        if part == "/manifests/" {
            let impatient = EngineConfig { stale_after: Duration::ZERO, ..config(scene.dir.path(), scene.store.address, Keys::default()) };
            assert_eq!(Engine::open(impatient).await.unwrap().sweep().await.unwrap().removed.len(), 1);
        }
        scene.expect_nothing_left().await;
    }
    // A store without room says so, and that is what people are told.
    scene.proxy.plan(|asked| if asked.is("PUT", "/objects/") { Fault::Status(507) } else { Fault::None });
    assert!(matches!(scene.run(&cancel).await.unwrap_err(), BackupError::Full { .. }));
    scene.expect_nothing_left().await;
    scene.proxy.plan(|_| Fault::None);
    scene.run(&cancel).await.unwrap();
    scene.expect_listed(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_when_one_file_fails_the_uploads_of_the_others_are_ended() {
    let scene = Scene::set().await;
    let cancel = CancellationToken::new();
    // The small file is tried again for as long as the large one may take to come so far.
    let access = access(scene.proxy.address);
    let s3 = S3Access { patience: Patience { retry: Duration::from_secs(120), ..access.patience }, ..access };
    let engine = Engine::open(EngineConfig { s3: Some(s3), ..scene.engine.config().clone() }).await.unwrap();
    // The small file is refused while the large one is under way: at its beginning, with its note, in a part.
    let under_way = [("POST", "uploads="), ("PUT", "/uploads/"), ("PUT", "partNumber=1"), ("PUT", "partNumber=2")];
    for (method, part) in under_way {
        let began = Arc::new(AtomicU32::new(0));
        let seen = began.clone();
        scene.proxy.plan(move |asked| {
            if asked.is(method, part) {
                seen.fetch_add(1, Ordering::SeqCst);
                return Fault::Slow(Duration::from_millis(2));
            }
            match (asked.is("PUT", "globals.sql"), seen.load(Ordering::SeqCst)) {
                (false, _) => Fault::None,
                (true, 0) => Fault::Status(503),
                (true, _) => Fault::Status(403),
            }
        });
        let error = scene.run_with(&engine, &cancel).await.unwrap_err();
        assert!(!matches!(error, BackupError::Cancelled) && began.load(Ordering::SeqCst) > 0, "{part}: {error}");
        scene.expect_nothing_left().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_what_passes_by_does_not_fail_a_run() {
    let scene = Scene::set().await;
    let cancel = CancellationToken::new();
    // The first try of everything goes wrong, each time in another way; of writes, in each way.
    for fault in [Fault::Cut, Fault::Status(503), Fault::Lost] {
        let mut seen = BTreeSet::new();
        scene.proxy.plan(move |asked| if seen.insert((asked.method.clone(), asked.target.clone())) { fault } else { Fault::None });
        let backup = scene.run(&cancel).await.unwrap();
        let silent = Progress::silent();
        assert!(scene.engine.verify(&backup.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed(), "{fault:?}");
        scene.proxy.plan(|_| Fault::None);
    }
    scene.expect_listed(3).await;
    // An upload whose beginning was done and not heard of is nobody's; a rule of the bucket ends it.
    assert_eq!(scene.store.unfinished(), 1);
    assert!(files(&scene.store.file("marks")).is_empty() && files(&scene.store.file("uploads")).is_empty());
    // Down for a moment, altogether.
    let until = Instant::now() + Duration::from_secs(1);
    scene.proxy.plan(move |_| if Instant::now() < until { Fault::Status(503) } else { Fault::None });
    scene.run(&cancel).await.unwrap();
    scene.expect_listed(4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_a_slow_store_is_waited_for_and_a_silent_one_is_not() {
    let scene = Scene::set().await;
    let cancel = CancellationToken::new();
    // A part takes twice as long as silence may last.
    let slow = Fault::Slow(Duration::from_millis(45));
    scene.proxy.plan(move |asked| if asked.is("PUT", "partNumber=1") { slow } else { Fault::None });
    let began = Instant::now();
    scene.run(&cancel).await.unwrap();
    assert!(began.elapsed() > Duration::from_secs(5), "{:?}", began.elapsed());
    scene.expect_listed(1).await;

    for hung in ["partNumber=2", "/globals.sql"] {
        scene.proxy.plan(move |asked| if asked.is("PUT", hung) || asked.is("GET", hung) { Fault::Hang } else { Fault::None });
        let began = Instant::now();
        let error = scene.run(&cancel).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("silent"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
        assert_eq!(scene.store.unfinished(), 0);
    }
    scene.expect_listed(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_a_cancel_does_not_wait_for_a_silent_store() {
    let scene = Scene::set().await;
    // Patient as in real life.
    let s3 = S3Access { patience: Patience::WORK, ..access(scene.proxy.address) };
    let engine = Engine::open(EngineConfig { s3: Some(s3), ..scene.engine.config().clone() }).await.unwrap();
    for (hung, method) in [("partNumber=2", "PUT"), ("/objects/", "GET")] {
        let cancel = CancellationToken::new();
        let asked_for = Arc::new(AtomicU32::new(0));
        let (at, count) = (cancel.clone(), asked_for.clone());
        scene.proxy.plan(move |asked| {
            if !asked.is(method, hung) {
                return Fault::None;
            }
            count.fetch_add(1, Ordering::SeqCst);
            at.cancel();
            Fault::Hang
        });
        let stopped = Arc::new(std::sync::Mutex::new(None));
        let (when, token) = (stopped.clone(), cancel.clone());
        let watch = tokio::spawn(async move {
            token.cancelled().await;
            *when.lock().unwrap() = Some(Instant::now());
        });
        let error = scene.run_with(&engine, &cancel).await.unwrap_err();
        watch.await.unwrap();
        let since = stopped.lock().unwrap().unwrap().elapsed();
        assert!(matches!(error, BackupError::Cancelled) && asked_for.load(Ordering::SeqCst) > 0, "{error}");
        assert!(since < Duration::from_secs(10), "{since:?}");
        scene.expect_nothing_left().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_the_upload_of_a_job_that_died_is_ended_by_a_sweep() {
    let scene = Scene::set().await;
    let (hung, cancel) = (CancellationToken::new(), CancellationToken::new());
    let at = hung.clone();
    scene.proxy.plan(move |asked| {
        if !asked.is("PUT", "partNumber=2") {
            return Fault::None;
        }
        at.cancel();
        Fault::Hang
    });
    // Dropped where it stands, as a process that is killed: nothing of it can clear up.
    tokio::select! {
        _ = scene.run(&cancel) => panic!("it hangs"),
        () = hung.cancelled() => {}
    }
    assert!(scene.store.unfinished() > 0 && files(&scene.store.file("uploads")).len() == 1);
    scene.proxy.plan(|_| Fault::None);
    scene.engine.sweep().await.unwrap();
    assert!(scene.store.unfinished() > 0, "it may still be at work");
    let impatient = EngineConfig { stale_after: Duration::ZERO, ..scene.engine.config().clone() };
    Engine::open(impatient).await.unwrap().sweep().await.unwrap();
    assert_eq!(scene.store.unfinished(), 0);
    assert!(files(&scene.store.file("uploads")).is_empty() && scene.store.objects().is_empty());
    scene.run(&cancel).await.unwrap();
    scene.expect_listed(1).await;
}
