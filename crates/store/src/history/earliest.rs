//! The oldest values of a window, for growth.

use super::{codec, hour_of};
use crate::error::{Result, moment, unix_ms};
use reeve_model::{TargetName, UnixMs};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Rounds read at a time.
const PAGE: i64 = 32;

/// For each object of a metric the oldest value at or after `since`, with its moment. One look per object into the chunks, whatever
/// the length of the window. Of objects that are younger than the chunks, only those that the newest round still has.
///
/// # Errors
/// [`StoreError::Corrupt`](crate::StoreError::Corrupt) when what is stored can't be read; the database's own.
pub async fn earliest_value(
    connection: &mut PgConnection,
    org: Uuid,
    target: &TargetName,
    metric: &str,
    since: UnixMs,
) -> Result<HashMap<String, (UnixMs, f64)>> {
    let series = sqlx::query!(
        r#"SELECT s.id, s.object, s.target_id, s.topic FROM analytics.target t JOIN analytics.series s ON s.target_id = t.id
           WHERE t.org_id = $1 AND t.name = $2 AND s.metric = $3"#,
        org,
        target.as_str(),
        metric
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<i32> = series.iter().map(|s| s.id).collect();
    let targets: Vec<i32> = series.iter().map(|s| s.target_id).collect::<HashSet<_>>().into_iter().collect();
    // The first two hours of each: the values of the first can all lie before `since`. In one statement with their clocks, as
    // in `range`.
    let rows = sqlx::query!(
        r#"WITH first AS MATERIALIZED (
             SELECT s.id, c.hour, c.body FROM unnest($1::int4[]) AS s (id)
             CROSS JOIN LATERAL (SELECT hour, body FROM analytics.chunk WHERE series_id = s.id AND hour >= $2 ORDER BY hour LIMIT 2) c)
           SELECT true AS "chunk!", id AS "id!", 0::int2 AS "topic!", hour AS "hour!", body AS "body!" FROM first
           UNION ALL
           SELECT false, target_id, topic, hour, times FROM analytics.clock
           WHERE target_id = ANY ($3) AND hour >= $2 AND hour IN (SELECT hour FROM first)"#,
        &ids,
        hour_of(since),
        &targets
    )
    .fetch_all(&mut *connection)
    .await?;
    let unit_of: HashMap<i32, (i32, i16)> = series.iter().map(|s| (s.id, (s.target_id, s.topic))).collect();
    let mut clocks: HashMap<(i32, i16, i32), Vec<i64>> = HashMap::new();
    for row in rows.iter().filter(|r| !r.chunk) {
        clocks.insert((row.id, row.topic, row.hour), codec::clock::decode(&row.body)?);
    }
    let mut oldest: HashMap<i32, (UnixMs, f64)> = HashMap::with_capacity(ids.len());
    for row in rows.iter().filter(|r| r.chunk) {
        let clock = unit_of.get(&row.id).and_then(|(target, topic)| clocks.get(&(*target, *topic, row.hour)));
        let clock = clock.ok_or_else(codec::Damaged::no_clock)?;
        let values = codec::chunk::decode(&row.body, clock.len())?;
        let first = clock.iter().zip(values).find_map(|(at, v)| v.filter(|_| *at >= since.0).map(|v| (UnixMs(*at), v)));
        if let Some(first) = first {
            keep(&mut oldest, row.id, first);
        }
    }
    let mut topics: Vec<(i32, i16)> = series.iter().map(|s| (s.target_id, s.topic)).collect();
    topics.sort_unstable();
    topics.dedup();
    for (target, topic) in topics {
        let known: HashSet<i32> = series.iter().filter(|s| s.topic == topic).map(|s| s.id).collect();
        from_rounds(connection, (target, topic), since, &known, &mut oldest).await?;
    }
    Ok(series.into_iter().filter_map(|s| oldest.get(&s.id).map(|v| (s.object, *v))).collect())
}

fn keep(oldest: &mut HashMap<i32, (UnixMs, f64)>, series: i32, candidate: (UnixMs, f64)) {
    let held = oldest.entry(series).or_insert(candidate);
    if candidate.0 < held.0 {
        *held = candidate;
    }
}

/// Those without a chunk: from the oldest open round on, until each of them is found.
async fn from_rounds(
    connection: &mut PgConnection,
    (target, topic): (i32, i16),
    since: UnixMs,
    known: &HashSet<i32>,
    oldest: &mut HashMap<i32, (UnixMs, f64)>,
) -> Result<()> {
    let newest = sqlx::query_scalar!(
        "SELECT body FROM analytics.round WHERE target_id = $1 AND topic = $2 AND at >= $3 ORDER BY at DESC LIMIT 1",
        target,
        topic,
        moment(since)?
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(newest) = newest else { return Ok(()) };
    let mut sought: HashSet<i32> = codec::round::decode(&newest)?
        .into_iter()
        .map(|(series, _)| series)
        .filter(|series| known.contains(series) && !oldest.contains_key(series))
        .collect();
    let mut after = since.plus_ms(-1);
    while !sought.is_empty() {
        let rows = sqlx::query!(
            "SELECT at, body FROM analytics.round WHERE target_id = $1 AND topic = $2 AND at > $3 ORDER BY at LIMIT $4",
            target,
            topic,
            moment(after)?,
            PAGE
        )
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else { break };
        after = unix_ms(last.at);
        for row in rows {
            for (series, value) in codec::round::decode(&row.body)? {
                if sought.remove(&series) {
                    keep(oldest, series, (unix_ms(row.at), value));
                }
            }
        }
    }
    Ok(())
}
