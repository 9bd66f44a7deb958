//! Jobs about backups on a real store, with an engine that does as it is told.
#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use reeve_access::{
    Principal, Via, authorize,
    permission::{CancelBackup, RunBackup, ViewBackupJob, ViewBackups},
    principal::resolve,
};
use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::{
    Binding, Environment, Origin, Role, Scope, TargetInfo, TargetKind, TargetName, UnixMs,
    audit::AuditEvent,
    backup::{
        Backup, BackupAct, BackupDatabase, BackupEntry, BackupHistory, BackupId, BackupJob, BackupQuery, JobPhase, JobProgress, JobState,
        RepositoryState,
    },
    pool::StoreRole,
};
use reeve_ports::{BackupsPort, PortError};
use reeve_runtime::Supervisor;
use reeve_service::{
    Hub,
    audit::{Draft, Trail},
    backups::{Backups, Came, Held, Stopped, Tell, Works},
};
use reeve_store::{
    Domain, Store,
    accounts::{self, DEFAULT_ORG, NewAccount},
    migrate,
};
use sqlx::{Connection, PgConnection};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);
const ACCOUNT: Uuid = Uuid::from_u128(7);

/// Makes a backup for each permit that it is given, and counts how many it was asked for at the same time.
struct Scripted {
    go: Semaphore,
    now: AtomicUsize,
    most: AtomicUsize,
    made: Mutex<Vec<BackupEntry>>,
    away: Mutex<Option<String>>,
    outcome: Mutex<Result<(), Stopped>>,
}

impl Scripted {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            go: Semaphore::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            made: Mutex::default(),
            away: Mutex::default(),
            outcome: Mutex::new(Ok(())),
        })
    }
}

fn backup(job: &BackupJob) -> Backup {
    let digits = &job.id.replace('-', "")[..8];
    Backup {
        id: BackupId::new(format!("20261126T131845Z-{digits}")).unwrap(),
        timestamp: UnixMs::now(),
        size_bytes: 1_000,
        tables: Vec::new(),
        kind: job.kind,
        checksum: String::new(),
        target: job.target.clone(),
        database: BackupDatabase {
            name: job.database.clone(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 1,
        },
        whole: true,
        server_version: "15".into(),
        server_major: 15,
        tool_version: "15".into(),
        tool_major: 15,
        started_at: UnixMs::now(),
        duration_ms: 1,
        plain_bytes: 1,
        encrypted_to: Vec::new(),
        copies: Vec::new(),
        notes: Vec::new(),
    }
}

#[async_trait]
impl Works for Scripted {
    fn location(&self) -> String {
        "/made/up".to_owned()
    }
    async fn held(&self) -> Result<Held, String> {
        match &*self.away.lock().unwrap() {
            Some(sentence) => Err(sentence.clone()),
            None => Ok(Held { entries: self.made.lock().unwrap().clone(), damaged: Vec::new() }),
        }
    }
    async fn work(&self, job: &BackupJob, tell: Tell, cancel: &CancellationToken) -> Result<Came, Stopped> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tell(JobProgress {
            phase: JobPhase::Dump,
            done_bytes: 5,
            total_bytes: Some(10),
            rate_bytes_per_s: None,
            left_s: None,
            at: UnixMs::now(),
        });
        let outcome = tokio::select! {
            () = cancel.cancelled() => Err(Stopped::Cancelled),
            permit = self.go.acquire() => {
                permit.unwrap().forget();
                self.outcome.lock().unwrap().clone()
            }
        };
        self.now.fetch_sub(1, Ordering::SeqCst);
        outcome?;
        let made = backup(job);
        self.made.lock().unwrap().insert(0, BackupEntry { backup: made.clone(), verification: None, drill: None });
        Ok(Came::Backup(Box::new(made)))
    }
}

struct Bench {
    cluster: TestCluster,
    store: Store,
}

