//! Sessions on demand: who is connected, who waits for whom, and ending one of them.
//!
//! Unlike the probes this runs only while somebody looks, on a connection of its own that is closed when nobody does.

use crate::{probe::quote_identifier, session, spec::TargetSpec};
use reeve_adapter::{AdapterError, Guarded, Param};
use reeve_model::{
    UnixMs,
    activity::{ProgressRow, SessionOrder, SessionRow, SessionSignal, SessionState, Sessions, XminHolder},
};
use std::{ops::Deref, sync::Arc, time::Duration};
use tokio_postgres::{Row, types::Type};

/// What `pg_stat_activity` shows.
const APPLICATION: &str = "reeve/activity";

/// The server itself ends what takes too long.
const SETTINGS: &[(&str, &str)] = &[
    ("lock_timeout", "100ms"),
    ("statement_timeout", "4s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("jit", "off"),
    ("search_path", "pg_catalog"),
];

/// Longest time for one look, whatever the server does.
const LIMIT: Duration = Duration::from_secs(6);

/// `pg_blocking_pids` stops the lock manager for a moment, so it is asked only for sessions that wait, and for 100 of them.
const SESSIONS: &str = "/* reeve:activity/sessions */
WITH a AS MATERIALIZED (
  SELECT s.*, row_number() OVER (PARTITION BY s.wait_event_type = 'Lock' ORDER BY s.query_start) AS place FROM pg_stat_activity s
   WHERE s.pid <> pg_backend_pid())
SELECT count(*) OVER () AS total, a.pid, (extract(epoch FROM a.backend_start) * 1000)::int8 AS started_ms,
       (extract(epoch FROM a.xact_start) * 1000)::int8 AS transaction_ms, (extract(epoch FROM a.query_start) * 1000)::int8 AS statement_ms, a.usename::text, a.datname::text,
       coalesce(a.application_name, '') AS application, host(a.client_addr) AS client, coalesce(a.backend_type, 'client backend') AS kind, a.state,
       a.wait_event_type || ': ' || a.wait_event AS wait,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_s,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS statement_s,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_s,
       CASE WHEN v.pid IS NULL THEN greatest(age(a.backend_xmin), age(a.backend_xid)) END::int8 AS xmin_age, left(a.query, 2000) AS statement,
       CASE WHEN a.wait_event_type = 'Lock' AND a.place <= 100 THEN pg_blocking_pids(a.pid) ELSE '{}'::int4[] END AS blocked_by,
       coalesce(r.rolsuper, false) AS superuser, coalesce(a.application_name, '') LIKE 'reeve/%' AS own,
       a.backend_start IS NULL AS hidden
  FROM a LEFT JOIN pg_roles r ON r.oid = a.usesysid LEFT JOIN pg_stat_progress_vacuum v ON v.pid = a.pid
 ORDER BY coalesce(a.backend_type, 'client backend') <> 'client backend', coalesce(a.application_name, '') LIKE 'reeve/%',
          a.state IS NOT DISTINCT FROM 'idle', a.wait_event_type IS DISTINCT FROM 'Lock', a.xact_start NULLS LAST, a.state_change NULLS LAST
 LIMIT 500";

/// What keeps vacuum from removing dead rows, the oldest first (a vacuum's own snapshot holds nobody back): sessions, slots, prepared transactions, standbys that say what they read.
const HOLDERS: &str = "/* reeve:activity/holders */
SELECT h.kind, h.name, h.pid, h.age::int8 AS age FROM (
  SELECT 'session' AS kind, concat_ws(' ', a.usename, nullif(a.application_name, '')) AS name, a.pid,
         greatest(age(a.backend_xmin), age(a.backend_xid)) AS age
    FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND coalesce(a.backend_type, 'client backend') <> 'walsender'
     AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
  UNION ALL SELECT 'replication slot', s.slot_name::text, NULL, greatest(age(s.xmin), age(s.catalog_xmin)) FROM pg_replication_slots s
  UNION ALL SELECT 'prepared transaction', p.gid, NULL, age(p.transaction) FROM pg_prepared_xacts p
  UNION ALL SELECT 'standby', r.application_name, r.pid, age(r.backend_xmin) FROM pg_stat_replication r) h
 WHERE h.age > 0 ORDER BY h.age DESC, h.name LIMIT 5";

/// Each view of progress in the same columns; those of a version that lacks a view are left out.
const PROGRESS: &[(u32, &str)] = &[
    (13, "SELECT p.pid, 'VACUUM' AS what, p.datname::text, p.relid, p.datid, p.phase,
        p.heap_blks_scanned::float8 / nullif(p.heap_blks_total, 0) AS done FROM pg_stat_progress_vacuum p"),
    (13, "SELECT p.pid, 'ANALYZE', p.datname::text, p.relid, p.datid, p.phase,
        p.sample_blks_scanned::float8 / nullif(p.sample_blks_total, 0) FROM pg_stat_progress_analyze p"),
    (13, "SELECT p.pid, p.command, p.datname::text, p.relid, p.datid, p.phase,
        coalesce(p.blocks_done::float8 / nullif(p.blocks_total, 0), p.tuples_done::float8 / nullif(p.tuples_total, 0)) FROM pg_stat_progress_create_index p"),
    (13, "SELECT p.pid, p.command, p.datname::text, p.relid, p.datid, p.phase,
        p.heap_blks_scanned::float8 / nullif(p.heap_blks_total, 0) FROM pg_stat_progress_cluster p"),
    (13, "SELECT p.pid, 'BASE BACKUP', NULL, NULL, NULL, p.phase,
        p.backup_streamed::float8 / nullif(p.backup_total, 0) FROM pg_stat_progress_basebackup p"),
    (14, "SELECT p.pid, p.command, p.datname::text, p.relid, p.datid, p.type,
        p.bytes_processed::float8 / nullif(p.bytes_total, 0) FROM pg_stat_progress_copy p"),
];

/// The way to a server for one look or one signal.
enum Link {
    Own(Box<Guarded>),
    /// The collector's, which is not kept longer than that.
    Lent(Arc<Guarded>),
}

impl Deref for Link {
    type Target = Guarded;

    fn deref(&self) -> &Guarded {
        match self {
            Self::Own(client) => client,
            Self::Lent(client) => client,
        }
    }
}

/// A connection of its own; where the server has none left, the one that the collector keeps. That is the moment when somebody most wants to
/// see who has them all, and to end some.
async fn link(spec: &TargetSpec) -> Result<Link, AdapterError> {
    match session::connect(&spec.endpoint, None, APPLICATION, SETTINGS).await {
        Ok(client) => Ok(Link::Own(Box::new(client))),
        Err(error @ AdapterError::TooManyConnections { .. }) => spec.standing.get().map(Link::Lent).ok_or(error),
        Err(error) => Err(error),
    }
}

/// Looks at the sessions of one target over a connection that is kept while somebody looks.
pub struct Looker {
    spec: TargetSpec,
    client: Option<Guarded>,
}

impl Looker {
    /// For a target; nothing is connected before the first look.
    #[must_use]
    pub fn new(spec: TargetSpec) -> Self {
        Self { spec, client: None }
    }

    /// A connection is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.client.is_some()
    }

    /// Ends the connection: nobody looks any more.
    pub fn close(&mut self) {
        self.client = None;
    }

    /// One look.
    ///
    /// # Errors
    /// When the server can't be reached or does not answer in time; one sentence without secrets. The next look connects anew.
    pub async fn look(&mut self) -> Result<Sessions, AdapterError> {
        // Taken out: whatever goes wrong, or is given up, never leaves half an answer on a kept connection.
        let kept = self.client.take().filter(|client| !client.is_closed());
        let (client, seen) = limited(&self.spec, async {
            let client = match kept {
                Some(client) => Link::Own(Box::new(client)),
                None => link(&self.spec).await?,
            };
            let seen = read(&client).await?;
            Ok((client, seen))
        })
        .await?;
        if let Link::Own(client) = client {
            self.client = Some(*client);
        }
        Ok(seen)
    }
}

async fn read(client: &Guarded) -> Result<Sessions, AdapterError> {
    let sort = |e: tokio_postgres::Error| client.sort(&e);
    let (rows, holders) = futures::try_join!(client.query(SESSIONS, &[]), client.query(HOLDERS, &[])).map_err(sort)?;
    let total: i64 = rows.first().map_or(Ok(0), |row| row.try_get("total")).map_err(sort)?;
    let mut hidden = 0;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in &rows {
        hidden += u64::from(row.try_get::<_, bool>("hidden").map_err(sort)?);
        sessions.push(session_of(row).map_err(sort)?);
    }
    let holder = |row: &Row| {
        Ok(XminHolder { kind: row.try_get("kind")?, name: row.try_get("name")?, pid: row.try_get("pid")?, age: row.try_get("age")? })
    };
    let holders = holders.iter().map(holder).collect::<Result<_, tokio_postgres::Error>>().map_err(sort)?;
    let progress = progress(client).await?;
    Ok(Sessions { rows: sessions, total: u64::try_from(total).unwrap_or(0), hidden, holders, progress })
}

fn session_of(row: &Row) -> Result<SessionRow, tokio_postgres::Error> {
    let seconds = |name: &str| Ok::<_, tokio_postgres::Error>(row.try_get::<_, Option<f64>>(name)?.map(|s| s.max(0.0)));
    let state = match row.try_get::<_, Option<&str>>("state")? {
        Some("active" | "fastpath function call") => SessionState::Active,
        Some("idle") => SessionState::Idle,
        Some(state) if state.starts_with("idle in transaction") => SessionState::IdleInTransaction,
        _ => SessionState::Other,
    };
    Ok(SessionRow {
        pid: row.try_get("pid")?,
        // Nobody connected in 1970: this is a session that may not be seen.
        started_at: UnixMs(row.try_get::<_, Option<i64>>("started_ms")?.unwrap_or(0)),
        user: row.try_get("usename")?,
        database: row.try_get("datname")?,
        application: row.try_get("application")?,
        client: row.try_get("client")?,
        kind: row.try_get("kind")?,
        state,
        wait: row.try_get::<_, Option<String>>("wait")?.filter(|w| !w.starts_with("Client: ")),
        transaction_at: row.try_get::<_, Option<i64>>("transaction_ms")?.map(UnixMs),
        statement_at: row.try_get::<_, Option<i64>>("statement_ms")?.map(UnixMs),
        transaction_s: seconds("transaction_s")?,
        statement_s: seconds("statement_s")?,
        state_s: seconds("state_s")?,
        xmin_age: row.try_get("xmin_age")?,
        statement: row.try_get::<_, Option<String>>("statement")?.filter(|s| !s.is_empty()),
        blocked_by: row.try_get("blocked_by")?,
        superuser: row.try_get("superuser")?,
        own: row.try_get("own")?,
        hidden: row.try_get("hidden")?,
    })
}

async fn progress(client: &Guarded) -> Result<Vec<ProgressRow>, AdapterError> {
    // A pooler may hide the version; the views of the oldest major are then all that is asked for.
    let major = client.major().unwrap_or(13);
    let parts: Vec<&str> = PROGRESS.iter().filter(|(since, _)| major >= *since).map(|(_, sql)| *sql).collect();
    let sql = format!(
        "/* reeve:activity/progress */ SELECT p.pid, coalesce(p.what, '') AS what, p.datname, n.nspname || '.' || c.relname AS relation, p.phase, p.done FROM ({}) p
           LEFT JOIN pg_class c ON c.oid = p.relid AND p.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           LEFT JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY p.pid",
        parts.join(" UNION ALL ")
    );
    let rows = client.query(&sql, &[]).await.map_err(|e| client.sort(&e))?;
    let one = |row: &Row| {
        Ok(ProgressRow {
            pid: row.try_get("pid")?,
            what: row.try_get("what")?,
            database: row.try_get("datname")?,
            relation: row.try_get("relation")?,
            phase: row.try_get::<_, Option<String>>("phase")?.unwrap_or_default(),
            done_ratio: row.try_get::<_, Option<f64>>("done")?.map(|d| d.clamp(0.0, 1.0)),
        })
    };
    rows.iter().map(one).collect::<Result<_, tokio_postgres::Error>>().map_err(|e| client.sort(&e))
}

/// What came of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signalled {
    /// The server took it; a session ends in its own time. Who it was, as `role@database (application)`.
    Sent(String),
    /// The server took it, and the session is still there: it is held up where it can't be ended at once. Who it is.
    Lingers(String),
    /// There is no such session any more.
    Gone,
    /// It may not be; the sentence says why, and what would change that.
    Refused(String),
}

/// How long an ended session is waited for before it is said to be still there.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often it is looked: a session's end is told to nobody.
const LOOK: Duration = Duration::from_millis(100);

/// The same session, found by the server in the statement that judges it.
const SAME: &str = "a.pid = $1 AND coalesce((extract(epoch FROM a.backend_start) * 1000)::int8 = $2, true)";

/// Cancels the statement of a session, or ends the session. It is named by its pid and the moment it connected, so that another one that
/// got the same pid meanwhile is never hit, and by what was seen of it (see [`reeve_model::activity::SessionRow::seen`]), so that what it
/// does since is not hit either. Reeve's own, superusers' and the server's processes are left alone. All is judged by the server in the
/// statement that signals.
///
/// # Errors
/// When the server can't be reached or does not answer in time.
pub async fn signal(spec: &TargetSpec, order: &SessionOrder) -> Result<Signalled, AdapterError> {
    let (function, changed) = match order.signal {
        SessionSignal::Cancel => (
            "pg_cancel_backend",
            "a.state IS DISTINCT FROM 'active' OR (extract(epoch FROM a.query_start) * 1000)::int8 IS DISTINCT FROM $3",
        ),
        SessionSignal::Terminate => ("pg_terminate_backend", "(extract(epoch FROM a.xact_start) * 1000)::int8 IS DISTINCT FROM $3"),
    };
    let sql = format!(
        "/* reeve:activity/signal */
SELECT format('%s@%s (%s)', a.usename, a.datname, a.application_name) AS who,
       CASE WHEN a.backend_start IS NULL THEN 'Reeve''s role may not see what it does: grant pg_monitor to it.'
            WHEN a.application_name LIKE 'reeve/%' THEN 'It is one of Reeve''s own.'
            WHEN coalesce(a.backend_type, 'client backend') <> 'client backend' THEN 'It is a process of the server''s own.'
            WHEN r.rolsuper THEN 'Its role is a superuser: end it as one, on the server.'
            WHEN {changed} THEN 'It does something else than when it was looked at, so nothing was done. Look again.'
            WHEN {function}(a.pid) THEN NULL ELSE 'The server did not take the signal.' END AS refused
  FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid WHERE {SAME}"
    );
    let (pid, started) = (order.pid, order.started_at.0);
    limited(spec, async {
        let client = link(spec).await?;
        let sort = |e: tokio_postgres::Error| client.sort(&e);
        let seen = order.seen.map(|at| at.0);
        let same: [Param<'_>; 2] = [(&pid, Type::INT4), (&started, Type::INT8)];
        let mut judged = same.to_vec();
        judged.push((&seen, Type::INT8));
        let row = match client.first(&sql, &judged).await {
            Ok(None) => return Ok(Signalled::Gone),
            Ok(Some(row)) => row,
            Err(error) if error.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) => {
                let row = client.first("SELECT current_user::text", &[]).await.map_err(sort)?;
                let user: Option<String> = row.map(|row| row.try_get(0)).transpose().map_err(sort)?;
                let user = quote_identifier(&user.unwrap_or_default());
                return Ok(Signalled::Refused(format!(
                    "Reeve's role may not end sessions of others; run GRANT pg_signal_backend TO {user};"
                )));
            }
            Err(error) => return Err(sort(error)),
        };
        if let Some(why) = row.try_get("refused").map_err(sort)? {
            return Ok(Signalled::Refused(why));
        }
        let who: String = row.try_get("who").map_err(sort)?;
        if order.signal == SessionSignal::Cancel {
            return Ok(Signalled::Sent(who));
        }
        let there = format!("/* reeve:activity/farewell */ SELECT FROM pg_stat_activity a WHERE {SAME}");
        let until = tokio::time::Instant::now() + FAREWELL;
        while client.first(&there, &same).await.map_err(sort)?.is_some() {
            if tokio::time::Instant::now() > until {
                return Ok(Signalled::Lingers(who));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(Signalled::Sent(who))
    })
    .await
}

async fn limited<T>(spec: &TargetSpec, work: impl Future<Output = Result<T, AdapterError>>) -> Result<T, AdapterError> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or_else(|_| {
        let after_ms = u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX);
        Err(AdapterError::TimedOut { server: spec.endpoint.redacted(), what: "to a look at its sessions".to_owned(), after_ms })
    })
}
