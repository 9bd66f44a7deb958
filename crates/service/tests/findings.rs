//! Scans of a real server, from its catalogues to the pages' port and the store.
#![allow(clippy::unwrap_used)]

use reeve_access::{
    Grant, Permission, Principal, Via, authorize,
    permission::{AcceptFinding, AttestClause, AttestControl, ScanTarget, ViewCompliance, ViewFinding, ViewFindings},
    principal::resolve,
};
use reeve_adapter::{Endpoint, RoleConfig, RolePools};
use reeve_cluster::testing::TestCluster;
use reeve_estate::TargetSpec;
use reeve_model::{
    Binding, Environment, Origin, TargetInfo, TargetKind, TargetName, UnixMs,
    audit::{AuditQuery, Outcome},
    compliance::{ChangeKind, ChangesQuery, ComplianceOverview, ControlQuery, Finding, FindingQuery, FindingState, Framework},
};
use reeve_ports::{CompliancePort, NewAcceptance, NewWord, PortError, Vouching};
use reeve_runtime::Supervisor;
use reeve_service::{Hub, audit::Trail, backups::Backups, compliance::Compliance, registry::Registry};
use reeve_store::{
    Domain, Store,
    accounts::{DEFAULT_ORG, NewAccount},
    migrate,
};
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

const OFFICER: u128 = 1;

/// A store and a target, two servers, with scans that run.
struct Bench {
    target: TestCluster,
    _store: TestCluster,
    store: Store,
    trail: Trail,
    spec: TargetSpec,
    compliance: Compliance,
    supervisor: Supervisor,
}

impl Bench {
    async fn start() -> Self {
        let (store_cluster, target) = (TestCluster::start(&[]).await.unwrap(), TestCluster::start(&[]).await.unwrap());
        let mut owner = PgConnection::connect(&store_cluster.url("postgres")).await.unwrap();
        for domain in Domain::ALL {
            migrate::up(&mut owner, domain, "postgres").await.unwrap();
        }
        let pools = RolePools::new(RoleConfig::main_only(Endpoint::parse(&store_cluster.url("postgres")).unwrap())).unwrap();
        let store = Store::new(pools, DEFAULT_ORG);
        for (id, email, role) in [(OFFICER, "ines@example.org", "security_officer"), (2, "bo@example.org", "operator")] {
            let account = NewAccount {
                id: Uuid::from_u128(id),
                org: DEFAULT_ORG,
                email: email.to_owned(),
                display_name: String::from("Somebody"),
                password_hash: "$argon2id$x".to_owned(),
                bindings: vec![Binding::try_from(role.to_owned()).unwrap()],
            };
            let event = Trail::new(store.clone(), None).draft("create", "account", email).finish();
            reeve_store::accounts::create(&mut owner, &account, &event).await.unwrap().unwrap();
        }
        let endpoint = Endpoint::parse(&target.url("postgres")).unwrap();
        let info = TargetInfo {
            name: name(),
            kind: TargetKind::Postgres,
            environment: Environment::Dev,
            address: endpoint.redacted(),
            tags: Vec::new(),
            region: None,
            owner: None,
        };
        let spec = TargetSpec::new(info, endpoint);
        let (trail, supervisor) = (Trail::new(store.clone(), None), Supervisor::new());
        trail.start(&supervisor);
        let compliance = Compliance::new(
            store.clone(),
            trail.clone(),
            backups(&store, &trail),
            Registry::new(vec![spec.clone()]),
            Duration::from_secs(3600),
        );
        compliance.start(&supervisor);
        Self { target, _store: store_cluster, store, trail, spec, compliance, supervisor }
    }

    fn who(&self, role: &str) -> Principal {
        let bindings = vec![Binding::try_from(role.to_owned()).unwrap()];
        Principal {
            account: Uuid::from_u128(OFFICER).to_string(),
            email: "ines@example.org".into(),
            org: DEFAULT_ORG.to_string(),
            session: "s".into(),
            rights: resolve(&bindings, [&self.spec.info].into_iter()),
            bindings,
            only: None,
            via: Via::Session,
            origin: Origin::default(),
            confirmed_at: UnixMs::now(),
            may_change: true,
        }
    }

    fn grant<P: Permission>(&self, resource: P::Resource) -> Grant<P> {
        authorize::<P>(&self.who("security_officer"), resource).unwrap()
    }

    async fn scores(&self) -> Arc<ComplianceOverview> {
        self.compliance.scores(self.grant::<ViewCompliance>(())).await.unwrap()
    }

