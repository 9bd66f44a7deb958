//! From judged evidence to what pages and programs are told. Pure: every figure comes from the results and from nothing else.

use super::state::{FRESH_MS, Judged, Slot, State};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{
        AuditReport, Cap, CitedClause, ClauseLink, ComplianceOverview, ControlList, ControlQuery, ControlResult, ControlRow, Coverage,
        Evidence, Finding, FindingPage, FindingQuery, FindingState, Human, Scan, Score, Severity, TargetCompliance,
    },
};
use reeve_rules::compliance::{catalogue, report, score, vouch};
use std::cmp::Reverse;

/// Worst findings of a target on the first screen.
const WORST: usize = 3;
/// Findings of a page when nothing else is asked for.
const PAGE: u32 = 50;
/// Findings of a page at most.
pub const MOST: u32 = 500;

/// States of controls, the ones to look at first.
const STATES: [&str; 6] = ["fail", "unknown", "pass", "attested", "not_applicable", NOT_ASSESSED];
/// The state of a control that no judge looks at.
const NOT_ASSESSED: &str = "not_assessed";

/// Why a target without evidence has none.
fn missing(slot: &Slot) -> String {
    match &slot.fault {
        Some(fault) => fault.sentence.clone(),
        None => format!("{} has not been scanned yet.", slot.spec.info.name),
    }
}

/// The report over the targets in reach.
pub fn audit_report(state: &mut State, reach: &[TargetName], now: UnixMs) -> AuditReport {
    let (mut scans, mut failed, mut findings) = (Vec::<Scan>::new(), Vec::new(), Vec::new());
    for name in reach {
        match state.judged(name, now) {
            Some(judged) => {
                scans.push((*judged.scan).clone());
                findings.extend(judged.findings.iter().filter(|f| f.state.waits()).cloned());
            }
            None => failed.extend(state.slots.get(name).map(|slot| (name.clone(), missing(slot)))),
        }
    }
    sort(&mut findings);
    let mut report = report(now, &scans, &failed, findings);
    vouch(&mut report.compliance, state.attested.as_deref().unwrap_or_default(), now);
    report
}

/// The first screen's figures. `seen` are the targets whose findings the caller may see.
pub fn overview(state: &mut State, reach: &[TargetName], seen: &[TargetName], every_ms: i64, now: UnixMs) -> ComplianceOverview {
    let all = audit_report(state, reach, now);
    let sees = |name: &TargetName| seen.contains(name);
    let seen_everywhere = reach.iter().all(sees);
    let mut targets: Vec<TargetCompliance> = reach
        .iter()
        .filter_map(|name| Some(of_target(state.judged(name, now).as_ref(), state.slots.get(name)?, sees(name), now)))
        .collect();
    let proven = |t: &TargetCompliance| t.score.as_ref().and_then(|s| s.proven).unwrap_or(-1.0);
    targets.sort_by(|a, b| proven(a).total_cmp(&proven(b)).then_with(|| a.scan.target.cmp(&b.scan.target)));
    let any = targets.iter().any(|t| t.score.is_some());
    let mut frameworks = all.compliance;
    if !seen_everywhere {
        frameworks.iter_mut().for_each(|f| f.clauses.clear());
    }
    ComplianceOverview {
        at: now,
        total: u32::try_from(catalogue::ENTRIES.len()).unwrap_or(u32::MAX),
        targets,
        score: any.then(|| if seen_everywhere { all.score } else { bare(all.score) }),
        coverage: if seen_everywhere { all.coverage } else { Coverage { not_assessed: Vec::new(), ..all.coverage } },
        frameworks: if any { frameworks } else { Vec::new() },
        every_ms,
        fresh_ms: FRESH_MS,
        unrecorded: state.unrecorded.clone(),
    }
}

/// A score for those who may not see what is behind it: its figures, and no control by name.
fn bare(score: Score) -> Score {
    let cap = score.cap.map(|cap| Cap { controls: Vec::new(), sentence: String::new(), ..cap });
    Score { cap, unknown_critical: Vec::new(), ..score }
}

fn of_target(judged: Option<&Judged>, slot: &Slot, sees: bool, now: UnixMs) -> TargetCompliance {
    let findings = judged.map(|j| j.findings.as_slice()).unwrap_or_default();
    let waiting = || findings.iter().filter(|f| f.state.waits());
    let count = |severity| u32::try_from(waiting().filter(|f| f.severity == severity).count()).unwrap_or(u32::MAX);
    let mut worst: Vec<Finding> = if sees { waiting().cloned().collect() } else { Vec::new() };
    sort(&mut worst);
    worst.truncate(WORST);
    let accepted = findings.iter().filter(|f| f.state == reeve_model::compliance::FindingState::Accepted).count();
    TargetCompliance {
        scan: slot.scan_state(now),
        score: judged.map(|j| j.scan.score.clone()).map(|score| if sees { score } else { bare(score) }),
        open: Severity::ALL.map(|s| (s, count(s))).into_iter().filter(|(_, n)| *n > 0).collect(),
        accepted: u32::try_from(accepted).unwrap_or(u32::MAX),
        worst,
    }
}

