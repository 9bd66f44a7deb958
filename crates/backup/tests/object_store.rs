//! A repository in a bucket of a real S3 server: everything that a directory can, and what is refused.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    back_up, cluster, connect, dir, endpoint, left_in_scratch, pair,
    store::{SECRET, Store, access, config, tls_before},
};
use reeve_backup::{BackupError, DrillRequest, Engine, EngineConfig, Keys, Location, Progress, RestoreRequest, S3Access};
use reeve_model::backup::{BackupTrust, DrillOutcome, Keep, VerificationLevel};
use std::{path::Path, time::Instant};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_backup_in_a_bucket_is_made_listed_verified_drilled_restored_and_pruned() {
    let (cluster, store, dir) = (cluster().await, Store::start().await, dir());
    let (recipients, identity) = pair();
    let keys = Keys::read(&recipients, Some(&identity)).unwrap();
    let engine = Engine::open(config(dir.path(), store.address, keys.clone())).await.unwrap();
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let first = back_up(&engine, &cluster).await;
    assert_eq!(first.copies[0].location, "s3://backups/reeve/test");
    assert!(store.objects().len() > 10 && left_in_scratch(dir.path()).is_empty());

    // Another one, from storage alone.
    let other = Engine::open(config(dir.path(), store.address, Keys::default())).await.unwrap();
    let listed = other.list().await.unwrap();
    assert_eq!((listed.entries.len(), &listed.entries[0].backup, listed.damaged.len()), (1, &first, 0));
    assert!(other.verify(&first.id, VerificationLevel::Digests, &silent, &cancel).await.unwrap().passed());

    assert!(engine.verify(&first.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
    let drill = engine.drill(&DrillRequest::new(first.id.clone()), &silent, &cancel).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Passed, "{drill:?}");
    assert_eq!(engine.show(&first.id).await.unwrap().trust(), BackupTrust::Drilled);
    let request = RestoreRequest { id: first.id.clone(), server: endpoint(&cluster, "postgres"), database: None, tables: None, over: None };
    let report = engine.restore(&request, &silent, &cancel).await.unwrap();
    assert_eq!((Some(report.rows_compared), report.differences.len()), (first.rows(), 0));
    let orders = connect(&cluster, &report.database).await.query_one("SELECT count(*) FROM public.orders", &[]).await.unwrap();
    assert_eq!(orders.get::<_, i64>(0), 60_000);

    let second = back_up(&engine, &cluster).await;
    assert!(engine.verify(&second.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
    let report = engine.prune(Keep { daily: 1, weekly: 0, monthly: 0 }, false).await.unwrap();
    assert_eq!(report.removed.iter().map(|b| &b.id).collect::<Vec<_>>(), [&first.id]);
    assert!(store.objects().iter().all(|path| path.to_str().unwrap().contains(second.id.as_str())));
    assert!(common::files(&store.file("marks")).is_empty() && store.unfinished() == 0);
    assert!(engine.verify(&second.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
    assert!(!format!("{engine:?}").contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_whatever_happens_to_objects_in_a_bucket_is_found() {
    let (cluster, store, dir) = (cluster().await, Store::start().await, dir());
    let engine = Engine::open(config(dir.path(), store.address, Keys::default())).await.unwrap();
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let backup = back_up(&engine, &cluster).await;
    let name = |path: &Path| path.to_str().unwrap().split_once(&format!("objects/{}/", backup.id)).unwrap().1.to_owned();
    let faults = async || {
        let found = engine.verify(&backup.id, VerificationLevel::Digests, &silent, &cancel).await.unwrap();
        found.faults.into_iter().map(|fault| fault.object).collect::<Vec<_>>()
    };
    let all = store.objects();
    for path in &all {
        let good = std::fs::read(path).unwrap();
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 0x10;
        for spoilt in [flipped, good[..good.len() - 1].to_vec(), Vec::new()] {
            std::fs::write(path, spoilt).unwrap();
            assert_eq!(faults().await, [name(path)]);
        }
        std::fs::remove_file(path).unwrap();
        assert_eq!(faults().await, [name(path)]);
        std::fs::write(path, &good).unwrap();
    }
    let (a, b) = (std::fs::read(&all[0]).unwrap(), std::fs::read(&all[1]).unwrap());
    std::fs::write(&all[0], &b).unwrap();
    std::fs::write(&all[1], &a).unwrap();
    assert_eq!(faults().await.len(), 2, "swapped");
    let drill = engine.drill(&DrillRequest::new(backup.id.clone()), &silent, &cancel).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Failed);
    std::fs::write(&all[0], &a).unwrap();
    std::fs::write(&all[1], &b).unwrap();
    assert!(faults().await.is_empty());

    let manifest = store.file(&format!("manifests/{}.json", backup.id));
    let mut bytes = std::fs::read(&manifest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&manifest, bytes).unwrap();
    assert_eq!(engine.list().await.unwrap().damaged.len(), 1);
}

async fn refused(config: EngineConfig) -> BackupError {
    let began = Instant::now();
    let error = Engine::open(config).await.unwrap_err();
    assert!(began.elapsed().as_secs() < 20, "{error}");
    let sentence = format!("{error} {error:?}");
    assert!(!sentence.contains(SECRET) && !sentence.contains("another-secret") && !sentence.contains('<'), "{sentence}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_what_can_not_work_with_a_bucket_is_refused_in_one_sentence() {
    let (store, dir) = (Store::start().await, dir());
    let good = config(dir.path(), store.address, Keys::default());
    let with = |change: &dyn Fn(&mut S3Access)| {
        let mut access = access(store.address);
        change(&mut access);
        EngineConfig { s3: Some(access), ..good.clone() }
    };
    let wrong_key = refused(with(&|a| a.secret_access_key = "another-secret".into())).await;
    assert!(matches!(&wrong_key, BackupError::Refused(s) if s.contains("does not take the key")), "{wrong_key}");
    let wrong_id = refused(with(&|a| a.access_key_id = "AKIANOBODY".into())).await;
    assert!(matches!(&wrong_id, BackupError::Refused(s) if s.contains("does not take the key")), "{wrong_id}");
    let nowhere = Location::parse("s3://nowhere/reeve").unwrap();
    let no_bucket = refused(EngineConfig { location: nowhere, ..good.clone() }).await;
    assert!(matches!(&no_bucket, BackupError::Refused(s) if s.contains("no bucket nowhere")), "{no_bucket}");
    let no_server = refused(with(&|a| a.endpoint = Some("http://127.0.0.1:1".to_owned()))).await;
    assert!(no_server.is_transient() && no_server.to_string().contains("no connection to http://127.0.0.1:1"), "{no_server}");
    let no_tls = refused(with(&|a| a.endpoint = Some(format!("https://{}", store.address)))).await;
    assert!(no_tls.to_string().contains("no connection to https://127.0.0.1"), "{no_tls}");
    let no_ca = refused(with(&|a| a.ca_file = Some("/nowhere.pem".into()))).await;
    assert!(no_ca.to_string().contains("ca_file /nowhere.pem"), "{no_ca}");
    let nothing_said = refused(EngineConfig { s3: None, ..good.clone() }).await;
    assert!(nothing_said.to_string().contains("[backup.s3]"), "{nothing_said}");
    assert!(common::files(&store.dir.path().join("backups")).is_empty() && !store.dir.path().join("nowhere").exists());

    Engine::open(good.clone()).await.unwrap();
    Engine::open(good).await.unwrap();
    assert!(!format!("{:?}", access(store.address)).contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_store_is_trusted_by_its_certificate_and_no_further() {
    let (store, dir) = (Store::start().await, dir());
    let (port, ca) = tls_before(&store, dir.path()).await;
    let with = |host: &str, ca: Option<&Path>| {
        let s3 = S3Access { endpoint: Some(format!("https://{host}:{port}")), ca_file: ca.map(Path::to_owned), ..access(store.address) };
        EngineConfig { s3: Some(s3), ..config(dir.path(), store.address, Keys::default()) }
    };
    Engine::open(with("localhost", Some(&ca))).await.unwrap();
    let unknown = refused(with("localhost", None)).await.to_string();
    assert!(unknown.contains("no connection") && unknown.contains("invalid peer certificate"), "{unknown}");
    let other_name = refused(with("127.0.0.1", Some(&ca))).await.to_string();
    assert!(other_name.contains("no connection") && other_name.contains("certificate"), "{other_name}");
}
