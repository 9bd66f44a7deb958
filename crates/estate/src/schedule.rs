//! When each probe runs.

use crate::{
    probe::{About, Scope},
    registry::PROBES,
    spec::Cadence,
};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// A probe of the registry, in a database or for the whole server.
pub(crate) type Place = (usize, Option<String>);

/// When each probe last started.
#[derive(Default)]
pub(crate) struct Schedule {
    started: HashMap<Place, Instant>,
}

impl Schedule {
    /// All probes are due again.
    pub(crate) fn clear(&mut self) {
        self.started.clear();
    }

    /// Notes a start of some probes.
    pub(crate) fn start(&mut self, probes: &[usize], database: Option<&str>, at: Instant) {
        self.started.extend(probes.iter().map(|probe| ((*probe, database.map(str::to_owned)), at)));
    }

    /// Makes one due at the next round.
    pub(crate) fn wake(&mut self, id: &str, database: &str) {
        if let Some(probe) = PROBES.iter().position(|p| p.about().id == id) {
            self.started.remove(&(probe, Some(database.to_owned())));
        }
    }

    /// Forgets databases that are gone.
    pub(crate) fn retain(&mut self, databases: &[String]) {
        self.started.retain(|(_, database), _| database.as_ref().is_none_or(|d| databases.contains(d)));
    }

    /// The probes of a scope that are due.
    pub(crate) fn due(&self, database: Option<&str>, cadence: &Cadence, watched: bool, now: Instant) -> Vec<usize> {
        let scope = if database.is_some() { Scope::Database } else { Scope::Server };
        let ours = PROBES.iter().enumerate().filter(|(_, p)| p.about().scope == scope);
        ours.filter(|(i, p)| {
            let started = self.started.get(&(*i, database.map(str::to_owned)));
            let every = interval(p.about(), cadence, watched);
            // Rounds come a moment early; without slack a probe would then wait for a whole round more.
            let slack = (every / 20).min(Duration::from_millis(500));
            started.is_none_or(|at| *at + every <= now + slack)
        })
        .map(|(i, _)| i)
        .collect()
    }

    /// When the next probe is due; now if some have never run.
    pub(crate) fn next(&self, databases: &[String], cadence: &Cadence, watched: bool, now: Instant) -> Instant {
        let mut next: Option<Instant> = None;
        for (i, probe) in PROBES.iter().enumerate() {
            let about = probe.about();
            let places: Vec<Option<String>> = match about.scope {
                Scope::Server => vec![None],
                Scope::Database => databases.iter().cloned().map(Some).collect(),
            };
            for place in places {
                let Some(started) = self.started.get(&(i, place)) else { return now };
                let due = *started + interval(about, cadence, watched);
                next = Some(next.map_or(due, |n| n.min(due)));
            }
        }
        next.unwrap_or(now)
    }
}

/// The interval of a probe.
pub(crate) fn interval(about: &About, cadence: &Cadence, watched: bool) -> Duration {
    Duration::from_millis(u64::try_from(about.class.every_ms(cadence, watched)).unwrap_or(0).max(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_live_probes_run_faster_while_somebody_watches() {
        let (mut schedule, cadence, now) = (Schedule::default(), Cadence::default(), Instant::now());
        let all = schedule.due(None, &cadence, false, now);
        schedule.start(&all, None, now);
        assert_eq!(schedule.next(&[], &cadence, true, now), now + Duration::from_secs(1));
        assert_eq!(schedule.next(&[], &cadence, false, now), now + Duration::from_secs(10));
        let soon = now + Duration::from_secs(1);
        assert!(schedule.due(None, &cadence, false, soon).is_empty());
        let ids: Vec<&str> = schedule.due(None, &cadence, true, soon).into_iter().map(|i| PROBES[i].about().id).collect();
        assert_eq!(ids, ["activity", "locks", "databases", "wal"]);
        assert_eq!(schedule.due(None, &cadence, false, now + Duration::from_secs(300)).len(), all.len());
    }
}
