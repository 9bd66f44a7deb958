//! What can't work is refused with a sentence that says what to do, and no secret is ever told.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DATABASE, back_up, cluster, config, connect, dir, endpoint, engine, files, left_in_scratch, objects, pair, request, run_sql};
use reeve_adapter::Endpoint;
use reeve_backup::{BackupError, DrillRequest, Engine, EngineConfig, Keys, Progress};
use reeve_cluster::{binaries::Installation, testing::TestPooler};
use reeve_model::backup::{DrillOutcome, JobPhase, VerificationLevel};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};
use tokio_util::sync::CancellationToken;

async fn refused(engine: &Engine, endpoint: Endpoint) -> String {
    engine.run(request(endpoint), &Progress::silent(), &CancellationToken::new()).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_wrong_rotated_and_lost_keys_fail_clearly() {
    let (cluster, dir) = (cluster().await, dir());
    let (recipients, identity) = pair();
    let (others, other) = pair();
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let open = async |recipients: &[String], identity: Option<&secrecy::SecretString>| {
        Engine::open(config(dir.path(), Keys::read(recipients, identity).unwrap())).await
    };
    let mismatch = open(&recipients, Some(&other)).await.unwrap_err().to_string();
    assert!(mismatch.contains("opens nothing"), "{mismatch}");

    let backup = back_up(&open(&recipients, Some(&identity)).await.unwrap(), &cluster).await;
    // Rotated: the new key opens what is new, not what is old.
    let rotated = open(&others, Some(&other)).await.unwrap();
    let error = rotated.verify(&backup.id, VerificationLevel::Full, &silent, &cancel).await.unwrap_err();
    assert!(matches!(error, BackupError::Key(_)) && error.to_string().contains("none of the configured identities"), "{error}");
    let drill = rotated.drill(&DrillRequest::new(backup.id.clone()), &silent, &cancel).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Failed);
    // Lost.
    let lost = open(&recipients, None).await.unwrap();
    let error = lost.verify(&backup.id, VerificationLevel::Full, &silent, &cancel).await.unwrap_err().to_string();
    assert!(error.contains("no identity is configured"), "{error}");
    assert!(lost.verify(&backup.id, VerificationLevel::Digests, &silent, &cancel).await.unwrap().passed());
    let unproven = back_up(&lost, &cluster).await;
    assert!(unproven.notes.iter().any(|note| note.contains("was not tried")), "{:?}", unproven.notes);
    // Both kept: both open.
    let both = secrecy::SecretString::from(format!(
        "# old\n{}\n# new\n{}\n",
        secrecy::ExposeSecret::expose_secret(&identity),
        secrecy::ExposeSecret::expose_secret(&other)
    ));
    let keeper = open(&others, Some(&both)).await.unwrap();
    assert!(keeper.verify(&backup.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_31_a_backup_through_a_pooler_is_refused_and_leaves_nothing_in_it() {
    let (cluster, dir) = (cluster().await, dir());
    run_sql(&cluster, "postgres", "CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'secret'").await;
    let engine = engine(dir.path()).await;
    for settings in [&[][..], &[("ignore_startup_parameters", "options")]] {
        let Some(pooler) = TestPooler::start(&cluster, &[("keeper", "secret")], settings).unwrap() else {
            return println!("SKIP pgbouncer is not installed here");
        };
        let endpoint = Endpoint::parse(&pooler.url_for("keeper", "secret", DATABASE)).unwrap();
        let error = refused(&engine, endpoint).await;
        assert!(error.contains("is a connection pooler") && error.contains("backup_url_file"), "{error}");
        let left = "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
                         + (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'reeve/%')";
        let left: i64 = connect(&cluster, DATABASE).await.query_one(left, &[]).await.unwrap().get(0);
        assert_eq!(left, 0, "no lock and no name stay behind");
    }
    assert!(objects(dir.path()).is_empty() && left_in_scratch(dir.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_a_login_that_would_see_less_than_everything_is_refused() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    run_sql(&cluster, DATABASE, "CREATE ROLE weak LOGIN PASSWORD 'weak-password'").await;
    let weak = || Endpoint::parse(&cluster.url_for("weak", "weak-password", DATABASE)).unwrap();
    let sentence = refused(&engine, weak()).await;
    assert!(sentence.contains("may not read") && sentence.contains("pg_read_all_data"), "{sentence}");
    run_sql(&cluster, DATABASE, "GRANT pg_read_all_data TO weak").await;
    let backup = engine.run(request(weak()), &Progress::silent(), &CancellationToken::new()).await.unwrap();
    assert_eq!(backup.rows(), back_up(&engine, &cluster).await.rows(), "that right is enough");

    run_sql(&cluster, DATABASE, "ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY").await;
    let sentence = refused(&engine, weak()).await;
    assert!(sentence.contains("row security") && sentence.contains("public.orders"), "{sentence}");

    let wrong = Endpoint::parse(&cluster.url_for("weak", "not-the-password", DATABASE)).unwrap();
    let sentence = refused(&engine, wrong).await;
    assert!(sentence.contains("refuses the login") && !sentence.contains("not-the-password"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_tools_that_are_too_old_and_space_that_is_too_small_are_refused_before_anything_is_written() {
    let (cluster, dir) = (cluster().await, dir());
    let real = config(dir.path(), Keys::default());
    let old: Vec<_> = real.installations.iter().map(|i| Installation { major: 13, ..i.clone() }).collect();
    let engine = Engine::open(EngineConfig { installations: old, ..real.clone() }).await.unwrap();
    let sentence = refused(&engine, endpoint(&cluster, DATABASE)).await;
    assert!(sentence.contains("at least as new") && sentence.contains("installed here are: 13"), "{sentence}");
    assert!(objects(dir.path()).is_empty() && left_in_scratch(dir.path()).is_empty());
}

/// A small file system of its own, where the system lets us make one.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0755"), "tmpfs"]).arg(at);
        let done = mount.stderr(std::process::Stdio::null()).status();
        done.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        std::process::Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_full_disk_fails_the_run_and_leaves_earlier_backups_as_they_were() {
    let (cluster, dir) = (cluster().await, dir());
    // The repository: large enough for the preflight, filled up afterwards.
    let Some(_small) = Small::mount(&dir.path().join("repository"), 100) else {
        eprintln!("no file system can be mounted here; the test needs root");
        return;
    };
    let engine = engine(dir.path()).await;
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let first = back_up(&engine, &cluster).await;
    let ballast = dir.path().join("repository/ballast");
    let (at, path) = (Arc::new(Mutex::new(false)), ballast.clone());
    let progress = Progress::new(move |now| {
        let mut done = at.lock().unwrap();
        if now.phase == JobPhase::Store && !*done {
            *done = true;
            let mut file = std::fs::File::create(&path).unwrap();
            std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
        }
    });
    let error = engine.run(request(endpoint(&cluster, DATABASE)), &progress, &cancel).await.unwrap_err();
    assert!(matches!(error, BackupError::Full { .. }), "{error}");
    let listed = engine.list().await.unwrap();
    assert_eq!(listed.entries.iter().map(|e| &e.backup.id).collect::<Vec<_>>(), [&first.id]);
    assert!(objects(dir.path()).iter().all(|path| path.to_str().unwrap().contains(first.id.as_str())));
    // Still full: a run is refused before it begins, and what is there can be read.
    let sentence = refused(&engine, endpoint(&cluster, DATABASE)).await;
    assert!(sentence.contains("MB free") && sentence.contains("needs"), "{sentence}");
    std::fs::remove_file(ballast).unwrap();
    assert!(engine.verify(&first.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
    back_up(&engine, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_full_scratch_disk_fails_the_run_too() {
    let (cluster, dir) = (cluster().await, dir());
    let Some(_small) = Small::mount(&dir.path().join("scratch"), 100) else {
        eprintln!("no file system can be mounted here; the test needs root");
        return;
    };
    let engine = engine(dir.path()).await;
    let ballast = dir.path().join("scratch/ballast");
    let (at, path) = (Arc::new(Mutex::new(false)), ballast.clone());
    let progress = Progress::new(move |now| {
        let mut done = at.lock().unwrap();
        if now.phase == JobPhase::Dump && !*done {
            *done = true;
            let mut file = std::fs::File::create(&path).unwrap();
            std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
        }
    });
    let error = engine.run(request(endpoint(&cluster, DATABASE)), &progress, &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, BackupError::Full { .. }), "{error}");
    assert!(engine.list().await.unwrap().entries.is_empty() && objects(dir.path()).is_empty());
    std::fs::remove_file(ballast).unwrap();
    assert!(left_in_scratch(dir.path()).is_empty());
    back_up(&engine, &cluster).await;
}

/// Everything that any process here shows of itself.
fn shown_by_processes() -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten().filter(|e| e.file_name().to_str().is_some_and(|n| n.parse::<u32>().is_ok()))
    {
        let ours = std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe.to_str().is_some_and(|e| e.contains("postgresql")));
        for file in ["cmdline", "environ"] {
            // Of tests that run beside this one only what their tools show: this process itself knows the password.
            if ours {
                all.extend(std::fs::read(entry.path().join(file)).unwrap_or_default());
            }
        }
    }
    all
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_no_secret_is_in_processes_artefacts_or_errors() {
    const PASSWORD: &str = "Zq7-secret:with\\odd'signs";
    let (cluster, dir) = (cluster().await, dir());
    let (recipients, identity) = pair();
    let secret = secrecy::ExposeSecret::expose_secret(&identity).to_owned();
    let engine = Engine::open(config(dir.path(), Keys::read(&recipients, Some(&identity)).unwrap())).await.unwrap();
    let quoted = PASSWORD.replace('\'', "''");
    run_sql(&cluster, DATABASE, &format!("SET log_statement = 'none'; CREATE ROLE keeper SUPERUSER LOGIN PASSWORD '{quoted}'")).await;
    let endpoint = Endpoint::parse(&cluster.url_for("keeper", PASSWORD, DATABASE)).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ear = seen.clone();
    let progress = Progress::new(move |now| {
        let mut seen = ear.lock().unwrap();
        seen.extend(shown_by_processes());
        seen.extend(format!("{now:?}").into_bytes());
    });
    let watching = CancellationToken::new();
    let (until, ear) = (watching.clone(), seen.clone());
    let watcher = tokio::task::spawn_blocking(move || {
        while !until.is_cancelled() {
            ear.lock().unwrap().extend(shown_by_processes());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let cancel = CancellationToken::new();
    let backup = engine.run(request(endpoint.clone()), &progress, &cancel).await.unwrap();
    engine.drill(&DrillRequest::new(backup.id.clone()), &progress, &cancel).await.unwrap();
    let failed = engine.run(request(endpoint.with_database("not there")), &progress, &cancel).await.unwrap_err();
    watching.cancel();
    watcher.await.unwrap();

    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(holds(&seen, "pg_dump") && holds(&seen, "pg_restore") && holds(&seen, "PGPASSFILE"), "the tools were seen at work");
    let told = format!("{failed} {failed:?} {:?} {:?} {:?}", engine, backup, request(endpoint));
    for word in [PASSWORD, "Zq7-secret", &secret[15..40]] {
        assert!(!holds(&seen, word), "a process shows it");
        assert!(!told.contains(word), "{told}");
        for path in files(dir.path()) {
            assert!(!holds(&std::fs::read(&path).unwrap(), word), "{} holds it", path.display());
        }
    }
    // The dump itself, opened: verifiers of passwords are not in it either.
    let roles =
        connect(&cluster, "postgres").await.query_one("SELECT rolpassword FROM pg_authid WHERE rolname = 'keeper'", &[]).await.unwrap();
    let verifier: String = roles.get(0);
    assert!(verifier.starts_with("SCRAM-SHA-256"));
    let plain = engine_without_encryption(dir.path(), &cluster).await;
    assert!(!plain.is_empty() && !plain.iter().any(|text| holds(text, "SCRAM-SHA-256") || holds(text, &verifier)));
}

/// The unpacked objects of a backup that is not encrypted.
async fn engine_without_encryption(dir: &Path, cluster: &reeve_cluster::testing::TestCluster) -> Vec<Vec<u8>> {
    let open = dir.join("open");
    let engine = engine(&open).await;
    back_up(&engine, cluster).await;
    objects(&open).iter().map(|path| zstd::decode_all(std::fs::read(path).unwrap().as_slice()).unwrap()).collect()
}

/// Number 18 of the list of reliability: a table that somebody holds is waited for a minute, not for ever, and it is said.
#[tokio::test(flavor = "multi_thread")]
async fn d2_a_table_that_is_locked_fails_the_run_within_bounds_and_holds_nothing_up() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let holder = connect(&cluster, DATABASE).await;
    holder.batch_execute("BEGIN; ALTER TABLE public.orders ADD COLUMN more int").await.unwrap();
    let clock = std::time::Instant::now();
    let sentence = refused(&engine, endpoint(&cluster, DATABASE)).await;
    assert!(clock.elapsed() < std::time::Duration::from_secs(80), "{:?}", clock.elapsed());
    assert!(sentence.contains("a lock was not free in time; try again later or see who holds it"), "{sentence}");
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'reeve/backup%' AND state <> 'idle'";
    assert_eq!(connect(&cluster, "postgres").await.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0), 0, "nobody waits on");
    assert!(engine.list().await.unwrap().entries.is_empty());
    holder.batch_execute("ROLLBACK").await.unwrap();
    back_up(&engine, &cluster).await;
}
