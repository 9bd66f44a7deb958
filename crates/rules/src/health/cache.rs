//! Are reads served from memory?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    figures::read::{CACHE_JUDGED_FROM, cache_hit_judged},
    source::Source,
    words,
};

/// Block accesses served from shared buffers.
pub const CATEGORY: Category = Category {
    id: "cache",
    title: "Cache",
    weight: 6,
    inputs: &[Input {
        title: "share of block accesses that missed shared buffers",
        say: |miss| format!("{} of the block accesses served from shared buffers", words::percent(1.0 - miss)),
        source: Source::Rates,
        read: miss,
        curve: Curve(&[(0.05, 0.0), (0.20, 40.0), (0.50, 100.0)]),
    }],
    rules: &[Rule {
        id: "cache.misses",
        when: "under 80 % of at least 50,000 block accesses were served from shared buffers",
        source: Source::Rates,
        find: misses,
    }],
};

fn miss(facts: &Facts<'_>) -> Seen {
    let Some(rates) = facts.snapshot.rates.value() else { return Seen::Unknown("there is no rate yet".into()) };
    match (cache_hit_judged(rates), rates.block_accesses) {
        (Some(hit), _) => Seen::Value(1.0 - hit),
        (None, Some(accesses)) if accesses < CACHE_JUDGED_FROM => {
            Seen::NotHere("fewer than 50,000 blocks were accessed between the two newest rounds, too few to judge")
        }
        _ => Seen::Unknown("there is no rate of block accesses yet".into()),
    }
}

fn misses(facts: &Facts<'_>) -> Option<Finding> {
    let rates = facts.snapshot.rates.value()?;
    let hit = cache_hit_judged(rates).filter(|h| *h < 0.80)?;
    let sentence = format!(
        "Only {} of {} block accesses were served from shared buffers: the rest waits for the kernel or the disk.",
        words::percent(hit),
        words::count(rates.block_accesses.unwrap_or_default())
    );
    Some(Finding::degraded(
        sentence,
        "Look for large tables read by full scans in table analytics; if there are none, compare shared_buffers with the size of the data in daily use.",
    ))
}
