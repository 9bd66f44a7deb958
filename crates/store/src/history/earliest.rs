//! The oldest values of a window, for growth.

use super::{codec, hour_of};
use crate::error::{Result, moment, unix_ms};
use reeve_model::{TargetName, UnixMs};
use sqlx::PgConnection;
use std::collections::HashMap;
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
    // The first two hours of each: the values of the first can all lie before `since`.
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id!", c.body AS "body!", k.times AS "times!" FROM unnest($1::int4[]) AS s (id)
           CROSS JOIN LATERAL (SELECT hour, body FROM analytics.chunk WHERE series_id = s.id AND hour >= $2 ORDER BY hour LIMIT 2) c
           JOIN analytics.series n ON n.id = s.id
           JOIN analytics.clock k ON k.target_id = n.target_id AND k.topic = n.topic AND k.hour = c.hour AND k.hour >= $2"#,
        &ids,
        hour_of(since)
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut oldest: HashMap<i32, (UnixMs, f64)> = HashMap::with_capacity(ids.len());
    for row in rows {
        let clock = codec::clock::decode(&row.times)?;
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
        let known: std::collections::HashSet<i32> = series.iter().filter(|s| s.topic == topic).map(|s| s.id).collect();
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
    known: &std::collections::HashSet<i32>,
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
    let mut sought: std::collections::HashSet<i32> = codec::round::decode(&newest)?
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
