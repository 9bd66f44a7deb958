//! Subscriptions of logical replication, seen from their subscriber.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::Subscription;

/// One row for each subscription of the server, whichever database it writes to. Everybody may read these columns; where the publisher is
/// and with which password (`subconninfo`) is none of them, and nobody here asks for it. Only apply workers count: those with a table copy
/// it. The moment of the newest message is `-infinity` until one comes, of which no age can be told.
static QUERY: Query = Query {
    marker: "subscriptions",
    keyed: Keyed::Server,
    variants: &[
        // Here the oid of a subscription may not be read, and its name is unique in its database only. Its worker's session is in that one.
        Variant {
            since: 13,
            sql: "
SELECT d.datname::text AS database, s.subname::text AS name, s.subenabled AS enabled, w.subname IS NOT NULL AS worker,
       extract(epoch FROM clock_timestamp() - w.heard)::float8 AS silent_s, NULL::int8 AS apply_errors, NULL::int8 AS sync_errors
  FROM pg_catalog.pg_subscription s
  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
  LEFT JOIN (SELECT a.datid, u.subname, max(u.last_msg_receipt_time) FILTER (WHERE isfinite(u.last_msg_receipt_time)) AS heard
               FROM pg_catalog.pg_stat_subscription u JOIN pg_catalog.pg_stat_activity a ON a.pid = u.pid
              WHERE u.relid IS NULL GROUP BY a.datid, u.subname) w ON w.datid = s.subdbid AND w.subname = s.subname
 ORDER BY d.datname, s.subname",
        },
        Variant {
            since: 14,
            sql: "
SELECT d.datname::text AS database, s.subname::text AS name, s.subenabled AS enabled, w.subid IS NOT NULL AS worker,
       extract(epoch FROM clock_timestamp() - w.heard)::float8 AS silent_s, NULL::int8 AS apply_errors, NULL::int8 AS sync_errors
  FROM pg_catalog.pg_subscription s
  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
  LEFT JOIN (SELECT u.subid, max(u.last_msg_receipt_time) FILTER (WHERE isfinite(u.last_msg_receipt_time)) AS heard
               FROM pg_catalog.pg_stat_subscription u WHERE u.pid IS NOT NULL AND u.relid IS NULL GROUP BY u.subid) w ON w.subid = s.oid
 ORDER BY d.datname, s.subname",
        },
        // From here on errors are counted.
        Variant {
            since: 15,
            sql: "
SELECT d.datname::text AS database, s.subname::text AS name, s.subenabled AS enabled, w.subid IS NOT NULL AS worker,
       extract(epoch FROM clock_timestamp() - w.heard)::float8 AS silent_s,
       e.apply_error_count::int8 AS apply_errors, e.sync_error_count::int8 AS sync_errors
  FROM pg_catalog.pg_subscription s
  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
  LEFT JOIN (SELECT u.subid, max(u.last_msg_receipt_time) FILTER (WHERE isfinite(u.last_msg_receipt_time)) AS heard
               FROM pg_catalog.pg_stat_subscription u WHERE u.pid IS NOT NULL AND u.relid IS NULL GROUP BY u.subid) w ON w.subid = s.oid
  LEFT JOIN pg_catalog.pg_stat_subscription_stats e ON e.subid = s.oid
 ORDER BY d.datname, s.subname",
        },
    ],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Subscriptions;

impl Ask for Subscriptions {
    type Out = Vec<Subscription>;
    const ABOUT: About = About {
        id: "subscriptions",
        title: "Subscriptions",
        doc: "Subscriptions of logical replication, whether their apply workers run, and how often they failed.",
        scope: Scope::Server,
        // It tells whether all is well: without a worker data grows old here, and the publisher's disk fills. It reads a few rows.
        class: Class::Critical,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Vec<Subscription>>, ProbeError> {
        let rows = cx.rows(&QUERY, &[]).await?;
        let read = rows.iter().map(|row| {
            Ok(Subscription {
                name: row.try_get("name")?,
                database: row.try_get("database")?,
                enabled: row.try_get("enabled")?,
                worker: row.try_get("worker")?,
                // A clock that was set back is no message from the future.
                silent_s: row.try_get::<_, Option<f64>>("silent_s")?.map(|s| s.max(0.0)),
                apply_errors: row.try_get("apply_errors")?,
                sync_errors: row.try_get("sync_errors")?,
                apply_errors_new: None,
            })
        });
        Ok(Got::all(read.collect::<Result<_, ProbeError>>()?))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Vec<Subscription>, String>, moment: &Moment) {
        let before = board.snapshot.subscriptions.value();
        let outcome = outcome.map(|found| grown(before.map_or(&[], Vec::as_slice), found));
        board.snapshot.subscriptions.absorb(outcome, moment.at);
    }
}

/// With what came to each count since the reading before. A count that is smaller was reset, or is another subscription's of that name.
fn grown(before: &[Subscription], mut found: Vec<Subscription>) -> Vec<Subscription> {
    for now in &mut found {
        let then = before.iter().find(|then| (&then.database, &then.name) == (&now.database, &now.name));
        let counts = now.apply_errors.zip(then.and_then(|then| then.apply_errors));
        now.apply_errors_new = counts.map(|(now, then)| now - then).filter(|new| *new >= 0);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Subscription, grown};

    fn counted(database: &str, apply_errors: Option<i64>) -> Subscription {
        Subscription {
            name: "orders_in".into(),
            database: database.into(),
            enabled: true,
            worker: true,
            silent_s: None,
            apply_errors,
            sync_errors: None,
            apply_errors_new: None,
        }
    }

    #[test]
    fn b2_errors_are_new_since_the_reading_before_and_not_after_a_reset() {
        let new = |before: &[Subscription], now| grown(before, vec![now]).first().and_then(|s| s.apply_errors_new);
        let before = [counted("one", Some(4)), counted("two", Some(9))];
        assert_eq!(new(&[], counted("one", Some(4))), None, "the first reading");
        assert_eq!(new(&before, counted("one", Some(6))), Some(2));
        assert_eq!(new(&before, counted("two", Some(9))), Some(0));
        assert_eq!(new(&before, counted("two", Some(1))), None, "a reset");
        assert_eq!(new(&[counted("one", None)], counted("one", None)), None, "before PostgreSQL 15");
    }
}
