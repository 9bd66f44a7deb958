//! Sealed secrets behind the pools.

use super::Store;
use crate::{
    error::Result,
    secrets::{self, SealedSecret},
};
use reeve_model::audit::AuditEvent;

impl Store {
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
    pub async fn put_secret(&self, (kind, name): (&str, &str), sealed: &[u8], key_id: &[u8], event: AuditEvent) -> Result<()> {
        let (org, given) = (self.org, (kind.to_owned(), name.to_owned(), sealed.to_vec(), key_id.to_vec(), event));
        self.main_with(given, move |c, g| Box::pin(async move { secrets::put(c, org, (&g.0, &g.1), &g.2, &g.3, &g.4).await })).await
    }

    /// See [`secrets::remove`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn remove_secret(&self, (kind, name): (&str, &str), event: AuditEvent) -> Result<bool> {
        let (org, given) = (self.org, (kind.to_owned(), name.to_owned(), event));
        self.main_with(given, move |c, g| Box::pin(async move { secrets::remove(c, org, (&g.0, &g.1), &g.2).await })).await
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
    pub async fn reseal_secrets<F>(&self, event: AuditEvent, seal: F) -> Result<u64>
    where
        F: Fn(&SealedSecret) -> Result<Option<(Vec<u8>, Vec<u8>)>> + Send + Sync + 'static,
    {
        let (org, seal) = (self.org, std::sync::Arc::new(seal));
        self.main_with(event, move |c, event| {
            let seal = std::sync::Arc::clone(&seal);
            Box::pin(async move { secrets::reseal(c, org, &event, move |secret| seal(secret)).await })
        })
        .await
    }
}
