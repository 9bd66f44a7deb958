//! The store behind its pools: which role serves what, and what may be tried again.

mod accounts;
mod audit;
mod backup_jobs;
mod backup_schedules;
mod compliance;
mod registered;
mod secrets;
mod sessions;
mod tokens;

use crate::{
    api_tokens, auth_sessions,
    error::{Result, StoreError},
    history::History,
    invites,
    signing_keys::{self, SigningKey},
    targets::{self, VerdictRecord},
    web_sessions::WebSessions,
};
use futures::future::BoxFuture;
use reeve_adapter::{AdapterError, RolePools};
use reeve_model::{TargetInfo, TargetName, UnixMs, pool::StoreRole};
use sqlx::PgConnection;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Reeve's own database. Cheap to clone; all clones are one. Every method retries what may be done twice and answers
/// [`StoreError::Adapter`] when the database stays away.
#[derive(Clone)]
pub struct Store {
    pools: RolePools,
    org: Uuid,
    history: History,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("org", &self.org).finish_non_exhaustive()
    }
}

/// What the caller can't mend by trying again goes through the retries unharmed.
fn settle<T>(outcome: Result<T>) -> std::result::Result<Result<T>, AdapterError> {
    match outcome {
        // No row is an answer, not a failure of the database.
        Err(StoreError::Database(sqlx::Error::RowNotFound)) => Ok(Err(sqlx::Error::RowNotFound.into())),
        Err(StoreError::Database(error)) => Err(error.into()),
        Err(StoreError::Adapter(error)) => Err(error),
        other => Ok(other),
    }
}

/// Runs work that may be done twice on a connection of `role`.
pub(crate) async fn run<T: Send + 'static, F>(pools: &RolePools, role: StoreRole, work: F) -> Result<T>
where
    F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
{
    pools
        .idempotent(role, |connection| {
            let work = work(connection);
            Box::pin(async move { settle(work.await) })
        })
        .await?
}

/// As [`run`], but never on main in the place of a role whose own database is away.
pub(crate) async fn run_own<T: Send + 'static, F>(pools: &RolePools, role: StoreRole, work: F) -> Result<T>
where
    F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
{
    pools
        .idempotent_own(role, |connection| {
            let work = work(connection);
            Box::pin(async move { settle(work.await) })
        })
        .await?
}

impl Store {
    /// For one organisation ([`DEFAULT_ORG`](crate::accounts::DEFAULT_ORG) where there is only one). Connects to nothing.
    #[must_use]
    pub fn new(pools: RolePools, org: Uuid) -> Self {
        Self { history: History::new(pools.clone(), org), pools, org }
    }

    /// The pools.
    #[must_use]
    pub fn pools(&self) -> &RolePools {
        &self.pools
    }

    /// The organisation.
    #[must_use]
    pub fn org(&self) -> Uuid {
        self.org
    }

    /// History of samples.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Browser sessions for the web layer.
    #[must_use]
    pub fn web_sessions(&self) -> WebSessions {
        WebSessions::new(self.pools.clone())
    }

    async fn main<T: Send + 'static, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
    {
        run(&self.pools, StoreRole::Main, work).await
    }

    /// As [`Store::main`], with what the work needs kept across its retries.
    async fn main_with<A: Send + Sync + 'static, T: Send + 'static, F>(&self, given: A, work: F) -> Result<T>
    where
        F: for<'c> Fn(&'c mut PgConnection, Arc<A>) -> BoxFuture<'c, Result<T>>,
    {
        let given = Arc::new(given);
        self.main(move |c| work(c, given.clone())).await
    }

    /// Removes what is over: sign-ins that ended a day ago, browser sessions, keys that retired a day ago, API tokens and links that ended
    /// a month ago. To be called now and then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn purge(&self, now: UnixMs) -> Result<u64> {
        let (before, long_before) = (now.plus_ms(-DAY_MS), now.plus_ms(-31 * DAY_MS));
        self.main(move |c| {
            Box::pin(async move {
                let sessions = auth_sessions::purge(c, before).await?;
                let keys = signing_keys::purge(c, before).await?;
                let tokens = api_tokens::purge(c, long_before).await?;
                let links = invites::purge(c, long_before).await?;
                Ok(sessions + keys + tokens + links + crate::web_sessions::delete_expired(c).await?)
            })
        })
        .await
    }

    /// See [`signing_keys::current`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        self.main(|c| Box::pin(signing_keys::current(c))).await
    }

    /// See [`signing_keys::add`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn add_signing_key(&self, kid: &str, private_key: &[u8], retire_at: UnixMs, unless_after: UnixMs) -> Result<SigningKey> {
        let key = (kid.to_owned(), private_key.to_vec());
        self.main(move |c| {
            let (kid, private_key) = key.clone();
            Box::pin(async move { signing_keys::add(c, &kid, &private_key, retire_at, unless_after).await })
        })
        .await
    }

    /// See [`targets::register`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn register_targets(&self, targets: &[TargetInfo]) -> Result<HashMap<TargetName, i32>> {
        let (org, given) = (self.org, targets.to_vec());
        self.main(move |c| {
            let given = given.clone();
            Box::pin(async move { targets::register(c, org, &given).await })
        })
        .await
    }

    /// See [`targets::registered`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn registered_targets(&self) -> Result<Vec<TargetInfo>> {
        let org = self.org;
        self.main(move |c| Box::pin(targets::registered(c, org))).await
    }

    /// See [`targets::record_verdict`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn record_verdict(&self, target: &TargetName, verdict: VerdictRecord) -> Result<bool> {
        let (org, target) = (self.org, target.clone());
        self.main(move |c| {
            let target = target.clone();
            Box::pin(async move { targets::record_verdict(c, org, &target, verdict).await })
        })
        .await
    }

    /// See [`targets::last_verdicts`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn last_verdicts(&self) -> Result<HashMap<TargetName, VerdictRecord>> {
        let org = self.org;
        self.main(move |c| Box::pin(targets::last_verdicts(c, org))).await
    }

    /// See [`targets::verdict_changes`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn verdict_changes(&self, target: &TargetName, since: UnixMs) -> Result<Vec<VerdictRecord>> {
        let (org, target) = (self.org, target.clone());
        self.main(move |c| {
            let target = target.clone();
            Box::pin(async move { targets::verdict_changes(c, org, &target, since).await })
        })
        .await
    }
}