impl Bench {
    async fn start() -> Self {
        let cluster = TestCluster::start(&[]).await.unwrap();
        let mut root = PgConnection::connect(&cluster.url("postgres")).await.unwrap();
        sqlx::raw_sql("CREATE ROLE reeve_run LOGIN PASSWORD 'r'").execute(&mut root).await.unwrap();
        for domain in Domain::ALL {
            migrate::up(&mut root, domain, "reeve_run").await.unwrap();
        }
        let account = NewAccount {
            id: ACCOUNT,
            org: DEFAULT_ORG,
            email: "bo@example.org".to_owned(),
            display_name: "Bo".to_owned(),
            password_hash: "$argon2id$x".to_owned(),
            bindings: vec![Binding::everywhere(Role::Operator)],
        };
        let made = Draft::new(DEFAULT_ORG, "create", "account", "bo@example.org").finish();
        accounts::create(&mut root, &account, &made).await.unwrap();
        let endpoint = Endpoint::parse(&cluster.url_for("reeve_run", "r", "postgres")).unwrap();
        let settings = RoleSettings::with_defaults(StoreRole::Main, endpoint);
        let pools = RolePools::new(RoleConfig::new([(StoreRole::Main, settings)].into_iter().collect())).unwrap();
        Self { cluster, store: Store::new(pools, DEFAULT_ORG) }
    }

    fn backups(&self, works: Option<Arc<Scripted>>) -> Backups {
        let hub = Hub::new(vec![(info("shop"), 1_000), (info("ledger"), 1_000)], UnixMs::now());
        let works = works.map(|w| w as Arc<dyn Works>);
        Backups::new(self.store.clone(), Arc::new(hub), Trail::new(self.store.clone(), None), works)
    }

    async fn events(&self) -> Vec<AuditEvent> {
        let mut root = PgConnection::connect(&self.cluster.url("postgres")).await.unwrap();
        let rows: Vec<serde_json::Value> =
            sqlx::query_scalar("SELECT body FROM main.audit_outbox ORDER BY id").fetch_all(&mut root).await.unwrap();
        rows.into_iter().map(|body| serde_json::from_value(body).unwrap()).collect()
    }
}

fn name(text: &str) -> TargetName {
    TargetName::new(text).unwrap()
}

fn info(text: &str) -> TargetInfo {
    TargetInfo { name: name(text), kind: TargetKind::Postgres, environment: Environment::Dev, address: String::new(), tags: Vec::new() }
}

fn caller(role: Role, scope: Scope) -> Principal {
    let bindings = vec![Binding { role, scope }];
    let estate = [info("shop"), info("ledger")];
    Principal {
        account: ACCOUNT.to_string(),
        email: "bo@example.org".into(),
        org: DEFAULT_ORG.to_string(),
        session: "s".into(),
        rights: resolve(&bindings, estate.iter()),
        bindings,
        only: None,
        via: Via::Bearer,
        origin: Origin::default(),
        confirmed_at: UnixMs::now(),
        may_change: true,
    }
}

fn operator() -> Principal {
    caller(Role::Operator, Scope::Everything)
}

async fn ask(backups: &Backups, target: &str, database: &str) -> Result<BackupJob, PortError> {
    let act = BackupAct::Backup { database: database.to_owned(), tables: Vec::new() };
    backups.ask(authorize::<RunBackup>(&operator(), (name(target), act)).unwrap(), None).await
}

async fn history(backups: &Backups, who: &Principal) -> BackupHistory {
    backups.backup_history(authorize::<ViewBackups>(who, ()).unwrap(), BackupQuery::default()).await.unwrap()
}

async fn job(backups: &Backups, id: &str) -> BackupJob {
    backups.backup_job(authorize::<ViewBackupJob>(&operator(), id.to_owned()).unwrap()).await.unwrap()
}

