//! Ways in which other products have given false assurance, each as a test that Reeve does not; and the life of findings.

use crate::{
    fixture::{MUTATIONS, NOW, add, good, item},
    scores::result,
};
use reeve_model::compliance::{ChangeKind, ClauseState, ControlState, EvidenceSet, FindingState, Framework, Human, Severity, Strength};
use reeve_rules::compliance::{Context, catalogue, diff, findings, frameworks, judge, outcome, registry, report, score};

fn context() -> Context {
    Context::new(NOW)
}

fn mutated(control: &str) -> EvidenceSet {
    let mut set = good();
    (MUTATIONS.iter().find(|m| m.control == control).unwrap().change)(&mut set);
    set
}

/// Controls without evidence counted as passed: an empty scan was perfect.
#[test]
fn e1_case_1_an_empty_scan_has_no_score() {
    let mut set = good();
    set.items.clear();
    set.databases.clear();
    let scan = judge(&set, &context());
    assert!(scan.score.no_data() && scan.coverage.assessed == 0);
    assert!(scan.frameworks.iter().all(|v| v.met == 0 && v.partly == 0 && v.evidenced == 0));
    assert!(scan.results.iter().all(|r| matches!(r.state, ControlState::Unknown { .. })));
    assert!(report(NOW, &[], &[], Vec::new()).score.no_data());
}

/// Score and status came from different conditions in different places: here the report of one scan is the scan.
#[test]
fn e1_case_2_the_report_and_the_scan_say_the_same() {
    for set in [good(), mutated("AUTHZ-08"), mutated("AUTH-01")] {
        let scan = judge(&set, &context());
        let report = report(NOW, std::slice::from_ref(&scan), &[], findings(&[], &scan, &context()));
        assert_eq!(report.score, scan.score);
        assert_eq!(report.compliance, scan.frameworks);
        assert_eq!(report.coverage, scan.coverage);
        assert_eq!(report.targets[0].score.as_ref(), Some(&scan.score));
    }
}

/// Controls that detect were failed by the evidence that they work: here a recorded failed attempt, long repaired, fails nothing.
#[test]
fn e1_case_3_proof_that_a_detector_works_is_no_failure() {
    let mut set = good();
    item(&mut set, "archiver").rows[0] = ["10", "5", "60", "3600"].map(|v| Some(v.to_owned())).to_vec();
    assert_eq!(judge(&set, &context()).result("BKP-02").unwrap().state, ControlState::Pass);
}

/// Two of two verified, 44 unverified: "100 %". Here what is not judged is counted and named beside every number.
#[test]
fn e1_case_4_what_was_not_judged_is_counted_and_no_clause_is_met_over_it() {
    let scan = judge(&good(), &context());
    assert_eq!(scan.coverage.total, 150);
    assert_eq!(scan.coverage.not_assessed.len(), 150 - registry::CONTROLS.len());
    assert!(scan.coverage.not_assessed.iter().all(|n| n.reason.ends_with('.')));
    for clause in scan.frameworks.iter().flat_map(|v| &v.clauses).filter(|c| c.state == ClauseState::Met) {
        assert!(clause.not_assessed.is_empty() && clause.unknown.is_empty() && clause.failing.is_empty() && !clause.passing.is_empty());
        assert_eq!(clause.attestation_missing, clause.human == Human::Also, "{}", clause.citation);
    }
}

/// Placeholders that answered "passed": here a control without a judge has no result at all.
#[test]
fn e1_case_5_there_are_no_placeholders() {
    let scan = judge(&good(), &context());
    assert_eq!(scan.results.len(), registry::CONTROLS.len());
    for entry in catalogue::ENTRIES.iter().filter(|e| registry::control(e.id).is_none()) {
        assert!(scan.result(entry.id).is_none(), "{}", entry.id);
    }
}

/// Mappings guessed from words: here every link is in the table, and supporting ones never make a clause met.
#[test]
fn e2_case_6_supporting_controls_never_make_a_clause_met() {
    let all: Vec<_> = catalogue::ENTRIES.iter().map(|e| result(e.id, e.severity, ControlState::Pass)).collect();
    for view in frameworks(&all) {
        for clause in &view.clauses {
            let links = catalogue::ENTRIES.iter().flat_map(|e| &e.clauses);
            let direct = links.filter(|l| l.framework == view.framework && l.clause == clause.key).any(|l| l.strength == Strength::Direct);
            assert_eq!(clause.state == ClauseState::Met, direct, "{}", clause.citation);
        }
    }
    // Even so no framework is met as a whole: clauses that only a person can show are left.
    assert!(frameworks(&all).iter().all(|v| v.met < v.total && v.only_person > 0));
}

