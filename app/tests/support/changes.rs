//! Scans that are made up, and what is different between two of them.

use super::HOSTILE;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{Change, ChangeKind, ChangesQuery, ScanChanges, ScanLine},
};

const HOUR: i64 = 3_600_000;

/// What the address asks for: `to=other edition`, `to=first` and `to=only` are what can't be compared.
pub fn found(now: UnixMs, targets: Vec<TargetName>, query: &ChangesQuery) -> ScanChanges {
    let line = |n: i64, proven| ScanLine {
        id: format!("00000000-0000-4000-8000-{n:012}"),
        at: now.plus_ms(-n * HOUR),
        catalogue: 2,
        version: "PostgreSQL 15.18".into(),
        role: "monitor".into(),
        proven: Some(proven),
        passed: 40,
        failed: 12,
        unknown: 3,
        findings: 31,
    };
    let change = |kind, object: &str| Change {
        kind,
        control: "AUTHZ-01".into(),
        database: (!object.is_empty()).then(|| "shop".into()),
        object: object.into(),
        sentence: format!("Something about {object}."),
    };
    let scans = if targets.is_empty() { Vec::new() } else { vec![line(1, 59.0), line(30, 61.5), line(60, 61.5)] };
    let changes = match query.to.as_deref() {
        Some("other edition") => None,
        _ => Some(vec![
            change(ChangeKind::State, ""),
            change(ChangeKind::Appeared, HOSTILE),
            change(ChangeKind::Disappeared, "old"),
            change(ChangeKind::LostSight, "hidden"),
        ]),
    };
    let to = query.to.as_deref();
    let (from, to) = match to {
        Some("first") => (None, scans.last().cloned()),
        Some("only") => (None, scans.first().cloned()),
        _ => (scans.get(1).cloned(), scans.first().cloned()),
    };
    ScanChanges { at: now, target: targets.first().cloned(), targets, scans, from, to, changes }
}
