//! How soon something ends, in words, and why that can't be said.

use crate::words::{count, duration};
use reeve_model::snapshot::{Drain, SequenceUse};

/// Why there are no days: read never, watched too short a time, or no end in sight.
#[must_use]
pub fn why_none(drain: Option<&Drain>, what: &str) -> String {
    match drain {
        None => format!("{what} have not been read yet."),
        Some(d) if d.per_s.is_none() => {
            let so_far = if d.watched_s < 60.0 { "under a minute".to_owned() } else { duration(d.watched_s) };
            format!("Not watched long enough: for {so_far} so far, and it takes {} without a restart.", duration(Drain::SHORTEST_S))
        }
        Some(d) if d.per_s == Some(0.0) => format!("No end in sight: none were used up in the last {}.", duration(d.watched_s)),
        Some(d) => format!("No end in sight: at the rate of the last {} it takes over a hundred years.", duration(d.watched_s)),
    }
}

/// The rate it is reckoned with, for a note: `at the rate of the last 3 h`.
#[must_use]
pub fn at_rate(drain: Option<&Drain>) -> String {
    match drain.filter(|d| d.per_s.is_some()) {
        Some(d) => format!("at the rate of the last {}", duration(d.watched_s)),
        None => "at the rate of up to the last day".to_owned(),
    }
}

/// The sentence that follows the one on an age: when that happens at the present rate.
#[must_use]
pub fn when(drain: Option<&Drain>, lasts_s: Option<f64>) -> String {
    match (drain, lasts_s) {
        (Some(d), Some(s)) => format!(
            "{}, {} a second, that is in {} if nothing is frozen meanwhile.",
            at_rate(drain).replacen('a', "A", 1),
            rate(d.per_s.unwrap_or(0.0)),
            duration(s)
        ),
        _ => format!("How soon? {}", why_none(drain, "The ids in use")),
    }
}

/// A rate as a person says it: whole from ten on, with what is behind the point below.
#[must_use]
pub fn rate(per_s: f64) -> String {
    match per_s {
        r if r >= 10.0 => count(r),
        r if r >= 0.1 => format!("{r:.1}"),
        _ => "under 0.1".to_owned(),
    }
}

/// The sequence that ends first at the present rate.
#[must_use]
pub fn first_to_end(sequences: &[SequenceUse]) -> Option<&SequenceUse> {
    let ending = sequences.iter().filter_map(|s| Some((s.lasts_s()?, s)));
    ending.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, s)| s)
}

/// Of all sequences the one that was watched longest: what can be said, can be said of it.
#[must_use]
pub fn longest_watched(sequences: &[SequenceUse]) -> Option<&Drain> {
    sequences.iter().filter_map(|s| s.drain.as_ref()).max_by(|a, b| a.watched_s.total_cmp(&b.watched_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b2_what_cannot_be_said_has_its_reason() {
        let drain = |watched_s, per_s| Drain { watched_s, per_s, steady_per_s: None };
        let why = |d: Option<Drain>| why_none(d.as_ref(), "Ids");
        assert_eq!(why(None), "Ids have not been read yet.");
        assert_eq!(why(Some(drain(240.0, None))), "Not watched long enough: for 4 min so far, and it takes 10 min without a restart.");
        assert_eq!(why(Some(drain(7_200.0, Some(0.0)))), "No end in sight: none were used up in the last 2 h.");
        assert_eq!(why(Some(drain(7_200.0, Some(1e-9)))), "No end in sight: at the rate of the last 2 h it takes over a hundred years.");
        let d = drain(7_200.0, Some(120.0));
        assert_eq!(
            when(Some(&d), d.lasts_s(444e6)),
            "At the rate of the last 2 h, 120 a second, that is in 42 d 19 h if nothing is frozen meanwhile."
        );
        let idle = drain(7_200.0, Some(0.0));
        assert_eq!(when(Some(&idle), idle.lasts_s(444e6)), "How soon? No end in sight: none were used up in the last 2 h.");
        assert_eq!([rate(12_345.0), rate(2.34), rate(0.01)], ["12,345", "2.3", "under 0.1"]);
    }
}
