//! The audit trail behind the pools.

use super::Store;
use crate::{
    audit::{self, outbox::Waiting},
    error::Result,
};
use reeve_model::audit::AuditEvent;

impl Store {
    /// Writes events of their own, which no change in the store goes with. All or none; see [`audit::write_all`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn write_audit(&self, events: Vec<AuditEvent>) -> Result<()> {
        self.main_with(events, |c, events| Box::pin(async move { audit::write_all(c, &events).await })).await
    }

    /// See [`audit::waiting`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn audit_waiting(&self) -> Result<Waiting> {
        let org = self.org;
        self.main(move |c| Box::pin(audit::waiting(c, org))).await
    }
}
