//! How fast ids and sequences are used up, counted on a real server (SPEC B2).
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

mod common;

use common::{cluster, connect, round, spec};
use reeve_estate::Collector;
use reeve_model::snapshot::{Drain, SequenceUse, TargetSnapshot};
use std::time::Duration;

/// Steps between the first look and this one.
fn steps(drain: Option<Drain>) -> f64 {
    let drain = drain.unwrap();
    drain.per_s.unwrap() * drain.watched_s
}

fn sequence<'a>(snapshot: &'a TargetSnapshot, name: &str) -> &'a SequenceUse {
    snapshot.sequences.value().unwrap().iter().find(|s| s.name == name).unwrap_or_else(|| panic!("{name}: {:?}", snapshot.sequences))
}

/// A known number of each is used up between two looks.
#[tokio::test]
async fn b2_the_rate_of_ids_and_sequences_is_what_was_really_used_up() {
    let cluster = cluster().await;
    let (db, other) = (connect(&cluster.url("postgres")).await, connect(&cluster.url("postgres")).await);
    db.batch_execute(
        "CREATE SEQUENCE up AS int; CREATE SEQUENCE down INCREMENT -5 MAXVALUE -1 MINVALUE -100000; CREATE SEQUENCE round AS int CYCLE;
         CREATE SEQUENCE unused; CREATE TABLE shared AS SELECT 1 AS id; SELECT nextval('up'), nextval('down'), nextval('round')",
    )
    .await
    .unwrap();
    let mut spec = spec(&cluster.url("postgres"));
    spec.settled = Duration::from_millis(50);
    let mut collector = Collector::new(spec.clone());
    let first = round(&mut collector).await;
    assert_eq!(first.wraparound.value().unwrap().xids, Some(Drain::default()), "one look is no rate");

    let idle = round(&mut collector).await;
    let ids = idle.wraparound.value().unwrap();
    assert_eq!((ids.xids.unwrap().per_s, ids.mxids.unwrap().per_s), (Some(0.0), Some(0.0)), "looking uses no id");
    assert_eq!((ids.xids_last_s(), ids.mxids_last_s(), sequence(&idle, "up").lasts_s()), (None, None, None), "no end in sight");

    db.batch_execute("DO $$ BEGIN FOR i IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$").await.unwrap();
    db.batch_execute("SELECT nextval('up'), nextval('down'), nextval('round') FROM generate_series(1, 400)").await.unwrap();
    for _ in 0..7 {
        db.batch_execute("BEGIN; SELECT id FROM shared FOR SHARE").await.unwrap();
        other.batch_execute("BEGIN; SELECT id FROM shared FOR SHARE; COMMIT").await.unwrap();
        db.batch_execute("COMMIT").await.unwrap();
    }
    let after = round(&mut collector).await;
    let ids = after.wraparound.value().unwrap();
    // Fourteen more that locked rows, and four statements of the test that wrote.
    let used = steps(ids.xids);
    assert!((3_000.0..3_030.0).contains(&used), "{used} transaction ids");
    let used = steps(ids.mxids);
    assert!((6.9..8.1).contains(&used), "{used} multixact ids");
    let (up, down) = (sequence(&after, "up"), sequence(&after, "down"));
    for (found, moved) in [(up, 400.0), (down, 2_000.0)] {
        assert!((steps(found.drain) - moved).abs() < 1e-6, "{found:?}");
        let lasts = found.left() * found.drain.unwrap().watched_s / moved;
        assert!((found.lasts_s().unwrap() - lasts).abs() < 1e-6 * lasts, "{found:?} should last for {lasts} s");
    }
    let left = 2_147_483_648.0 - 3_000_000.0 - ids.oldest_xid_age as f64;
    let lasts = left / ids.xids.unwrap().per_s.unwrap();
    assert!((ids.xids_last_s().unwrap() - lasts).abs() < 1e-6 * lasts);
    assert_eq!(sequence(&after, "unused").drain, None);
    assert!(after.sequences.value().unwrap().iter().all(|s| s.name != "round"), "one that cycles does not end");

    db.batch_execute("SELECT setval('up', 5)").await.unwrap();
    let back = round(&mut collector).await;
    assert_eq!(sequence(&back, "up").drain, Some(Drain::default()), "what goes backwards begins anew");
    assert!(sequence(&back, "down").lasts_s().is_some(), "the others go on");

    // Left out while it is locked, and no worse for it.
    db.batch_execute("BEGIN; ALTER SEQUENCE down OWNER TO postgres").await.unwrap();
    let locked = round(&mut collector).await;
    assert!(locked.sequences.value().unwrap().iter().all(|s| s.name != "down"), "{:?}", locked.sequences);
    db.batch_execute("COMMIT").await.unwrap();
    let again = round(&mut collector).await;
    assert!((steps(sequence(&again, "down").drain) - 2_000.0).abs() < 1e-6, "{:?}", again.sequences);

    // Ten minutes are the default, and nothing is said before.
    let mut patient = Collector::new(reeve_estate::TargetSpec { settled: Duration::from_secs(600), ..spec });
    round(&mut patient).await;
    let early = round(&mut patient).await.wraparound.value().unwrap().xids.unwrap();
    assert!(early.per_s.is_none() && early.watched_s > 0.0, "{early:?}");
}
