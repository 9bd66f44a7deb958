//! Sessions by state. Reeve's own are counted apart.

use crate::{
    fault::{ProbeError, needs_monitor},
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::{Activity, SessionRef};
use tokio_postgres::Row;

/// A statement that waits for a lock isn't running: the locks' probe tells of it, and names who is to blame.
///
/// Without the right to read all statistics the state, kind and times of other roles' sessions are null: those rows
/// are `hidden`. The application name is always shown, so Reeve's own are told apart in any case.
static QUERY: Query = Query {
    marker: "activity",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
WITH s AS MATERIALIZED (
  SELECT a.pid, a.usename::text AS usename, a.application_name, a.state, a.wait_event_type, a.xact_start, a.query_start, a.state_change,
         greatest(age(a.backend_xmin), age(a.backend_xid)) AS holds,
         a.backend_type = 'client backend' AS client,
         a.backend_type IS NULL AND a.state IS NULL AND a.usesysid IS NOT NULL AND a.datid IS NOT NULL AS hidden,
         a.application_name LIKE 'reeve/%' AS own
    FROM pg_catalog.pg_stat_activity a),
f AS MATERIALIZED (
SELECT current_setting('max_connections')::int8 AS max,
       current_setting('superuser_reserved_connections')::int8
         + coalesce(current_setting('reserved_connections', true)::int8, 0) AS reserved,
       count(*) FILTER (WHERE (client OR hidden) AND NOT own) AS total,
       count(*) FILTER (WHERE client AND NOT own AND state IN ('active', 'fastpath function call')) AS active,
       count(*) FILTER (WHERE client AND NOT own AND state = 'idle') AS idle,
       count(*) FILTER (WHERE client AND NOT own AND state LIKE 'idle in transaction%') AS idle_in_transaction,
       count(*) FILTER (WHERE client AND NOT own AND wait_event_type = 'Lock') AS waiting,
       count(*) FILTER (WHERE (client OR hidden) AND own) AS own,
       count(*) FILTER (WHERE hidden AND NOT own) AS hidden,
       extract(epoch FROM clock_timestamp() - min(xact_start) FILTER (WHERE client AND NOT own))::float8 AS longest_transaction_s,
       extract(epoch FROM clock_timestamp() - min(query_start)
         FILTER (WHERE client AND NOT own AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'))::float8 AS longest_query_s,
       extract(epoch FROM clock_timestamp() - min(state_change)
         FILTER (WHERE client AND NOT own AND state LIKE 'idle in transaction%'))::float8 AS longest_idle_in_transaction_s,
       (array_agg(pid ORDER BY xact_start) FILTER (WHERE client AND NOT own AND xact_start IS NOT NULL))[1] AS transaction_pid,
       (array_agg(pid ORDER BY query_start)
         FILTER (WHERE client AND NOT own AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'))[1] AS query_pid,
       (array_agg(pid ORDER BY state_change) FILTER (WHERE client AND NOT own AND state LIKE 'idle in transaction%'))[1] AS idle_pid,
       greatest(max(holds) FILTER (WHERE own IS NOT TRUE),
         (SELECT max(greatest(age(r.xmin), age(r.catalog_xmin))) FROM pg_catalog.pg_replication_slots r),
         (SELECT max(age(p.transaction)) FROM pg_catalog.pg_prepared_xacts p))::int8 AS oldest_xmin_age
  FROM s)
SELECT f.*, t.usename AS transaction_user, t.application_name AS transaction_app, q.usename AS query_user, q.application_name AS query_app,
       i.usename AS idle_user, i.application_name AS idle_app
  FROM f LEFT JOIN s t ON t.pid = f.transaction_pid LEFT JOIN s q ON q.pid = f.query_pid LEFT JOIN s i ON i.pid = f.idle_pid",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Sessions;

impl Ask for Sessions {
    type Out = Activity;
    const ABOUT: About = About {
        id: "activity",
        title: "Sessions",
        doc: "Sessions by state, longest transaction and statement, oldest held snapshot.",
        scope: Scope::Server,
        class: Class::Live,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Activity>, ProbeError> {
        let row = cx.row(&QUERY, &[]).await?;
        let value = Activity {
            max: row.try_get("max")?,
            reserved: row.try_get("reserved")?,
            total: row.try_get("total")?,
            active: row.try_get("active")?,
            idle: row.try_get("idle")?,
            idle_in_transaction: row.try_get("idle_in_transaction")?,
            waiting: row.try_get("waiting")?,
            own: row.try_get("own")?,
            longest_transaction_s: seconds(row.try_get("longest_transaction_s")?),
            longest_query_s: seconds(row.try_get("longest_query_s")?),
            longest_idle_in_transaction_s: seconds(row.try_get("longest_idle_in_transaction_s")?),
            oldest_xmin_age: row.try_get("oldest_xmin_age")?,
            hidden: row.try_get("hidden")?,
            longest_transaction_by: session(&row, "transaction")?,
            longest_query_by: session(&row, "query")?,
            longest_idle_in_transaction_by: session(&row, "idle")?,
        };
        let missing = (value.hidden > 0).then(|| needs_monitor(&format!("The state of {} sessions", value.hidden), cx.facts));
        Ok(Got { value, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Activity, String>, moment: &Moment) {
        board.snapshot.activity.absorb(outcome, moment.at);
    }
}

/// The session whose columns begin with this word.
fn session(row: &Row, of: &str) -> Result<Option<SessionRef>, ProbeError> {
    let text = |what: &str| Ok::<_, ProbeError>(row.try_get::<_, Option<String>>(format!("{of}_{what}").as_str())?.unwrap_or_default());
    let Some(pid) = row.try_get(format!("{of}_pid").as_str())? else { return Ok(None) };
    Ok(Some(SessionRef { pid, user: text("user")?, application: text("app")? }))
}

/// Clocks step back; a duration never does.
fn seconds(value: Option<f64>) -> Option<f64> {
    value.map(|s| s.max(0.0))
}
