//! Scans, findings and accepted risks as the runtime login keeps them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, account, event, refused};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{
        Attestation, ControlOutcome, DatabaseRead, Evidence, EvidenceSet, Finding, FindingState, Framework, Offender, ScanOutcome, Score,
        Severity, Subject,
    },
    pool::StoreRole,
};
use reeve_store::{
    Store, StoreError,
    accounts::DEFAULT_ORG,
    compliance::{AcceptOutcome, NewAcceptance, NewAttestation, NewScan},
};
use uuid::Uuid;

const DAY_MS: i64 = 86_400_000;

fn target() -> TargetName {
    TargetName::new("shop").unwrap()
}

fn finding(n: u8, state: FindingState, seen: UnixMs) -> Finding {
    Finding {
        fingerprint: format!("{n:032x}"),
        control: "AUTHZ-01".into(),
        title: "No superuser".into(),
        severity: Severity::High,
        target: target(),
        offender: Offender {
            database: (n > 1).then(|| "shop \"db\"".into()),
            object: "'; DROP TABLE x; --".into(),
            sentence: "A role is a superuser.".into(),
            fix: "ALTER ROLE x NOSUPERUSER;".into(),
            undo: "ALTER ROLE x SUPERUSER;".into(),
        },
        lock: "locks nothing".into(),
        state,
        first_seen: seen,
        last_seen: seen,
        acceptance: None,
        accepted_for: None,
    }
}

fn evidence(at: UnixMs) -> EvidenceSet {
    EvidenceSet {
        target: target(),
        server: "db.example:5432".into(),
        version_num: 150_018,
        version: "PostgreSQL 15.18".into(),
        standby: false,
        role: "monitor".into(),
        started_at: at,
        finished_at: at,
        databases: vec![DatabaseRead { name: "shop".into(), missing: None }],
        items: vec![Evidence {
            id: "roles".into(),
            database: None,
            query: "SELECT 1".into(),
            columns: vec!["a".into()],
            rows: vec![vec![None], vec![Some("é\u{1}".into())]],
            row_count: 2,
            at,
            elapsed_ms: 1,
            hash: "ab".into(),
            missing: None,
        }],
    }
}

fn scan(at: UnixMs, lives: Vec<Finding>) -> NewScan {
    let score = Score { proven: Some(62.5), upper: Some(81.25), passed: 5, failed: 3, unknown: 2, formula: 1, ..Score::default() };
    NewScan {
        id: Uuid::new_v4(),
        at,
        catalogue: 1,
        score,
        evidence: evidence(at),
        hash: [7; 32],
        findings: 2,
        outcome: outcome(&lives),
        lives,
    }
}

fn outcome(lives: &[Finding]) -> ScanOutcome {
    let there = lives.iter().filter(|f| f.state != FindingState::Fixed);
    let offenders: Vec<_> = there.map(|f| (f.offender.database.clone(), f.fingerprint.clone())).collect();
    let state = if offenders.is_empty() { "pass" } else { "fail" };
    let of = ControlOutcome { control: "AUTHZ-01".into(), state: state.into(), whole: true, offenders };
    ScanOutcome { catalogue: 1, controls: vec![of], unread: Vec::new() }
}

fn risk(account: Uuid, owner: &str, days: i64, severity: Severity) -> NewAcceptance {
    let at = UnixMs::now();
    NewAcceptance {
        id: Uuid::new_v4(),
        fingerprint: format!("{:032x}", 1),
        target: "shop".into(),
        control: "AUTHZ-01".into(),
        severity,
        owner: owner.into(),
        account,
        by: "ines@example.org".into(),
        reason: "It goes away with the move in March.".into(),
        at,
        expires: at.plus_ms(days * DAY_MS),
    }
}

