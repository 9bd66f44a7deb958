//! Writing rounds.

use super::{Dictionary, codec, series, topic_number};
use crate::error::{Result, StoreError, moment};
use reeve_model::{TargetName, UnixMs, series::Topic};
use sqlx::PgConnection;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a series is about, within its target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKeyPart {
    /// The figure's id, for example `connections.active`.
    pub metric: Cow<'static, str>,
    /// What within the target: empty, a database, or `database/schema.table`.
    pub object: String,
}

impl SeriesKeyPart {
    /// From its two names.
    pub fn new(metric: impl Into<Cow<'static, str>>, object: impl Into<String>) -> Self {
        Self { metric: metric.into(), object: object.into() }
    }
}

/// All samples of one topic of one target at one moment.
#[derive(Debug, Clone)]
pub struct Round<'a> {
    /// Target.
    pub target: &'a TargetName,
    /// Topic.
    pub topic: Topic,
    /// When they were read.
    pub at: UnixMs,
    /// The samples. Of two with the same key the later counts.
    pub samples: &'a [(SeriesKeyPart, f64)],
}

/// Writes rounds, durably when it returns: all of them in one statement. A round that is already there (same target, topic
/// and moment) is left as it is, so a retry or a replay does no harm. Rounds without samples are not written.
///
/// Not inside a transaction.
///
/// # Errors
/// [`StoreError::Invalid`] when a value is NaN or infinite, or a moment is more than two days ahead (then nothing is
/// written); the database's own.
pub async fn append(connection: &mut PgConnection, dictionary: &Dictionary, org: Uuid, rounds: &[Round<'_>]) -> Result<()> {
    let (mut targets, mut topics, mut moments, mut bodies) = (Vec::new(), Vec::new(), Vec::<OffsetDateTime>::new(), Vec::new());
    for round in rounds {
        if let Some((part, value)) = round.samples.iter().find(|(_, v)| !v.is_finite()) {
            return Err(StoreError::Invalid(format!(
                "The value {value} of {} for {:?} can't be kept: leave out what could not be measured.",
                part.metric, part.object
            )));
        }
    }
    for round in rounds.iter().filter(|r| !r.samples.is_empty()) {
        let parts: Vec<&SeriesKeyPart> = round.samples.iter().map(|(part, _)| part).collect();
        let (target, ids) = series::resolve(connection, dictionary, org, round.target, round.topic, &parts).await?;
        let samples: BTreeMap<i32, f64> = ids.into_iter().zip(round.samples.iter().map(|(_, v)| *v)).collect();
        let samples: Vec<(i32, f64)> = samples.into_iter().collect();
        targets.push(target);
        topics.push(topic_number(round.topic));
        moments.push(moment(round.at)?);
        bodies.push(codec::round::encode(&samples).map_err(|e| StoreError::Invalid(e.to_string()))?);
    }
    if targets.is_empty() {
        return Ok(());
    }
    match insert(connection, &targets, &topics, &moments, &bodies).await {
        // Partitions are made ahead; this is for the first round ever and for those that come late.
        Err(error) if no_partition(&error) => {
            for hour in moments.iter().map(|m| m.unix_timestamp().div_euclid(3600)).collect::<BTreeSet<_>>() {
                ensure(connection, super::UnixMs(hour * super::HOUR_MS)).await?;
            }
            Ok(insert(connection, &targets, &topics, &moments, &bodies).await?)
        }
        other => Ok(other?),
    }
}

async fn insert(
    connection: &mut PgConnection,
    targets: &[i32],
    topics: &[i16],
    moments: &[OffsetDateTime],
    bodies: &[Vec<u8>],
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO analytics.round (target_id, topic, at, body)
         SELECT target_id, topic, at, body
         FROM unnest($1::int4[], $2::int2[], $3::timestamptz[], $4::bytea[]) AS r (target_id, topic, at, body)
         ON CONFLICT (target_id, topic, at) DO NOTHING",
        targets,
        topics,
        moments,
        bodies
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes the partitions that hold `at`, if they are missing.
///
/// # Errors
/// [`StoreError::Invalid`] when `at` is more than two days ahead; the database's own.
pub async fn ensure(connection: &mut PgConnection, at: UnixMs) -> Result<()> {
    let done = sqlx::query!("SELECT analytics.ensure_partitions($1)", moment(at)?).execute(connection).await;
    match done {
        Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some("P0001") => Err(StoreError::Invalid(e.message().to_owned())),
        other => {
            other?;
            Ok(())
        }
    }
}

/// "no partition of relation … found for row" has the code of a violated check; nothing else here has a check.
fn no_partition(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("23514"))
}
