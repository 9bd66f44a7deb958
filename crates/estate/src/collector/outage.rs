//! Up and down: what a round that was not answered means for what is shown and for the next attempt.

use super::{Away, Collector};
use crate::{
    probe::{Moment, Scope},
    registry::PROBES,
};
use reeve_model::{Reach, UnixMs};
use std::time::Duration;
use tokio::time::Instant;

/// Longest pause between two attempts to reach a server that is down.
const LONGEST_REST: Duration = Duration::from_secs(5);

impl Collector {
    pub(super) fn up(&mut self, at: UnixMs) {
        self.rest = None;
        if !matches!(self.board.snapshot.reach, Reach::Up { .. }) {
            self.board.snapshot.reach = Reach::Up { since: at };
        }
    }

    /// Marks every reading; what was last known stays.
    pub(super) fn down(&mut self, away: &Away, at: UnixMs) {
        let why = away.0.as_str();
        let last_up = match &self.board.snapshot.reach {
            Reach::Up { .. } => Some(self.board.snapshot.at),
            Reach::Down { last_up, .. } => *last_up,
            Reach::Untried => None,
        };
        let since = match &self.board.snapshot.reach {
            Reach::Down { since, .. } => *since,
            _ => at,
        };
        self.board.snapshot.reach = Reach::Down { since, sentence: why.to_owned(), last_up, refusal: away.1 };
        let databases: Vec<String> = self.board.snapshot.tables.keys().cloned().collect();
        let mut moment = Moment { at, instant: Instant::now(), database: String::new() };
        for probe in PROBES {
            if probe.about().scope == Scope::Server {
                probe.give_up(&mut self.board, why.to_owned(), &moment);
                continue;
            }
            for database in &databases {
                moment.database.clone_from(database);
                probe.give_up(&mut self.board, why.to_owned(), &moment);
            }
        }
        self.board.snapshot.rates.absorb(Err(why.to_owned()), at);
        self.session = None;
        self.further = None;
        // Whatever it was, after it everything is read anew.
        self.schedule.clear();
        let failures = self.rest.map_or(0, |(n, _)| n) + 1;
        let pause = Duration::from_millis(500 * 2_u64.pow(failures.min(5) - 1)).min(LONGEST_REST);
        self.rest = Some((failures, Instant::now() + pause));
    }

    pub(super) fn silent(limit: Duration) -> Away {
        Away(format!("The server did not answer within {} s.", limit.as_secs()), None)
    }
}
