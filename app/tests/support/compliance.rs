//! Compliance that is made up: scores, findings in every state, evidence with hostile rows.

use super::{HOSTILE, Scenario, name, overview as estate, ports::Fake};
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{AcceptFinding, ScanTarget, ViewCompliance, ViewFinding, ViewFindings},
};
use reeve_model::{
    Fault, TargetName, UnixMs,
    compliance::{
        Acceptance, AcceptedRisk, Attestation, AuditReport, Cap, ChangesQuery, CitedClause, Clause, ClauseState, ComplianceOverview,
        ControlDetail, ControlList, ControlOnTarget, ControlQuery, ControlResult, ControlRow, ControlState, Coverage, DISCLAIMER, Evidence,
        Finding, FindingDetail, FindingPage, FindingQuery, FindingState, Framework, FrameworkView, Human, NotAssessed, Offender,
        ScanChanges, ScanState, Score, Severity, Strength, Subject, TargetCompliance,
    },
};
use reeve_ports::{CompliancePort, NewAcceptance, NewWord, PortError, Vouching};
use std::sync::Arc;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

pub fn findings(now: UnixMs) -> Vec<Finding> {
    let finding = |n: u8, control: &str, severity, target: &str, database: Option<&str>, object: &str, sentence: &str, state| Finding {
        fingerprint: format!("{n:032x}"),
        control: control.into(),
        title: format!("What {control} demands"),
        severity,
        target: name(target),
        offender: Offender {
            database: database.map(Into::into),
            object: object.into(),
            sentence: sentence.into(),
            fix: format!("ALTER ROLE {object} NOSUPERUSER;"),
            undo: format!("ALTER ROLE {object} SUPERUSER;"),
        },
        lock: "locks nothing that sessions wait for".into(),
        state,
        first_seen: now.plus_ms(-9 * DAY),
        last_seen: now.plus_ms(-12 * 60_000),
        acceptance: None,
        accepted_for: None,
    };
    use FindingState::{Accepted, Fixed, Open, Regressed};
    use Severity::{Critical, High, Low, Medium};
    vec![
        finding(
            1,
            "AUTH-01",
            Critical,
            "findawise",
            None,
            "pg_hba.conf:12",
            "Line 12 lets anybody in from 0.0.0.0/0 without a password.",
            Open,
        ),
        finding(2, "AUTHZ-01", High, "findawise", None, "app_owner", "The role app_owner is a superuser.", Regressed),
        finding(
            3,
            "RLS-03",
            High,
            "findawise",
            Some("findawise"),
            HOSTILE,
            &format!("Whoever may call {HOSTILE} becomes its owner."),
            Open,
        ),
        finding(4, "CONF-07", Medium, "findawise", None, "log_connections", "Connections are not logged.", Accepted),
        finding(5, "CONF-09", Low, "findawise", None, "log_hostname", "Names of hosts are looked up.", Fixed),
        finding(6, "AUTHZ-01", High, "ledger-prod", None, "etl", "The role etl is a superuser.", Open),
    ]
}

fn scan(now: UnixMs, target: &TargetName) -> ScanState {
    let fresh = target.as_str() == "findawise";
    let known = target.as_str() != "newcomer";
    ScanState {
        target: target.clone(),
        scanned_at: known.then(|| now.plus_ms(if fresh { -12 * 60_000 } else { -30 * HOUR })),
        server: Some("localhost:5432/findawise".into()),
        version: known.then(|| "PostgreSQL 15.18".into()),
        role: known.then(|| "reeve_monitor".into()),
        hash: known.then(|| "c0ffee".repeat(10)),
        stale: known && !fresh,
        fault: (known && !fresh).then(|| Fault { since: now.plus_ms(-29 * HOUR), sentence: "The server refuses connections.".into() }),
        scanning: !known,
    }
}

fn score(proven: Option<f64>) -> Score {
    let some = proven.is_some();
    Score {
        proven,
        uncapped: proven.map(|_| 71.4),
        upper: proven.map(|_| 59.0),
        with_accepted: proven.map(|_| 73.2),
        cap: proven.map(|_| Cap { limit: 59.0, controls: vec!["AUTH-01".into()], sentence: "AUTH-01 fails, and it is critical.".into() }),
        unknown_critical: Vec::new(),
        weight: 300,
        passed: if some { 44 } else { 0 },
        failed: if some { 4 } else { 0 },
        accepted: u32::from(some),
        unknown: if some { 9 } else { 57 },
        not_applicable: if some { 3 } else { 0 },
        attested: 0,
        formula: 1,
    }
}

