//! Sign-ins and refresh tokens behind the pools.

use super::Store;
use crate::{
    auth_sessions::{self, AuthSession, NewSession},
    error::Result,
    refresh_tokens::{self, RefreshOutcome, RefreshUse},
};
use reeve_model::{UnixMs, account::SessionView, audit::AuditEvent};
use uuid::Uuid;

impl Store {
    /// See [`auth_sessions::begin`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn begin_session(&self, new: NewSession, event: AuditEvent) -> Result<()> {
        self.main_with((new, event), |c, g| Box::pin(async move { auth_sessions::begin(c, &g.0, &g.1).await })).await
    }

    /// See [`auth_sessions::live`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn live_session(&self, sid: Uuid) -> Result<Option<AuthSession>> {
        self.main(move |c| Box::pin(auth_sessions::live(c, sid))).await
    }

    /// See [`auth_sessions::touch`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn touch_session(&self, sid: Uuid, idle_ends_at: Option<UnixMs>) -> Result<bool> {
        self.main(move |c| Box::pin(auth_sessions::touch(c, sid, idle_ends_at))).await
    }

    /// See [`auth_sessions::of_account`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn sessions_of(&self, account: Uuid, current: Option<Uuid>) -> Result<Vec<SessionView>> {
        self.main(move |c| Box::pin(auth_sessions::of_account(c, account, current))).await
    }

    /// See [`auth_sessions::end`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn end_session(&self, account: Uuid, sid: Uuid, event: AuditEvent) -> Result<bool> {
        self.main_with(event, move |c, event| Box::pin(async move { auth_sessions::end(c, account, sid, &event).await })).await
    }

    /// See [`auth_sessions::end_all_but`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn end_sessions_but(&self, account: Uuid, keep: Option<Uuid>, event: AuditEvent) -> Result<Vec<Uuid>> {
        self.main_with(event, move |c, event| Box::pin(async move { auth_sessions::end_all_but(c, account, keep, &event).await })).await
    }

    /// See [`auth_sessions::known_addresses`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn known_addresses(&self) -> Result<Vec<(String, String)>> {
        let org = self.org;
        self.main(move |c| Box::pin(auth_sessions::known_addresses(c, org))).await
    }

    /// See [`refresh_tokens::use_refresh`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn use_refresh(&self, given: RefreshUse) -> Result<RefreshOutcome> {
        self.main_with(given, |c, given| Box::pin(async move { refresh_tokens::use_refresh(c, &given).await })).await
    }
}
