//! `pg_stat_statements`: what ran between two readings.
//!
//! Numbers are read without texts; texts rarely, and only for new entries among the most expensive. Shared statistics
//! are never reset. Reeve's own role is left out; its entries say what the probes cost.

use crate::{
    cost::OwnStatements,
    delta::{self, Counted, Key},
    facts::Facts,
    fault::{ProbeError, needs_monitor},
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant, in_database},
};
use reeve_model::snapshot::Statements;
use std::collections::{HashMap, HashSet};
use tokio::time::Instant;
use tokio_postgres::types::{Oid, Type};

/// Most entries whose texts are asked for.
const TOP: usize = 20;
/// Most bytes of a text.
const TEXT_BYTES: usize = 2_000;

static NUMBERS: Query = Query {
    marker: "statements",
    keyed: Keyed::Statements,
    variants: &[
        Variant {
            since: 104,
            sql: "
SELECT s.userid, s.dbid, s.queryid, true AS toplevel, s.calls, s.total_time AS total_ms, s.rows FROM {statements}.pg_stat_statements(false) s",
        },
        Variant {
            since: 108,
            sql: "
SELECT s.userid, s.dbid, s.queryid, true AS toplevel, s.calls, s.total_exec_time AS total_ms, s.rows
  FROM {statements}.pg_stat_statements(false) s",
        },
        // With `track = all` the same statement counts apart inside functions.
        Variant {
            since: 109,
            sql: "
SELECT s.userid, s.dbid, s.queryid, s.toplevel, s.calls, s.total_exec_time AS total_ms, s.rows
  FROM {statements}.pg_stat_statements(false) s",
        },
    ],
};

static INFO: Query = Query {
    marker: "statements/info",
    keyed: Keyed::Statements,
    variants: &[
        Variant { since: 104, sql: "SELECT NULL::int8 AS evicted, NULL::int8 AS reset_ms" },
        Variant {
            since: 109,
            sql: "
SELECT i.dealloc::int8 AS evicted, (extract(epoch FROM i.stats_reset) * 1000)::int8 AS reset_ms
  FROM {statements}.pg_stat_statements_info i",
        },
    ],
};

/// Reads the file with all texts once, for the new ones of the top and for those with Reeve's marker.
static TEXTS: Query = Query {
    marker: "statements/texts",
    keyed: Keyed::Statements,
    variants: &[Variant {
        since: 104,
        sql: "
SELECT s.userid, s.queryid, left(s.query, 2000) AS query
  FROM {statements}.pg_stat_statements(true) s
 WHERE s.queryid = ANY ($1::int8[]) OR (s.userid = $2::oid AND s.query LIKE '/* reeve:%')
    OR (s.userid = $2::oid AND s.query LIKE '% /* reeve:%')",
    }],
};

static NAMES: Query = Query {
    marker: "statements/names",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT 'user' AS kind, r.oid, r.rolname::text AS name FROM pg_catalog.pg_roles r WHERE r.oid = ANY ($1::oid[])
UNION ALL
SELECT 'database', d.oid, d.datname::text FROM pg_catalog.pg_database d WHERE d.oid = ANY ($2::oid[])",
    }],
};

/// What is remembered between readings.
#[derive(Default)]
pub struct Memory {
    /// Entries of the newest reading with its moment.
    previous: Option<(Instant, HashMap<Key, Counted>)>,
    /// `stats_reset` of that reading.
    reset_ms: Option<i64>,
    /// Texts by query id and role; none where the text is hidden.
    texts: HashMap<(i64, Oid), Option<String>>,
    /// When texts were last read.
    texts_at: Option<Instant>,
    /// Names of roles.
    users: HashMap<Oid, String>,
    /// Names of databases.
    databases: HashMap<Oid, String>,
    /// Reeve's own.
    pub(crate) own: OwnStatements,
}

