//! Keeping history in shape: partitions made ahead, hours compacted, what is old dropped.

use super::{
    HOUR_MS,
    append::ensure,
    compact::{Compacted, Unit, compact},
    hour_of, start_of,
};
use crate::error::{Result, StoreError, moment};
use reeve_model::UnixMs;
use sqlx::PgConnection;
use std::{collections::BTreeSet, time::Duration};

/// How long history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Age at which samples are dropped, a day at a time; at least one day.
    pub keep: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep: Duration::from_secs(30 * 24 * 3600) }
    }
}

/// Rounds of an hour may still be on their way for this long after its end.
const GRACE_MS: i64 = 120_000;

/// What one run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaintainReport {
    /// Hours compacted, each for one topic of one target.
    pub hours: usize,
    /// Rounds and chunks of these.
    pub compacted: Compacted,
    /// Partitions dropped.
    pub dropped: Vec<String>,
    /// What could not be done this time, one sentence each; the rest was done.
    pub failures: Vec<String>,
}

/// Makes partitions for the next day, compacts the hours that are over, drops what is older than `retention`. Every step is a
/// transaction of its own; a run that is cut off is completed by the next, and running twice, also at once, does no harm.
///
/// # Errors
/// The database's own. What fails for one hour only is in the report.
pub async fn maintain(connection: &mut PgConnection, now: UnixMs, retention: Retention) -> Result<MaintainReport> {
    let mut report = MaintainReport::default();
    for ahead in (0..=24).step_by(3) {
        ensure(connection, now.plus_ms(ahead * HOUR_MS)).await?;
    }
    let over = start_of(hour_of(now.plus_ms(-GRACE_MS)));
    let units = sqlx::query!(
        r#"SELECT DISTINCT target_id AS "target!", topic AS "topic!", floor(extract(epoch FROM at) / 3600)::int4 AS "hour!"
           FROM analytics.round WHERE at < $1 ORDER BY 3, 1, 2"#,
        moment(over)?
    )
    .fetch_all(&mut *connection)
    .await?;
    let keep_from = now.plus_ms(-i64::try_from(retention.keep.as_millis()).unwrap_or(i64::MAX));
    for hour in units.iter().map(|u| u.hour).collect::<BTreeSet<_>>() {
        ensure(connection, start_of(hour)).await?;
    }
    for unit in units {
        let unit = Unit { target: unit.target, topic: unit.topic, hour: unit.hour };
        match compact(connection, unit).await {
            Ok(done) => {
                report.hours += usize::from(done.rounds > 0);
                report.compacted.rounds += done.rounds;
                report.compacted.chunks += done.chunks;
            }
            Err(StoreError::Database(error)) if error.as_database_error().is_none() => return Err(error.into()),
            Err(error) => {
                report.failures.push(format!("Hour {} of target {} was not compacted: {error}", unit.hour, unit.target));
            }
        }
    }
    let dropped = sqlx::query_scalar!(r#"SELECT d AS "name!" FROM analytics.drop_partitions($1, $2) d"#, moment(keep_from)?, moment(over)?)
        .fetch_all(connection)
        .await;
    match dropped {
        Ok(names) => report.dropped = names,
        // Somebody reads them; the next run drops them.
        Err(error) if error.as_database_error().is_some_and(|e| matches!(e.code().as_deref(), Some("55P03" | "40P01"))) => {
            report.failures.push("Old history is being read and was not dropped yet; the next run tries again.".to_owned());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(report)
}
