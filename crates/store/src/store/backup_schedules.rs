//! Schedules of backups behind the pools.

use super::Store;
use crate::{
    backup_schedules::{self, Due, DueJob, NewStoredSchedule, StoredSchedule},
    error::Result,
};
use reeve_model::{UnixMs, audit::AuditEvent};
use uuid::Uuid;

impl Store {
    /// See [`backup_schedules::all`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn backup_schedules(&self) -> Result<Vec<StoredSchedule>> {
        let org = self.org;
        self.main(move |c| Box::pin(backup_schedules::all(c, org))).await
    }

    /// See [`backup_schedules::set`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn set_backup_schedule(&self, new: NewStoredSchedule, event: AuditEvent) -> Result<()> {
        let org = self.org;
        self.main_with((new, event), move |c, g| Box::pin(async move { backup_schedules::set(c, org, &g.0, &g.1).await })).await
    }

    /// See [`backup_schedules::remove`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn remove_backup_schedule(&self, id: Uuid, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        self.main_with(event, move |c, event| Box::pin(async move { backup_schedules::remove(c, org, id, &event).await })).await
    }

    /// See [`backup_schedules::take`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn take_due_backup(&self, seen: StoredSchedule, due: UnixMs, job: DueJob) -> Result<Due> {
        let org = self.org;
        self.main_with((seen, job), move |c, g| Box::pin(async move { backup_schedules::take(c, org, &g.0, due, &g.1).await })).await
    }
}