/// A percentage over one denominator beside counts over another.
#[test]
fn e1_case_7_there_is_one_denominator_and_it_is_printed() {
    let scan = judge(&mutated("LOG-03"), &context());
    let s = &scan.score;
    let weight: u32 =
        scan.results.iter().filter(|r| !matches!(r.state, ControlState::NotApplicable { .. })).map(|r| r.severity.weight()).sum();
    assert_eq!(s.weight, weight, "unknown controls stay in");
    assert_eq!(s.passed + s.failed + s.unknown + s.not_applicable + s.attested, u32::try_from(scan.results.len()).unwrap());
}

/// A server with dead credentials kept its old result.
#[test]
fn e1_case_8_old_evidence_is_unknown_and_so_is_a_target_that_does_not_answer() {
    let late = Context::new(NOW.plus_ms(25 * 3_600_000));
    let scan = judge(&good(), &late);
    assert!(scan.score.no_data(), "{:?}", scan.score);
    let fresh = judge(&good(), &context());
    let name = reeve_model::TargetName::new("gone").unwrap();
    let report = report(NOW, &[fresh], &[(name, "It does not answer.".to_owned())], Vec::new());
    assert!(report.score.no_data() && report.targets[1].failure.is_some());
    // Sessions are worth nothing after an hour, settings still are.
    let scan = judge(&good(), &Context::new(NOW.plus_ms(2 * 3_600_000)));
    assert_eq!(scan.result("ENC-04").unwrap().state.word(), "unknown");
    assert_eq!(scan.result("ENC-01").unwrap().state.word(), "pass");
}

/// Not applicable as full credit, a warning as half.
#[test]
fn e1_case_9_not_applicable_leaves_the_sum_and_says_why() {
    let mut set = good();
    crate::fixture::set(&mut set, "listen_addresses", "");
    let (before, after) = (judge(&good(), &context()), judge(&set, &context()));
    let ControlState::NotApplicable { reason } = &after.result("ENC-01").unwrap().state else { panic!("{:?}", after.result("ENC-01")) };
    assert!(reason.contains("listen_addresses"));
    assert_eq!(after.score.weight, before.score.weight - 10 - 5 - 2, "ENC-01, ENC-02, ENC-05");
}

/// Answers of "no" shown as all yes.
#[test]
fn e1_case_10_when_everything_fails_everything_reads_so() {
    let all: Vec<_> = catalogue::ENTRIES.iter().map(|e| result(e.id, e.severity, ControlState::Fail)).collect();
    assert_eq!(score::score(&all).proven, Some(0.0));
    for view in frameworks(&all) {
        assert_eq!((view.met, view.partly, view.unknown), (0, 0, 0), "{}", view.title);
        assert_eq!(view.unmet + view.no_evidence + view.only_person, view.total);
    }
}

/// "PASSED" over skipped checks and capped samples.
#[test]
fn e1_case_11_what_was_cut_or_skipped_keeps_a_control_from_passing() {
    let mut set = good();
    item(&mut set, "functions").missing = Some("Functions are more than 5000; the first 5000 were judged.".to_owned());
    let scan = judge(&set, &context());
    for id in ["AUTHZ-11", "AUTHZ-12", "AUTHZ-13", "AUTHZ-17", "RLS-11"] {
        let ControlState::Unknown { reason } = &scan.result(id).unwrap().state else { panic!("{id}") };
        assert!(reason.contains("5000"));
    }
    // What is found in the part that was seen still counts, and the cut is told.
    item(&mut set, "functions").rows[0][10] = Some("true".to_owned());
    let scan = judge(&set, &context());
    let found = scan.result("AUTHZ-11").unwrap();
    assert!(found.state == ControlState::Fail && !found.whole && found.notes[0].contains("5000"));
    // A database that can't be entered does the same to whatever is asked in databases.
    let mut set = good();
    set.databases
        .push(reeve_model::compliance::DatabaseRead { name: "closed".into(), missing: Some("The database closed lets nobody in.".into()) });
    let scan = judge(&set, &context());
    for control in registry::CONTROLS.iter().filter(|c| c.evidence.contains(&"functions") || c.evidence.contains(&"policies")) {
        assert_eq!(scan.result(control.id).unwrap().state.word(), "unknown", "{}", control.id);
    }
}

/// What Reeve's own session overrides, or does not see, is not taken for what others get.
#[test]
fn e1_a_setting_of_reeves_own_role_is_unknown() {
    let mut set = good();
    let row = item(&mut set, "settings").rows.iter_mut().find(|r| r[0].as_deref() == Some("log_statement")).unwrap();
    row[2] = Some("user".to_owned());
    assert_eq!(judge(&set, &context()).result("LOG-05").unwrap().state.word(), "unknown");
    let mut set = good();
    item(&mut set, "settings").rows.retain(|r| r[0].as_deref() != Some("shared_preload_libraries"));
    let scan = judge(&set, &context());
    for id in ["LOG-06", "CFG-02", "AUTH-12"] {
        assert_eq!(scan.result(id).unwrap().state.word(), "unknown", "{id}: a setting that is not shown is not unset");
    }
}