    /// Waits until the overview says so.
    async fn until(&self, what: &str, is: impl Fn(&ComplianceOverview) -> bool) -> Arc<ComplianceOverview> {
        for _ in 0..300 {
            let overview = self.scores().await;
            if is(&overview) {
                return overview;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what} did not come: {:?}", self.scores().await);
    }

    /// Has the target scanned and waits until that is through.
    async fn scan(&self) {
        let before = self.scores().await.targets[0].scan.scanned_at;
        self.compliance.scan(self.grant::<ScanTarget>(name())).await.unwrap();
        self.until("a new scan", |o| o.targets[0].scan.scanned_at > before && !o.targets[0].scan.scanning).await;
    }

    async fn findings(&self, query: FindingQuery) -> Vec<Finding> {
        self.compliance.findings(self.grant::<ViewFindings>(()), FindingQuery { limit: 500, ..query }).await.unwrap().items
    }

    async fn sql(&self, text: &'static str) {
        let mut c = PgConnection::connect(&self.target.url("postgres")).await.unwrap();
        sqlx::raw_sql(text).execute(&mut c).await.unwrap();
    }

    /// What the audit trail holds of this verb, oldest first, sealed or not.
    async fn told(&self, verb: &str) -> Vec<serde_json::Value> {
        self.trail.settle().await;
        let query = reeve_model::audit::AuditQuery { verb: Some(verb.to_owned()), ..Default::default() };
        let found = self.store.search_audit(query).await.unwrap();
        let after = |e: &reeve_model::audit::AuditEntry| {
            let event = e.event.clone().unwrap();
            serde_json::from_str(event.after.as_deref().unwrap_or("null")).unwrap()
        };
        found.items.iter().rev().map(after).collect()
    }

    /// The same, once there are so many: what comes with no change is written by a task of its own, which may be at it just now.
    async fn noted(&self, verb: &str, least: usize) -> Vec<serde_json::Value> {
        for _ in 0..50 {
            let told = self.told(verb).await;
            if told.len() >= least {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{verb} does not stand {least} times in the trail");
    }
}

fn name() -> TargetName {
    TargetName::new("shop").unwrap()
}

fn named(findings: &[Finding], object: &str) -> Option<Finding> {
    findings.iter().find(|f| f.offender.object.contains(object)).cloned()
}

/// No repository is configured.
fn backups(store: &Store, trail: &Trail) -> Backups {
    Backups::new(store.clone(), Arc::new(Hub::new(Vec::new(), UnixMs::now())), trail.clone(), None)
}

#[tokio::test]
async fn e1_without_a_repository_nothing_is_known_of_backups() {
    let bench = Bench::start().await;
    bench.scan().await;
    for id in ["BKP-01", "BKP-03", "ENC-10"] {
        let control = bench.compliance.control(bench.grant::<ViewFindings>(()), id).await.unwrap();
        let said = format!("{control:?}");
        assert!(said.contains("Unknown") && said.contains("Reeve has no repository of backups"), "{id}: {said}");
    }
    assert!(bench.supervisor.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_a_finding_is_seen_accepted_counted_again_fixed_and_back() {
    let bench = Bench::start().await;
    assert!(bench.scores().await.score.is_none(), "nothing is known before the first scan");
    bench.sql("CREATE ROLE danger LOGIN SUPERUSER").await;
    let first = bench.until("the first scan", |o| o.targets[0].scan.scanned_at.is_some()).await;
    let score = first.targets[0].score.clone().unwrap();
    assert!(score.proven.unwrap() <= score.upper.unwrap() && score.assessed() > 0 && first.total == 150, "{score:?}");
    let found = bench.findings(FindingQuery::default()).await;
    let danger = named(&found, "danger").unwrap_or_else(|| panic!("the planted superuser is not among {found:#?}"));
    assert_eq!(danger.state, FindingState::Open);

    // The audit trail holds the hash that the page shows.
    let told = bench.told("scan").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["evidence"].as_str(), first.targets[0].scan.hash.as_deref());

    // What is wrong with an acceptance is said; the right one holds at once.
    let of = || (name(), danger.fingerprint.clone());
    let accept = |reason: &str, owner: &str, days| {
        let new = NewAcceptance { reason: reason.into(), owner: owner.into(), days };
        bench.compliance.accept(bench.grant::<AcceptFinding>(of()), new)
    };
    let most = danger.severity.most_accepted_days();
    for (reason, owner, days) in [
        ("short", "bo@example.org", 30),
        ("a reason that is long enough", "INES@example.org", 30),
        ("a reason that is long enough", "nobody@example.org", 30),
        ("a reason that is long enough", "bo@example.org", most + 1),
        ("a reason that is long enough", "bo@example.org", 0),
        ("a reason with a hidden \u{202e} mark", "bo@example.org", 30),
    ] {
        assert!(matches!(accept(reason, owner, days).await, Err(PortError::Invalid(_))), "{reason} {owner} {days}");
    }
    accept("It goes away with the move in March.", "bo@example.org", most).await.unwrap();
    let detail = bench.compliance.finding(bench.grant::<ViewFinding>(of())).await.unwrap();
    assert_eq!(detail.finding.state, FindingState::Accepted);
    assert_eq!((detail.risks.len(), detail.risks[0].owner.as_str()), (1, "bo@example.org"));
    assert_eq!(detail.finding.accepted_for.as_deref(), Some("bo@example.org"));
    assert!(!detail.evidence.is_empty() && detail.evidence.iter().all(|e| !e.query.is_empty()), "raw evidence with its query");
    assert!(!detail.clauses.is_empty() && !detail.why.is_empty());
    let accepted = bench.scores().await;
    assert_eq!(accepted.targets[0].accepted, 1);
    assert_eq!(accepted.targets[0].score.as_ref().unwrap().proven, score.proven, "an accepted risk raises no headline");
    bench.compliance.withdraw(bench.grant::<AcceptFinding>(of())).await.unwrap();
    assert!(matches!(bench.compliance.withdraw(bench.grant::<AcceptFinding>(of())).await, Err(PortError::Invalid(_))));
    assert_eq!(bench.told("withdraw").await.len(), 1);

    // Who tried to accept a risk for themselves stands in the trail, beside who accepted it for somebody else.
    let told = bench.noted("accept", 2).await;
    let refused: Vec<_> = told.iter().filter(|after| after["why"].is_string()).collect();
    assert_eq!((told.len(), refused.len()), (2, 1), "{told:?}");
    assert_eq!((refused[0]["owner"].as_str(), refused[0]["fingerprint"].as_str()), (Some("INES@example.org"), Some(&*danger.fingerprint)));
    let query = AuditQuery { verb: Some("accept".into()), outcome: Some(Outcome::Refused), ..AuditQuery::default() };
    let event = bench.store.search_audit(query).await.unwrap().items[0].event.clone().unwrap();
    assert_eq!((event.actor.as_str(), event.noun.as_str(), event.resource.as_str()), ("ines@example.org", "finding", "shop"));

    // What leaves Reeve as a file is in the trail, with what was asked for and nothing else.
    let open = FindingQuery { state: Some(FindingState::Open), ..FindingQuery::default() };
    bench.compliance.exported(&bench.grant::<ViewFindings>(()), &open, "CSV");
    assert_eq!(bench.noted("export", 1).await, [serde_json::json!({ "form": "CSV", "state": "open" })]);

    bench.sql("ALTER ROLE danger NOSUPERUSER NOLOGIN").await;
    bench.scan().await;
    let state = |found: &[Finding]| found.iter().find(|f| f.fingerprint == danger.fingerprint).map(|f| f.state);
    let fixed = FindingQuery { state: Some(FindingState::Fixed), ..FindingQuery::default() };
    assert_eq!(state(&bench.findings(fixed).await), Some(FindingState::Fixed));
    assert_eq!(state(&bench.findings(FindingQuery::default()).await), None);
    bench.sql("ALTER ROLE danger SUPERUSER LOGIN").await;
    bench.scan().await;
    assert_eq!(state(&bench.findings(FindingQuery::default()).await), Some(FindingState::Regressed));

    // A restart knows it all, with its age, before it has scanned anything.
    let none = backups(&bench.store, &bench.trail);
    let again =
        Compliance::new(bench.store.clone(), bench.trail.clone(), none, Registry::new(vec![bench.spec.clone()]), Duration::from_secs(3600));
    let supervisor = Supervisor::new();
    again.start(&supervisor);
    let mut kept = Vec::new();
    for _ in 0..100 {
        kept = again.findings(bench.grant::<ViewFindings>(()), FindingQuery { limit: 500, ..Default::default() }).await.unwrap().items;
        if !kept.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let back = kept.iter().find(|f| f.fingerprint == danger.fingerprint).unwrap();
    assert_eq!((back.state, back.first_seen), (FindingState::Regressed, danger.first_seen));
    assert!(supervisor.stop(Duration::from_secs(5)).await && bench.supervisor.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_a_target_that_can_t_be_scanned_keeps_its_evidence_and_says_why() {
    let mut bench = Bench::start().await;
    let first = bench.until("the first scan", |o| o.targets[0].scan.scanned_at.is_some()).await;
    let controls = bench.compliance.controls(bench.grant::<ViewFindings>(()), ControlQuery::default()).await.unwrap();
    assert_eq!(controls.items.len(), 150, "judged or not, each control is there");
    let stated: u32 = controls.states.iter().map(|(_, n)| n).sum();
    assert_eq!(stated, 150);
    bench.target.stop_server().await;
    bench.compliance.scan(bench.grant::<ScanTarget>(name())).await.unwrap();
    let down = bench.until("the fault", |o| o.targets[0].scan.fault.is_some()).await;
    assert_eq!(down.targets[0].scan.scanned_at, first.targets[0].scan.scanned_at, "the last scan stays, with its age");
    assert_eq!(down.targets[0].score.as_ref().unwrap().proven, first.targets[0].score.as_ref().unwrap().proven, "it is fresh still");
    let told = bench.told("scan").await;
    assert!(told.last().unwrap()["why"].is_string(), "{told:?}");

    let none = bench.compliance.report(bench.grant::<ViewFindings>(())).await.unwrap();
    assert_eq!((none.compliance.len(), none.targets.len()), (5, 1));
    let viewer = authorize::<ViewCompliance>(&bench.who("viewer"), ()).unwrap();
    let seen = bench.compliance.scores(viewer).await.unwrap();
    assert!(seen.targets[0].worst.is_empty() && seen.frameworks.iter().all(|f| f.clauses.is_empty()), "viewers see counts and no finding");
    for score in seen.score.iter().chain(seen.targets.iter().filter_map(|t| t.score.as_ref())) {
        assert!(
            score.unknown_critical.is_empty() && score.cap.as_ref().is_none_or(|cap| cap.controls.is_empty() && cap.sentence.is_empty())
        );
    }
    assert!(seen.score.is_some() && authorize::<ViewFindings>(&bench.who("viewer"), ()).is_err());
    assert!(authorize::<AcceptFinding>(&bench.who("admin"), (name(), String::new())).is_err(), "admins accept nothing");
    assert!(bench.supervisor.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_what_changed_between_scans_is_told() {
    let bench = Bench::start().await;
    let changes = async |query: ChangesQuery| bench.compliance.changes(bench.grant::<ViewFindings>(()), query).await;
    // Through, and written down.
    bench.until("the first scan", |o| o.targets[0].scan.scanned_at.is_some() && !o.targets[0].scan.scanning).await;
    let first = changes(ChangesQuery::default()).await.unwrap();
    assert_eq!((first.scans.len(), first.from, first.changes), (1, None, None), "nothing to compare the first one with");
    bench.sql("CREATE ROLE danger LOGIN SUPERUSER").await;
    bench.scan().await;
    bench.scan().await;
    let found = changes(ChangesQuery::default()).await.unwrap();
    assert_eq!(found.scans.len(), 2, "a scan that found the same is none of them");
    let new = found.changes.unwrap();
    let danger = new.iter().find(|c| c.object.contains("danger") && c.kind == ChangeKind::Appeared).unwrap_or_else(|| panic!("{new:?}"));
    assert!(danger.sentence.len() > 10 && danger.sentence.ends_with('.'), "{danger:?}");
    bench.sql("DROP ROLE danger").await;
    bench.scan().await;
    let newest = changes(ChangesQuery::default()).await.unwrap();
    let new = newest.changes.unwrap();
    let fixed = new.iter().find(|c| c.object == danger.object && c.control == danger.control).unwrap_or_else(|| panic!("{new:?}"));
    assert_eq!((fixed.kind, &fixed.sentence), (ChangeKind::Disappeared, &format!("No longer so: {}", danger.sentence)));
    // The first and the last found the same, whichever way round they are asked for.
    let (one, other) = (newest.scans[2].id.clone(), newest.scans[0].id.clone());
    for (from, to) in [(one.clone(), other.clone()), (other, one)] {
        let query = ChangesQuery { target: Some(name()), from: Some(from), to: Some(to) };
        let both = changes(query).await.unwrap();
        assert!(both.from.unwrap().at < both.to.unwrap().at && both.changes.unwrap().is_empty());
    }
    for id in ["no id", "00000000-0000-4000-8000-000000000000"] {
        let query = ChangesQuery { to: Some(id.into()), ..ChangesQuery::default() };
        assert!(matches!(changes(query).await, Err(PortError::NotFound(_))), "{id}");
    }
    let query = ChangesQuery { target: Some(TargetName::new("elsewhere").unwrap()), ..ChangesQuery::default() };
    assert!(matches!(changes(query).await, Err(PortError::NotFound(_))));
    assert!(bench.supervisor.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_persons_word_stands_beside_the_evidence_and_moves_no_score() {
    let bench = Bench::start().await;
    bench.sql("CREATE ROLE danger LOGIN SUPERUSER").await;
    let before = bench.until("the first scan", |o| o.targets[0].scan.scanned_at.is_some()).await;
    let word = |statement: &str, days| NewWord { statement: statement.into(), document: "file 12/7".into(), days };
    let control = |id: &str| Vouching::Control(bench.grant::<AttestControl>((name(), id.into())));
    let clause = |key: &str| Vouching::Clause(bench.grant::<AttestClause>((Framework::Gdpr, key.into())));
    let good = || word("The volumes are encrypted; seen on the console.", 30);
    for (vouching, word) in [
        (control("AUTHZ-01"), good()),
        (control("ENC-09"), word("short", 30)),
        (control("ENC-09"), word("a statement that is long enough", 366)),
        (control("ENC-09"), word("a statement that is long enough", 0)),
        (control("ENC-09"), word("a statement with a hidden \u{202e} mark", 30)),
    ] {
        assert!(matches!(bench.compliance.attest(vouching, word.clone()).await, Err(PortError::Invalid(_))), "{word:?}");
    }
    for vouching in [control("NONE-99"), clause("999(9)")] {
        assert!(matches!(bench.compliance.attest(vouching, good()).await, Err(PortError::NotFound(_))));
    }
    // What evidence contradicts nobody vouches for; the refusal names what fails.
    match bench.compliance.attest(clause("32(1)(b)"), good()).await {
        Err(PortError::Invalid(why)) => {
            assert!(why.starts_with("Evidence contradicts Art. 32(1)(b): ") && why.contains("AUTHZ-01"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    bench.compliance.attest(control("ENC-09"), good()).await.unwrap();
    bench.compliance.attest(clause("5(1)(a)"), good()).await.unwrap();
    let row = async |id: &str| {
        let list = bench.compliance.controls(bench.grant::<ViewFindings>(()), ControlQuery::default()).await.unwrap();
        list.items.into_iter().find(|r| r.control == id).unwrap().state
    };
    assert_eq!((row("ENC-09").await.as_str(), row("XFER-04").await.as_str()), ("attested", "not_assessed"));
    let detail = bench.compliance.control(bench.grant::<ViewFindings>(()), "ENC-09").await.unwrap();
    assert!(detail.attestable && detail.attestations.len() == 1 && detail.targets.len() == 1, "{detail:?}");
    let after = bench.scores().await;
    let (was, is) = (before.targets[0].score.clone().unwrap(), after.targets[0].score.clone().unwrap());
    assert_eq!((was.proven, was.upper, was.weight), (is.proven, is.upper, is.weight));
    assert_eq!((was.attested, is.attested), (0, 1));
    let gdpr = after.frameworks.iter().find(|f| f.framework == Framework::Gdpr).unwrap();
    let lawful = gdpr.clauses.iter().find(|c| c.key == "5(1)(a)").unwrap();
    assert_eq!((gdpr.attested, lawful.attested.as_ref().unwrap().by.as_str()), (1, "ines@example.org"));
    let old = before.frameworks.iter().find(|f| f.framework == Framework::Gdpr).unwrap();
    assert_eq!((old.met, old.only_person), (gdpr.met, gdpr.only_person), "what is met is met by evidence");
    bench.compliance.take_back(control("ENC-09")).await.unwrap();
    assert!(matches!(bench.compliance.take_back(control("ENC-09")).await, Err(PortError::Invalid(_))));
    assert_eq!(row("ENC-09").await, "not_assessed");
    assert_eq!((bench.told("attest").await.len(), bench.told("withdraw").await.len()), (2, 1));
    let admin = bench.who("admin");
    assert!(
        authorize::<AttestControl>(&admin, (name(), "ENC-09".into())).is_err()
            && authorize::<AttestClause>(&admin, (Framework::Gdpr, String::new())).is_err()
    );
    let scoped = bench.who("security_officer@target:shop");
    assert!(authorize::<AttestClause>(&scoped, (Framework::Gdpr, String::new())).is_err(), "a clause is about everything");
    assert!(bench.supervisor.stop(Duration::from_secs(5)).await);
}
