//! The store behind its pools: which role serves what, and what may be tried again.

use crate::{
    accounts::{self, Account, NewAccount},
    auth_sessions::{self, AuthSession},
    error::{Result, StoreError},
    history::History,
    secrets::{self, SealedSecret},
    signing_keys::{self, SigningKey},
    targets::{self, VerdictRecord},
    web_sessions::WebSessions,
};
use futures::future::BoxFuture;
use reeve_adapter::{AdapterError, RolePools};
use reeve_model::{TargetInfo, TargetName, UnixMs, pool::StoreRole};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

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

impl Store {
    /// For one organisation ([`accounts::DEFAULT_ORG`] where there is only one). Connects to nothing.
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

    /// See [`accounts::create`]. The id is made here.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn create_account(&self, email: &str, display_name: &str, password_hash: &str, roles: &[String]) -> Result<Option<Uuid>> {
        let (id, org) = (Uuid::new_v4(), self.org);
        let given = (email.to_owned(), display_name.to_owned(), password_hash.to_owned(), roles.to_vec());
        self.main(move |c| {
            let (email, display_name, password_hash, roles) = given.clone();
            Box::pin(async move {
                let new = NewAccount { id, org, email: &email, display_name: &display_name, password_hash: &password_hash, roles: &roles };
                accounts::create(c, &new).await
            })
        })
        .await
    }

    /// See [`accounts::by_email`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>> {
        let (org, email) = (self.org, email.to_owned());
        self.main(move |c| {
            let email = email.clone();
            Box::pin(async move { accounts::by_email(c, org, &email).await })
        })
        .await
    }

    /// See [`accounts::by_id`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn account(&self, id: Uuid) -> Result<Option<Account>> {
        self.main(move |c| Box::pin(accounts::by_id(c, id))).await
    }

    /// See [`accounts::count`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn account_count(&self) -> Result<i64> {
        self.main(|c| Box::pin(accounts::count(c))).await
    }

    /// See [`accounts::set_password`]. A retry may raise the epoch twice, which refuses no token that was good.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn set_password(&self, id: Uuid, password_hash: &str) -> Result<bool> {
        let hash = password_hash.to_owned();
        self.main(move |c| {
            let hash = hash.clone();
            Box::pin(async move { accounts::set_password(c, id, &hash).await })
        })
        .await
    }

    /// See [`accounts::rehash`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rehash(&self, id: Uuid, old_hash: &str, new_hash: &str) -> Result<()> {
        let hashes = (old_hash.to_owned(), new_hash.to_owned());
        self.main(move |c| {
            let (old, new) = hashes.clone();
            Box::pin(async move { accounts::rehash(c, id, &old, &new).await })
        })
        .await
    }

    /// See [`accounts::set_disabled`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn set_account_disabled(&self, id: Uuid, disabled: bool) -> Result<bool> {
        self.main(move |c| Box::pin(accounts::set_disabled(c, id, disabled))).await
    }

    /// See [`auth_sessions::begin`]. `via` is `session`, `bearer` or `local`. Answers the new session's id.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn begin_session(&self, account: Uuid, via: &'static str, expires_at: UnixMs) -> Result<Uuid> {
        let sid = Uuid::new_v4();
        self.main(move |c| Box::pin(auth_sessions::begin(c, sid, account, via, expires_at))).await?;
        Ok(sid)
    }

    /// See [`auth_sessions::live`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn live_session(&self, sid: Uuid) -> Result<Option<AuthSession>> {
        self.main(move |c| Box::pin(auth_sessions::live(c, sid))).await
    }

    /// See [`auth_sessions::touch`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn touch_session(&self, sid: Uuid, expires_at: Option<UnixMs>) -> Result<bool> {
        self.main(move |c| Box::pin(auth_sessions::touch(c, sid, expires_at))).await
    }

    /// See [`auth_sessions::end`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn end_session(&self, sid: Uuid) -> Result<bool> {
        self.main(move |c| Box::pin(auth_sessions::end(c, sid))).await
    }

    /// See [`auth_sessions::end_all`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn end_all_sessions(&self, account: Uuid) -> Result<Vec<Uuid>> {
        self.main(move |c| Box::pin(auth_sessions::end_all(c, account))).await
    }

    /// Removes what is over: sign-ins that ended a day ago, browser sessions, keys that retired a day ago. To be called now and then.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn purge(&self, now: UnixMs) -> Result<u64> {
        let before = now.plus_ms(-86_400_000);
        self.main(move |c| {
            Box::pin(async move {
                let sessions = auth_sessions::purge(c, before).await?;
                let keys = signing_keys::purge(c, before).await?;
                Ok(sessions + keys + crate::web_sessions::delete_expired(c).await?)
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

    /// See [`secrets::get`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn secret(&self, kind: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let (org, place) = (self.org, (kind.to_owned(), name.to_owned()));
        self.main(move |c| {
            let (kind, name) = place.clone();
            Box::pin(async move { secrets::get(c, org, &kind, &name).await })
        })
        .await
    }

    /// See [`secrets::put`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn put_secret(&self, kind: &str, name: &str, sealed: &[u8], key_id: &[u8]) -> Result<()> {
        let (org, given) = (self.org, (kind.to_owned(), name.to_owned(), sealed.to_vec(), key_id.to_vec()));
        self.main(move |c| {
            let (kind, name, sealed, key_id) = given.clone();
            Box::pin(async move { secrets::put(c, org, &kind, &name, &sealed, &key_id).await })
        })
        .await
    }

    /// See [`secrets::remove`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove_secret(&self, kind: &str, name: &str) -> Result<bool> {
        let (org, place) = (self.org, (kind.to_owned(), name.to_owned()));
        self.main(move |c| {
            let (kind, name) = place.clone();
            Box::pin(async move { secrets::remove(c, org, &kind, &name).await })
        })
        .await
    }

    /// See [`secrets::all`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn secrets(&self) -> Result<Vec<SealedSecret>> {
        let org = self.org;
        self.main(move |c| Box::pin(secrets::all(c, org))).await
    }

    /// See [`secrets::reseal`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn reseal_secrets<F>(&self, seal: F) -> Result<u64>
    where
        F: Fn(&SealedSecret) -> Result<Option<(Vec<u8>, Vec<u8>)>> + Send + Sync + 'static,
    {
        let (org, seal) = (self.org, std::sync::Arc::new(seal));
        self.main(move |c| {
            let seal = std::sync::Arc::clone(&seal);
            Box::pin(async move { secrets::reseal(c, org, move |secret| seal(secret)).await })
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