fn framework(framework: Framework) -> FrameworkView {
    let clause = |key: &str, title: &str, human, state, failing: &[&str], passing: &[&str]| Clause {
        key: key.into(),
        citation: framework.cite(key),
        title: title.into(),
        human,
        state,
        attestation_missing: human == Human::Also,
        attested: (human == Human::Only).then(|| Attestation {
            subject: Subject::Clause { framework, clause: key.into() },
            by: "ines.officer@example.org".into(),
            statement: format!("Counsel has looked at it {HOSTILE}."),
            document: String::new(),
            at: UnixMs(1_790_000_000_000),
            expires: UnixMs(1_810_000_000_000),
            withdrawn: None,
        }),
        passing: passing.iter().map(|c| (*c).to_owned()).collect(),
        failing: failing.iter().map(|c| ((*c).to_owned(), Severity::Critical)).collect(),
        unknown: Vec::new(),
        not_applicable: Vec::new(),
        not_assessed: vec!["PII-04".into()],
        supporting: vec!["CONF-07".into(), "CONF-08".into()],
        supporting_failing: vec!["CONF-08".into()],
    };
    FrameworkView {
        framework,
        title: framework.title().into(),
        edition: "edition 1, 2026-11-20".into(),
        total: 4,
        met: 1,
        partly: 0,
        unmet: 1,
        unknown: 0,
        no_evidence: 1,
        only_person: 1,
        attested: 1,
        evidenced: 2,
        clauses: vec![
            clause("32(1)(b)", "Confidentiality, integrity, availability", Human::Also, ClauseState::Unmet, &["AUTH-01"], &["AUTH-04"]),
            clause("32(1)(c)", "Restore", Human::No, ClauseState::Met, &[], &["BCK-01"]),
            clause("5(1)(c)", "Minimisation", Human::Also, ClauseState::NoEvidence, &[], &[]),
            clause("5(1)(a)", "Lawfulness", Human::Only, ClauseState::OnlyPerson, &[], &[]),
        ],
        disclaimer: DISCLAIMER.into(),
    }
}

fn evidence(now: UnixMs) -> Vec<Evidence> {
    vec![Evidence {
        id: "roles".into(),
        database: None,
        query: "SELECT rolname, rolsuper FROM pg_catalog.pg_roles".into(),
        columns: vec!["rolname".into(), "rolsuper".into()],
        rows: vec![vec![Some("app_owner".into()), Some("t".into())], vec![Some(HOSTILE.into()), None]],
        row_count: 912,
        at: now.plus_ms(-12 * 60_000),
        elapsed_ms: 3,
        hash: "ab".repeat(32),
        missing: Some("Only roles that this role may see.".into()),
    }]
}

fn clauses() -> Vec<CitedClause> {
    vec![CitedClause {
        framework: Framework::Gdpr,
        citation: "Art. 32(1)(b)".into(),
        title: "Confidentiality".into(),
        strength: Strength::Direct,
        human: Human::Also,
    }]
}

fn risk(now: UnixMs, withdrawn: bool) -> AcceptedRisk {
    AcceptedRisk {
        acceptance: Acceptance {
            fingerprint: format!("{:032x}", 4),
            by: "ines.officer@example.org".into(),
            reason: format!("The new log pipeline comes in March. {HOSTILE}"),
            at: now.plus_ms(-5 * DAY),
            expires: now.plus_ms(25 * DAY),
        },
        owner: "bo.operator@example.org".into(),
        withdrawn: withdrawn.then(|| (now.plus_ms(-DAY), "ines.officer@example.org".into())),
    }
}

