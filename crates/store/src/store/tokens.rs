//! API tokens and single-use links behind the pools.

use super::Store;
use crate::{
    api_tokens::{self, ApiToken, NewApiToken},
    error::Result,
    invites::{self, Choice, NewInvite, OpenInvite, UseOutcome},
};
use reeve_model::{
    account::{InviteView, TokenView},
    audit::AuditEvent,
};
use uuid::Uuid;

impl Store {
    /// See [`api_tokens::make`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn make_api_token(&self, new: NewApiToken, event: AuditEvent) -> Result<bool> {
        self.main_with((new, event), |c, g| Box::pin(async move { api_tokens::make(c, &g.0, &g.1).await })).await
    }

    /// See [`api_tokens::by_digest`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn api_token(&self, digest: [u8; 32]) -> Result<Option<ApiToken>> {
        self.main(move |c| Box::pin(async move { api_tokens::by_digest(c, &digest).await })).await
    }

    /// See [`api_tokens::touch`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn touch_api_token(&self, id: Uuid) -> Result<()> {
        self.main(move |c| Box::pin(api_tokens::touch(c, id))).await
    }

    /// See [`api_tokens::of_account`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn api_tokens_of(&self, account: Uuid) -> Result<Vec<TokenView>> {
        self.main(move |c| Box::pin(api_tokens::of_account(c, account))).await
    }

    /// See [`api_tokens::revoke`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn revoke_api_token(&self, account: Uuid, id: Uuid, event: AuditEvent) -> Result<bool> {
        self.main_with(event, move |c, event| Box::pin(async move { api_tokens::revoke(c, account, id, &event).await })).await
    }

    /// See [`invites::make`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn make_invite(&self, new: NewInvite, event: AuditEvent) -> Result<()> {
        self.main_with((new, event), |c, g| Box::pin(async move { invites::make(c, &g.0, &g.1).await })).await
    }

    /// See [`invites::offer`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn offered_invite(&self, digest: [u8; 32]) -> Result<Option<OpenInvite>> {
        self.main(move |c| Box::pin(async move { invites::offer(c, &digest).await })).await
    }

    /// See [`invites::use_once`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn use_invite(&self, digest: [u8; 32], choice: Choice, event: AuditEvent) -> Result<UseOutcome> {
        self.main_with((choice, event), move |c, g| Box::pin(async move { invites::use_once(c, &digest, &g.0, &g.1).await })).await
    }

    /// See [`invites::withdraw`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn withdraw_invite(&self, id: Uuid, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        self.main_with(event, move |c, event| Box::pin(async move { invites::withdraw(c, org, id, &event).await })).await
    }

    /// See [`invites::open`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn open_invites(&self) -> Result<Vec<InviteView>> {
        let org = self.org;
        self.main(move |c| Box::pin(invites::open(c, org))).await
    }
}
