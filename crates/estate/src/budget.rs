//! The collector's own cost, bounded (SPEC B3): what it asks of a target may take a share of one core and no more.
//!
//! The load is the sum over all probes of what a run costs divided by how often it should run. While that is over the budget,
//! intervals are stretched, so that a slow or huge server is looked at less often, not harder. The probes that tell whether all is
//! well have at least half of the budget to themselves: dear tables never make an outage be seen later.

use crate::{probe::Class, registry::PROBES, spec::Cadence};
use reeve_model::{UnixMs, probe::ProbeRun, snapshot::Pace};
use std::collections::HashMap;

/// Weight of the newest round: one slow round does not slow down the next ten.
const NEWEST: f64 = 0.2;
/// What the probes of one kind may always use of the budget.
const OWN_SHARE: f64 = 0.5;
/// Never longer than this, whatever it costs, milliseconds: up, sessions, locks; tables and statements; sizes and definitions.
const LONGEST_MS: [i64; 3] = [30_000, 3_600_000, 86_400_000];

/// What collecting costs and what follows from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    /// Of the probes that tell whether all is well.
    critical: f64,
    /// Of all others.
    other: f64,
}

impl Budget {
    /// Takes in what the newest runs cost.
    pub(crate) fn observe<'r>(&mut self, runs: impl Iterator<Item = &'r ProbeRun>, cadence: &Cadence, watched: bool) {
        let runs: Vec<&ProbeRun> = runs.collect();
        let alone = alone(&runs);
        let (mut critical, mut other) = (0.0, 0.0);
        for run in &runs {
            let Some(about) = PROBES.iter().map(|p| p.about()).find(|about| about.id == run.id) else { continue };
            let cost_ms = run.server_ms.unwrap_or_else(|| run.wall_ms * alone.get(&batch(run)).copied().unwrap_or(1.0));
            #[allow(clippy::cast_precision_loss)]
            let load = cost_ms / about.class.every_ms(cadence, watched).max(100) as f64;
            *(if tells_health(about.class) { &mut critical } else { &mut other }) += load;
        }
        self.critical += NEWEST * (critical - self.critical);
        self.other += NEWEST * (other - self.other);
    }

    /// The cadence that keeps to the budget.
    pub(crate) fn cadence(&self, base: &Cadence) -> Cadence {
        let pace = self.pace(base);
        let stretch = |ms: i64, factor: f64, longest: i64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // bounded by `longest`
            let stretched = (ms as f64 * factor).min(longest as f64) as i64;
            stretched.max(ms)
        };
        let [critical, metrics, health] = LONGEST_MS;
        Cadence {
            live_ms: stretch(base.live_ms, pace.stretch_critical, critical),
            critical_ms: stretch(base.critical_ms, pace.stretch_critical, critical),
            metrics_ms: stretch(base.metrics_ms, pace.stretch_other, metrics),
            health_ms: stretch(base.health_ms, pace.stretch_other, health),
            ..*base
        }
    }

    /// The figures to show. Each kind may use what the other leaves, and its own share always.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn pace(&self, base: &Cadence) -> Pace {
        let budget_ratio = base.budget_permille.max(1) as f64 / 1000.0;
        let stretch = |load: f64, others: f64| (load / (budget_ratio * OWN_SHARE).max(budget_ratio - others)).max(1.0);
        Pace {
            budget_ratio,
            load_ratio: self.critical + self.other,
            stretch_critical: stretch(self.critical, self.other),
            stretch_other: stretch(self.other, self.critical),
        }
    }
}

fn tells_health(class: Class) -> bool {
    matches!(class, Class::Live | Class::Critical)
}

/// Probes that began together, over one connection.
fn batch(run: &ProbeRun) -> (Option<&str>, UnixMs) {
    (run.database.as_deref(), run.at)
}

/// What share of the time until its answer a run took by itself. Those that began together stand in line behind one another, so each
/// one's time holds that of those before it; together they took as long as the last.
fn alone<'r>(runs: &[&'r ProbeRun]) -> HashMap<(Option<&'r str>, UnixMs), f64> {
    let mut sums: HashMap<_, (f64, f64)> = HashMap::new();
    for run in runs.iter().filter(|run| run.server_ms.is_none()) {
        let (longest, sum) = sums.entry(batch(run)).or_default();
        (*longest, *sum) = (longest.max(run.wall_ms), *sum + run.wall_ms);
    }
    sums.into_iter().filter(|(_, (_, sum))| *sum > 0.0).map(|(batch, (longest, sum))| (batch, longest / sum)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::probe::ProbeOutcome;

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
    fn b3_over_the_budget_what_is_dear_is_stretched_and_bounded_and_comes_back() {
        let (mut budget, base) = (Budget::default(), Cadence::default());
        let dear = [run("tables", None, 18_000.0)];
        budget.observe(dear.iter(), &base, false);
        let once = budget.pace(&base).stretch_other;
        for _ in 0..50 {
            budget.observe(dear.iter(), &base, false);
        }
        let slow = budget.cadence(&base);
        assert!(budget.pace(&base).stretch_other > once, "one dear round weighs less than many");
        // 18 s each 180 s is a load of 0.1, five times the budget.
        assert_eq!((slow.metrics_ms / 1000, slow.critical_ms), (899, base.critical_ms), "an outage is seen as soon as ever");
        for _ in 0..50 {
            budget.observe([run("tables", Some(3.0), 3.0)].iter(), &base, false);
        }
        assert_eq!(budget.cadence(&base), base);
    }

    #[test]
    fn b3_dear_probes_of_health_are_stretched_to_half_of_the_budget_at_most() {
        let (mut budget, base) = (Budget::default(), Cadence::default());
        // 10 s each 10 s is a load of 1, the other half of it goes to tables.
        let dear = [run("activity", None, 10_000.0), run("tables", Some(18_000.0), 18_000.0)];
        for _ in 0..50 {
            budget.observe(dear.iter(), &base, false);
        }
        let slow = budget.cadence(&base);
        assert_eq!((slow.critical_ms, slow.live_ms, slow.metrics_ms / 1000), (30_000, 30_000, 1_799));
    }

    #[test]
    fn b3_what_began_together_is_not_counted_twice() {
        let (mut together, mut apart, base) = (Budget::default(), Budget::default(), Cadence::default());
        let line = [run("activity", None, 100.0), run("locks", None, 150.0), run("databases", None, 200.0)];
        together.observe(line.iter(), &base, false);
        apart.observe([run("activity", None, 200.0)].iter(), &base, false);
        let [together, apart] = [together, apart].map(|budget| budget.pace(&base).load_ratio);
        assert!((together - apart).abs() < 1e-9, "{together} and {apart}");
    }
}
