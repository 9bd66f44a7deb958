//! The life of findings: new, still there, accepted, gone, back; and what is different between two scans.

use super::context::Context;
use reeve_model::{
    TargetName,
    compliance::{Change, ChangeKind, ControlOutcome, ControlResult, Finding, FindingState, Offender, Scan, ScanOutcome},
};
use sha2::{Digest, Sha256};

/// The name of a finding that stays the same from scan to scan: SHA-256 over control, target, database and object, first half, hexadecimal.
#[must_use]
pub fn fingerprint(control: &str, target: &TargetName, offender: &Offender) -> String {
    let mut hash = Sha256::new();
    let database = offender.database.as_deref().map_or_else(|| "-".to_owned(), |d| format!("{}:{d}", d.len()));
    for part in [control, target.as_str(), &database, &offender.object] {
        hash.update(part.len().to_string());
        hash.update(b":");
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

/// Carries findings on: those of a former scan (none at first) and those of this one.
///
/// A finding is fixed only when its control was judged without it, or has nothing to judge any more; when the control is unknown, or the
/// finding's database could not be read, it stays as it was.
#[must_use]
pub fn findings(former: &[Finding], scan: &Scan, context: &Context) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for result in &scan.results {
        for offender in &result.offenders {
            let print = fingerprint(&result.control, &scan.target, offender);
            if all.iter().any(|f| f.fingerprint == print) {
                continue;
            }
            let before = former.iter().find(|f| f.fingerprint == print);
            let accepted = context.accepted.iter().any(|a| a.fingerprint == print && a.expires > context.now);
            let state = match before.map(|f| f.state) {
                _ if accepted => FindingState::Accepted,
                Some(FindingState::Fixed | FindingState::Regressed) => FindingState::Regressed,
                _ => FindingState::Open,
            };
            all.push(Finding {
                fingerprint: print,
                control: result.control.clone(),
                title: result.title.clone(),
                severity: result.severity,
                target: scan.target.clone(),
                offender: offender.clone(),
                lock: result.lock.clone(),
                state,
                first_seen: before.map_or(scan.at, |f| f.first_seen),
                last_seen: scan.at,
                acceptance: None,
                accepted_for: None,
            });
        }
    }
    for old in former.iter().filter(|f| f.target == scan.target && !all.iter().any(|n| n.fingerprint == f.fingerprint)).collect::<Vec<_>>()
    {
        let mut kept = old.clone();
        if seen(scan, &old.control, old.offender.database.as_deref()) {
            kept.state = FindingState::Fixed;
        }
        all.push(kept);
    }
    all.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| a.control.cmp(&b.control)).then_with(|| a.offender.object.cmp(&b.offender.object))
    });
    all
}

/// Whether this scan would have found it, were it there.
fn seen(scan: &Scan, control: &str, database: Option<&str>) -> bool {
    let unread = database.is_some_and(|name| scan.databases.iter().any(|d| d.name == name && d.missing.is_some()));
    !unread && scan.result(control).is_some_and(|r| judged(r.state.word(), r.whole))
}

/// Whether a control in this state names everything there is to object to.
fn judged(state: &str, whole: bool) -> bool {
    match state {
        "pass" | "not_applicable" => true,
        "fail" => whole,
        _ => false,
    }
}

/// What of a scan another one is compared with.
#[must_use]
pub fn outcome(scan: &Scan) -> ScanOutcome {
    let of = |r: &ControlResult| {
        let mut offenders: Vec<_> = r.offenders.iter().map(|o| (o.database.clone(), o.object.clone())).collect();
        offenders.sort();
        offenders.dedup();
        ControlOutcome { control: r.control.clone(), state: r.state.word().to_owned(), whole: r.whole, offenders }
    };
    ScanOutcome {
        catalogue: scan.catalogue,
        controls: scan.results.iter().map(of).collect(),
        unread: scan.databases.iter().filter(|d| d.missing.is_some()).map(|d| d.name.clone()).collect(),
    }
}

/// What is different between two scans of one target. Scans by different editions of the catalogue can't be compared: none.
#[must_use]
pub fn diff(before: &Scan, after: &Scan) -> Option<Vec<Change>> {
    // What is not so any more was said by the scan before.
    let said = |control: &str, database: Option<&str>, object: &str| {
        let results = [after, before].into_iter().filter_map(|scan| scan.result(control));
        let mut offenders = results.flat_map(|r| r.offenders.iter());
        offenders.find(|o| o.database.as_deref() == database && o.object == object).map(|o| o.sentence.clone())
    };
    if before.target == after.target { changes(&outcome(before), &outcome(after), &said) } else { None }
}

/// What was said of an object: by control, database and object.
pub type Said<'a> = &'a dyn Fn(&str, Option<&str>, &str) -> Option<String>;

/// What is different between two outcomes of one target; none when they are by different editions of the catalogue. `said` knows what was
/// said of an object, by control and database.
#[must_use]
pub fn changes(before: &ScanOutcome, after: &ScanOutcome, said: Said<'_>) -> Option<Vec<Change>> {
    if before.catalogue != after.catalogue {
        return None;
    }
    let mut changes = Vec::new();
    let ids = after.controls.iter().chain(before.controls.iter().filter(|b| !after.controls.iter().any(|a| a.control == b.control)));
    for id in ids.map(|c| c.control.as_str()) {
        let of = |outcome: &ScanOutcome| outcome.controls.iter().find(|c| c.control == id).cloned();
        let none = || ControlOutcome { control: id.to_owned(), state: "not_assessed".to_owned(), whole: false, offenders: Vec::new() };
        let (old, new) = (of(before).unwrap_or_else(none), of(after).unwrap_or_else(none));
        if old.state != new.state {
            let word = |state: &str| state.replace('_', " ");
            let sentence = format!("It was {} and is {}.", word(&old.state), word(&new.state));
            changes.push(Change { kind: ChangeKind::State, control: id.to_owned(), database: None, object: String::new(), sentence });
        }
        for (database, object) in new.offenders.iter().filter(|o| !old.offenders.contains(o)) {
            let sentence = said(id, database.as_deref(), object).unwrap_or_else(|| format!("{id} objects to {object}."));
            changes.push(change(ChangeKind::Appeared, id, database.as_ref(), object, sentence));
        }
        for (database, object) in old.offenders.iter().filter(|o| !new.offenders.contains(o)) {
            let unread = database.as_ref().is_some_and(|name| after.unread.contains(name));
            let (kind, sentence) = if !unread && judged(&new.state, new.whole) {
                // The finding is repaired. Its object may well be there, and good: nothing may read as if that were gone.
                let sentence = match said(id, database.as_deref(), object) {
                    Some(former) => format!("No longer so: {former}"),
                    None => format!("What {id} objected to in {object} is no longer so."),
                };
                (ChangeKind::Disappeared, sentence)
            } else {
                (ChangeKind::LostSight, format!("{object} can't be judged any more."))
            };
            changes.push(change(kind, id, database.as_ref(), object, sentence));
        }
    }
    Some(changes)
}

fn change(kind: ChangeKind, control: &str, database: Option<&String>, object: &str, sentence: String) -> Change {
    Change { kind, control: control.to_owned(), database: database.cloned(), object: object.to_owned(), sentence }
}
