//! A private cluster with two databases, an owner and a runtime login, as Reeve makes them.
#![allow(dead_code, clippy::unwrap_used)]

use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::{
    Binding, Origin, UnixMs,
    audit::{AuditEvent, Outcome},
    pool::StoreRole,
};
use reeve_store::{
    Domain,
    accounts::{self, DEFAULT_ORG, NewAccount},
    auth_sessions::NewSession,
    migrate,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// One per test.
pub struct Bench {
    pub cluster: TestCluster,
}

impl Bench {
    /// Empty databases `one` and `two`.
    pub async fn start() -> Self {
        let cluster = TestCluster::start(&[]).await.unwrap();
        let mut root = PgConnection::connect(&cluster.url("postgres")).await.unwrap();
        for statement in [
            "CREATE ROLE store_owner LOGIN PASSWORD 'o'",
            "CREATE ROLE \"store \"\"runtime\" LOGIN PASSWORD 'r'",
            "CREATE DATABASE one OWNER store_owner",
            "CREATE DATABASE two OWNER store_owner",
        ] {
            sqlx::raw_sql(statement).execute(&mut root).await.unwrap();
        }
        Self { cluster }
    }

    /// All domains migrated in database `one`.
    pub async fn migrated() -> Self {
        let this = Self::start().await;
        for domain in Domain::ALL {
            migrate::up(&mut this.owner("one").await, domain, Self::RUNTIME).await.unwrap();
        }
        this.install_queue().await;
        this
    }

    /// The tables of the queue in database `one`.
    pub async fn install_queue(&self) {
        let options = self.cluster.url_for("store_owner", "o", "one").parse().unwrap();
        migrate::install_queue(&mut self.owner("one").await, options, Self::RUNTIME).await.unwrap();
    }

    /// A login that only works when it is quoted well.
    pub const RUNTIME: &'static str = "store \"runtime";

    /// Pools of the runtime login: main in `one`, and analytics in `two` if asked.
    pub fn pools(&self, two: bool) -> RolePools {
        self.pools_with(two.then_some(StoreRole::Analytics))
    }

    /// Pools of the runtime login: main in `one`, and a role in `two` if asked.
    pub fn pools_with(&self, second: Option<StoreRole>) -> RolePools {
        let settings = |role, database| {
            let endpoint = Endpoint::parse(&self.cluster.url_for(Self::RUNTIME, "r", database)).unwrap();
            (role, RoleSettings::with_defaults(role, endpoint))
        };
        let mut roles = vec![settings(StoreRole::Main, "one")];
        roles.extend(second.map(|role| settings(role, "two")));
        RolePools::new(RoleConfig::new(roles.into_iter().collect())).unwrap()
    }

    pub async fn owner(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.cluster.url_for("store_owner", "o", database)).await.unwrap()
    }

    /// Who can do anything, and be hindered by no trigger.
    pub async fn superuser(&self, database: &str) -> PgConnection {
        let mut c = PgConnection::connect(&self.cluster.url(database)).await.unwrap();
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut c).await.unwrap();
        c
    }

    /// What waits to be sealed, oldest first.
    pub async fn outbox(&self) -> Vec<AuditEvent> {
        let rows: Vec<serde_json::Value> =
            sqlx::query_scalar("SELECT body FROM main.audit_outbox ORDER BY id").fetch_all(&mut self.owner("one").await).await.unwrap();
        rows.into_iter().map(|body| serde_json::from_value(body).unwrap()).collect()
    }

    pub async fn runtime(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.cluster.url_for(Self::RUNTIME, "r", database)).await.unwrap()
    }
}

/// What a login is told when it tries.
pub async fn refused(connection: &mut PgConnection, sql: &str) -> bool {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    matches!(done, Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some("42501"))
}

/// An event of somebody who did something.
pub fn event(verb: &str, noun: &str, resource: &str) -> AuditEvent {
    AuditEvent {
        id: Uuid::new_v4().to_string(),
        org: DEFAULT_ORG.to_string(),
        at: UnixMs::now(),
        account: None,
        actor: "admin@example.org".to_owned(),
        via: "session".to_owned(),
        verb: verb.to_owned(),
        noun: noun.to_owned(),
        resource: resource.to_owned(),
        outcome: Outcome::Done,
        origin: Origin { address: "192.0.2.7".parse().ok(), agent: "test".to_owned(), request: "r-1".to_owned() },
        before: None,
        after: None,
        count: 1,
    }
}

pub fn bindings(words: &[&str]) -> Vec<Binding> {
    words.iter().map(|w| Binding::try_from((*w).to_owned()).unwrap()).collect()
}

pub fn new_account(id: u128, email: &str, roles: &[&str]) -> NewAccount {
    NewAccount {
        id: Uuid::from_u128(id),
        org: DEFAULT_ORG,
        email: email.to_owned(),
        display_name: "Ann".to_owned(),
        password_hash: "$argon2id$x".to_owned(),
        bindings: bindings(roles),
    }
}

/// An account that is there.
pub async fn account(c: &mut PgConnection, id: u128, email: &str, roles: &[&str]) -> Uuid {
    accounts::create(c, &new_account(id, email, roles), &event("create", "account", email)).await.unwrap().unwrap()
}

pub fn new_session(sid: u128, account: Uuid, expires_at: UnixMs) -> NewSession {
    NewSession {
        sid: Uuid::from_u128(sid),
        account,
        via: "session".to_owned(),
        address: "192.0.2.7".to_owned(),
        agent: "test".to_owned(),
        idle_ends_at: None,
        expires_at,
        refresh: None,
    }
}

/// That many events, each of another account.
pub fn numbered(count: usize) -> Vec<AuditEvent> {
    (0..count).map(|n| event("change", "account", &format!("a{n:04}@example.org"))).collect()
}

/// Puts events into the outbox, as the runtime login.
pub async fn write(bench: &Bench, events: &[AuditEvent]) {
    reeve_store::audit::write_all(&mut bench.runtime("one").await, events).await.unwrap();
}
