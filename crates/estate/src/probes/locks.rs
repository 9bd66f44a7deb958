//! Sessions that wait for a lock, and who is at the root of each chain.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::{LockWait, Locks};
use std::collections::{HashMap, HashSet};

/// `pg_blocking_pids` stops the lock manager for a moment, so it is asked only for sessions that wait, and for 100 of
/// them. Names of relations are known in the connection's own database only.
macro_rules! locks_sql {
    ($since:literal) => {
        concat!(
            "
WITH a AS MATERIALIZED (
  SELECT s.pid, s.state, s.datname, s.wait_event_type = 'Lock' AS waits, s.query_start FROM pg_catalog.pg_stat_activity s),
l AS MATERIALIZED (
  SELECT p.pid, p.locktype, p.database, p.relation, p.mode, p.granted, ",
            $since,
            " AS since FROM pg_catalog.pg_locks p WHERE NOT p.granted OR (p.mode = 'AccessExclusiveLock' AND p.locktype = 'relation')),
w AS MATERIALIZED (
  SELECT a.pid, a.datname, a.state, pg_blocking_pids(a.pid) AS blockers, x.mode, x.database, x.relation,
         extract(epoch FROM clock_timestamp() - coalesce(x.since, a.query_start))::float8 AS waited_s
    FROM a LEFT JOIN LATERAL (SELECT l.* FROM l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) x ON true
   WHERE a.waits ORDER BY coalesce(x.since, a.query_start) LIMIT 100)
SELECT (SELECT count(*) FROM a WHERE waits) AS waiting,
       (SELECT count(DISTINCT (l.database, l.relation)) FROM l
         WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock') AS exclusive_relations,
       w.pid, w.datname::text, w.state, w.blockers, w.mode, w.waited_s,
       n.nspname::text AS schema_name, c.relname::text AS relation_name, w.pid IS NOT NULL AS is_waiter
  FROM (SELECT) one
  LEFT JOIN w ON true
  LEFT JOIN pg_catalog.pg_class c ON c.oid = w.relation
        AND w.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
UNION ALL
SELECT 0, 0, a.pid, NULL, a.state, NULL, NULL, NULL, NULL, NULL, false
  FROM a WHERE a.pid IN (SELECT unnest(w.blockers) FROM w) AND a.waits IS NOT TRUE"
        )
    };
}

static QUERY: Query = Query {
    marker: "locks",
    keyed: Keyed::Server,
    variants: &[
        Variant { since: 13, sql: locks_sql!("NULL::timestamptz") },
        // The start of the wait is known from 14 on.
        Variant { since: 14, sql: locks_sql!("p.waitstart") },
    ],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct LockWaits;

impl Ask for LockWaits {
    type Out = Locks;
    const ABOUT: About = About {
        id: "locks",
        title: "Lock waits",
        doc: "Sessions that wait for a lock with the root blocker; relations with ACCESS EXCLUSIVE held or queued.",
        scope: Scope::Server,
        class: Class::Live,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Locks>, ProbeError> {
        let mut locks = Locks::default();
        let mut states: HashMap<i32, Option<String>> = HashMap::new();
        for row in cx.rows(&QUERY, &[]).await? {
            // Each row of a waiter repeats the two counts.
            locks.waiting = locks.waiting.max(row.try_get("waiting")?);
            locks.exclusive_relations = locks.exclusive_relations.max(row.try_get("exclusive_relations")?);
            let Some(pid) = row.try_get::<_, Option<i32>>("pid")? else { continue };
            states.insert(pid, row.try_get("state")?);
            if !row.try_get::<_, bool>("is_waiter")? {
                continue;
            }
            let schema: Option<String> = row.try_get("schema_name")?;
            let name: Option<String> = row.try_get("relation_name")?;
            locks.waits.push(LockWait {
                pid,
                waited_s: row.try_get::<_, Option<f64>>("waited_s")?.map(|s| s.max(0.0)),
                mode: row.try_get::<_, Option<String>>("mode")?.unwrap_or_default(),
                relation: schema.zip(name).map(|(schema, name)| format!("{schema}.{name}")),
                blocked_by: row.try_get::<_, Option<Vec<i32>>>("blockers")?.unwrap_or_default(),
                root_pid: None,
                root_state: None,
                database: row.try_get("datname")?,
            });
        }
        name_roots(&mut locks.waits, &states);
        let missing = (!cx.facts.read_all_stats).then(|| crate::fault::needs_monitor("Lock waits of other roles", cx.facts));
        Ok(Got { value: locks, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Locks, String>, moment: &Moment) {
        board.snapshot.locks.absorb(outcome, moment.at);
    }
}

/// Follows each chain to a session that does not wait itself. A ring (a deadlock not yet broken) has no root; pid 0
/// stands for a prepared transaction, which has a state to show but no pid to act on.
fn name_roots(waits: &mut [LockWait], states: &HashMap<i32, Option<String>>) {
    let blocked: HashMap<i32, Vec<i32>> = waits.iter().map(|w| (w.pid, w.blocked_by.clone())).collect();
    for wait in waits {
        let mut seen = HashSet::from([wait.pid]);
        let mut queue: Vec<i32> = wait.blocked_by.iter().rev().copied().collect();
        while let Some(pid) = queue.pop() {
            if !seen.insert(pid) {
                continue;
            }
            if pid == 0 {
                wait.root_state = Some("prepared transaction".to_owned());
                break;
            }
            match blocked.get(&pid) {
                Some(next) => queue.extend(next.iter().rev()),
                None => {
                    wait.root_pid = Some(pid);
                    wait.root_state = states.get(&pid).cloned().flatten();
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pid: i32, blocked_by: &[i32]) -> LockWait {
        LockWait {
            pid,
            waited_s: None,
            mode: String::new(),
            relation: None,
            blocked_by: blocked_by.to_vec(),
            root_pid: None,
            root_state: None,
            database: None,
        }
    }

    #[test]
    fn b5_the_root_of_a_chain_is_found_and_a_ring_has_none() {
        let mut waits = vec![wait(3, &[2]), wait(2, &[1]), wait(8, &[9]), wait(9, &[8]), wait(5, &[0])];
        name_roots(&mut waits, &HashMap::from([(1, Some("idle in transaction".to_owned()))]));
        assert_eq!(waits[0].root_pid, Some(1));
        assert_eq!(waits[0].root_state.as_deref(), Some("idle in transaction"));
        assert_eq!(waits[1].root_pid, Some(1));
        assert_eq!((waits[2].root_pid, waits[3].root_pid), (None, None));
        assert_eq!((waits[4].root_pid, waits[4].root_state.as_deref()), (None, Some("prepared transaction")));
    }
}
