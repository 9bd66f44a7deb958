//! History of samples: written in rounds, kept in chunks, read as series.
//!
//! A round (all figures of one topic of one target at one moment) is one row of `analytics.round` from the moment it is
//! appended. When its hour is over, [`maintain`](maintain::maintain) turns the hour's rounds into one row of `analytics.chunk` per series and one
//! row of `analytics.clock` with their moments, and removes the rounds, all in one transaction: a sample is in exactly one of the
//! two places, whenever the power fails. Reading unites both. A round that comes late (replayed after an outage) is
//! worked into the chunks of its hour by the next run.

pub mod append;
pub mod codec;
pub mod compact;
pub mod downsample;
pub mod earliest;
mod handle;
pub mod maintain;
pub mod read;
mod series;

pub use append::{Round, SeriesKeyPart};
pub use handle::{History, OwnedRound};
pub use maintain::{MaintainReport, Retention};
pub use series::Dictionary;

use crate::error::StoreError;
use reeve_model::{UnixMs, series::Topic};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The hour (since 1970) that holds a moment.
fn hour_of(at: UnixMs) -> i32 {
    i32::try_from(at.0.div_euclid(HOUR_MS)).unwrap_or(if at.0 < 0 { i32::MIN } else { i32::MAX })
}

/// The first moment of an hour.
fn start_of(hour: i32) -> UnixMs {
    UnixMs(i64::from(hour) * HOUR_MS)
}

/// The number that stands for a topic in the store. Never change one.
fn topic_number(topic: Topic) -> i16 {
    match topic {
        Topic::Server => 0,
        Topic::Tables => 1,
    }
}

impl From<codec::Damaged> for StoreError {
    fn from(damaged: codec::Damaged) -> Self {
        Self::Corrupt(damaged.to_string())
    }
}
