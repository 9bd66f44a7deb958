//! Does a sequence run out?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    figures::read::fullest,
    source::Source,
    words::{self, ident},
};

/// Room left in sequences.
pub const CATEGORY: Category = Category {
    id: "sequences",
    title: "Sequences",
    weight: 2,
    inputs: &[Input {
        title: "how far the fullest sequence is used up",
        say: |v| format!("fullest sequence {} used", words::percent(v)),
        source: Source::Sequences,
        read: |f| Seen::or_not_here(f.snapshot.sequences.value().and_then(|s| fullest(s)).map(|s| s.used_ratio), "there is no sequence"),
        curve: Curve(&[(0.70, 0.0), (0.90, 40.0), (0.95, 100.0)]),
    }],
    rules: &[Rule {
        id: "sequences.fullness",
        when: "a sequence is over 90 % used up (over 95 %, less than 5 % left: critical)",
        source: Source::Sequences,
        find: full,
    }],
};

fn full(facts: &Facts<'_>) -> Option<Finding> {
    let sequences = facts.snapshot.sequences.value()?;
    let worst = fullest(sequences).filter(|s| s.used_ratio > 0.90)?;
    let others = sequences.iter().filter(|s| s.used_ratio > 0.90).count() - 1;
    let left = words::float(worst.max_value.saturating_sub(worst.last_value.unwrap_or(0)).max(0));
    let sentence = format!(
        "Sequence {}.{} in {} is {} used up, {} numbers are left: then inserts into its table fail{}.",
        ident(&worst.schema),
        ident(&worst.name),
        ident(&worst.database),
        words::percent(worst.used_ratio),
        words::count(left),
        match others {
            0 => String::new(),
            1 => "; 1 other is over 90 %".into(),
            n => format!("; {n} others are over 90 %"),
        }
    );
    Some(Finding::graded(
        worst.used_ratio > 0.95,
        sentence,
        "Widen its column in a maintenance window: ALTER TABLE … ALTER COLUMN … TYPE bigint (rewrites the table under ACCESS EXCLUSIVE), and ALTER SEQUENCE … AS bigint. For a large table add a bigint column, fill it in batches and swap.",
    ))
}
