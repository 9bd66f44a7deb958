//! How fast a counter is used up, over as long as it was watched without a break.

use crate::probe::{Board, Moment};
use reeve_model::{UnixMs, snapshot::Drain};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// The window at its longest.
const LONGEST: Duration = Duration::from_secs(86_400);
/// A look is remembered this often: one more than a day of them is kept, so the window is 24 to 25 h.
const STEP: Duration = Duration::from_secs(3_600);
/// The server's clock and ours may differ by this between two looks; beyond it one was set, or a machine slept.
const CLOCKS: Duration = Duration::from_secs(60);

/// When and at whom was looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    instant: Instant,
    /// By the server's clock.
    server: UnixMs,
    /// A server that was started anew, or promoted, is another one.
    started: UnixMs,
    standby: bool,
}

impl Look {
    pub(crate) fn of(board: &Board, moment: &Moment, server_ms: i64) -> Self {
        let facts = board.memory.facts.as_ref();
        Self {
            instant: moment.instant,
            server: UnixMs(server_ms),
            started: facts.map_or(UnixMs(0), |f| f.started_at),
            standby: facts.is_some_and(|f| f.standby),
        }
    }

    /// Whether the counter went on from `was` to here as clocks and servers go.
    fn follows(&self, was: &Self) -> bool {
        let ours = i64::try_from(self.instant.saturating_duration_since(was.instant).as_millis()).unwrap_or(i64::MAX);
        let apart = self.server.ms_since(was.server).saturating_sub(ours).unsigned_abs();
        (self.started, self.standby) == (was.started, was.standby) && apart <= CLOCKS.as_millis() as u64
    }
}

/// One counter as it was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    marks: VecDeque<(Instant, i64)>,
    last: Option<(Look, i64)>,
}

