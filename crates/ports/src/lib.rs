//! The traits that pages call and `service` implements, one per noun.
//!
//! Pages depend on these and not on `service`, so an edit in one does not rebuild the other.

use async_trait::async_trait;
use futures::stream::BoxStream;
use reeve_access::{
    Denied, Grant, Principal,
    permission::{ReadMetrics, ViewEstate, ViewPools, ViewTable, ViewTables, ViewTarget},
};
use reeve_model::{
    HealthOverview, TargetDetail,
    pool::{PoolReport, StoreRole},
    series::{HistoryAnswer, HistoryQuery},
    table::{TableDetail, TablePage, TableQuery},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Why a port did not answer. Each text is one sentence for a person and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", content = "message", rename_all = "snake_case")]
pub enum PortError {
    /// Nobody is signed in, or the session ended.
    #[error("{0}")]
    Unauthenticated(String),
    /// Signed in, but not allowed.
    #[error("{0}")]
    Denied(String),
    /// No such thing, or not for this caller.
    #[error("{0}")]
    NotFound(String),
    /// The input can't be used.
    #[error("{0}")]
    Invalid(String),
    /// Something it needs is away.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Denied> for PortError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.to_string())
    }
}

/// Health of the estate and its targets. Answers from memory: a dead target or store never delays it.
#[async_trait]
pub trait HealthPort: Send + Sync {
    /// The first screen.
    async fn health_overview(&self, grant: Grant<ViewEstate>) -> Result<Arc<HealthOverview>, PortError>;
    /// All of one target.
    async fn target_detail(&self, grant: Grant<ViewTarget>) -> Result<Arc<TargetDetail>, PortError>;
    /// Yields once for each change that a page could show, at most once a second; the newest only. While a stream is
    /// alive the estate counts as watched and live probes run each second.
    fn changes(&self, grant: Grant<ViewEstate>) -> BoxStream<'static, ()>;
    /// Stored points of one metric.
    async fn history(&self, grant: Grant<ReadMetrics>, query: HistoryQuery) -> Result<HistoryAnswer, PortError>;
    /// Prometheus text of Reeve and every target.
    async fn metrics(&self, grant: Grant<ReadMetrics>) -> Result<String, PortError>;
}

/// Reeve's own pools.
#[async_trait]
pub trait PoolsPort: Send + Sync {
    /// Which roles answer (SPEC A5): a role that isn't set answers what its fallback answers, the read replica then does not.
    async fn databases(&self, grant: Grant<ViewPools>) -> Result<BTreeMap<StoreRole, bool>, PortError>;
    /// The live figures of all pools.
    async fn pool_stats(&self, grant: Grant<ViewPools>) -> Result<PoolReport, PortError>;
}

/// Tables of the targets.
#[async_trait]
pub trait TablesPort: Send + Sync {
    /// One page of the tables of a target.
    async fn table_analytics(&self, grant: Grant<ViewTables>, query: TableQuery) -> Result<TablePage, PortError>;
    /// All of one table.
    async fn table_detail(&self, grant: Grant<ViewTable>) -> Result<TableDetail, PortError>;
}

/// A new sign-in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The signed access token.
    pub access_token: String,
    /// Seconds until it ends.
    pub expires_in_s: i64,
    /// Who.
    pub principal: Principal,
}

/// Accounts and tokens.
#[async_trait]
pub trait IdentityPort: Send + Sync {
    /// Checks a password. Unknown account and wrong password answer alike, in time too.
    async fn sign_in(&self, email: &str, password: &str, via: reeve_access::Via) -> Result<SignedIn, PortError>;
    /// Verifies a token and looks up the rights of its account.
    async fn verify(&self, token: &str, via: reeve_access::Via) -> Result<Principal, PortError>;
    /// Mints a new token for a session that is still good, when the old one is near or past its end.
    async fn renew(&self, session: &str) -> Result<SignedIn, PortError>;
    /// Ends a session at once, with its live streams.
    async fn sign_out(&self, session: &str) -> Result<(), PortError>;
    /// Resolves when the session has ended (sign-out, expiry, account disabled).
    async fn ended(&self, session: &str);
}

/// All ports together, as pages and routes find them in their context.
#[derive(Clone)]
pub struct Ports {
    /// Health.
    pub health: Arc<dyn HealthPort>,
    /// Pools.
    pub pools: Arc<dyn PoolsPort>,
    /// Tables.
    pub tables: Arc<dyn TablesPort>,
    /// Identity.
    pub identity: Arc<dyn IdentityPort>,
}