/// The worst first; what came back before what is known; then alike ones together.
pub fn sort(findings: &mut [Finding]) {
    let place = |f: &Finding| reeve_model::compliance::FindingState::ALL.iter().rev().position(|s| *s == f.state);
    findings.sort_by(|a, b| {
        (Reverse(a.severity), Reverse(a.state.waits()), Reverse(place(a)), &a.control, &a.target, &a.offender.database, &a.offender.object)
            .cmp(&(
                Reverse(b.severity),
                Reverse(b.state.waits()),
                Reverse(place(b)),
                &b.control,
                &b.target,
                &b.offender.database,
                &b.offender.object,
            ))
    });
}

/// One page of the findings that match.
pub fn page(mut all: Vec<Finding>, query: &FindingQuery, now: UnixMs) -> FindingPage {
    // One that came back is open, too.
    all.retain(|f| match query.state {
        None => f.state != FindingState::Fixed,
        Some(FindingState::Open) => matches!(f.state, FindingState::Open | FindingState::Regressed),
        Some(state) => f.state == state,
    });
    let total = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let text = query.text.as_ref().map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty());
    let says = |f: &Finding, text: &str| {
        let database = f.offender.database.as_deref().unwrap_or_default();
        [f.offender.object.as_str(), &f.offender.sentence, &f.control, &f.title, database]
            .iter()
            .any(|part| part.to_lowercase().contains(text))
    };
    let bears_on = |f: &Finding, framework| {
        catalogue::entry_of(&f.control).is_some_and(|entry| entry.clauses.iter().any(|link| link.framework == framework))
    };
    all.retain(|f| {
        query.severity.is_none_or(|s| f.severity == s)
            && query.target.as_ref().is_none_or(|t| f.target == *t)
            && query.control.as_ref().is_none_or(|c| f.control == *c)
            && query.framework.is_none_or(|framework| bears_on(f, framework))
            && text.as_ref().is_none_or(|text| says(f, text))
    });
    sort(&mut all);
    let matching = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let limit = if query.limit == 0 { PAGE } else { query.limit };
    let items: Vec<Finding> = all.into_iter().skip(query.offset as usize).take(limit as usize).collect();
    let end = query.offset.saturating_add(u32::try_from(items.len()).unwrap_or(u32::MAX));
    FindingPage { at: now, items, matching, total, next: (end < matching).then_some(end), scans: Vec::new() }
}

/// All controls of the catalogue as the targets have them, judged or not.
pub fn controls(scans: &[Scan], query: &ControlQuery, now: UnixMs) -> ControlList {
    let unjudged = score::not_assessed();
    let mut rows: Vec<ControlRow> = catalogue::ENTRIES
        .iter()
        .filter(|entry| query.framework.is_none_or(|f| entry.clauses.iter().any(|link| link.framework == f)))
        .filter_map(|entry| {
            let results: Vec<&ControlResult> = scans.iter().filter_map(|scan| scan.result(entry.id)).collect();
            let place = |r: &&ControlResult| STATES.iter().position(|s| *s == r.state.word()).unwrap_or(STATES.len());
            let none = unjudged.iter().find(|n| n.control == entry.id);
            let (state, reason) = match (results.iter().copied().min_by_key(place), none) {
                // A person's word counts where it is given for every target.
                (_, Some(none)) if results.is_empty() || results.len() < scans.len() => (NOT_ASSESSED, Some(none.reason.clone())),
                (Some(worst), _) => (worst.state.word(), worst.state.reason().map(str::to_owned)),
                // No scan yet: nothing is known of it, and nothing is said.
                (None, _) => return None,
            };
            Some(ControlRow {
                control: entry.id.to_owned(),
                title: entry.title.to_owned(),
                severity: entry.severity,
                state: state.to_owned(),
                reason,
                population: results.iter().map(|r| r.population).sum(),
                offenders: results.iter().map(|r| r.offenders.len() as u64).sum(),
            })
        })
        .collect();
    let count = |state: &str| rows.iter().filter(|r| r.state == state).count();
    let states = STATES.iter().map(|s| ((*s).to_owned(), u32::try_from(count(s)).unwrap_or(u32::MAX))).filter(|(_, n)| *n > 0).collect();
    rows.retain(|r| query.state.as_ref().is_none_or(|s| r.state == *s));
    ControlList { at: now, items: rows, states, scans: Vec::new() }
}

/// The clauses a control bears on, in words.
pub fn cited(links: &[ClauseLink]) -> Vec<CitedClause> {
    links
        .iter()
        .map(|link| {
            let entry = catalogue::CLAUSES.iter().find(|c| c.framework == link.framework && c.key == link.clause);
            CitedClause {
                framework: link.framework,
                citation: link.framework.cite(&link.clause),
                title: entry.map_or_else(String::new, |c| c.title.to_owned()),
                strength: link.strength,
                human: entry.map_or(Human::Also, |c| c.human),
            }
        })
        .collect()
}

/// What was read for a control; of many rows the first, as the page and its reader can take.
pub fn evidence(slot: &Slot, result: &ControlResult, database: Option<&str>) -> Vec<Evidence> {
    const ROWS: usize = 200;
    let Some((set, _)) = &slot.read else { return Vec::new() };
    let read = result.evidence.iter().filter_map(|place| set.items.get(*place));
    // Of one finding in a database, what the others answered says nothing.
    let near = read.filter(|e| database.is_none() || e.database.is_none() || e.database.as_deref() == database);
    near.map(|e| Evidence { rows: e.rows.iter().take(ROWS).cloned().collect(), ..e.clone() }).collect()
}
