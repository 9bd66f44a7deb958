//! How far until transaction ids run out? Only a primary can freeze, so a standby isn't judged by it.

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    drain,
    figures::read::WRAPAROUND,
    source::Source,
    words::{self, float, ident},
};
use reeve_model::snapshot::Wraparound;

/// Reported from here on: autovacuum freezes at 200 million by default, so it has not kept up for long.
const LATE: f64 = 500e6;
/// Critical from here on: a vacuum of large tables takes days, and at 2.1 billion the server refuses writes.
const LAST_CALL: f64 = 1.6e9;

/// Transaction and multixact ids.
pub const CATEGORY: Category = Category {
    id: "wraparound",
    title: "Wraparound",
    weight: 6,
    inputs: &[
        Input {
            title: "age of the oldest transaction id",
            say: |v| format!("oldest transaction id {}", words::count(v)),
            source: Source::Wraparound,
            read: |f| age(f, |w| w.oldest_xid_age),
            curve: Curve(&[(200e6, 0.0), (LATE, 20.0), (1e9, 60.0), (LAST_CALL, 100.0)]),
        },
        Input {
            title: "age of the oldest multixact id",
            say: |v| format!("oldest multixact id {}", words::count(v)),
            source: Source::Wraparound,
            read: |f| age(f, |w| w.oldest_mxid_age),
            curve: Curve(&[(400e6, 0.0), (LATE, 20.0), (1e9, 60.0), (LAST_CALL, 100.0)]),
        },
    ],
    rules: &[Rule {
        id: "wraparound.age",
        when: "the oldest transaction or multixact id is older than 500 million and than 1.25 × autovacuum_freeze_max_age (from 1.6 billion: critical)",
        source: Source::Wraparound,
        find: too_old,
    }],
};

fn age(facts: &Facts<'_>, read: fn(&Wraparound) -> i64) -> Seen {
    if facts.standby() {
        return Seen::NotHere("a standby can't freeze; its primary is judged by it");
    }
    Seen::or_unknown(facts.snapshot.wraparound.value().map(|w| float(read(w))), "the ages have not been read yet")
}

fn too_old(facts: &Facts<'_>) -> Option<Finding> {
    if facts.standby() {
        return None;
    }
    let wraparound = facts.snapshot.wraparound.value()?;
    let (xid, mxid) = (float(wraparound.oldest_xid_age), float(wraparound.oldest_mxid_age));
    let age = xid.max(mxid);
    let tolerated = LATE.max(1.25 * float(wraparound.freeze_max_age));
    if age < LAST_CALL && age <= tolerated {
        return None;
    }
    let (kind, when) = if xid >= mxid {
        ("transaction", drain::when(wraparound.xids.as_ref(), wraparound.xids_last_s()))
    } else {
        ("multixact", drain::when(wraparound.mxids.as_ref(), wraparound.mxids_last_s()))
    };
    let sentence = format!(
        "The oldest {kind} id is {} old, {} of the way to wraparound: then the server refuses writes. {when}",
        words::count(age),
        words::percent(age / WRAPAROUND)
    );
    let place = if xid >= mxid {
        format!("In database {}", ident(&wraparound.oldest_xid_database))
    } else {
        "In the database with the highest mxid_age(datminmxid)".to_owned()
    };
    let next = format!(
        "{place} run VACUUM (FREEZE, VERBOSE) on the tables with the oldest relfrozenxid, and end what holds old snapshots first (long transactions, prepared transactions, slots)."
    );
    Some(Finding::graded(age >= LAST_CALL, sentence, next))
}