/// Everything one reading brings.
pub struct Reading {
    value: Statements,
    at: Instant,
    entries: HashMap<Key, Counted>,
    reset_ms: Option<i64>,
    texts: Option<HashMap<(i64, Oid), Option<String>>>,
    users: HashMap<Oid, String>,
    databases: HashMap<Oid, String>,
    own: Vec<(i64, i64, f64)>,
    own_texts: Vec<(i64, String)>,
}

/// The sentence for a server without the extension.
pub(crate) fn not_installed(facts: &Facts) -> String {
    let create = format!("run CREATE EXTENSION pg_stat_statements; {}", in_database(&facts.database));
    match facts.statements_loaded {
        Some(true) => format!("pg_stat_statements is loaded but not created; {create}"),
        Some(false) => {
            format!("pg_stat_statements is not loaded: add it to shared_preload_libraries and restart the server; then {create}")
        }
        None => format!(
            "pg_stat_statements is not there: put it into shared_preload_libraries if it is missing there, with a restart; then {create}"
        ),
    }
}

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct TopStatements;

impl Ask for TopStatements {
    type Out = Reading;
    const ABOUT: About = About {
        id: "statements",
        title: "Statements",
        doc: "Calls, time and rows of each statement between two readings; texts of the most expensive.",
        scope: Scope::Server,
        class: Class::Metrics,
        queries: &[&NUMBERS, &INFO, &TEXTS, &NAMES],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Reading>, ProbeError> {
        let memory = &cx.memory.statements;
        let (numbers, info) = futures::try_join!(cx.rows(&NUMBERS, &[]), cx.row(&INFO, &[]))?;
        let at = Instant::now();
        let mut entries = HashMap::with_capacity(numbers.len());
        let mut own = Vec::new();
        let mut hidden = false;
        for row in &numbers {
            let user: Oid = row.try_get("userid")?;
            // Without pg_read_all_stats other roles' entries come without an id.
            let Some(query) = row.try_get::<_, Option<i64>>("queryid")? else {
                hidden = true;
                continue;
            };
            let counted = Counted { calls: row.try_get("calls")?, total_ms: row.try_get("total_ms")?, rows: row.try_get("rows")? };
            if user == cx.facts.user_oid {
                own.push((query, counted.calls, counted.total_ms));
                continue;
            }
            let key = Key { user, database: row.try_get("dbid")?, query, toplevel: row.try_get("toplevel")? };
            entries.insert(key, counted);
        }
        if hidden {
            return Err(ProbeError::Rights(needs_monitor("Statements of other roles", cx.facts)));
        }
        let reset_ms: Option<i64> = info.try_get("reset_ms")?;
        let previous = memory.previous.as_ref().filter(|_| memory.reset_ms == reset_ms);
        let window = previous.and_then(|(before, old)| {
            let deltas = delta::between(old, &entries, reset_ms.is_some())?;
            Some((at.duration_since(*before).as_secs_f64(), deltas))
        });
        let (window_s, deltas) = window.unwrap_or_default();
        let mut value = delta::summarise(&deltas, window_s);
        value.extension_version = cx.facts.statements.as_ref().map(|e| e.shown.clone()).unwrap_or_default();
        value.evicted = info.try_get("evicted")?;
        let top = delta::top(&deltas, TOP);
        let mut reading = Reading {
            value,
            at,
            entries,
            reset_ms,
            texts: None,
            users: HashMap::new(),
            databases: HashMap::new(),
            own,
            own_texts: Vec::new(),
        };
        self.name(cx, &top, &mut reading).await?;
        reading.value.top = top
            .into_iter()
            .map(|(key, d)| {
                let id = (key.query, key.user);
                let text = reading.texts.as_ref().and_then(|t| t.get(&id)).or_else(|| memory.texts.get(&id)).cloned().flatten();
                let user = reading.users.get(&key.user).or_else(|| memory.users.get(&key.user)).cloned();
                let database = reading.databases.get(&key.database).or_else(|| memory.databases.get(&key.database)).cloned();
                delta::row(&key, &d, text, user.unwrap_or_default(), database.unwrap_or_default())
            })
            .collect();
        Ok(Got::all(reading))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Reading, String>, moment: &Moment) {
        let memory = &mut board.memory.statements;
        let outcome = outcome.map(|reading| {
            memory.own.count(&reading.own);
            memory.own.learn(reading.own_texts);
            memory.users.extend(reading.users);
            memory.databases.extend(reading.databases);
            if let Some(texts) = reading.texts {
                memory.texts_at = Some(reading.at);
                memory.own.mark_seen();
                memory.texts.extend(texts);
                // Entries that are gone from the server need no text any more.
                let alive: HashSet<(i64, Oid)> = reading.entries.keys().map(|k| (k.query, k.user)).collect();
                memory.texts.retain(|id, _| alive.contains(id));
            }
            memory.previous = Some((reading.at, reading.entries));
            memory.reset_ms = reading.reset_ms;
            reading.value
        });
        board.snapshot.statements.absorb(outcome, moment.at);
    }
}

impl TopStatements {
    /// Names and texts that are not known yet. Texts cost the server its whole text file: at most once per health
    /// interval, and only when a new entry is among the most expensive or Reeve's own are not known yet.
    async fn name(&self, cx: &Cx<'_>, top: &[(Key, Counted)], reading: &mut Reading) -> Result<(), ProbeError> {
        let memory = &cx.memory.statements;
        let users: Vec<Oid> = top.iter().map(|(k, _)| k.user).filter(|o| !memory.users.contains_key(o)).collect();
        let databases: Vec<Oid> = top.iter().map(|(k, _)| k.database).filter(|o| !memory.databases.contains_key(o)).collect();
        if !users.is_empty() || !databases.is_empty() {
            for row in cx.rows(&NAMES, &[(&users, Type::OID_ARRAY), (&databases, Type::OID_ARRAY)]).await? {
                let map = if row.try_get::<_, &str>("kind")? == "user" { &mut reading.users } else { &mut reading.databases };
                map.insert(row.try_get("oid")?, row.try_get("name")?);
            }
        }
        let wanted: Vec<i64> = top.iter().filter(|(k, _)| !memory.texts.contains_key(&(k.query, k.user))).map(|(k, _)| k.query).collect();
        let learn_own = memory.own.has_news(&reading.own);
        let due = memory.texts_at.is_none_or(|at| at.elapsed() >= cx.memory.health_every);
        if !due || (wanted.is_empty() && !learn_own) {
            return Ok(());
        }
        let mut texts: HashMap<(i64, Oid), Option<String>> =
            top.iter().filter(|(k, _)| wanted.contains(&k.query)).map(|(k, _)| ((k.query, k.user), None)).collect();
        for row in cx.rows(&TEXTS, &[(&wanted, Type::INT8_ARRAY), (&cx.facts.user_oid, Type::OID)]).await? {
            let user: Oid = row.try_get("userid")?;
            let Some(query) = row.try_get::<_, Option<i64>>("queryid")? else { continue };
            let Some(text) = row.try_get::<_, Option<String>>("query")? else { continue };
            if user == cx.facts.user_oid {
                reading.own_texts.push((query, text));
            } else {
                texts.insert((query, user), Some(cap(text)));
            }
        }
        reading.texts = Some(texts);
        Ok(())
    }
}

/// Cuts a text at a character's end.
fn cap(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        let end = (0..=TEXT_BYTES).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b5_texts_are_cut_at_a_characters_end() {
        assert_eq!(cap("é".repeat(1_500)).len(), 2_000);
        assert_eq!(cap(format!("a{}", "é".repeat(1_500))).len(), 1_999);
        assert_eq!(cap("short".to_owned()), "short");
    }

    #[test]
    fn a9_a_missing_extension_says_what_to_run() {
        let mut facts = Facts::assumed(15, 110);
        facts.statements_loaded = Some(false);
        assert!(not_installed(&facts).contains("shared_preload_libraries"));
        facts.statements_loaded = Some(true);
        assert!(not_installed(&facts).ends_with("; run CREATE EXTENSION pg_stat_statements; -- in database \"postgres\""));
    }
}
