//! Reading series.

use super::{codec, downsample::downsample, hour_of};
use crate::error::{Result, moment, unix_ms};
use reeve_model::{
    UnixMs,
    series::{Point, SeriesKey},
};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The points of each series from `from` to `to` (both included), oldest first, in the order of `keys`. An unknown series has none. With
/// `most`, each has at most that many (see [`downsample`]).
///
/// # Errors
/// [`StoreError::Corrupt`](crate::StoreError::Corrupt) when what is stored can't be read; the database's own.
pub async fn range(
    connection: &mut PgConnection,
    org: Uuid,
    keys: &[SeriesKey],
    from: UnixMs,
    to: UnixMs,
    most: Option<usize>,
) -> Result<Vec<Vec<Point>>> {
    let mut found: Vec<Vec<Point>> = vec![Vec::new(); keys.len()];
    let column = |of: fn(&SeriesKey) -> &str| keys.iter().map(|k| of(k).to_owned()).collect::<Vec<String>>();
    let known = sqlx::query!(
        r#"SELECT k.place AS "place!", s.id AS "id!", s.target_id AS "target!", s.topic AS "topic!"
           FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS k (target, metric, object, place)
           JOIN analytics.target t ON t.org_id = $1 AND t.name = k.target
           JOIN analytics.series s ON s.target_id = t.id AND s.metric = k.metric AND s.object = k.object"#,
        org,
        &column(|k| k.target.as_str()),
        &column(|k| &k.metric),
        &column(|k| &k.object)
    )
    .fetch_all(&mut *connection)
    .await?;
    // A key can stand in the list twice, and a name can be in two topics.
    let mut places: HashMap<i32, Vec<usize>> = HashMap::new();
    for row in &known {
        places.entry(row.id).or_default().push(usize::try_from(row.place - 1).unwrap_or(0));
    }
    let units: BTreeSet<(i32, i16)> = known.iter().map(|r| (r.target, r.topic)).collect();
    if units.is_empty() || from > to {
        return Ok(found);
    }
    // Rounds first: if they are compacted between the two looks, their samples are found twice instead of not at all.
    let rounds = open_rounds(connection, &units, from, to).await?;
    let series: Vec<i32> = places.keys().copied().collect();
    let targets: Vec<i32> = units.iter().map(|(target, _)| *target).collect();
    // One statement, so that chunks and clocks fit together though a late round rewrites them; a union and not a join, because
    // young partitions have no statistics and joins over them are planned badly.
    let rows = sqlx::query!(
        r#"SELECT true AS "chunk!", series_id AS "id!", 0::int2 AS "topic!", hour AS "hour!", body AS "body!"
           FROM analytics.chunk WHERE series_id = ANY ($1) AND hour BETWEEN $2 AND $3
           UNION ALL
           SELECT false, target_id, topic, hour, times
           FROM analytics.clock WHERE target_id = ANY ($4) AND hour BETWEEN $2 AND $3"#,
        &series,
        hour_of(from),
        hour_of(to),
        &targets
    )
    .fetch_all(connection)
    .await?;
    let unit_of: HashMap<i32, (i32, i16)> = known.iter().map(|r| (r.id, (r.target, r.topic))).collect();
    let mut clocks: HashMap<(i32, i16, i32), Vec<i64>> = HashMap::new();
    for row in rows.iter().filter(|r| !r.chunk && units.contains(&(r.id, r.topic))) {
        clocks.insert((row.id, row.topic, row.hour), codec::clock::decode(&row.body)?);
    }
    let mut add = |series: i32, at: i64, value: f64| {
        if at >= from.0 && at <= to.0 {
            for place in places.get(&series).into_iter().flatten() {
                found[*place].push(Point { at: UnixMs(at), value });
            }
        }
    };
    for row in rows.iter().filter(|r| r.chunk) {
        let clock = unit_of.get(&row.id).and_then(|(target, topic)| clocks.get(&(*target, *topic, row.hour)));
        let clock = clock.ok_or_else(codec::Damaged::no_clock)?;
        for (at, value) in clock.iter().zip(codec::chunk::decode(&row.body, clock.len())?) {
            if let Some(value) = value {
                add(row.id, *at, value);
            }
        }
    }
    for (at, body) in rounds {
        for (series, value) in codec::round::decode(&body)? {
            add(series, at.0, value);
        }
    }
    for points in &mut found {
        // Stable: of two at the same moment the one from the chunk stays.
        points.sort_by_key(|p| p.at);
        points.dedup_by_key(|p| p.at);
    }
    Ok(match most {
        Some(most) => found.into_iter().map(|points| downsample(points, most)).collect(),
        None => found,
    })
}

/// Rounds that are not in chunks yet.
async fn open_rounds(
    connection: &mut PgConnection,
    units: &BTreeSet<(i32, i16)>,
    from: UnixMs,
    to: UnixMs,
) -> Result<Vec<(UnixMs, Vec<u8>)>> {
    let (targets, topics): (Vec<i32>, Vec<i16>) = units.iter().copied().unzip();
    let rows = sqlx::query!(
        "SELECT r.at, r.body FROM unnest($1::int4[], $2::int2[]) AS u (target_id, topic)
         JOIN analytics.round r ON r.target_id = u.target_id AND r.topic = u.topic
         WHERE r.at BETWEEN $3 AND $4",
        &targets,
        &topics,
        moment(from)?,
        moment(to)?
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|r| (unix_ms(r.at), r.body)).collect())
}
