//! What the collector costs the server, from `pg_stat_statements`' entries of Reeve's own role.

use std::collections::{HashMap, HashSet};

/// Reeve's own statements: which probe each belongs to, and what each has cost.
#[derive(Debug, Default)]
pub(crate) struct OwnStatements {
    /// Probe id by query id, learnt from the marker in the text.
    probes: HashMap<i64, String>,
    /// Query ids whose texts were looked at, with a marker or not.
    seen: HashSet<i64>,
    /// Calls and execution milliseconds by query id at the newest reading.
    counted: HashMap<i64, (i64, f64)>,
}

impl OwnStatements {
    /// There are entries whose texts were never looked at.
    pub(crate) fn has_news(&self, entries: &[(i64, i64, f64)]) -> bool {
        entries.iter().any(|(query, ..)| !self.seen.contains(query))
    }

    /// The texts of all present entries have been looked at.
    pub(crate) fn mark_seen(&mut self) {
        self.seen = self.counted.keys().copied().collect();
    }

    /// Takes in texts that were read.
    pub(crate) fn learn(&mut self, texts: Vec<(i64, String)>) {
        for (query, text) in texts {
            if let Some(probe) = probe_of(&text) {
                self.probes.insert(query, probe.to_owned());
            }
        }
    }

    /// Takes in counters: query id, calls, total milliseconds.
    pub(crate) fn count(&mut self, entries: &[(i64, i64, f64)]) {
        self.counted.clear();
        for (query, calls, total_ms) in entries {
            let sum = self.counted.entry(*query).or_default();
            sum.0 += calls;
            sum.1 += total_ms;
        }
    }

    /// Mean server time of one run of a probe, milliseconds: the sum of its statements' totals over the calls of the
    /// one called most often (each run calls that once).
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn mean_ms(&self, probe: &str) -> Option<f64> {
        let (mut runs, mut total) = (0_i64, 0.0);
        for (query, owner) in &self.probes {
            if let Some((calls, ms)) = self.counted.get(query).filter(|_| owner == probe) {
                runs = runs.max(*calls);
                total += ms;
            }
        }
        (runs > 0).then(|| total / runs as f64)
    }
}

/// The probe a marker names: `/* reeve:tables/sizes */` is of `tables`.
fn probe_of(text: &str) -> Option<&str> {
    let rest = text.split_once("/* reeve:")?.1;
    let marker = rest.split_once(" */")?.0;
    Some(marker.split_once('/').map_or(marker, |(probe, _)| probe))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_server_time_of_a_probe_is_the_sum_of_its_statements() {
        let mut own = OwnStatements::default();
        own.learn(vec![
            (1, "/* reeve:tables */ SELECT 1".to_owned()),
            (2, "SELECT /* reeve:tables/sizes */ 1".to_owned()),
            (3, "SELECT 1".to_owned()),
        ]);
        own.count(&[(1, 10, 20.0), (2, 2, 10.0), (3, 1, 99.0)]);
        assert_eq!(own.mean_ms("tables"), Some(3.0));
        assert_eq!(own.mean_ms("locks"), None);
    }
}
