//! Whatever happens to stored bytes is found before anybody restores them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{back_up, cluster, dir, engine, objects};
use reeve_backup::{DrillRequest, Engine, Progress, RestoreRequest};
use reeve_model::backup::{BackupId, BackupTrust, DrillOutcome, VerificationLevel};
use std::path::Path;
use tokio_util::sync::CancellationToken;

async fn faults(engine: &Engine, id: &BackupId, level: VerificationLevel) -> Vec<String> {
    let verification = engine.verify(id, level, &Progress::silent(), &CancellationToken::new()).await.unwrap();
    verification.faults.into_iter().map(|fault| fault.object).collect()
}

fn name_of(path: &Path, id: &BackupId) -> String {
    path.to_str().unwrap().split_once(&format!("objects/{id}/")).unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_a_flipped_byte_is_found_wherever_it_is_and_so_are_cuts_losses_and_swaps() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let backup = back_up(&engine, &cluster).await;
    let all = objects(dir.path());
    assert!(all.len() > 10 && all.iter().any(|p| p.ends_with("dump/toc.dat.zst")) && all.iter().any(|p| p.ends_with("globals.sql.zst")));
    for path in &all {
        let good = std::fs::read(path).unwrap();
        let name = name_of(path, &backup.id);
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 0x10;
        let mut longer = good.clone();
        longer.push(0);
        for spoilt in [flipped, good[..good.len() - 1].to_vec(), Vec::new(), longer] {
            std::fs::write(path, spoilt).unwrap();
            assert_eq!(faults(&engine, &backup.id, VerificationLevel::Digests).await, [name.as_str()]);
        }
        std::fs::remove_file(path).unwrap();
        assert_eq!(faults(&engine, &backup.id, VerificationLevel::Digests).await, [name.as_str()]);
        std::fs::write(path, &good).unwrap();
    }
    // Two objects in each other's place.
    let (a, b) = (std::fs::read(&all[0]).unwrap(), std::fs::read(&all[1]).unwrap());
    std::fs::write(&all[0], &b).unwrap();
    std::fs::write(&all[1], &a).unwrap();
    assert_eq!(faults(&engine, &backup.id, VerificationLevel::Full).await.len(), 2);
    assert_eq!(engine.show(&backup.id).await.unwrap().trust(), BackupTrust::Failed);
    std::fs::write(&all[0], &a).unwrap();
    std::fs::write(&all[1], &b).unwrap();
    assert!(faults(&engine, &backup.id, VerificationLevel::Full).await.is_empty());
    assert_eq!(engine.show(&backup.id).await.unwrap().trust(), BackupTrust::Verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_drill_of_a_damaged_backup_is_red_and_a_restore_refuses_it() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let backup = back_up(&engine, &cluster).await;
    let path = objects(dir.path()).into_iter().find(|p| p.ends_with("dump/toc.dat.zst")).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let drill = engine.drill(&DrillRequest::new(backup.id.clone()), &silent, &cancel).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Failed);
    assert!(drill.failure.unwrap().contains("toc.dat"));
    let request =
        RestoreRequest { id: backup.id.clone(), server: common::endpoint(&cluster, "postgres"), database: None, tables: None, over: None };
    assert!(engine.restore(&request, &silent, &cancel).await.unwrap_err().to_string().contains("toc.dat"));
    let databases = common::connect(&cluster, "postgres").await.query_one("SELECT count(*) FROM pg_database", &[]).await.unwrap();
    assert_eq!(databases.get::<_, i64>(0), 4, "nothing half-restored is left");
}

/// The digests are right and the dump is not: what a full read and a drill are for.
#[tokio::test(flavor = "multi_thread")]
async fn d4_d5_a_dump_that_was_never_right_is_found_by_a_full_read_or_by_a_drill() {
    use reeve_backup::manifest::Manifest;
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let backup = back_up(&engine, &cluster).await;
    let place = dir.path().join(format!("repository/manifests/{}.json", backup.id));
    let config = engine.config();
    let repository = reeve_backup::repository::Repository::open(config.location.clone(), None, config.stale_after).await.unwrap();
    let manifest = repository.manifest(&backup.id).await.unwrap();
    let good: Vec<_> = objects(dir.path()).into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    let put = |name: &str, text: &[u8]| {
        good.iter().for_each(|(bytes, path)| std::fs::write(path, bytes).unwrap());
        let mut forged: Manifest = manifest.clone();
        let object = forged.objects.iter_mut().find(|o| o.name == name).unwrap();
        let sealed = zstd::encode_all(text, 3).unwrap();
        std::fs::write(dir.path().join(format!("repository/objects/{}/{}", backup.id, object.stored_as)), &sealed).unwrap();
        object.plain_bytes = text.len() as u64;
        object.stored_bytes = sealed.len() as u64;
        object.sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&sealed));
        forged.backup.checksum = reeve_backup::manifest::checksum(&forged.objects);
        std::fs::write(&place, forged.to_bytes().unwrap()).unwrap();
    };
    // One of the data files loses its last row: pg_restore reads that without complaint, the drill does not.
    let data =
        manifest.objects.iter().filter(|o| o.name.ends_with(".dat") && o.name != "dump/toc.dat").max_by_key(|o| o.plain_bytes).unwrap();
    let stored = dir.path().join(format!("repository/objects/{}/{}", backup.id, data.stored_as));
    let text = zstd::decode_all(std::fs::read(&stored).unwrap().as_slice()).unwrap();
    let body = String::from_utf8(text).unwrap();
    let shortened = body.split_inclusive('\n').skip(1).collect::<String>();
    put(&data.name, shortened.as_bytes());
    assert!(faults(&engine, &backup.id, VerificationLevel::Full).await.is_empty());
    let drill = engine.drill(&DrillRequest::new(backup.id.clone()), &Progress::silent(), &CancellationToken::new()).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Failed, "{drill:?}");
    assert!(!drill.differences.is_empty() || drill.failure.is_some_and(|why| why.contains("pg_restore")));
    // The table of contents cut short: the full read sees it.
    put("dump/toc.dat", b"PGDMP");
    assert_eq!(faults(&engine, &backup.id, VerificationLevel::Full).await, ["dump"]);
    put("globals.sql", b"-- and nothing more\n");
    assert_eq!(faults(&engine, &backup.id, VerificationLevel::Full).await, ["globals.sql"]);
}
