//! The dictionary of series: names to small ids.

use super::{SeriesKeyPart, topic_number};
use crate::error::{Result, StoreError};
use reeve_model::{TargetName, series::Topic};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Which database, and since which start of its server: what was learnt from another one, or before a restore, does not hold.
type Origin = (Uuid, OffsetDateTime);
/// Metric → object → id.
type Names = HashMap<String, HashMap<String, i32>>;

/// The ids that are known without asking. One per process; cheap to share.
#[derive(Debug, Default)]
pub struct Dictionary {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    origin: Option<Origin>,
    names: HashMap<(i32, i16), Names>,
}

impl Dictionary {
    /// The ids of `parts`, `None` where not known.
    fn look(&self, origin: Origin, target: i32, topic: i16, parts: &[&SeriesKeyPart]) -> Vec<Option<i32>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.origin != Some(origin) {
            known.names.clear();
            known.origin = Some(origin);
        }
        let names = known.names.get(&(target, topic));
        let id = |part: &&SeriesKeyPart| names.and_then(|n| n.get(&*part.metric)).and_then(|o| o.get(&part.object)).copied();
        parts.iter().map(id).collect()
    }

    fn learn(&self, origin: Origin, target: i32, topic: i16, found: impl Iterator<Item = (String, String, i32)>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.origin != Some(origin) {
            return;
        }
        let names = known.names.entry((target, topic)).or_default();
        for (metric, object, id) in found {
            names.entry(metric).or_default().insert(object, id);
        }
    }
}

/// The small id of the target and the ids of its series, in the order of `parts`; new ones are made. Not inside a transaction:
/// what is rolled back would stay in the dictionary.
pub(super) async fn resolve(
    connection: &mut PgConnection,
    dictionary: &Dictionary,
    org: Uuid,
    target: &TargetName,
    topic: Topic,
    parts: &[&SeriesKeyPart],
) -> Result<(i32, Vec<i32>)> {
    let topic = topic_number(topic);
    let (origin, id) = origin_and_target(connection, org, target).await?;
    let id = match id {
        Some(id) => id,
        None => {
            sqlx::query!("INSERT INTO analytics.target (org_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", org, target.as_str())
                .execute(&mut *connection)
                .await?;
            origin_and_target(connection, org, target).await?.1.ok_or(sqlx::Error::RowNotFound)?
        }
    };
    let mut ids = dictionary.look(origin, id, topic, parts);
    // Asked first, made second: an insert that finds its row there uses up a number of the sequence all the same.
    for make in [false, true] {
        let missing: Vec<usize> = (0..parts.len()).filter(|i| ids[*i].is_none()).collect();
        if missing.is_empty() {
            break;
        }
        let metrics: Vec<String> = missing.iter().map(|i| parts[*i].metric.to_string()).collect();
        let objects: Vec<String> = missing.iter().map(|i| parts[*i].object.clone()).collect();
        if make {
            // Sorted, so that two writers of the same names don't wait for each other in a ring.
            sqlx::query!(
                "INSERT INTO analytics.series (target_id, topic, metric, object)
                 SELECT DISTINCT $1::int4, $2::int2, metric, object FROM unnest($3::text[], $4::text[]) AS n (metric, object)
                 ORDER BY metric, object ON CONFLICT DO NOTHING",
                id,
                topic,
                &metrics,
                &objects
            )
            .execute(&mut *connection)
            .await?;
        }
        let rows = sqlx::query!(
            r#"SELECT n.place AS "place!", s.id AS "id!"
               FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS n (metric, object, place)
               JOIN analytics.series s ON s.target_id = $1 AND s.topic = $2 AND s.metric = n.metric AND s.object = n.object"#,
            id,
            topic,
            &metrics,
            &objects
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
            if let (Some(i), Some(metric), Some(object)) = (missing.get(place), metrics.get(place), objects.get(place)) {
                ids[*i] = Some(row.id);
                found.push((metric.clone(), object.clone(), row.id));
            }
        }
        dictionary.learn(origin, id, topic, found.into_iter());
    }
    let ids: Option<Vec<i32>> = ids.into_iter().collect();
    // PostgreSQL text can't hold a zero byte and compares bytes, so a name that was just written is found.
    ids.map(|ids| (id, ids)).ok_or_else(|| StoreError::Corrupt("The dictionary of series did not keep a name.".to_owned()))
}

async fn origin_and_target(connection: &mut PgConnection, org: Uuid, target: &TargetName) -> Result<(Origin, Option<i32>)> {
    let row = sqlx::query!(
        r#"SELECT o.id, pg_catalog.pg_postmaster_start_time() AS "started!", t.id AS "target?"
           FROM analytics.origin o LEFT JOIN analytics.target t ON t.org_id = $1 AND t.name = $2"#,
        org,
        target.as_str()
    )
    .fetch_one(connection)
    .await?;
    Ok(((row.id, row.started), row.target))
}
