//! B4: what is appended is read back, before and after it is compacted, and leaves when it is old. All through the runtime login.
#![allow(clippy::unwrap_used)]

mod common;

use common::Bench;
use reeve_model::{
    TargetName, UnixMs,
    series::{Point, SeriesKey, Topic},
};
use reeve_store::{
    StoreError,
    accounts::DEFAULT_ORG,
    history::{
        Dictionary, Retention, Round, SeriesKeyPart,
        append::{append, ensure},
        earliest::earliest_value,
        maintain::{MaintainReport, maintain},
        read::range,
    },
};
use sqlx::{AssertSqlSafe, PgConnection};
use std::{collections::HashMap, time::Duration};

const HOUR: i64 = 3_600_000;

fn name() -> TargetName {
    TargetName::new("findawise").unwrap()
}

fn key(metric: &str, object: &str) -> SeriesKey {
    SeriesKey { target: name(), metric: metric.to_owned(), object: object.to_owned() }
}

/// The start of an hour some days ago, by the real clock: the store refuses the far future and never drops the last 24 hours.
fn long_ago(days: i64) -> UnixMs {
    UnixMs((UnixMs::now().0 / HOUR - days * 24) * HOUR)
}

async fn put(c: &mut PgConnection, d: &Dictionary, at: UnixMs, samples: &[(&str, &str, f64)]) {
    let samples: Vec<_> = samples.iter().map(|(m, o, v)| (SeriesKeyPart::new(m.to_string(), *o), *v)).collect();
    append(c, d, DEFAULT_ORG, &[Round { target: &name(), topic: Topic::Tables, at, samples: &samples }]).await.unwrap();
}

async fn read(c: &mut PgConnection, keys: &[SeriesKey], from: UnixMs, to: UnixMs) -> Vec<Vec<Point>> {
    range(c, DEFAULT_ORG, keys, from, to, None).await.unwrap()
}

async fn count(c: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM analytics.{table}"))).fetch_one(c).await.unwrap()
}

/// Irregular rounds over three hours: a counter, a constant, a float, a table that is locked now and then, one that is born late.
async fn fill(c: &mut PgConnection, d: &Dictionary, start: UnixMs) -> HashMap<SeriesKey, Vec<Point>> {
    let mut expected: HashMap<SeriesKey, Vec<Point>> = HashMap::new();
    for i in 0..120i64 {
        let at = start.plus_ms(i * 90_000 + (i * 7919) % 1000);
        let mut samples = vec![
            ("counter", "", (i * i * 1000) as f64),
            ("constant", "", 42.0),
            ("float", "db", (i as f64).sin() / 3.0),
            ("zero", "db", if i % 2 == 0 { -0.0 } else { 0.0 }),
        ];
        if i % 11 != 0 {
            samples.push(("bytes", "db/public.\"a\"\n<b>ü", 8192.0 * (i / 10) as f64));
        }
        if i > 70 {
            samples.push(("bytes", "db/public.late", i as f64));
        }
        put(c, d, at, &samples).await;
        for (m, o, v) in samples {
            expected.entry(key(m, o)).or_default().push(Point { at, value: v });
        }
    }
    expected
}

async fn assert_same(c: &mut PgConnection, expected: &HashMap<SeriesKey, Vec<Point>>, from: UnixMs, to: UnixMs) {
    let keys: Vec<SeriesKey> = expected.keys().cloned().collect();
    let bits = |points: &[Point]| points.iter().map(|p| (p.at, p.value.to_bits())).collect::<Vec<_>>();
    for (key, points) in keys.iter().zip(read(c, &keys, from, to).await) {
        let wanted: Vec<Point> = expected[key].iter().copied().filter(|p| p.at >= from && p.at <= to).collect();
        assert_eq!(bits(&points), bits(&wanted), "{key:?}");
    }
}

#[tokio::test]
async fn b4_what_was_appended_is_read_alike_before_during_and_after_compaction() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let dictionary = Dictionary::default();
    let start = long_ago(2);
    let expected = fill(&mut c, &dictionary, start).await;
    let end = start.plus_ms(4 * HOUR);
    let windows =
        [(start, end), (start.plus_ms(HOUR / 2), start.plus_ms(2 * HOUR)), (start.plus_ms(90_919), start.plus_ms(90_919)), (end, start)];
    for (from, to) in windows {
        assert_same(&mut c, &expected, from, to).await;
    }
    // The first two hours are over, the third is not.
    let report = maintain(&mut c, start.plus_ms(2 * HOUR + 125_000), Retention::default()).await.unwrap();
    assert_eq!((report.hours, report.compacted.rounds, report.failures.len()), (2, 80, 0), "{report:?}");
    assert_eq!(count(&mut c, "round").await, 40);
    for (from, to) in windows {
        assert_same(&mut c, &expected, from, to).await;
    }
    let report = maintain(&mut c, UnixMs::now(), Retention::default()).await.unwrap();
    assert_eq!((report.hours, report.compacted.rounds), (1, 40));
    assert_eq!((count(&mut c, "round").await, count(&mut c, "clock").await), (0, 3));
    for (from, to) in windows {
        assert_same(&mut c, &expected, from, to).await;
    }
    // Again: nothing left to do, nothing changed.
    let again = maintain(&mut c, UnixMs::now(), Retention::default()).await.unwrap();
    assert_eq!(again, MaintainReport::default());
    assert_same(&mut c, &expected, start, end).await;

    let keys = [key("counter", ""), key("nothing", ""), key("counter", "")];
    let few = range(&mut c, DEFAULT_ORG, &keys, start, end, Some(20)).await.unwrap();
    assert!(few[0].len() <= 20 && few[0].len() > 5 && few[1].is_empty() && few[0] == few[2]);
}

