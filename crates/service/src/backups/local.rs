//! Schedules for whoever has the machine, beside a running Reeve or alone. A running one heeds a change within a minute.

use super::schedules::{self, Author};
use crate::audit::Trail;
use reeve_model::{
    TargetName, UnixMs,
    backup::{BackupSchedule, NewSchedule, ScheduledWhat},
};
use reeve_store::Store;

/// All schedules.
///
/// # Errors
/// One sentence.
pub async fn local_schedules(store: &Store) -> Result<Vec<BackupSchedule>, String> {
    let all = store.backup_schedules().await.map_err(|e| e.to_string())?;
    Ok(all.into_iter().map(|s| schedules::shown(s, UnixMs::now())).collect())
}

/// Sets a schedule; answers it as it stands then.
///
/// # Errors
/// One sentence.
pub async fn local_set_schedule(
    store: &Store,
    trail: &Trail,
    user: &str,
    target: &TargetName,
    wanted: &NewSchedule,
) -> Result<BackupSchedule, String> {
    schedules::set(store, trail, Author::Local(user), target, wanted).await.map_err(|e| e.to_string())
}

/// Removes a schedule.
///
/// # Errors
/// One sentence.
pub async fn local_remove_schedule(
    store: &Store,
    trail: &Trail,
    user: &str,
    (target, database): (&TargetName, &str),
    what: ScheduledWhat,
) -> Result<(), String> {
    let meant = |s: &reeve_store::backup_schedules::StoredSchedule| s.target == *target && s.database == database && s.what == what;
    schedules::remove(store, trail, Author::Local(user), meant).await.map_err(|e| e.to_string())
}
