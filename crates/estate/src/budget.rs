//! The collector's own cost, bounded (SPEC B3): what it asks of a target may take a share of one core and no more.
//!
//! The load is the sum over all probes of what a run costs divided by how often it should run. While that is over the budget,
//! every interval is stretched by the same factor, so that a slow or huge server is looked at less often, not harder.

use crate::{registry::PROBES, spec::Cadence};
use reeve_model::{probe::ProbeRun, snapshot::Pace};

/// Weight of the newest round: one slow round does not slow down the next ten.
const NEWEST: f64 = 0.2;
/// Never longer than this, whatever it costs, milliseconds: up, sessions, locks; tables and statements; sizes and definitions.
const LONGEST_MS: [i64; 3] = [30_000, 3_600_000, 86_400_000];

/// What collecting costs and what follows from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    load: f64,
}

impl Budget {
    /// Takes in what the newest runs cost.
    pub(crate) fn observe<'r>(&mut self, runs: impl Iterator<Item = &'r ProbeRun>, cadence: &Cadence, watched: bool) {
        let load: f64 = runs.filter_map(|run| Some(cost_ms(run) / every_ms(run, cadence, watched)?)).sum();
        self.load += NEWEST * (load - self.load);
    }

    /// The cadence that keeps to the budget.
    pub(crate) fn cadence(&self, base: &Cadence) -> Cadence {
        let factor = self.pace(base).stretch;
        let stretch = |ms: i64, longest: i64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // bounded by `longest`
            let stretched = (ms as f64 * factor).min(longest as f64) as i64;
            stretched.max(ms)
        };
        let [critical, metrics, health] = LONGEST_MS;
        Cadence {
            live_ms: stretch(base.live_ms, critical),
            critical_ms: stretch(base.critical_ms, critical),
            metrics_ms: stretch(base.metrics_ms, metrics),
            health_ms: stretch(base.health_ms, health),
            ..*base
        }
    }

    /// The figures to show.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn pace(&self, base: &Cadence) -> Pace {
        let budget_ratio = base.budget_permille.max(1) as f64 / 1000.0;
        Pace { budget_ratio, load_ratio: self.load, stretch: (self.load / budget_ratio).max(1.0) }
    }
}

/// The server's own measure where there is one; else the time until the answer, which is never less.
fn cost_ms(run: &ProbeRun) -> f64 {
    run.server_ms.unwrap_or(run.wall_ms)
}

#[allow(clippy::cast_precision_loss)]
fn every_ms(run: &ProbeRun, cadence: &Cadence, watched: bool) -> Option<f64> {
    let about = PROBES.iter().find(|p| p.about().id == run.id)?.about();
    Some(about.class.every_ms(cadence, watched).max(100) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::{UnixMs, probe::ProbeOutcome};

    fn run(id: &str, server_ms: Option<f64>, wall_ms: f64) -> ProbeRun {
        ProbeRun {
            id: id.to_owned(),
            title: String::new(),
            database: None,
            at: UnixMs(0),
            wall_ms,
            rows: 0,
            runs: 1,
            server_ms,
            every_ms: 0,
            outcome: ProbeOutcome::Ok,
        }
    }

    #[test]
    fn b3_within_the_budget_nothing_is_stretched() {
        let (mut budget, base) = (Budget::default(), Cadence::default());
        for _ in 0..50 {
            budget.observe([run("activity", Some(1.0), 500.0)].iter(), &base, false);
        }
        assert_eq!(budget.cadence(&base), base, "the server's measure counts, not the wire's");
        assert!((budget.pace(&base).load_ratio - 0.0001).abs() < 0.00002);
    }

    #[test]
    fn b3_over_the_budget_all_is_stretched_and_bounded_and_comes_back() {
        let (mut budget, base) = (Budget::default(), Cadence::default());
        let dear = [run("tables", None, 18_000.0)];
        budget.observe(dear.iter(), &base, false);
        let once = budget.pace(&base).stretch;
        for _ in 0..50 {
            budget.observe(dear.iter(), &base, false);
        }
        let slow = budget.cadence(&base);
        assert!(budget.pace(&base).stretch > once, "one dear round weighs less than many");
        // 18 s each 180 s is a load of 0.1, five times the budget.
        assert_eq!((slow.metrics_ms / 1000, slow.critical_ms), (899, 30_000));
        for _ in 0..50 {
            budget.observe([run("tables", Some(3.0), 3.0)].iter(), &base, false);
        }
        assert_eq!(budget.cadence(&base), base);
    }
}
