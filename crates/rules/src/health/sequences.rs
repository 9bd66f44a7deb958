//! Does a sequence run out?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    drain::rate,
    figures::read::fullest,
    source::Source,
    words::{self, ident},
};
use reeve_model::snapshot::SequenceUse;

/// From here on it costs.
const FILLS: f64 = 0.70;
/// Full from here on.
const FULL: f64 = 0.90;
/// One that ends within this is told of although it is not full, seconds: widening a large table takes its time.
pub const ENDS_SOON_S: f64 = 30.0 * 86_400.0;

/// Room left in sequences.
pub const CATEGORY: Category = Category {
    id: "sequences",
    title: "Sequences",
    weight: 2,
    inputs: &[
        Input {
            title: "how far the fullest sequence is used up",
            say: |v| format!("fullest sequence {} used", words::percent(v)),
            source: Source::Sequences,
            read: |f| {
                let used = f.snapshot.sequences.value().and_then(|s| fullest(s)).map(|s| s.used_ratio);
                visible(f, used, |used| used > FILLS, "there is no sequence")
            },
            curve: Curve(&[(FILLS, 0.0), (0.90, 40.0), (0.95, 100.0)]),
        },
        Input {
            title: "days before the 30th on which a sequence ends (at the rate of the last day)",
            say: |v| format!("one ends in {:.0} days", 30.0 - v),
            source: Source::Sequences,
            read: |f| visible(f, early(f).map(|s| s / 86_400.0), |_| true, "none ends within 30 days at the rate of the last day"),
            curve: Curve(&[(0.0, 0.0), (30.0, 40.0)]),
        },
    ],
    rules: &[
        Rule {
            id: "sequences.fullness",
            when: "a sequence is over 90 % used up (over 95 %, less than 5 % left: critical)",
            source: Source::Sequences,
            find: full,
        },
        Rule {
            id: "sequences.ending",
            when: "a sequence that is no more than 90 % used up ends within 30 days at the rate of the last day, in each half of that day",
            source: Source::Sequences,
            find: ending,
        },
    ],
};

/// While some may not be read, only what is bad enough already is known; that all is well is not.
fn visible(facts: &Facts<'_>, seen: Option<f64>, bad: fn(f64) -> bool, none: &'static str) -> Seen {
    match &facts.snapshot.sequences_hidden {
        Some(hidden) if !seen.is_some_and(bad) => Seen::Unknown(words::clause(hidden).to_owned()),
        _ => Seen::or_not_here(seen, none),
    }
}

fn full(facts: &Facts<'_>) -> Option<Finding> {
    let sequences = facts.snapshot.sequences.value()?;
    let worst = fullest(sequences).filter(|s| s.used_ratio > FULL)?;
    let others = sequences.iter().filter(|s| s.used_ratio > FULL).count() - 1;
    let last = worst.lasts_s().zip(worst.drain).map(|(s, d)| {
        format!(
            " (for {} at the {} a second of the last {})",
            words::duration(s),
            rate(d.per_s.unwrap_or(0.0)),
            words::duration(d.watched_s)
        )
    });
    let sentence = format!(
        "Sequence {} is {} used up, {} numbers are left{}: then {}{}.",
        name(worst),
        words::percent(worst.used_ratio),
        words::count(worst.left()),
        last.unwrap_or_default(),
        then(worst),
        match others {
            0 => String::new(),
            1 => "; 1 other is over 90 %".into(),
            n => format!("; {n} others are over 90 %"),
        }
    );
    Some(Finding::graded(worst.used_ratio > 0.95, sentence, way_on(worst)))
}

/// What fails at the end. Of a sequence that ends by itself no table is known that would.
fn then(sequence: &SequenceUse) -> &'static str {
    if sequence.by_column { "inserts into its table fail" } else { "nextval() of it fails" }
}

/// What ends is widened: the column, or the sequence's own limit.
fn way_on(sequence: &SequenceUse) -> String {
    if sequence.by_column {
        return WIDEN.to_owned();
    }
    let name = format!("{}.{}", ident(&sequence.schema), ident(&sequence.name));
    // One that counts down ends at its lower limit.
    let (limit, end) =
        if sequence.last_value.is_some_and(|last| last > sequence.max_value) { ("MINVALUE", i64::MIN) } else { ("MAXVALUE", i64::MAX) };
    format!(
        "It ends at its own limit, {}. Raise that, after a look whether what keeps its numbers can hold larger ones: ALTER SEQUENCE {name} AS bigint {limit} {end}; -- or a limit that suits",
        sequence.max_value
    )
}

const WIDEN: &str = "Widen its column in a maintenance window: ALTER TABLE … ALTER COLUMN … TYPE bigint (rewrites the table under ACCESS EXCLUSIVE), and ALTER SEQUENCE … AS bigint. For a large table add a bigint column, fill it in batches and swap.";

fn name(sequence: &SequenceUse) -> String {
    format!("{}.{} in {}", ident(&sequence.schema), ident(&sequence.name), ident(&sequence.database))
}

/// Seconds before [`ENDS_SOON_S`] at which the first sequence ends.
fn early(facts: &Facts<'_>) -> Option<f64> {
    let first = facts.snapshot.sequences.value()?.iter().filter_map(SequenceUse::lasts_steadily_s).min_by(f64::total_cmp)?;
    Some(ENDS_SOON_S - first).filter(|early| *early > 0.0)
}

/// By the slower half of a whole day: a jump, or one night's import, is no rate.
fn ending(facts: &Facts<'_>) -> Option<Finding> {
    let sequences = facts.snapshot.sequences.value()?;
    let soon = |s: &&SequenceUse| s.used_ratio <= FULL && s.lasts_steadily_s().is_some_and(|left| left < ENDS_SOON_S);
    let first = sequences.iter().filter(soon).filter_map(|s| Some((s.lasts_s()?, s))).min_by(|(a, _), (b, _)| a.total_cmp(b));
    let (lasts_s, first) = first?;
    let others = sequences.iter().filter(soon).count() - 1;
    let sentence = format!(
        "Sequence {} is {} used up and ends in {} at the {} a second of the last day: then {}{}.",
        name(first),
        words::percent(first.used_ratio),
        words::duration(lasts_s),
        rate(first.drain?.per_s?),
        then(first),
        match others {
            0 => String::new(),
            1 => "; 1 other ends within 30 days, too".into(),
            n => format!("; {n} others end within 30 days, too"),
        }
    );
    Some(Finding::degraded(sentence, way_on(first)))
}