#[async_trait]
impl CompliancePort for Fake {
    async fn scores(&self, grant: Grant<ViewCompliance>) -> Result<Arc<ComplianceOverview>, PortError> {
        let now = UnixMs::now();
        let sees = |name: &TargetName| grant.principal().may_for("view", "findings", name);
        let all = findings(now);
        let names = estate(now, self.0).targets.into_iter().map(|t| t.info.name).filter(|n| grant.covers(n));
        let bare = |s: Score| Score { cap: s.cap.map(|c| Cap { controls: Vec::new(), sentence: String::new(), ..c }), ..s };
        let everywhere = estate(now, self.0).targets.iter().filter(|t| grant.covers(&t.info.name)).all(|t| sees(&t.info.name));
        let score = |proven| if everywhere { score(proven) } else { bare(score(proven)) };
        let targets: Vec<TargetCompliance> = names
            .map(|target| {
                let of = || all.iter().filter(|f| f.target == target && f.state.waits());
                let open = Severity::ALL.map(|s| (s, of().filter(|f| f.severity == s).count() as u32)).into_iter().filter(|(_, n)| *n > 0);
                TargetCompliance {
                    score: match target.as_str() {
                        "findawise" => Some(score(Some(59.0))),
                        "ledger-prod" => Some(score(None)),
                        _ => None,
                    },
                    open: open.collect(),
                    accepted: u32::from(target.as_str() == "findawise"),
                    worst: if sees(&target) { of().take(3).cloned().collect() } else { Vec::new() },
                    scan: scan(now, &target),
                }
            })
            .collect();
        let any = targets.iter().any(|t| t.score.is_some());
        let mut frameworks: Vec<FrameworkView> = Framework::ALL.into_iter().filter(|_| any).map(framework).collect();
        if !targets.iter().all(|t| sees(&t.scan.target)) {
            frameworks.iter_mut().for_each(|f| f.clauses.clear());
        }
        Ok(Arc::new(ComplianceOverview {
            at: now,
            total: 150,
            score: any.then(|| score(Some(59.0))),
            targets,
            coverage: Coverage::default(),
            frameworks,
            every_ms: HOUR,
            fresh_ms: DAY,
            unrecorded: (self.0 == Scenario::Trouble).then(|| "The newest scan could not be written down.".into()),
        }))
    }

    async fn report(&self, _: Grant<ViewFindings>) -> Result<AuditReport, PortError> {
        Err(PortError::Unavailable("No page asks for the report.".into()))
    }

    async fn findings(&self, grant: Grant<ViewFindings>, query: FindingQuery) -> Result<FindingPage, PortError> {
        let now = UnixMs::now();
        let known = estate(now, self.0);
        let mut items = findings(now);
        items.retain(|f| grant.covers(&f.target) && known.targets.iter().any(|t| t.info.name == f.target));
        items.retain(|f| query.state.map_or(f.state != FindingState::Fixed, |s| f.state == s));
        let total = items.len() as u32;
        items.retain(|f| {
            query.severity.is_none_or(|s| f.severity == s)
                && query.target.as_ref().is_none_or(|t| f.target == *t)
                && query.control.as_ref().is_none_or(|c| f.control == *c)
                && query.text.as_ref().is_none_or(|t| f.offender.sentence.contains(t))
        });
        let matching = items.len() as u32;
        let items: Vec<_> =
            items.into_iter().skip(query.offset as usize).take(if query.limit == 0 { 50 } else { query.limit as usize }).collect();
        let end = query.offset + items.len() as u32;
        Ok(FindingPage { at: now, items, matching, total, next: (end < matching).then_some(end), scans: Vec::new() })
    }

    fn exported(&self, _: &Grant<ViewFindings>, _: &FindingQuery, _: &str) {}

    async fn finding(&self, grant: Grant<ViewFinding>) -> Result<FindingDetail, PortError> {
        let now = UnixMs::now();
        let (target, print) = grant.resource();
        let finding = findings(now).into_iter().find(|f| f.target == *target && f.fingerprint == *print);
        let finding = finding.ok_or_else(|| PortError::NotFound("There is no such finding on this target.".into()))?;
        let accepted = finding.state == FindingState::Accepted;
        let stale = scan(now, target).stale;
        Ok(FindingDetail {
            at: now,
            why: "Whoever becomes a superuser reads and changes everything.".into(),
            state: Some(if stale {
                ControlState::Unknown { reason: "The evidence roles is too old; scan again.".into() }
            } else {
                ControlState::Fail
            }),
            scan: scan(now, target),
            evidence: evidence(now),
            clauses: clauses(),
            risks: if accepted { vec![risk(now, false), risk(now, true)] } else { Vec::new() },
            most_days: finding.severity.most_accepted_days(),
            finding,
        })
    }

