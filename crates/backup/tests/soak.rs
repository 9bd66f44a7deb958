//! Chaos from a seed: runs, cancelled runs, spoilt objects, pruning, sweeping, in any order; and in the end every backup that is listed
//! either comes back row for row or is known to be spoilt. A failure names its seed.
#![allow(clippy::unwrap_used)]

mod common;

use common::{dir, endpoint, impatient, left_in_scratch, request, run_sql};
use reeve_backup::{Progress, RestoreRequest};
use reeve_cluster::testing::TestCluster;
use reeve_model::backup::{BackupId, Keep, VerificationLevel};
use std::{collections::HashSet, fs, path::Path, time::Duration};
use tokio_util::sync::CancellationToken;

/// Each seed is another story; both have every kind of step in them.
const SEEDS: [u64; 2] = [0x5eed_0001, 0x5eed_0002];
const STEPS: usize = 22;

const SCHEMA: &str = "
    CREATE TABLE public.people (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE public.visits (id bigserial PRIMARY KEY, person bigint NOT NULL REFERENCES public.people, at timestamptz DEFAULT now());
    INSERT INTO public.people SELECT i, md5(i::text) FROM generate_series(1, 800) AS i;
    INSERT INTO public.visits (person) SELECT 1 + i % 800 FROM generate_series(1, 3000) AS i";

/// A small generator: the same seed tells the same story.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// Spoils one stored object of a backup: a flipped bit, a cut end, or no object at all.
fn spoil(dir: &Path, id: &BackupId, dice: &mut Dice) {
    let all = common::files(&dir.join("repository/objects").join(id.as_str()));
    let object = &all[dice.roll(all.len())];
    let mut bytes = fs::read(object).unwrap();
    match dice.roll(3) {
        0 => fs::remove_file(object).unwrap(),
        1 => fs::write(object, &bytes[..bytes.len() - 1]).unwrap(),
        _ => {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
            fs::write(object, bytes).unwrap();
        }
    }
}

async fn soak(seed: u64) {
    let (cluster, dir, mut dice) = (TestCluster::start(&[]).await.unwrap(), dir(), Dice(seed));
    run_sql(&cluster, "postgres", "CREATE DATABASE soak").await;
    run_sql(&cluster, "soak", SCHEMA).await;
    let (silent, calm) = (Progress::silent(), CancellationToken::new());
    let mut engine = impatient(dir.path()).await;
    let (mut spoilt, mut told) = (HashSet::<String>::new(), Vec::new());
    for step in 0..STEPS {
        let listed: Vec<BackupId> = engine.list().await.unwrap().entries.into_iter().map(|e| e.backup.id).collect();
        let kind = if listed.is_empty() { 0 } else { dice.roll(10) };
        told.push(kind);
        let one = || listed[0].clone();
        match kind {
            0..=2 => drop(engine.run(request(endpoint(&cluster, "soak")), &silent, &calm).await.unwrap()),
            3 | 4 => {
                let cancel = CancellationToken::new();
                let run = engine.run(request(endpoint(&cluster, "soak")), &silent, &cancel);
                let after = Duration::from_millis(u64::try_from(dice.roll(900)).unwrap());
                let made = tokio::select! {
                    made = run => made.is_ok(),
                    // Dropped in the midst, as when the process is killed.
                    () = tokio::time::sleep(after) => false,
                };
                let now = engine.list().await.unwrap().entries.len();
                assert!(now == listed.len() + usize::from(made) || (!made && now == listed.len() + 1), "seed {seed:#x}, step {step}");
            }
            5 => {
                let id = listed[dice.roll(listed.len())].clone();
                spoil(dir.path(), &id, &mut dice);
                spoilt.insert(id.to_string());
            }
            6 => drop(engine.verify(&listed[dice.roll(listed.len())], VerificationLevel::Full, &silent, &calm).await.unwrap()),
            7 => {
                let verified = |list: &reeve_backup::Catalogue| {
                    let good = list.entries.iter().filter(|e| e.verification.as_ref().is_some_and(|v| v.passed()));
                    // By the moment of the snapshot: names tell it to the second only, and two of one second are ordered by chance in them.
                    good.map(|e| (e.backup.timestamp, e.backup.id.clone())).max()
                };
                let before = verified(&engine.list().await.unwrap());
                engine.prune(Keep { daily: 1, weekly: 1, monthly: 1 }, false).await.unwrap();
                let after = verified(&engine.list().await.unwrap());
                assert_eq!(before, after, "seed {seed:#x}, step {step}: the last verified one stays");
            }
            8 => {
                engine = impatient(dir.path()).await;
                engine.sweep().await.unwrap();
            }
            _ => {
                let sql = "INSERT INTO public.visits (person) SELECT 1 + i % 800 FROM generate_series(1, 200) AS i; DELETE FROM public.visits WHERE id % 37 = 0";
                run_sql(&cluster, "soak", sql).await;
                drop(engine.show(&one()).await.unwrap());
            }
        }
    }
    assert!([0, 3, 5].iter().all(|kind| told.iter().any(|k| k == kind || (*kind == 0 && *k < 3) || (*kind == 3 && *k == 4))), "{told:?}");
    engine.sweep().await.unwrap();
    assert!(left_in_scratch(dir.path()).is_empty(), "seed {seed:#x}: {:?}", left_in_scratch(dir.path()));
    let catalogue = engine.list().await.unwrap();
    assert!(catalogue.damaged.is_empty() && !catalogue.entries.is_empty(), "seed {seed:#x}");
    for entry in catalogue.entries {
        let id = entry.backup.id;
        let passed = engine.verify(&id, VerificationLevel::Full, &silent, &calm).await.unwrap().passed();
        assert_eq!(passed, !spoilt.contains(id.as_str()), "seed {seed:#x}, {id}: what was spoilt is found, and nothing else is blamed");
        let server = endpoint(&cluster, "postgres");
        let restore = RestoreRequest { id: id.clone(), server, database: Some("back".into()), tables: None, over: None };
        match engine.restore(&restore, &silent, &calm).await {
            Ok(report) => {
                assert!(passed && report.differences.is_empty() && report.tables_compared == 2, "seed {seed:#x}, {id}: {report:?}")
            }
            Err(error) => assert!(!passed, "seed {seed:#x}, {id}: {error}"),
        }
        run_sql(&cluster, "postgres", "DROP DATABASE IF EXISTS back").await;
    }
}

/// Number 24 of the list of reliability.
#[tokio::test(flavor = "multi_thread")]
async fn d4_d5_after_any_story_every_listed_backup_comes_back_or_is_known_to_be_spoilt() {
    for seed in SEEDS {
        soak(seed).await;
    }
}
