//! Walks the registry: each control is whole, passes, fails, and is unknown when its evidence can't be read.

use crate::fixture::{MUTATIONS, NOW, good, item};
use reeve_model::compliance::{ControlState, EvidenceSet, Scan};
use reeve_rules::compliance::{Context, catalogue, judge, registry};
use std::collections::{BTreeMap, BTreeSet, HashSet};

fn scan(set: &EvidenceSet) -> Scan {
    judge(set, &Context::new(NOW))
}

fn states(scan: &Scan) -> BTreeMap<String, &'static str> {
    scan.results.iter().map(|r| (r.control.clone(), r.state.word())).collect()
}

#[test]
fn e1_every_control_is_in_the_catalogue_and_is_whole() {
    let mut seen = HashSet::new();
    let places: Vec<usize> = registry::CONTROLS
        .iter()
        .map(|c| {
            assert!(seen.insert(c.id), "{} twice", c.id);
            assert!(c.why.ends_with('.') && c.advice.ends_with('.') && !c.lock.is_empty(), "{} lacks a text", c.id);
            assert!(!c.evidence.is_empty(), "{}", c.id);
            catalogue::ENTRIES.iter().position(|e| e.id == c.id).unwrap_or_else(|| panic!("{} is not in the catalogue", c.id))
        })
        .collect();
    assert!(places.is_sorted(), "in the order of the catalogue");
}

/// On the good server nothing fails; what does not pass says why.
#[test]
fn e1_a_good_server_passes() {
    let scan = scan(&good());
    let aside: Vec<_> = scan.results.iter().filter(|r| matches!(r.state, ControlState::NotApplicable { .. })).map(|r| &r.control).collect();
    assert!(aside.is_empty(), "the good server has something of everything: {aside:?}");
    for result in &scan.results {
        let fine = match &result.state {
            ControlState::Pass => true,
            // The server's log is never read, so that this one can fail but not pass.
            ControlState::Unknown { .. } => result.control == "LOG-14",
            _ => false,
        };
        assert!(fine, "{}: {:?} {:?}", result.control, result.state, result.offenders);
        assert!(!result.evidence.is_empty(), "{} rests on no evidence", result.control);
    }
}

/// Each control has something that makes it fail, and nothing else fails with it.
#[test]
fn e1_one_change_fails_exactly_the_controls_that_are_about_it() {
    let before = good();
    let before = states(&scan(&before));
    for mutation in MUTATIONS {
        let mut set = good();
        (mutation.change)(&mut set);
        let after = scan(&set);
        let result = after.result(mutation.control).unwrap();
        assert_eq!(result.state.word(), "fail", "{}: {:?}", mutation.control, result.state);
        assert!(
            result.offenders.iter().all(|o| o.sentence.ends_with('.') && !o.fix.is_empty() && !o.undo.is_empty() && !o.object.is_empty())
        );
        let now = states(&after);
        let changed: BTreeSet<&str> = now.iter().filter(|(id, state)| before[*id] != **state).map(|(id, _)| id.as_str()).collect();
        let expected: BTreeSet<&str> = mutation.also.iter().copied().chain([mutation.control]).collect();
        assert_eq!(changed, expected, "{}", mutation.control);
    }
    let covered: BTreeSet<&str> = MUTATIONS.iter().map(|m| m.control).collect();
    let all: BTreeSet<&str> = registry::CONTROLS.iter().map(|c| c.id).collect();
    assert_eq!(covered, all, "every control has a change that makes it fail");
}

/// Whatever a control rests on is taken away: it never passes.
#[test]
fn e1_a_control_without_its_evidence_is_unknown() {
    for control in registry::CONTROLS {
        let mut set = good();
        for evidence in set.items.iter_mut().filter(|e| control.evidence.contains(&e.id.as_str())) {
            evidence.rows.clear();
            evidence.missing = Some("It can't be read by this role; run GRANT something.".to_owned());
        }
        let state = scan(&set).result(control.id).unwrap().state.clone();
        assert!(matches!(&state, ControlState::Unknown { reason } if !reason.is_empty()), "{}: {state:?}", control.id);
        // Nor when the answers are not there at all.
        let mut set = good();
        set.items.retain(|e| !control.evidence.contains(&e.id.as_str()));
        let state = scan(&set).result(control.id).unwrap().state.clone();
        assert!(matches!(state, ControlState::Unknown { .. }), "{}: {state:?}", control.id);
    }
}

/// A control declares all evidence that it uses.
#[test]
fn e1_a_control_uses_no_evidence_that_it_does_not_name() {
    let mut sets = vec![good()];
    sets.extend(MUTATIONS.iter().map(|m| {
        let mut set = good();
        (m.change)(&mut set);
        set
    }));
    for set in sets {
        for result in scan(&set).results {
            let named = registry::control(&result.control).unwrap().evidence;
            for place in &result.evidence {
                // Whether anything listens, and the libraries, are asked along the way.
                let id = set.items[*place].id.as_str();
                assert!(named.contains(&id), "{} uses {id}", result.control);
            }
        }
    }
}

/// Evidence of another edition lacks a column: unknown, never a default.
#[test]
fn e1_a_missing_column_makes_a_control_unknown() {
    let mut set = good();
    for evidence in &mut set.items {
        evidence.columns.iter_mut().for_each(|c| *c = format!("{c}_of_old"));
    }
    for result in scan(&set).results {
        assert!(!matches!(result.state, ControlState::Pass), "{}: {:?}", result.control, result.state);
    }
    let mut set = good();
    item(&mut set, "hba").columns[7] = "other".to_owned();
    assert_eq!(scan(&set).result("AUTH-01").unwrap().state.word(), "unknown");
}

#[test]
fn e1_the_controls_are_as_agreed() {
    let lines: Vec<String> = registry::CONTROLS
        .iter()
        .map(|c| {
            let entry = catalogue::entry_of(c.id).unwrap();
            format!("{:<9} {:<9} {:<34} {}", c.id, entry.severity.word(), c.evidence.join(","), entry.title)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