/// From 18 on log_connections is a list; a comparison with "on" would fail servers that log everything.
#[test]
fn a7_log_connections_is_read_as_its_version_means_it() {
    for (version, value, good_value) in [
        (150_020, "on", true),
        (180_007, "on", true),
        (180_007, "all", true),
        (180_007, "receipt,authentication,authorization", true),
        (180_007, "receipt", false),
        (180_007, "", false),
        (150_020, "off", false),
    ] {
        let mut set = good();
        set.version_num = version;
        crate::fixture::set(&mut set, "log_connections", value);
        assert_eq!(judge(&set, &context()).result("LOG-02").unwrap().state == ControlState::Pass, good_value, "{version} {value}");
    }
}

#[test]
fn e3_findings_are_open_fixed_and_regressed() {
    let (bad, fine) = (judge(&mutated("AUTHZ-08"), &context()), judge(&good(), &context()));
    let first = findings(&[], &bad, &context());
    assert_eq!((first.len(), first[0].state), (1, FindingState::Open));
    assert_eq!(first[0].offender.fix, "REVOKE SELECT ON TABLE \"public\".\"t\" FROM PUBLIC;");
    let fixed = findings(&first, &fine, &context());
    assert_eq!(fixed[0].state, FindingState::Fixed);
    let back = findings(&fixed, &bad, &context());
    assert_eq!((back.len(), back[0].state, &back[0].fingerprint), (1, FindingState::Regressed, &first[0].fingerprint));
    // A scan that could not look fixes nothing.
    let mut blind = good();
    item(&mut blind, "public_grants").missing = Some("It took too long.".into());
    let kept = findings(&first, &judge(&blind, &context()), &context());
    assert_eq!(kept[0].state, FindingState::Open);
}

#[test]
fn e3_the_difference_between_two_scans_is_told() {
    let (bad, fine) = (judge(&mutated("AUTHZ-08"), &context()), judge(&good(), &context()));
    let changes = diff(&fine, &bad).unwrap();
    assert_eq!(changes.iter().map(|c| c.kind).collect::<Vec<_>>(), [ChangeKind::State, ChangeKind::Appeared]);
    let fixed = diff(&bad, &fine).unwrap()[1].clone();
    let former = &bad.result("AUTHZ-08").unwrap().offenders[0].sentence;
    assert_eq!((fixed.kind, fixed.sentence), (ChangeKind::Disappeared, format!("No longer so: {former}")));
    // Where nobody knows what was said, it still reads as a repair and not as a loss.
    let untold = reeve_rules::compliance::changes(&outcome(&bad), &outcome(&fine), &|_, _, _| None).unwrap()[1].clone();
    assert_eq!(untold.sentence, format!("What AUTHZ-08 objected to in {} is no longer so.", untold.object));
    let mut blind = good();
    item(&mut blind, "public_grants").missing = Some("It took too long.".into());
    assert_eq!(diff(&bad, &judge(&blind, &context())).unwrap()[1].kind, ChangeKind::LostSight);
    let mut other = fine.clone();
    other.catalogue += 1;
    assert!(diff(&fine, &other).is_none(), "editions are not compared");
}

/// Names that want to be something else stay names in every repair.
#[test]
fn e1_hostile_names_are_quoted_in_repairs() {
    let mut set = good();
    add(&mut set, "public_grants", "pub\"; DROP TABLE x; --|<script>alert(1)</script>\\nx|∅|r|SELECT");
    let scan = judge(&set, &context());
    let offender = &scan.result("AUTHZ-08").unwrap().offenders[0];
    assert_eq!(offender.fix, "REVOKE SELECT ON TABLE \"pub\"\"; DROP TABLE x; --\".\"<script>alert(1)</script>\nx\" FROM PUBLIC;");
}

#[test]
fn e2_severities_frameworks_and_citations_are_as_the_law_writes_them() {
    assert_eq!(Severity::ALL.map(Severity::weight), [10, 5, 2, 1, 0]);
    assert_eq!(Framework::Gdpr.cite("32(1)(b)"), "Art. 32(1)(b)");
    assert_eq!(Framework::Ccpa.cite("100(e)"), "Cal. Civ. Code § 1798.100(e)");
    assert_eq!(Framework::Ccpa.cite("7101"), "11 CCR § 7101");
    assert_eq!(Framework::Hipaa.cite("312(d)"), "45 CFR § 164.312(d)");
}
