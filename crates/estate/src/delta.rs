//! Differences between two readings of `pg_stat_statements`.

use reeve_model::snapshot::{StatementRow, Statements};
use std::collections::HashMap;
use tokio_postgres::types::Oid;

/// What tells entries apart; without `toplevel` figures are wrong with `pg_stat_statements.track = all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub user: Oid,
    pub database: Oid,
    pub query: i64,
    pub toplevel: bool,
}

/// The counters of an entry, or their growth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Counted {
    pub calls: i64,
    pub total_ms: f64,
    pub rows: i64,
}

/// Growth of each entry; entries that did not run are left out. None: the statistics were reset in between.
///
/// An entry that shrank was evicted or reset alone and began anew: all it has now happened in the window. Where the
/// server doesn't say when its statistics began (`says_reset` false), any shrinking counts as a reset of all.
pub(crate) fn between(old: &HashMap<Key, Counted>, new: &HashMap<Key, Counted>, says_reset: bool) -> Option<Vec<(Key, Counted)>> {
    let mut grown = Vec::new();
    for (key, now) in new {
        let delta = match old.get(key) {
            Some(was) if now.calls < was.calls || now.total_ms < was.total_ms => {
                if !says_reset {
                    return None;
                }
                *now
            }
            Some(was) => {
                Counted { calls: now.calls - was.calls, total_ms: now.total_ms - was.total_ms, rows: (now.rows - was.rows).max(0) }
            }
            None => *now,
        };
        if delta.calls > 0 {
            grown.push((*key, delta));
        }
    }
    Some(grown)
}

/// Totals of the window, with percentiles of the statements' means weighted by calls.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn summarise(deltas: &[(Key, Counted)], window_s: f64) -> Statements {
    let calls: i64 = deltas.iter().map(|(_, d)| d.calls).sum();
    let total_ms: f64 = deltas.iter().map(|(_, d)| d.total_ms).sum();
    let mut means: Vec<(f64, i64)> = deltas.iter().map(|(_, d)| (d.total_ms / d.calls as f64, d.calls)).collect();
    means.sort_by(|a, b| a.0.total_cmp(&b.0));
    let percentile = |share: f64| {
        let rank = share * calls as f64;
        let mut seen = 0_i64;
        means.iter().find_map(|(mean, n)| {
            seen += n;
            (seen as f64 >= rank).then_some(*mean)
        })
    };
    Statements {
        window_s,
        calls_per_s: (window_s > 0.0).then(|| calls as f64 / window_s),
        mean_ms: (calls > 0).then(|| total_ms / calls as f64),
        p95_of_means_ms: percentile(0.95),
        p99_of_means_ms: percentile(0.99),
        ..Statements::default()
    }
}

/// The most expensive by total time.
pub(crate) fn top(deltas: &[(Key, Counted)], n: usize) -> Vec<(Key, Counted)> {
    let mut top = deltas.to_vec();
    top.sort_by(|a, b| b.1.total_ms.total_cmp(&a.1.total_ms).then(a.0.cmp(&b.0)));
    top.truncate(n);
    top
}

/// One row as it is shown.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn row(key: &Key, delta: &Counted, text: Option<String>, user: String, database: String) -> StatementRow {
    StatementRow {
        query_id: key.query,
        database,
        user,
        calls: delta.calls,
        total_ms: delta.total_ms,
        mean_ms: delta.total_ms / delta.calls.max(1) as f64,
        rows: delta.rows,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(query: i64) -> Key {
        Key { user: 10, database: 5, query, toplevel: true }
    }

    fn counted(calls: i64, total_ms: f64) -> Counted {
        Counted { calls, total_ms, rows: calls }
    }

    #[test]
    fn b5_growth_counts_new_entries_whole_and_idle_ones_not_at_all() {
        let old = HashMap::from([(key(1), counted(10, 100.0)), (key(2), counted(5, 5.0))]);
        let new = HashMap::from([(key(1), counted(13, 130.0)), (key(2), counted(5, 5.0)), (key(3), counted(2, 8.0))]);
        let mut grown = between(&old, &new, true).expect("no reset");
        grown.sort_by_key(|(k, _)| *k);
        assert_eq!(grown, vec![(key(1), counted(3, 30.0)), (key(3), counted(2, 8.0))]);
    }

    #[test]
    fn b5_a_shrunken_entry_began_anew_or_means_a_reset() {
        let old = HashMap::from([(key(1), counted(10, 100.0))]);
        let new = HashMap::from([(key(1), counted(4, 40.0))]);
        assert_eq!(between(&old, &new, true), Some(vec![(key(1), counted(4, 40.0))]));
        assert_eq!(between(&old, &new, false), None);
    }

    #[test]
    fn b2_percentiles_of_means_are_weighted_by_calls() {
        let deltas = [(key(1), counted(98, 98.0)), (key(2), counted(2, 200.0))];
        let sum = summarise(&deltas, 10.0);
        assert_eq!(sum.p95_of_means_ms, Some(1.0));
        assert_eq!(sum.p99_of_means_ms, Some(100.0));
        assert_eq!(sum.calls_per_s, Some(10.0));
        let none = summarise(&[], 0.0);
        assert_eq!((none.calls_per_s, none.mean_ms, none.p95_of_means_ms), (None, None, None));
    }
}
