//! The life of findings: new, still there, accepted, gone, back; and what is different between two scans.

use super::context::Context;
use reeve_model::{
    TargetName,
    compliance::{Change, ChangeKind, ControlResult, ControlState, Finding, FindingState, Offender, Scan},
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
    let judged = |r: &ControlResult| match &r.state {
        ControlState::Pass | ControlState::NotApplicable { .. } => true,
        ControlState::Fail => r.whole,
        _ => false,
    };
    !unread && scan.result(control).is_some_and(judged)
}

/// What is different between two scans of one target. Scans by different editions of the catalogue can't be compared: none.
#[must_use]
pub fn diff(before: &Scan, after: &Scan) -> Option<Vec<Change>> {
    if before.catalogue != after.catalogue || before.target != after.target {
        return None;
    }
    let mut changes = Vec::new();
    for new in &after.results {
        let Some(old) = before.result(&new.control) else { continue };
        if old.state.word() != new.state.word() {
            let sentence = format!("{} was {} and is {}.", new.control, old.state.word(), new.state.word());
            changes.push(Change { kind: ChangeKind::State, control: new.control.clone(), database: None, object: String::new(), sentence });
        }
        let is_in = |o: &Offender, list: &[Offender]| list.iter().any(|p| p.database == o.database && p.object == o.object);
        for offender in new.offenders.iter().filter(|o| !is_in(o, &old.offenders)) {
            changes.push(change(ChangeKind::Appeared, &new.control, offender, offender.sentence.clone()));
        }
        for offender in old.offenders.iter().filter(|o| !is_in(o, &new.offenders)) {
            let (kind, sentence) = if seen(after, &new.control, offender.database.as_deref()) {
                (ChangeKind::Disappeared, format!("{} is no longer found.", offender.object))
            } else {
                (ChangeKind::LostSight, format!("{} can't be judged any more.", offender.object))
            };
            changes.push(change(kind, &new.control, offender, sentence));
        }
    }
    Some(changes)
}

fn change(kind: ChangeKind, control: &str, offender: &Offender, sentence: String) -> Change {
    Change { kind, control: control.to_owned(), database: offender.database.clone(), object: offender.object.clone(), sentence }
}
