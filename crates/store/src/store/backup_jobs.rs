//! Jobs about backups behind the pools.

use super::Store;
use crate::{
    backup_jobs::{self, Agreed, Asked, Begun, Ending, NewBackupJob},
    error::Result,
    queue::{self, Begin, Pace},
};
use reeve_model::{
    audit::AuditEvent,
    backup::{BackupId, BackupJob},
    pool::StoreRole,
};
use std::future::Future;
use uuid::Uuid;

impl Store {
    /// See [`backup_jobs::ask`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn ask_backup_job(&self, new: NewBackupJob, event: AuditEvent) -> Result<Asked> {
        let org = self.org;
        self.main_with((new, event), move |c, g| Box::pin(async move { backup_jobs::ask(c, org, &g.0, &g.1).await })).await
    }

    /// See [`backup_jobs::begin`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn begin_backup_job(&self, id: Uuid) -> Result<Begun> {
        let org = self.org;
        self.main(move |c| Box::pin(backup_jobs::begin(c, org, id))).await
    }

    /// See [`queue::mend`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn mend_backup_queue(&self, held: Vec<Uuid>) -> Result<()> {
        let org = self.org;
        self.main_with(held, move |c, held| Box::pin(async move { queue::mend(c, org, &held).await })).await
    }

    /// Gives queued jobs out until `stop` is there. Whoever calls this is the only one who works.
    ///
    /// # Errors
    /// [`StoreError::Queue`](crate::StoreError::Queue) when the database went away; jobs that have begun are not ended by that. Call
    /// [`Store::mend_backup_queue`] before it is tried again.
    pub async fn work_backup_queue(&self, pace: Pace, begin: Begin, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let endpoint = self.pools.endpoint(StoreRole::Main).ok_or(reeve_adapter::AdapterError::MainMissing)?;
        queue::work(endpoint, pace, begin, stop).await
    }

    /// See [`backup_jobs::finish`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn finish_backup_job(&self, id: Uuid, ending: Ending, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        self.main_with((ending, event), move |c, g| Box::pin(async move { backup_jobs::finish(c, org, id, &g.0, &g.1).await })).await
    }

    /// See [`backup_jobs::cancel`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn cancel_backup_job(&self, id: Uuid, event: AuditEvent) -> Result<Option<BackupJob>> {
        let org = self.org;
        self.main_with(event, move |c, event| Box::pin(async move { backup_jobs::cancel(c, org, id, &event).await })).await
    }

    /// See [`backup_jobs::agree`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn agree_backup_job(&self, id: Uuid, account: Uuid, by: &str, event: AuditEvent) -> Result<Agreed> {
        let org = self.org;
        let given = (by.to_owned(), event);
        self.main_with(given, move |c, g| Box::pin(async move { backup_jobs::agree(c, org, id, (account, &g.0), &g.1).await })).await
    }

    /// See [`backup_jobs::newest`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn backup_jobs(&self, most: i64) -> Result<Vec<BackupJob>> {
        let org = self.org;
        self.main(move |c| Box::pin(backup_jobs::newest(c, org, most))).await
    }

    /// See [`backup_jobs::of_backup`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn backup_jobs_of(&self, backup: &BackupId, most: i64) -> Result<Vec<BackupJob>> {
        let org = self.org;
        self.main_with(backup.clone(), move |c, backup| Box::pin(async move { backup_jobs::of_backup(c, org, &backup, most).await })).await
    }

    /// See [`backup_jobs::running`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn running_backup_jobs(&self) -> Result<Vec<BackupJob>> {
        let org = self.org;
        self.main(move |c| Box::pin(backup_jobs::running(c, org))).await
    }

    /// See [`backup_jobs::one`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn backup_job(&self, id: Uuid) -> Result<Option<BackupJob>> {
        let org = self.org;
        self.main(move |c| Box::pin(backup_jobs::one(c, org, id))).await
    }
}
