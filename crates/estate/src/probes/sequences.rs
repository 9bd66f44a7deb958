//! How full sequences are, and how fast they fill.

use crate::{
    drain::Look,
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant, in_database, quote_identifier},
};
use reeve_model::snapshot::SequenceUse;
use std::collections::{BTreeMap, HashMap};

/// Most sequences kept for one database, fullest first.
const KEPT: usize = 1_000;

/// Reading the last value opens the sequence, so those with a conflicting lock held or queued are left out; so are
/// those that cycle (they never end) and unlogged ones of a standby (they are not there). The owning column's type may
/// end before the sequence does.
static QUERY: Query = Query {
    marker: "sequences",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
WITH locked AS MATERIALIZED (
  SELECT DISTINCT l.relation FROM pg_catalog.pg_locks l
   WHERE l.locktype = 'relation'
     AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, s.seqincrement > 0 AS ascending,
       s.seqmin AS min_value, s.seqmax AS max_value,
       (SELECT CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END::int8
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
           AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') LIMIT 1) AS column_max,
       has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid) END AS last_value,
       (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS now_ms
  FROM pg_catalog.pg_sequence s
  JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT s.seqcycle AND c.relpersistence <> 't' AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
   AND c.oid NOT IN (SELECT relation FROM locked)",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Sequences;

/// Those of a database, and which of them may not be read.
pub struct Found {
    list: Vec<Looked>,
    hidden: Option<String>,
}

/// One sequence as it was read, and what its rate is made from.
pub struct Looked {
    shown: SequenceUse,
    oid: u32,
    ascending: bool,
    now_ms: i64,
}

impl Ask for Sequences {
    type Out = Found;
    const ABOUT: About = About {
        id: "sequences",
        title: "Sequences",
        doc: "How much of each sequence is used up and how fast, with the type of its column in mind.",
        scope: Scope::Database,
        class: Class::Health,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Found>, ProbeError> {
        let mut value = Vec::new();
        let mut hidden: Vec<String> = Vec::new();
        let mut hidden_count = 0_u32;
        for row in cx.rows(&QUERY, &[]).await? {
            let schema: String = row.try_get("schema")?;
            if !row.try_get::<_, bool>("readable")? {
                hidden_count += 1;
                if !hidden.contains(&schema) {
                    hidden.push(schema);
                }
                continue;
            }
            let ascending: bool = row.try_get("ascending")?;
            let (min, max): (i64, i64) = (row.try_get("min_value")?, row.try_get("max_value")?);
            let column: Option<i64> = row.try_get("column_max")?;
            let last_value: Option<i64> = row.try_get("last_value")?;
            // Where both end at once it is the column that has to be widened.
            let by_column = column.is_some_and(|c| if ascending { c <= max } else { -c > min });
            // A column's lower end is one below the negative of its upper end.
            let max = if ascending { column.map_or(max, |c| c.min(max)) } else { max };
            let min = if ascending { min } else { column.map_or(min, |c| (-c - 1).max(min)) };
            let shown = SequenceUse {
                database: cx.database.to_owned(),
                schema,
                name: row.try_get("name")?,
                last_value,
                max_value: if ascending { max } else { min },
                used_ratio: last_value.map_or(0.0, |last| used(last, min, max, ascending)),
                drain: None,
                by_column,
            };
            value.push(Looked { shown, oid: row.try_get("oid")?, ascending, now_ms: row.try_get("now_ms")? });
        }
        value.sort_by(|Looked { shown: a, .. }, Looked { shown: b, .. }| {
            b.used_ratio.total_cmp(&a.used_ratio).then_with(|| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)))
        });
        value.truncate(KEPT);
        let missing = (hidden_count > 0).then(|| {
            let schemas: Vec<String> = hidden.iter().take(5).map(|s| quote_identifier(s)).collect();
            let many = if hidden_count == 1 { "1 sequence".to_owned() } else { format!("{hidden_count} sequences") };
            format!(
                "{many} can't be read by role {}; run GRANT SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}; {}",
                cx.facts.user,
                schemas.join(", "),
                quote_identifier(&cx.facts.user),
                in_database(cx.database)
            )
        });
        Ok(Got { value: Found { list: value, hidden: missing.clone() }, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Found, String>, moment: &Moment) {
        let outcome = outcome.map(|found| {
            match found.hidden {
                Some(hidden) => board.memory.sequences_hidden.insert(moment.database.clone(), hidden),
                None => board.memory.sequences_hidden.remove(&moment.database),
            };
            board.snapshot.sequences_hidden = in_one_sentence(&board.memory.sequences_hidden);
            let found = watched(board, found.list, moment);
            board.memory.sequences.insert(moment.database.clone(), found);
            let mut all: Vec<SequenceUse> = board.memory.sequences.values().flatten().cloned().collect();
            all.sort_by(|a, b| b.used_ratio.total_cmp(&a.used_ratio));
            all
        });
        board.snapshot.sequences.absorb(outcome, moment.at);
    }
}

/// The first database's, and how many more there are.
fn in_one_sentence(hidden: &BTreeMap<String, String>) -> Option<String> {
    let first = hidden.values().next()?.trim_end_matches('.');
    Some(match hidden.len() {
        1 => format!("{first}."),
        2 => format!("{first}, and likewise in 1 more database."),
        n => format!("{first}, and likewise in {} more databases.", n - 1),
    })
}

/// With the rate of each. One that was left out, because it is locked or others are fuller, goes on when it is back within a day.
fn watched(board: &mut Board, found: Vec<Looked>, moment: &Moment) -> Vec<SequenceUse> {
    let mut before = board.memory.drains.remove(&moment.database).unwrap_or_default();
    let mut after = HashMap::with_capacity(found.len());
    let mut list = Vec::with_capacity(found.len());
    for Looked { mut shown, oid, ascending, now_ms } in found {
        if let Some(last) = shown.last_value {
            let mut watch = before.remove(&(oid, ascending)).unwrap_or_default();
            // A number that grows either way, at any end of the range.
            let count = if ascending { last } else { !last };
            shown.drain = Some(watch.look(Look::of(board, moment, now_ms), count, board.memory.settled));
            after.insert((oid, ascending), watch);
        }
        list.push(shown);
    }
    after.extend(before.into_iter().filter(|(_, watch)| watch.looked_at_within_a_day(moment.instant)));
    board.memory.drains.insert(moment.database.clone(), after);
    list
}

/// Share of the values that are handed out, in the direction of the sequence.
#[allow(clippy::cast_precision_loss)]
fn used(last: i64, min: i64, max: i64, ascending: bool) -> f64 {
    let whole = max as f64 - min as f64 + 1.0;
    let gone = if ascending { last as f64 - min as f64 } else { max as f64 - last as f64 } + 1.0;
    (gone / whole).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{in_one_sentence, used};
    use std::collections::BTreeMap;

    #[test]
    fn a7_what_may_not_be_read_is_one_sentence_for_all_databases() {
        let hidden = |names: &[&str]| {
            names.iter().map(|n| ((*n).to_owned(), format!("2 sequences can't be read in {n}."))).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(in_one_sentence(&hidden(&[])), None);
        assert_eq!(in_one_sentence(&hidden(&["b"])).as_deref(), Some("2 sequences can't be read in b."));
        let several = in_one_sentence(&hidden(&["b", "a", "c"]));
        assert_eq!(several.as_deref(), Some("2 sequences can't be read in a, and likewise in 2 more databases."));
    }

    #[test]
    fn b10_use_follows_the_direction_of_the_sequence() {
        assert!((used(50, 1, 100, true) - 0.5).abs() < 1e-9);
        assert!((used(-50, -100, -1, false) - 0.5).abs() < 1e-9);
        assert!((used(i64::MAX, 1, i64::MAX, true) - 1.0).abs() < 1e-9);
    }
}
