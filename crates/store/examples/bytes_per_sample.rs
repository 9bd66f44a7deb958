//! Measures what history costs on disk: a day of 500 series every 15 seconds (35 % constant, 45 % counters, 15 % gauges, 5 %
//! floats), written, compacted and read through the real code into a private PostgreSQL.
//!
//! `cargo xtask bench history`, or `cargo run --release -p reeve-store --example bytes_per_sample [series] [hours]`
#![allow(clippy::cast_precision_loss)]

use reeve_cluster::testing::TestCluster;
use reeve_model::{
    TargetName, UnixMs,
    series::{SeriesKey, Topic},
};
use reeve_store::{
    Domain,
    accounts::DEFAULT_ORG,
    history::{Dictionary, Retention, Round, SeriesKeyPart, append::append, earliest::earliest_value, maintain::maintain, read::range},
    migrate,
};
use sqlx::{Connection, PgConnection};
use std::{
    error::Error,
    time::{Duration, Instant},
};

const STEP_MS: i64 = 15_000;
const HOUR_MS: i64 = 3_600_000;

/// A small generator, so that each run measures the same data.
struct Dice(u64);

impl Dice {
    /// 0 to 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Roughly normal, mean 0, deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.roll()).sum::<f64>() - 6.0
    }
}

enum Kind {
    Constant,
    Counter { rate: f64 },
    Gauge { around: f64, deviation: f64 },
    Float,
}

struct Series {
    kind: Kind,
    value: f64,
}

impl Series {
    fn new(place: usize, dice: &mut Dice) -> Self {
        let rate = 10f64.powf(dice.roll() * 4.0);
        match place % 20 {
            0..7 => Self { kind: Kind::Constant, value: (dice.roll() * 1e9).floor() },
            7..16 => Self { kind: Kind::Counter { rate }, value: (dice.roll() * 1e9).floor() },
            16..19 => Self { kind: Kind::Gauge { around: rate, deviation: rate / 20.0 }, value: rate },
            _ => Self { kind: Kind::Float, value: dice.roll() * 100.0 },
        }
    }

    fn next(&mut self, dice: &mut Dice) -> f64 {
        match self.kind {
            Kind::Constant => {}
            Kind::Counter { rate } => self.value += (rate * 15.0 + dice.normal() * (rate * 15.0).sqrt()).max(0.0).round(),
            Kind::Gauge { around, deviation } => self.value = (around + dice.normal() * deviation).round(),
            Kind::Float => self.value += dice.normal() / 10.0,
        }
        self.value
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let count = arguments.next().transpose()?.unwrap_or(500);
    let hours = arguments.next().transpose()?.unwrap_or(24);
    let cluster = TestCluster::start(&[]).await?;
    let mut c = PgConnection::connect(&cluster.url("postgres")).await?;
    migrate::up(&mut c, Domain::Analytics, "postgres").await?;

    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut series: Vec<Series> = (0..count).map(|i| Series::new(i, &mut dice)).collect();
    let target = TargetName::new("sample")?;
    let dictionary = Dictionary::default();
    let start = UnixMs((UnixMs::now().0 / HOUR_MS - 48 - i64::try_from(hours)?) * HOUR_MS);
    let rounds = i64::try_from(hours)? * HOUR_MS / STEP_MS;
    let samples = rounds as f64 * count as f64;
    let part = |i: usize| SeriesKeyPart::new("figure", format!("db/public.table_{i}"));

    let clock = Instant::now();
    for round in 0..rounds {
        // A real timer is late by a few milliseconds.
        let at = start.plus_ms(round * STEP_MS + (dice.roll() * 20.0) as i64);
        let values: Vec<_> = series.iter_mut().enumerate().map(|(i, s)| (part(i), s.next(&mut dice))).collect();
        append(&mut c, &dictionary, DEFAULT_ORG, &[Round { target: &target, topic: Topic::Tables, at, samples: &values }]).await?;
    }
    let wrote = clock.elapsed();
    let open = size(&mut c, "round").await?;

    let clock = Instant::now();
    let report = maintain(&mut c, UnixMs::now(), Retention { keep: Duration::from_secs(90 * 86_400) }).await?;
    let compacted = clock.elapsed();
    if !report.failures.is_empty() {
        return Err(report.failures.join("; ").into());
    }
    let (chunks, clocks) = (size(&mut c, "chunk").await?, size(&mut c, "clock").await?);

    let key = |i: usize| SeriesKey { target: target.clone(), metric: "figure".to_owned(), object: format!("db/public.table_{i}") };
    let mut one = Vec::new();
    for i in 0..count.min(200) {
        let clock = Instant::now();
        let points = range(&mut c, DEFAULT_ORG, &[key(i)], start, UnixMs::now(), None).await?;
        one.push(clock.elapsed());
        assert_eq!(points[0].len() as i64, rounds, "samples were lost");
    }
    one.sort();
    let clock = Instant::now();
    let oldest = earliest_value(&mut c, DEFAULT_ORG, &target, "figure", start).await?;
    let grown = clock.elapsed();
    assert_eq!(oldest.len(), count, "series were lost");

    println!("{count} series, {hours} h at 15 s: {samples} samples");
    println!(
        "open rounds    {:6.2} bytes/sample (until their hour is over), appended in {:.2?} per round",
        open / samples,
        wrote / u32::try_from(rounds)?
    );
    println!("chunks         {:6.2} bytes/sample, with their indexes", chunks / samples);
    println!("clocks         {:6.2} bytes/sample, with their indexes", clocks / samples);
    println!("kept           {:6.2} bytes/sample", (chunks + clocks) / samples);
    println!("compaction     {:.2?} for {} chunks", compacted, report.compacted.chunks);
    println!("one series     {:.2?} (median of {}, all its {rounds} points)", one[one.len() / 2], one.len());
    println!("oldest values  {grown:.2?} for {count} series");
    Ok(())
}

/// Heap, indexes and TOAST of all partitions of a table, bytes.
async fn size(c: &mut PgConnection, table: &str) -> Result<f64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT sum(pg_total_relation_size(inhrelid))::float8 FROM pg_inherits WHERE inhparent = ('analytics.' || $1)::regclass",
    )
    .bind(table)
    .fetch_one(c)
    .await
}
