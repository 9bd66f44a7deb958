//! Databases that Reeve made while it restored: they are copies, not what is to be kept safe.

use crate::TargetName;
use serde::{Deserialize, Serialize};

/// A database that Reeve restored beside its original, or kept when another took its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseCopy {
    /// Its target.
    pub target: TargetName,
    /// Its name.
    pub database: String,
    /// Of which database, as far as its name tells (a long one is cut).
    pub of: String,
    /// Its size on the server's disk; none: not known.
    pub size_bytes: Option<i64>,
}

/// The beginning of a name that Reeve gave: `orders` of `orders_restored_20261126T131845` and of `orders_before_20261126T131845`. None: it
/// is no such name. A copy that a person named is known by the job that restored it.
#[must_use]
pub fn copy_of(name: &str) -> Option<&str> {
    let (head, time) = name.rsplit_once('_')?;
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let (day, clock) = time.split_once('T')?;
    if !digits(day, 8) || !digits(clock, 6) {
        return None;
    }
    head.strip_suffix("_restored").or_else(|| head.strip_suffix("_before")).filter(|of| !of.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_only_names_that_reeve_gives_are_copies() {
        assert_eq!(copy_of("orders_restored_20261126T131845"), Some("orders"));
        assert_eq!(copy_of("a_b_before_20261126T131845"), Some("a_b"));
        for other in [
            "orders",
            "orders_restored",
            "orders_restored_2026",
            "orders_20261126T131845",
            "_before_20261126T131845",
            "x_before_20261126t131845",
        ] {
            assert_eq!(copy_of(other), None, "{other}");
        }
    }
}
