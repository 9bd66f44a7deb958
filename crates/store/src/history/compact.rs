//! Turning the rounds of an hour into one chunk per series.

use super::{HOUR_MS, codec, start_of};
use crate::error::{Result, StoreError, moment, unix_ms};
use sqlx::{Connection, PgConnection};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Series worked on at a time: bounds the memory at some 25 MB for an hour of 10-second rounds.
const BAND: usize = 4096;

/// The rounds of one topic of one target in one hour: the unit of compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// Target.
    pub target: i32,
    /// Topic.
    pub topic: i16,
    /// Hour since 1970.
    pub hour: i32,
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Rounds worked in.
    pub rounds: usize,
    /// Chunks written.
    pub chunks: usize,
}

struct Hour {
    /// Moments of all rounds, old and new, rising.
    moments: Vec<i64>,
    /// Bodies of the new rounds by moment.
    fresh: BTreeMap<i64, Vec<u8>>,
    /// Moments of the chunks that are there already.
    before: Vec<i64>,
    /// Bodies of the chunks that are there already, by series.
    chunks: HashMap<i32, Vec<u8>>,
}

/// Works the rounds of `unit` into chunks and removes them, in one transaction. Nothing to do is no error; so is somebody else
/// doing it right now. The partitions must be there.
///
/// # Errors
/// [`StoreError::Corrupt`] when a round or chunk can't be read (nothing is changed then); the database's own.
pub async fn compact(connection: &mut PgConnection, unit: Unit) -> Result<Compacted> {
    let mut step = connection.begin().await?;
    let alone = sqlx::query_scalar!(
        r#"SELECT pg_catalog.pg_try_advisory_xact_lock(7233684, pg_catalog.hashtext($1)) AS "alone!""#,
        format!("{}/{}/{}", unit.target, unit.topic, unit.hour)
    )
    .fetch_one(&mut *step)
    .await?;
    if !alone {
        return Ok(Compacted::default());
    }
    let rounds = sqlx::query!(
        "DELETE FROM analytics.round WHERE target_id = $1 AND topic = $2 AND at >= $3 AND at < $4 RETURNING at, body",
        unit.target,
        unit.topic,
        moment(start_of(unit.hour))?,
        moment(start_of(unit.hour).plus_ms(HOUR_MS))?
    )
    .fetch_all(&mut *step)
    .await?;
    if rounds.is_empty() {
        return Ok(Compacted::default());
    }
    let done = rounds.len();
    let hour = gather(&mut step, unit, rounds.into_iter().map(|r| (unix_ms(r.at).0, r.body)).collect()).await?;
    let times = codec::clock::encode(&hour.moments);
    // Encoding an hour of a large estate takes longer than a task may hold up the others.
    let bands = tokio::task::spawn_blocking(move || encode(&hour))
        .await
        .map_err(|e| StoreError::Corrupt(format!("Encoding history was interrupted: {e}.")))??;
    sqlx::query!(
        "INSERT INTO analytics.clock (target_id, topic, hour, times) VALUES ($1, $2, $3, $4)
         ON CONFLICT (target_id, topic, hour) DO UPDATE SET times = excluded.times",
        unit.target,
        unit.topic,
        unit.hour,
        times
    )
    .execute(&mut *step)
    .await?;
    let mut chunks = 0;
    for (series, bodies) in bands {
        chunks += series.len();
        sqlx::query!(
            "INSERT INTO analytics.chunk (series_id, hour, body)
             SELECT series_id, $1, body FROM unnest($2::int4[], $3::bytea[]) AS c (series_id, body)
             ON CONFLICT (series_id, hour) DO UPDATE SET body = excluded.body",
            unit.hour,
            &series,
            &bodies
        )
        .execute(&mut *step)
        .await?;
    }
    step.commit().await?;
    Ok(Compacted { rounds: done, chunks })
}

/// What is in the chunks of the hour already (late rounds only), together with the new rounds.
async fn gather(step: &mut PgConnection, unit: Unit, fresh: BTreeMap<i64, Vec<u8>>) -> Result<Hour> {
    let times = sqlx::query_scalar!(
        "SELECT times FROM analytics.clock WHERE target_id = $1 AND topic = $2 AND hour = $3",
        unit.target,
        unit.topic,
        unit.hour
    )
    .fetch_optional(&mut *step)
    .await?;
    let Some(times) = times else {
        return Ok(Hour { moments: fresh.keys().copied().collect(), fresh, before: Vec::new(), chunks: HashMap::new() });
    };
    let before = codec::clock::decode(&times)?;
    let chunks = sqlx::query!(
        "SELECT c.series_id, c.body FROM analytics.series s JOIN analytics.chunk c ON c.series_id = s.id AND c.hour = $3
         WHERE s.target_id = $1 AND s.topic = $2",
        unit.target,
        unit.topic,
        unit.hour
    )
    .fetch_all(step)
    .await?;
    let moments: BTreeSet<i64> = before.iter().chain(fresh.keys()).copied().collect();
    Ok(Hour { moments: moments.into_iter().collect(), fresh, before, chunks: chunks.into_iter().map(|c| (c.series_id, c.body)).collect() })
}

type Band = (Vec<i32>, Vec<Vec<u8>>);

fn encode(hour: &Hour) -> Result<Vec<Band>> {
    let mut all: BTreeSet<i32> = hour.chunks.keys().copied().collect();
    for body in hour.fresh.values() {
        all.extend(codec::round::decode(body)?.into_iter().map(|(series, _)| series));
    }
    let all: Vec<i32> = all.into_iter().collect();
    let place = |at: &i64| hour.moments.binary_search(at).map_err(|_| codec::Damaged::unknown_moment());
    let mut bands = Vec::new();
    for band in all.chunks(BAND) {
        let mut slots: Vec<Vec<Option<f64>>> = vec![vec![None; hour.moments.len()]; band.len()];
        for (at, body) in &hour.fresh {
            let place = place(at)?;
            for (series, value) in codec::round::decode(body)? {
                if let Ok(i) = band.binary_search(&series) {
                    slots[i][place] = Some(value);
                }
            }
        }
        // What was there before wins over a replay of the same moment.
        for (i, series) in band.iter().enumerate() {
            let Some(body) = hour.chunks.get(series) else { continue };
            for (at, value) in hour.before.iter().zip(codec::chunk::decode(body, hour.before.len())?) {
                if value.is_some() {
                    slots[i][place(at)?] = value;
                }
            }
        }
        let bodies: std::result::Result<Vec<Vec<u8>>, _> = slots.iter().map(|s| codec::chunk::encode(s)).collect();
        bands.push((band.to_vec(), bodies.map_err(|e| StoreError::Corrupt(e.to_string()))?));
    }
    Ok(bands)
}