async fn until(backups: &Backups, id: &str, wanted: impl Fn(&BackupJob) -> bool) -> BackupJob {
    let begun = tokio::time::Instant::now();
    loop {
        let now = job(backups, id).await;
        if wanted(&now) {
            return now;
        }
        assert!(begun.elapsed() < PATIENCE, "{now:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_what_is_asked_is_done_listed_and_told_to_the_trail() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    let intent = bench.events().await.pop().unwrap();
    assert_eq!((intent.verb.as_str(), intent.resource.as_str(), intent.actor.as_str()), ("request", "shop/orders", "bo@example.org"));
    let running = until(&backups, &asked.id, |j| j.progress.is_some()).await;
    assert_eq!((running.state, running.progress.unwrap().done_bytes), (JobState::Running, 5));
    assert!(history(&backups, &operator()).await.items.is_empty(), "nothing half-done is listed");
    works.go.add_permits(1);
    let done = until(&backups, &asked.id, |j| !j.state.open()).await;
    assert_eq!(done.state, JobState::Done);
    let seen = history(&backups, &operator()).await;
    assert_eq!(seen.items.len(), 1);
    assert_eq!(done.backup.as_ref(), Some(&seen.items[0].backup.id), "whoever sees it done finds what it made");
    let outcome = bench.events().await.into_iter().find(|e| e.verb == "make").unwrap();
    assert!(outcome.after.unwrap().contains(&asked.id));
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_two_at_once_one_runs_and_another_database_does_not_wait() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    let (one, two) = tokio::join!(ask(&backups, "shop", "orders"), ask(&backups, "shop", "orders"));
    let (good, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    let sentence = refused.unwrap_err().to_string();
    assert!(sentence.contains("already, asked by bo@example.org"), "{sentence}");
    let other = ask(&backups, "ledger", "orders").await.unwrap();
    until(&backups, &good.as_ref().unwrap().id, |j| j.progress.is_some()).await;
    until(&backups, &other.id, |j| j.progress.is_some()).await;
    assert_eq!(works.most.load(Ordering::SeqCst), 2);
    works.go.add_permits(2);
    for id in [&good.unwrap().id, &other.id] {
        until(&backups, id, |j| j.state == JobState::Done).await;
    }
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_reeve_ending_in_the_middle_is_a_failure_that_is_told() {
    let (bench, works) = (Bench::start().await, Scripted::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    // Told to stop: the job ends and clears away, and says why.
    let supervisor = Supervisor::new();
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.progress.is_some()).await;
    assert!(supervisor.stop(PATIENCE).await);
    let ended = job(&backups, &asked.id).await;
    assert_eq!(ended.state, JobState::Failed);
    assert!(ended.sentence.unwrap().contains("Reeve ended"), "and nobody cancelled it");

    // Killed: nobody wrote anything. The next one finds it at work and says so; nothing of it is listed.
    let killed = ask(&backups, "shop", "orders").await.unwrap();
    assert!(bench.store.claim_backup_job(Vec::new()).await.unwrap().is_some());
    let next = bench.backups(Some(Arc::clone(&works)));
    let supervisor = Supervisor::new();
    next.start(&supervisor);
    let told = until(&next, &killed.id, |j| !j.state.open()).await;
    assert_eq!(told.state, JobState::Failed);
    assert!(told.sentence.unwrap().contains("ask for it again"));
    assert!(history(&next, &operator()).await.items.is_empty());
    assert_eq!(bench.events().await.iter().filter(|e| e.verb == "make").count(), 2, "each end is told");
    // And the same can be asked for again.
    works.go.add_permits(1);
    let again = ask(&next, "shop", "orders").await.unwrap();
    until(&next, &again.id, |j| j.state == JobState::Done).await;
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_job_is_ended_by_who_may_and_says_so() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(works));
    backups.start(&supervisor);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.progress.is_some()).await;
    let grant = |target: &str| authorize::<CancelBackup>(&operator(), (name(target), asked.id.clone())).unwrap();
    assert!(matches!(backups.cancel(grant("ledger")).await, Err(PortError::NotFound(_))), "of another target it is not there");
    backups.cancel(grant("shop")).await.unwrap();
    let ended = until(&backups, &asked.id, |j| !j.state.open()).await;
    assert_eq!((ended.state, ended.sentence.unwrap().as_str()), (JobState::Cancelled, "It was cancelled, and nothing of it is kept."));
    let refused = backups.cancel(grant("shop")).await;
    assert!(matches!(&refused, Ok(job) if job.state == JobState::Cancelled), "{refused:?}");
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_what_is_out_of_scope_leaves_no_trace() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    works.go.add_permits(2);
    let shop = ask(&backups, "shop", "orders").await.unwrap();
    let ledger = ask(&backups, "ledger", "books").await.unwrap();
    for id in [&shop.id, &ledger.id] {
        until(&backups, id, |j| j.state == JobState::Done).await;
    }
    let scoped = caller(Role::Viewer, Scope::Target(name("shop")));
    let seen = history(&backups, &scoped).await;
    let text = serde_json::to_string(&seen).unwrap();
    assert!(text.contains("orders") && !text.contains("ledger") && !text.contains("books"), "{text}");
    assert_eq!((seen.total, seen.jobs.len()), (1, 1));
    let hidden = backups.backup_job(authorize::<ViewBackupJob>(&scoped, ledger.id.clone()).unwrap()).await;
    assert!(matches!(hidden, Err(PortError::NotFound(_))));
    let act = BackupAct::Backup { database: "orders".into(), tables: Vec::new() };
    assert!(authorize::<RunBackup>(&scoped, (name("shop"), act)).is_err(), "a viewer runs nothing");
    // A backup of one target is not there when asked for as one of another.
    let stray = BackupAct::Drill { backup: history(&backups, &operator()).await.items[0].backup.id.clone() };
    let of = history(&backups, &operator()).await.items[0].backup.target.clone();
    let wrong = if of == name("shop") { "ledger" } else { "shop" };
    let refused = backups.ask(authorize::<RunBackup>(&operator(), (name(wrong), stray)).unwrap(), None).await;
    assert!(matches!(refused, Err(PortError::NotFound(_))), "{refused:?}");
    assert!(supervisor.stop(PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_repository_that_is_away_says_so_and_what_was_known_stays() {
    let (bench, works, supervisor) = (Bench::start().await, Scripted::new(), Supervisor::new());
    let backups = bench.backups(Some(Arc::clone(&works)));
    backups.start(&supervisor);
    works.go.add_permits(1);
    let asked = ask(&backups, "shop", "orders").await.unwrap();
    until(&backups, &asked.id, |j| j.state == JobState::Done).await;
    *works.away.lock().unwrap() = Some("it is not mounted".to_owned());
    *works.outcome.lock().unwrap() = Err(Stopped::Failed("the repository is not mounted: mount it".to_owned()));
    works.go.add_permits(1);
    let failed = ask(&backups, "shop", "orders").await.unwrap();
    let failed = until(&backups, &failed.id, |j| !j.state.open()).await;
    assert_eq!((failed.state, failed.sentence.as_deref()), (JobState::Failed, Some("The repository is not mounted: mount it.")));
    let seen = history(&backups, &operator()).await;
    assert!(matches!(&seen.repository, RepositoryState::Unreachable { last: Some(_), sentence, .. } if sentence == "it is not mounted"));
    assert_eq!(seen.items.len(), 1, "what was known stays");
    let none = bench.backups(None);
    let refused = ask(&none, "shop", "orders").await.unwrap_err();
    assert!(refused.to_string().contains("No repository is configured"));
    assert_eq!(history(&none, &operator()).await.repository, RepositoryState::NotConfigured);
    assert!(supervisor.stop(PATIENCE).await);
}
