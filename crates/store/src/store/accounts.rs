//! Accounts behind the pools.

use super::Store;
use crate::{
    accounts::{self, Account, NewAccount},
    error::Result,
};
use reeve_model::{Binding, account::AccountView, audit::AuditEvent};
use uuid::Uuid;

impl Store {
    /// See [`accounts::create`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn create_account(&self, new: NewAccount, event: AuditEvent) -> Result<Option<Uuid>> {
        self.main_with((new, event), |c, g| Box::pin(async move { accounts::create(c, &g.0, &g.1).await })).await
    }

    /// See [`accounts::by_email`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>> {
        let org = self.org;
        self.main_with(email.to_owned(), move |c, email| Box::pin(async move { accounts::by_email(c, org, &email).await })).await
    }

    /// See [`accounts::by_id`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn account(&self, id: Uuid) -> Result<Option<Account>> {
        let org = self.org;
        self.main(move |c| Box::pin(accounts::by_id(c, org, id))).await
    }

    /// See [`accounts::views`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn account_views(&self, only: Option<Uuid>) -> Result<Vec<AccountView>> {
        let org = self.org;
        self.main(move |c| Box::pin(accounts::views(c, org, only))).await
    }

    /// See [`accounts::count`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn account_count(&self) -> Result<i64> {
        self.main(|c| Box::pin(accounts::count(c))).await
    }

    /// See [`accounts::set_bindings`]. A retry may raise the epoch twice, which refuses no token that was good.
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn set_bindings(&self, id: Uuid, bindings: Vec<Binding>, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        self.main_with((bindings, event), move |c, g| Box::pin(async move { accounts::set_bindings(c, org, id, &g.0, &g.1).await })).await
    }

    /// See [`accounts::set_disabled`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn set_account_disabled(&self, id: Uuid, disabled: bool, event: AuditEvent) -> Result<Option<Vec<Uuid>>> {
        let org = self.org;
        self.main_with(event, move |c, event| Box::pin(async move { accounts::set_disabled(c, org, id, disabled, &event).await })).await
    }

    /// See [`accounts::set_password`]. A retry may raise the epoch twice, which refuses no token that was good.
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn set_password(&self, id: Uuid, password_hash: &str, keep: Option<Uuid>, event: AuditEvent) -> Result<Option<Vec<Uuid>>> {
        let org = self.org;
        self.main_with((password_hash.to_owned(), event), move |c, g| {
            Box::pin(async move { accounts::set_password(c, org, id, &g.0, keep, &g.1).await })
        })
        .await
    }

    /// See [`accounts::rehash`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn rehash(&self, id: Uuid, old_hash: &str, new_hash: &str) -> Result<()> {
        self.main_with((old_hash.to_owned(), new_hash.to_owned()), move |c, g| {
            Box::pin(async move { accounts::rehash(c, id, &g.0, &g.1).await })
        })
        .await
    }
}
