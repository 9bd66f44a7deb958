//! How fast what ends is used up: transaction ids, multixact ids, the numbers of a sequence.

use super::{SequenceUse, Wraparound};
use serde::{Deserialize, Serialize};

/// A counter that only grows, as it was watched.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Drain {
    /// Seconds for which it was watched without a break: the last day at most.
    pub watched_s: f64,
    /// Steps a second over that time; none while it was not watched long enough to say.
    pub per_s: Option<f64>,
    /// The slower of the two halves of a whole day; none before. A jump raises one half only.
    pub steady_per_s: Option<f64>,
}

impl Drain {
    /// Watched for a shorter time than this, no rate is told, seconds.
    pub const SHORTEST_S: f64 = 600.0;
    /// What would last for longer than a hundred years has no end in sight, seconds.
    pub const NO_END_S: f64 = 100.0 * 365.25 * 86_400.0;

    /// Seconds until `left` steps are used up at the present rate; none while that is not known, and when no end is in sight.
    #[must_use]
    pub fn lasts_s(&self, left: f64) -> Option<f64> {
        seconds(left, self.per_s)
    }

    /// The same at the slower rate of the day's two halves.
    #[must_use]
    pub fn lasts_steadily_s(&self, left: f64) -> Option<f64> {
        seconds(left, self.steady_per_s)
    }
}

fn seconds(left: f64, per_s: Option<f64>) -> Option<f64> {
    let rate = per_s.filter(|rate| *rate > 0.0 && rate.is_finite())?;
    Some(left.max(0.0) / rate).filter(|s| *s <= Drain::NO_END_S)
}

impl Wraparound {
    /// Ids from the oldest one after which the server refuses writes: 2^31 less three million (one million in PostgreSQL 13).
    pub const REFUSED_AT: f64 = 2_147_483_648.0 - 3_000_000.0;

    /// Seconds until writes are refused for want of transaction ids, at the present rate and if nothing is frozen meanwhile.
    #[must_use]
    pub fn xids_last_s(&self) -> Option<f64> {
        self.xids?.lasts_s(left(self.oldest_xid_age))
    }

    /// The same of multixact ids.
    #[must_use]
    pub fn mxids_last_s(&self) -> Option<f64> {
        self.mxids?.lasts_s(left(self.oldest_mxid_age))
    }
}

#[allow(clippy::cast_precision_loss)]
fn left(age: i64) -> f64 {
    Wraparound::REFUSED_AT - age as f64
}

impl SequenceUse {
    /// Numbers that it can still hand out. Its increment does not matter: the rate counts numbers, too.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn left(&self) -> f64 {
        (self.max_value as f64 - self.last_value.unwrap_or(0) as f64).abs()
    }

    /// Seconds until it ends, at the present rate.
    #[must_use]
    pub fn lasts_s(&self) -> Option<f64> {
        self.drain?.lasts_s(self.left())
    }

    /// Seconds until it ends at the slower rate of the last day's two halves.
    #[must_use]
    pub fn lasts_steadily_s(&self) -> Option<f64> {
        self.drain?.lasts_steadily_s(self.left())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(per_s: f64) -> Drain {
        Drain { watched_s: 3_600.0, per_s: Some(per_s), steady_per_s: None }
    }

    #[test]
    fn b2_what_is_left_lasts_as_long_as_the_rate_lets_it() {
        assert_eq!(at(10.0).lasts_s(1_000.0), Some(100.0));
        assert_eq!(at(10.0).lasts_s(-5.0), Some(0.0), "beyond the end nothing is left");
        assert_eq!(Drain::default().lasts_s(1_000.0), None, "not watched long enough");
        for no_end in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert_eq!(at(no_end).lasts_s(1_000.0), None, "{no_end}");
        }
        let wraparound = Wraparound { oldest_xid_age: 1_700_000_000, xids: Some(at(100.0)), ..Wraparound::default() };
        assert_eq!(wraparound.xids_last_s(), Some(4_444_836.48));
        assert_eq!(wraparound.mxids_last_s(), None);
    }
}
