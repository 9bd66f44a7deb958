//! How far the read replica is behind, measured at most every few seconds.

use sqlx::PgConnection;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A measurement serves this long.
const FRESH: Duration = Duration::from_secs(2);

/// What was last measured.
#[derive(Default)]
pub(crate) struct ReplicaLag(Mutex<Option<(Instant, Result<f64, String>)>>);

impl ReplicaLag {
    /// Seconds behind, or why that isn't known; by the last measurement if it is fresh, else by a new one.
    pub(crate) async fn now(&self, conn: &mut PgConnection) -> Result<f64, String> {
        let last = self.last();
        if let Some((_, result)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return result;
        }
        let result = measure(conn).await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), result.clone()));
        result
    }

    pub(crate) fn last(&self) -> Option<(Instant, Result<f64, String>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn measure(conn: &mut PgConnection) -> Result<f64, String> {
    // All that arrived is replayed and the stream is alive: nothing is behind, however old the last change is.
    let row: Result<(bool, Option<f64>), sqlx::Error> = sqlx::query_as(
        "select pg_is_in_recovery(), case \
           when not pg_is_in_recovery() then null \
           when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then 0 \
           else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 end",
    )
    .fetch_one(conn)
    .await;
    match row {
        Ok((true, Some(seconds))) => Ok(seconds.max(0.0)),
        Ok((true, None)) => Err("its lag is not known yet".to_owned()),
        Ok((false, _)) => Err("the server is not a standby".to_owned()),
        Err(error) => Err(crate::AdapterError::from(error).to_string()),
    }
}
