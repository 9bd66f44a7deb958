//! When those who watch are told of a change: seldom, and all at once.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A live page is told of changes at most this often.
const SPACING: Duration = Duration::from_millis(1_000);

/// One pace for all who watch. Those who are told at the same moment see the same, and what they see is made once.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Option<Told>>);

#[derive(Debug, Clone, Copy)]
struct Told {
    version: u64,
    at: Instant,
}

impl Pace {
    /// When somebody who just heard of this version is to be told: at once, or a pause after the last time, together with all others. A
    /// burst of changes is one: whoever waits is told of the newest.
    pub(crate) fn moment(&self, version: u64) -> Instant {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match *last {
            // The others wait already, or were told of this very change a moment ago.
            Some(told) if told.at > now || told.version >= version => told.at,
            Some(told) => now.max(told.at + SPACING),
            None => now,
        };
        let newest = last.map_or(version, |told| told.version.max(version));
        *last = Some(Told { version: newest, at });
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn b3_all_are_told_together_and_never_later_than_a_pause_after_the_last_time() {
        let (pace, start) = (Pace::default(), Instant::now());
        let after = |version| (pace.moment(version) - start).as_millis();
        assert_eq!((after(1), after(1)), (0, 0), "at once, the second one with the first");
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!((after(1), after(2), after(2)), (0, 1_000, 1_000), "a pause; who is late for the first is told at once");
        tokio::time::advance(Duration::from_millis(400)).await;
        // However many changes come meanwhile, and whoever hears of which: nobody waits longer for it.
        assert_eq!((after(3), after(4), after(2), after(5)), (1_000, 1_000, 1_000, 1_000));
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!((after(5), after(6)), (1_000, 2_000));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((after(6), after(7)), (2_000, 61_100), "after a silence at once");
    }
}