#[tokio::test]
async fn e1_a_scan_is_kept_with_its_evidence_and_the_lives_of_its_findings() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    assert_eq!(store.newest_scan(&target()).await.unwrap(), None);
    let (first, later) = (UnixMs(1_700_000_000_000), UnixMs(1_700_003_600_000));
    let new = scan(first, vec![finding(1, FindingState::Open, first), finding(2, FindingState::Open, first)]);
    store.keep_scan(new.clone()).await.unwrap();
    store.keep_scan(new).await.unwrap();
    let mut back = finding(1, FindingState::Regressed, later);
    let mut gone = finding(2, FindingState::Fixed, first);
    (back.first_seen, gone.last_seen) = (later, first);
    store.keep_scan(scan(later, vec![back, gone])).await.unwrap();
    let kept = store.findings_of(&target()).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((kept[0].state, kept[0].first_seen, kept[0].last_seen), (FindingState::Regressed, first, later), "the first moment stays");
    assert_eq!((kept[1].state, kept[1].last_seen), (FindingState::Fixed, first));
    assert_eq!(kept[1].offender, finding(2, FindingState::Fixed, first).offender);
    let newest = store.newest_scan(&target()).await.unwrap().unwrap();
    assert_eq!((newest.evidence, newest.hash), (evidence(later), [7; 32]));
    let scans: i64 = sqlx::query_scalar("SELECT count(*) FROM compliance.scan").fetch_one(&mut bench.owner("one").await).await.unwrap();
    assert_eq!(scans, 2, "kept once however often it is handed over");
    assert_eq!(store.findings_of(&TargetName::new("other").unwrap()).await.unwrap(), []);
    let mut runtime = bench.runtime("one").await;
    for forbidden in [
        "UPDATE compliance.scan SET proven = 100",
        "DELETE FROM compliance.scan",
        "DELETE FROM compliance.finding",
        "DELETE FROM compliance.evidence",
        "TRUNCATE compliance.finding",
        "DELETE FROM main.acceptance",
        "DELETE FROM main.attestation",
        "UPDATE compliance.outcome SET body = '{}'",
        "DELETE FROM compliance.outcome",
    ] {
        assert!(refused(&mut runtime, forbidden).await, "{forbidden}");
    }
}

#[tokio::test]
async fn e1_findings_live_on_in_the_compliance_database_only() {
    let bench = Bench::migrated().await;
    for domain in reeve_store::Domain::ALL {
        reeve_store::migrate::up(&mut bench.owner("two").await, domain, Bench::RUNTIME).await.unwrap();
    }
    let store = Store::new(bench.pools_with(Some(StoreRole::Compliance)), DEFAULT_ORG);
    let at = UnixMs(1_700_000_000_000);
    store.keep_scan(scan(at, vec![finding(1, FindingState::Open, at)])).await.unwrap();
    for (database, expected) in [("one", 0), ("two", 1)] {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM compliance.finding").fetch_one(&mut bench.owner(database).await).await.unwrap();
        assert_eq!(count, expected, "{database}");
    }
    assert_eq!(store.findings_of(&target()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn e2_a_risk_is_accepted_by_one_for_another_and_each_decision_is_told() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let mut c = bench.owner("one").await;
    let ines = account(&mut c, 1, "ines@example.org", &["security_officer"]).await;
    account(&mut c, 2, "bo@example.org", &["operator"]).await;
    let told = bench.outbox().await.len();
    let accept = |new: NewAcceptance| store.accept_risk(new, event("accept", "finding", "shop"));
    assert_eq!(accept(risk(ines, "nobody@example.org", 30, Severity::High)).await.unwrap(), AcceptOutcome::NoOwner);
    assert_eq!(accept(risk(ines, "INES@example.org", 30, Severity::High)).await.unwrap(), AcceptOutcome::SamePerson);
    assert!(matches!(accept(risk(ines, "bo@example.org", 91, Severity::Critical)).await, Err(StoreError::Invalid(_))));
    assert!(matches!(accept(risk(ines, "bo@example.org", 366, Severity::Low)).await, Err(StoreError::Invalid(_))));
    assert_eq!(bench.outbox().await.len(), told, "what was not done is not told as done");
    let first = risk(ines, "bo@example.org", 90, Severity::Critical);
    assert_eq!(accept(first.clone()).await.unwrap(), AcceptOutcome::Accepted);
    assert_eq!(accept(first).await.unwrap(), AcceptOutcome::Accepted, "a retry makes no second one");
    assert_eq!(accept(risk(ines, "bo@example.org", 365, Severity::High)).await.unwrap(), AcceptOutcome::Accepted);
    assert_eq!(bench.outbox().await.len(), told + 2);
    let all = store.accepted_risks().await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0].risk.withdrawn.is_none() && all[1].risk.withdrawn.is_some(), "a new acceptance ends the one before");
    assert_eq!((all[0].risk.owner.as_str(), all[0].risk.acceptance.by.as_str()), ("bo@example.org", "ines@example.org"));
    let print = format!("{:032x}", 1);
    let withdraw = || store.withdraw_risk(&print, "ines@example.org", UnixMs::now(), event("withdraw", "acceptance", "shop"));
    assert!(withdraw().await.unwrap() && !withdraw().await.unwrap(), "only once");
    assert_eq!(bench.outbox().await.len(), told + 3);
    assert!(store.accepted_risks().await.unwrap().iter().all(|r| r.risk.withdrawn.is_some()));
}

