//! Registered targets behind the pools.

use super::Store;
use crate::{
    error::Result,
    registered::{self, Registration, SealedAddress, StoredTargets},
};
use reeve_model::{TargetName, audit::AuditEvent};
use uuid::Uuid;

impl Store {
    /// See [`registered::all`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn stored_targets(&self) -> Result<StoredTargets> {
        let org = self.org;
        self.main(move |c| Box::pin(registered::all(c, org))).await
    }

    /// See [`registered::add`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn add_target(&self, new: Registration, address: SealedAddress, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        let given = (new, address, event);
        self.main_with(given, move |c, g| Box::pin(async move { registered::add(c, org, &g.0, &g.1, &g.2).await })).await
    }

    /// See [`registered::edit`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn edit_target(&self, new: Registration, seen: Uuid, address: Option<SealedAddress>, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        let given = (new, address, event);
        self.main_with(given, move |c, g| Box::pin(async move { registered::edit(c, org, &g.0, seen, g.1.as_ref(), &g.2).await })).await
    }

    /// See [`registered::remove`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn remove_target(&self, name: TargetName, seen: Uuid, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        let given = (name, event);
        self.main_with(given, move |c, g| Box::pin(async move { registered::remove(c, org, &g.0, seen, &g.1).await })).await
    }
}