impl Watch {
    /// One more look at it. `settled`: watched for less than this, no rate is told.
    pub(crate) fn look(&mut self, look: Look, count: i64, settled: Duration) -> Drain {
        if self.last.is_none_or(|(was, counted)| count < counted || !look.follows(&was)) {
            self.marks.clear();
        }
        self.last = Some((look, count));
        let now = look.instant;
        if self.marks.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= STEP) {
            self.marks.push_back((now, count));
        }
        while self.marks.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= LONGEST) {
            self.marks.pop_front();
        }
        self.drain((now, count), settled)
    }

    /// Whether a further look would still go on from the last one.
    pub(crate) fn looked_at_within_a_day(&self, now: Instant) -> bool {
        self.last.is_some_and(|(was, _)| now.saturating_duration_since(was.instant) < LONGEST)
    }

    fn drain(&self, now: (Instant, i64), settled: Duration) -> Drain {
        let Some(first) = self.marks.front().copied() else { return Drain::default() };
        let watched = now.0.saturating_duration_since(first.0);
        let middle = self.marks.iter().copied().find(|(at, _)| at.saturating_duration_since(first.0) >= watched / 2);
        let halves = middle.filter(|_| watched >= LONGEST).and_then(|middle| rate(first, middle).zip(rate(middle, now)));
        Drain {
            watched_s: watched.as_secs_f64(),
            per_s: rate(first, now).filter(|_| watched >= settled),
            steady_per_s: halves.map(|(a, b)| a.min(b)),
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn rate(from: (Instant, i64), to: (Instant, i64)) -> Option<f64> {
    let seconds = to.0.saturating_duration_since(from.0).as_secs_f64();
    (seconds > 0.0).then(|| to.1.saturating_sub(from.1).max(0) as f64 / seconds)
}

/// A counter of 32 bits that comes round, as one that does not: the nearest number to `before` that ends in these bits.
pub(crate) fn unrolled(before: i64, now: u32) -> i64 {
    // Truncation and wrap are the point.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
    let step = now.wrapping_sub(before as u32) as i32;
    before.saturating_add(i64::from(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTLED: Duration = Duration::from_secs(600);

    fn at(begun: Instant, s: u64) -> Look {
        let server = UnixMs(1_000_000 + i64::try_from(s).unwrap_or(0) * 1_000);
        Look { instant: begun + Duration::from_secs(s), server, started: UnixMs(1), standby: false }
    }

    #[test]
    fn b2_no_rate_is_told_before_ten_minutes_and_the_window_is_a_day_at_most() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        for minute in 0..10 {
            let drain = watch.look(at(begun, minute * 60), i64::try_from(minute).unwrap_or(0) * 120, SETTLED);
            assert_eq!((drain.per_s, drain.steady_per_s), (None, None), "{minute}");
        }
        assert_eq!(watch.look(at(begun, 600), 1_200, SETTLED).per_s, Some(2.0));
        let mut last = Drain::default();
        for minute in 11..4_000_u64 {
            // From the second day on ten times as fast.
            let count = if minute <= 1_440 { minute * 120 } else { 1_440 * 120 + (minute - 1_440) * 1_200 };
            last = watch.look(at(begun, minute * 60), i64::try_from(count).unwrap_or(0), SETTLED);
            assert!((minute < 1_440) == last.steady_per_s.is_none(), "{minute}: {last:?}");
            assert!(last.watched_s < 25.0 * 3_600.0 && watch.marks.len() <= 26, "{last:?}");
        }
        assert_eq!((last.per_s, last.steady_per_s), (Some(20.0), Some(20.0)));
    }

    #[test]
    fn b2_a_jump_is_in_one_half_only() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        let mut last = Drain::default();
        for hour in 0..=24_u64 {
            let jumped = if hour >= 20 { 1_976_000_000 } else { 0 };
            last = watch.look(at(begun, hour * 3_600), i64::try_from(hour).unwrap_or(0) * 3_600 + jumped, SETTLED);
        }
        assert!(last.per_s > Some(20_000.0), "{last:?}");
        assert_eq!(last.steady_per_s, Some(1.0));
    }

    #[test]
    fn b2_a_restart_a_promotion_a_step_back_and_a_clock_that_was_set_begin_anew() {
        let begun = Instant::now();
        let next = |change: fn(&mut Look, &mut i64)| {
            let mut watch = Watch::default();
            watch.look(at(begun, 0), 1_000, SETTLED);
            let (mut look, mut count) = (at(begun, 1_200), 2_200);
            change(&mut look, &mut count);
            watch.look(look, count, SETTLED).per_s
        };
        assert_eq!(next(|_, _| {}), Some(1.0));
        assert_eq!(next(|look, _| look.started = UnixMs(2)), None);
        assert_eq!(next(|look, _| look.standby = true), None);
        assert_eq!(next(|_, count| *count = 999), None);
        assert_eq!(next(|look, _| look.server = look.server.plus_ms(61_000)), None);
        assert_eq!(next(|look, _| look.server = look.server.plus_ms(-61_000)), None);
        assert_eq!(next(|look, _| look.server = look.server.plus_ms(59_000)), Some(1.0), "within what clocks may differ");
    }

    #[test]
    fn b2_multixact_ids_come_round_and_go_on() {
        assert_eq!(unrolled(0, 5), 5);
        assert_eq!(unrolled(4_294_967_290, 4), 4_294_967_300);
        assert_eq!(unrolled(4_294_967_300, 5), 4_294_967_301);
        assert_eq!(unrolled(100, 90), 90, "backwards stays backwards");
    }

    proptest! {
        /// B2: whatever is seen, a rate is a number that is not negative; twice as fast halves the days.
        #[test]
        fn b2_days_are_never_negative_and_scale_with_the_rate(
            looks in prop::collection::vec((0_u64..8_000, 0_i64..1_000_000_000, prop::bool::weighted(0.05)), 1..60),
            left in -1e9..2.2e9_f64,
        ) {
            let begun = Instant::now();
            let (mut once, mut twice) = (Watch::default(), Watch::default());
            let (mut s, mut count) = (0, 0_i64);
            for (passed, used, back) in looks {
                s += passed;
                count = if back { 0 } else { count + used };
                let (a, b) = (once.look(at(begun, s), count, SETTLED), twice.look(at(begun, s), count * 2, SETTLED));
                prop_assert!(a.per_s.is_none_or(|r| r.is_finite() && r >= 0.0), "{a:?}");
                prop_assert!(a.steady_per_s.is_none_or(|r| r.is_finite() && r >= 0.0), "{a:?}");
                prop_assert!(a.per_s.is_some() == (a.watched_s >= 600.0));
                for lasts in [a.lasts_s(left), a.lasts_steadily_s(left)].into_iter().flatten() {
                    prop_assert!((0.0..=Drain::NO_END_S).contains(&lasts), "{lasts}");
                }
                if let (Some(a), Some(b)) = (a.lasts_s(left), b.lasts_s(left)) {
                    prop_assert!((a - 2.0 * b).abs() <= 1e-6 * a.max(1.0), "{a} is not twice {b}");
                }
            }
        }
    }
}