#[tokio::test]
async fn e3_what_a_scan_found_is_kept_once_and_any_two_can_be_compared() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let at = |n: i64| UnixMs(1_700_000_000_000 + n * 3_600_000);
    let one = |n: i64| vec![finding(1, FindingState::Open, at(n))];
    let two = |n: i64| vec![finding(1, FindingState::Open, at(n)), finding(2, FindingState::Open, at(n))];
    let scans = [scan(at(0), one(0)), scan(at(1), one(1)), scan(at(2), two(2)), scan(at(3), two(3)), scan(at(4), one(4))];
    for new in &scans {
        store.keep_scan(new.clone()).await.unwrap();
    }
    let changed = store.changed_scans(&target(), 10).await.unwrap();
    let moments: Vec<_> = changed.iter().map(|line| line.at).collect();
    assert_eq!(moments, [at(4), at(2), at(0)], "the first, and those that found something else");
    assert_eq!((changed[0].proven, changed[0].failed), (Some(62.5), 3));
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM compliance.outcome").fetch_one(&mut bench.owner("one").await).await.unwrap();
    assert_eq!(kept, 2, "five scans, two outcomes");
    for new in &scans {
        let (line, found) = store.scan_outcome(&target(), new.id).await.unwrap().unwrap();
        assert_eq!((line.at, &found), (new.at, &new.outcome));
    }
    assert_eq!(
        store.scan_outcome(&TargetName::new("other").unwrap(), scans[0].id).await.unwrap(),
        None,
        "of another target it is not there"
    );
    assert_eq!(store.changed_scans(&target(), 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn e1_a_persons_word_ends_and_each_is_told() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let ines = account(&mut bench.owner("one").await, 1, "ines@example.org", &["security_officer"]).await;
    let told = bench.outbox().await.len();
    let word = |subject: &Subject, days: i64| {
        let at = UnixMs(UnixMs::now().0);
        let word = Attestation {
            subject: subject.clone(),
            by: "ines@example.org".into(),
            statement: "The volumes are encrypted.".into(),
            document: "file 12/7".into(),
            at,
            expires: at.plus_ms(days * DAY_MS),
            withdrawn: None,
        };
        NewAttestation { id: Uuid::new_v4(), account: ines, word }
    };
    let control = Subject::Control { target: target(), control: "ENC-09".into() };
    let clause = Subject::Clause { framework: Framework::Gdpr, clause: "5(1)(a)".into() };
    let attest = |new: NewAttestation| store.attest(new, event("attest", "control", "shop"));
    assert!(matches!(attest(word(&control, 366)).await, Err(StoreError::Invalid(_))));
    assert!(attest(word(&control, 0)).await.is_err());
    assert_eq!(bench.outbox().await.len(), told);
    let first = word(&control, 365);
    attest(first.clone()).await.unwrap();
    attest(first.clone()).await.unwrap();
    attest(word(&clause, 30)).await.unwrap();
    attest(word(&control, 30)).await.unwrap();
    assert_eq!(bench.outbox().await.len(), told + 3, "a retry makes no second one");
    let all = store.attestations().await.unwrap();
    let holding: Vec<_> = all.iter().filter(|a| a.holds(UnixMs::now())).map(|a| a.subject.clone()).collect();
    assert_eq!((all.len(), holding.len()), (3, 2), "a new word ends the one before");
    assert!(holding.contains(&control) && holding.contains(&clause));
    assert_eq!(all.iter().find(|a| a.withdrawn.is_some()).unwrap().statement, first.word.statement);
    let withdraw = || store.withdraw_attestation(&control, "ines@example.org", UnixMs::now(), event("withdraw", "attestation", "shop"));
    assert!(withdraw().await.unwrap() && !withdraw().await.unwrap(), "only once");
    assert_eq!(bench.outbox().await.len(), told + 4);
}