    async fn controls(&self, grant: Grant<ViewFindings>, query: ControlQuery) -> Result<ControlList, PortError> {
        let now = UnixMs::now();
        let names = estate(now, self.0).targets.into_iter().map(|t| t.info.name);
        let asked = names.filter(|n| grant.covers(n) && query.target.as_ref().is_none_or(|t| t == n));
        let scans = asked.map(|n| scan(now, &n)).collect();
        let row = |control: &str, severity, state: &str, reason: Option<&str>, offenders| ControlRow {
            control: control.into(),
            title: format!("What {control} demands"),
            severity,
            state: state.into(),
            reason: reason.map(Into::into),
            population: 12,
            offenders,
        };
        let mut items = vec![
            row("AUTH-01", Severity::Critical, "fail", None, 1),
            row("AUTH-02", Severity::High, "unknown", Some("GRANT pg_monitor would show it."), 0),
            row("AUTH-04", Severity::High, "pass", None, 0),
            row("PII-04", Severity::High, "not_assessed", Some("Reeve does not judge it yet."), 0),
        ];
        let states = ["fail", "unknown", "pass", "not_assessed"].map(|s| (s.to_owned(), 1)).to_vec();
        items.retain(|r| query.state.as_ref().is_none_or(|s| r.state == *s));
        Ok(ControlList { at: now, items, states, scans })
    }

    async fn control(&self, grant: Grant<ViewFindings>, id: &str) -> Result<ControlDetail, PortError> {
        let now = UnixMs::now();
        let judged = id != "PII-04";
        let person = id == "ENC-09";
        let word = |target: &TargetName, days: i64| Attestation {
            subject: Subject::Control { target: target.clone(), control: id.into() },
            by: "ines.officer@example.org".into(),
            statement: format!("The volumes are encrypted {HOSTILE}."),
            document: "file 12/7".into(),
            at: now.plus_ms(-DAY),
            expires: now.plus_ms(days * DAY),
            withdrawn: None,
        };
        if !["AUTH-01", "AUTHZ-01", "PII-04", "ENC-09"].contains(&id) {
            return Err(PortError::NotFound("There is no such control.".into()));
        }
        let names = estate(now, self.0).targets.into_iter().map(|t| t.info.name).filter(|n| judged && grant.covers(n));
        let on = |target: TargetName| {
            let found: Vec<_> = findings(now).into_iter().filter(|f| f.target == target && f.control == id).collect();
            let known = target.as_str() != "newcomer";
            ControlOnTarget {
                result: known.then(|| ControlResult {
                    control: id.into(),
                    title: format!("What {id} demands"),
                    severity: Severity::High,
                    state: if found.is_empty() { ControlState::Pass } else { ControlState::Fail },
                    population: 7,
                    offenders: found.iter().map(|f| f.offender.clone()).collect(),
                    notes: vec!["The database old does not let this role in.".into()],
                    credit: 0.0,
                    accepted: false,
                    whole: true,
                    on_personal_data: false,
                    evidence: vec![0],
                    lock: String::new(),
                    clauses: Vec::new(),
                }),
                findings: found,
                evidence: if known { evidence(now) } else { Vec::new() },
                scan: scan(now, &target),
            }
        };
        let names: Vec<_> = names.collect();
        Ok(ControlDetail {
            attestable: person,
            attestations: names.first().filter(|_| person).map(|t| vec![word(t, 90), word(t, -1)]).unwrap_or_default(),
            at: now,
            control: id.into(),
            title: format!("What {id} demands"),
            severity: Severity::High,
            why: "Why it matters.".into(),
            clauses: clauses(),
            targets: names.into_iter().map(on).collect(),
            not_assessed: (!judged || person).then(|| NotAssessed {
                control: id.into(),
                title: "Minimisation".into(),
                severity: Severity::High,
                reason: "It needs samples of the users' own rows.".into(),
                only_person: person,
            }),
        })
    }

    async fn scan(&self, _: Grant<ScanTarget>) -> Result<(), PortError> {
        Ok(())
    }

    async fn accept(&self, _: Grant<AcceptFinding>, _: NewAcceptance) -> Result<(), PortError> {
        Ok(())
    }

    async fn withdraw(&self, _: Grant<AcceptFinding>) -> Result<(), PortError> {
        Ok(())
    }

    async fn changes(&self, grant: Grant<ViewFindings>, query: ChangesQuery) -> Result<ScanChanges, PortError> {
        let now = UnixMs::now();
        let targets: Vec<_> = estate(now, self.0).targets.into_iter().map(|t| t.info.name).filter(|n| grant.covers(n)).collect();
        Ok(super::changes::found(now, targets, &query))
    }

    async fn attest(&self, _: Vouching, _: NewWord) -> Result<(), PortError> {
        Ok(())
    }

    async fn take_back(&self, _: Vouching) -> Result<(), PortError> {
        Ok(())
    }
}
