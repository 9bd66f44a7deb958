//! A private cluster with two databases, an owner and a runtime login, as Reeve makes them.
#![allow(dead_code, clippy::unwrap_used)]

use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::StoreRole;
use reeve_store::{Domain, migrate};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

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
        this
    }

    /// A login that only works when it is quoted well.
    pub const RUNTIME: &'static str = "store \"runtime";

    /// Pools of the runtime login: main in `one`, and analytics in `two` if asked.
    pub fn pools(&self, two: bool) -> RolePools {
        let settings = |role, database| {
            let endpoint = Endpoint::parse(&self.cluster.url_for(Self::RUNTIME, "r", database)).unwrap();
            (role, RoleSettings::with_defaults(role, endpoint))
        };
        let mut roles = vec![settings(StoreRole::Main, "one")];
        if two {
            roles.push(settings(StoreRole::Analytics, "two"));
        }
        RolePools::new(RoleConfig::new(roles.into_iter().collect())).unwrap()
    }

    pub async fn owner(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.cluster.url_for("store_owner", "o", database)).await.unwrap()
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