#[tokio::test]
async fn b4_a_late_or_repeated_round_is_worked_in_once() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let d = Dictionary::default();
    let start = long_ago(2);
    for i in [0, 2] {
        put(&mut c, &d, start.plus_ms(i * 1000), &[("m", "", i as f64)]).await;
    }
    put(&mut c, &d, start.plus_ms(2000), &[("m", "", 99.0)]).await;
    assert_eq!(count(&mut c, "round").await, 2);
    maintain(&mut c, UnixMs::now(), Retention::default()).await.unwrap();
    // After an outage: one that was missing, one that is there already, with a series that is new.
    for (i, value) in [(1, 1.0), (2, 99.0)] {
        put(&mut c, &d, start.plus_ms(i * 1000), &[("m", "", value), ("new", "", 7.0)]).await;
    }
    let keys = [key("m", ""), key("new", "")];
    let wanted = |values: &[(i64, f64)]| values.iter().map(|(i, v)| Point { at: start.plus_ms(i * 1000), value: *v }).collect::<Vec<_>>();
    for _ in 0..2 {
        let found = read(&mut c, &keys, start, start.plus_ms(HOUR)).await;
        assert_eq!(found[0], wanted(&[(0, 0.0), (1, 1.0), (2, 2.0)]));
        assert_eq!(found[1], wanted(&[(1, 7.0), (2, 7.0)]));
        maintain(&mut c, UnixMs::now(), Retention::default()).await.unwrap();
        assert_eq!(count(&mut c, "round").await, 0);
    }
}

#[tokio::test]
async fn b4_a_server_killed_during_compaction_loses_and_doubles_nothing() {
    let mut bench = Bench::migrated().await;
    let dictionary = Dictionary::default();
    let start = long_ago(2);
    let expected = fill(&mut bench.runtime("one").await, &dictionary, start).await;
    // Held open inside the transaction: the clock's table is locked, so the compaction has removed rounds and waits.
    let mut owner = bench.owner("one").await;
    sqlx::raw_sql("BEGIN; LOCK TABLE analytics.clock IN ACCESS EXCLUSIVE MODE").execute(&mut owner).await.unwrap();
    let mut busy = bench.runtime("one").await;
    let running = tokio::spawn(async move { maintain(&mut busy, UnixMs::now(), Retention::default()).await });
    loop {
        let waits: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").fetch_one(&mut owner).await.unwrap();
        if waits {
            break;
        }
        tokio::task::yield_now().await;
    }
    bench.cluster.kill_server();
    assert!(running.await.unwrap().is_err());
    bench.cluster.start_again().await.unwrap();
    let mut c = bench.runtime("one").await;
    assert_eq!((count(&mut c, "round").await, count(&mut c, "chunk").await), (120, 0));
    assert_same(&mut c, &expected, start, start.plus_ms(4 * HOUR)).await;
    let (mut a, mut b) = (bench.runtime("one").await, bench.runtime("one").await);
    // Two at once, then once more.
    let (x, y) = tokio::join!(maintain(&mut a, UnixMs::now(), Retention::default()), maintain(&mut b, UnixMs::now(), Retention::default()));
    let rounds = x.unwrap().compacted.rounds
        + y.unwrap().compacted.rounds
        + maintain(&mut c, UnixMs::now(), Retention::default()).await.unwrap().compacted.rounds;
    assert_eq!(rounds, 120);
    assert_same(&mut c, &expected, start, start.plus_ms(4 * HOUR)).await;
}

#[tokio::test]
async fn b4_retention_drops_partitions_and_only_old_ones() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let d = Dictionary::default();
    let (old, young) = (long_ago(40), long_ago(3));
    for at in [old, young] {
        put(&mut c, &d, at, &[("m", "", 1.0)]).await;
    }
    let keys = [key("m", "")];
    let keep = |days: u64| Retention { keep: Duration::from_secs(days * 86_400) };
    let report = maintain(&mut c, UnixMs::now(), keep(50)).await.unwrap();
    // Emptied by compaction, so the rounds' partitions go at once; nothing else does.
    assert!(report.dropped.len() == 2 && report.dropped.iter().all(|n| n.starts_with("round_")), "{report:?}");
    assert_eq!(read(&mut c, &keys, old, UnixMs::now()).await[0].len(), 2);
    let report = maintain(&mut c, UnixMs::now(), keep(30)).await.unwrap();
    assert_eq!(report.dropped.iter().map(|n| &n[..6]).collect::<Vec<_>>(), ["chunk_", "clock_"], "{report:?}");
    assert_eq!(read(&mut c, &keys, old, UnixMs::now()).await[0].iter().map(|p| p.at).collect::<Vec<_>>(), [young]);
    // A wrong setting can't take the last day.
    let fresh = UnixMs(UnixMs::now().0 - 2 * HOUR);
    put(&mut c, &d, fresh, &[("m", "", 2.0)]).await;
    maintain(&mut c, UnixMs::now(), keep(0)).await.unwrap();
    assert_eq!(read(&mut c, &keys, old, UnixMs::now()).await[0].iter().map(|p| p.at).collect::<Vec<_>>(), [fresh]);
    // Made ahead: the next day's rounds find their partitions.
    ensure(&mut c, UnixMs::now().plus_ms(20 * HOUR)).await.unwrap();
    assert!(maintain(&mut c, UnixMs::now(), keep(30)).await.unwrap().dropped.is_empty());
}

#[tokio::test]
async fn b4_what_cannot_be_kept_is_refused_with_a_sentence() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let d = Dictionary::default();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let samples = [(SeriesKeyPart::new("m", ""), 1.0), (SeriesKeyPart::new("bad", "x"), value)];
        let round = Round { target: &name(), topic: Topic::Server, at: UnixMs::now(), samples: &samples };
        let error = append(&mut c, &d, DEFAULT_ORG, &[round]).await.unwrap_err();
        assert!(matches!(&error, StoreError::Invalid(s) if s.contains("bad")), "{error}");
    }
    let samples = [(SeriesKeyPart::new("m", ""), 1.0)];
    for at in [UnixMs::now().plus_ms(100 * HOUR), UnixMs(i64::MAX)] {
        let error = append(&mut c, &d, DEFAULT_ORG, &[Round { target: &name(), topic: Topic::Server, at, samples: &samples }]).await;
        assert!(matches!(error, Err(StoreError::Invalid(_))), "{error:?}");
    }
    append(&mut c, &d, DEFAULT_ORG, &[Round { target: &name(), topic: Topic::Server, at: UnixMs::now(), samples: &[] }]).await.unwrap();
    assert_eq!(count(&mut c, "round").await, 0);
}

#[tokio::test]
async fn c1_the_oldest_value_of_each_table_in_the_window_gives_growth() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let d = Dictionary::default();
    let start = long_ago(2);
    let expected = fill(&mut c, &d, start).await;
    for compacted in [false, true] {
        if compacted {
            maintain(&mut c, UnixMs::now(), Retention::default()).await.unwrap();
        }
        for since in [start, start.plus_ms(HOUR / 2), start.plus_ms(HOUR + 1_800_500), start.plus_ms(10 * HOUR)] {
            let mut wanted: HashMap<String, (UnixMs, f64)> = HashMap::new();
            for (key, points) in expected.iter().filter(|(k, _)| k.metric == "bytes") {
                if let Some(p) = points.iter().find(|p| p.at >= since) {
                    wanted.insert(key.object.clone(), (p.at, p.value));
                }
            }
            assert_eq!(earliest_value(&mut c, DEFAULT_ORG, &name(), "bytes", since).await.unwrap(), wanted, "{compacted} {since:?}");
        }
    }
    // One that lives in the open hour only, beside those in chunks.
    let now = UnixMs::now();
    put(&mut c, &d, now, &[("bytes", "db/public.new", 5.0), ("bytes", "db/public.late", 1e9)]).await;
    let found = earliest_value(&mut c, DEFAULT_ORG, &name(), "bytes", start).await.unwrap();
    assert_eq!(found["db/public.new"], (now, 5.0));
    assert_eq!(found["db/public.late"].1, 71.0);
}

#[tokio::test]
async fn a4_ids_learnt_from_one_database_are_not_used_in_another() {
    let bench = Bench::migrated().await;
    reeve_store::migrate::up(&mut bench.owner("two").await, reeve_store::Domain::Analytics, Bench::RUNTIME).await.unwrap();
    let (mut one, mut two) = (bench.runtime("one").await, bench.runtime("two").await);
    let d = Dictionary::default();
    let at = UnixMs::now();
    put(&mut one, &d, at, &[("a", "", 1.0), ("b", "", 2.0)]).await;
    // The fallback serves, with another dictionary; then the first one again.
    put(&mut two, &d, at, &[("b", "", 3.0), ("a", "", 4.0), ("c", "", 5.0)]).await;
    put(&mut one, &d, at.plus_ms(1), &[("a", "", 6.0), ("b", "", 7.0)]).await;
    let keys = [key("a", ""), key("b", "")];
    let values = |found: Vec<Vec<Point>>| found.into_iter().map(|p| p.into_iter().map(|p| p.value).collect()).collect::<Vec<Vec<f64>>>();
    assert_eq!(values(read(&mut one, &keys, at, at.plus_ms(9)).await), [[1.0, 6.0], [2.0, 7.0]]);
    assert_eq!(values(read(&mut two, &keys, at, at.plus_ms(9)).await), [[4.0], [3.0]]);
}
