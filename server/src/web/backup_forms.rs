//! The forms of the backup pages. Each asks for one thing through the port and leads back to its page.

use super::{account_forms::Parts, forms::Fields};
use axum::{extract::Path, response::Response};
use reeve_access::{
    authorize,
    permission::{ApproveRestore, CancelBackup, RunBackup, ScheduleBackup, UnscheduleBackup, ViewBackup, ViewBackupJob, ViewBackups},
};
use reeve_app::route::{BackupView, Page, database_of};
use reeve_model::{
    TargetName,
    backup::{BackupAct, BackupId, BackupJob, JobState, NewSchedule, ScheduledWhat, VerificationLevel},
};
use reeve_ports::PortError;

/// What a job does, as what a sentence is about.
fn named(job: &BackupJob) -> String {
    let database = &job.database;
    match &job.act {
        BackupAct::Backup { .. } => format!("The backup of {database}"),
        BackupAct::Verify { .. } => format!("The verification of a backup of {database}"),
        BackupAct::Drill { .. } => format!("The drill of a backup of {database}"),
        BackupAct::Restore { into: Some(name), .. } => format!("The restore of {database} as {name}"),
        BackupAct::Restore { into: None, .. } => format!("The restore of {database} beside the original"),
        BackupAct::PutBack { schema, table, .. } => format!("Putting {schema}.{table} back into {database}"),
        BackupAct::Replace { .. } => format!("The replacement of {database} by a backup"),
    }
}

/// What is said of a job that was asked for.
fn asked(job: &BackupJob) -> String {
    let what = named(job);
    match job.state {
        JobState::Waiting => format!(
            "{what} is written down; it begins when a second person agrees, on this page or on that of all backups, within 24 hours."
        ),
        _ => format!("{what} is written down; it begins as soon as its database has no other job. This page shows how far it is."),
    }
}

/// Backs up a database.
pub async fn run(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Backups(Box::default()));
    let outcome = async {
        let chosen = database_of(fields.get("of"));
        let (target, database) = chosen.ok_or_else(|| PortError::Invalid("Choose the database to back up.".to_owned()))?;
        let act = BackupAct::Backup { database, tables: Vec::new() };
        Ok(asked(&form.ports().backups.ask(authorize::<RunBackup>(form.who(), (target, act))?, None).await?))
    }
    .await;
    form.end(outcome).await
}

/// Ends a job.
pub async fn cancel(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Backups(Box::default()));
    let outcome = async {
        let id = fields.get("job").to_owned();
        let job = form.ports().backups.backup_job(authorize::<ViewBackupJob>(form.who(), id.clone())?).await?;
        let job = form.ports().backups.cancel(authorize::<CancelBackup>(form.who(), (job.target, id))?).await?;
        Ok(match job.state {
            JobState::Running => format!("{} ends as soon as it has cleared away what it did.", named(&job)),
            _ => format!("{} was cancelled before it began.", named(&job)),
        })
    }
    .await;
    form.end(outcome).await
}

/// Sets a schedule.
pub async fn schedule(parts: Parts, fields: Fields) -> Response {
    let names = ["of", "what", "often", "weekday", "day", "time", "cron", "zone"];
    let form = parts.on(Page::Backups(Box::default())).keeping(&fields, &names);
    let outcome = async {
        let asked = database_of(fields.get("of"));
        let (target, database) = asked.ok_or_else(|| PortError::Invalid("Choose the database of the schedule.".to_owned()))?;
        let what = ScheduledWhat::from_word(fields.get("what"));
        let what = what.ok_or_else(|| PortError::Invalid("Choose what is to be done: backup or drill.".to_owned()))?;
        let new = NewSchedule { database, what, when: when(&fields), time_zone: fields.get("zone").to_owned(), enabled: true };
        let set = form.ports().backups.set_schedule(authorize::<ScheduleBackup>(form.who(), (target, new))?).await?;
        let next = set.next_local.map_or_else(String::new, |at| format!(" It is due next on {at}."));
        Ok(format!("The schedule is set: {} of {}, {}.{next}", set.what.word(), set.database, set.words))
    }
    .await;
    form.end(outcome).await
}

/// What the fields say together, in the words that schedules are read from.
fn when(fields: &Fields) -> String {
    let time = fields.get("time").trim();
    match fields.get("often") {
        "daily" => format!("daily at {time}"),
        "weekly" => format!("weekly on {} at {time}", fields.get("weekday")),
        "monthly" => format!("monthly on {} at {time}", fields.get("day")),
        _ => fields.get("cron").to_owned(),
    }
}

/// Removes a schedule.
pub async fn unschedule(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Backups(Box::default()));
    let outcome = async {
        let id = fields.get("schedule").to_owned();
        let all = form.ports().backups.backup_schedules(authorize::<ViewBackups>(form.who(), ())?).await?;
        let found = all.into_iter().find(|s| s.id == id).ok_or_else(super::backups_api::no_schedule)?;
        form.ports().backups.remove_schedule(authorize::<UnscheduleBackup>(form.who(), (found.target, id))?).await?;
        Ok("The schedule was removed. Backups that it made stay, and a job that it asked for goes on.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Verifies a backup.
pub async fn verify(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let level = if fields.get("level") == "digests" { VerificationLevel::Digests } else { VerificationLevel::Full };
    of_backup(parts, &id, |backup| BackupAct::Verify { backup, level }).await
}

/// Drills a backup.
pub async fn drill(parts: Parts, Path(id): Path<String>, _: Fields) -> Response {
    of_backup(parts, &id, |backup| BackupAct::Drill { backup }).await
}

/// Restores a backup beside its original.
pub async fn restore(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let into = Some(fields.get("into").trim().to_owned()).filter(|name| !name.is_empty());
    let parts = parts.keeping(&fields, &["into"]);
    of_backup(parts, &id, |backup| BackupAct::Restore { backup, into }).await
}

/// Asks that a backup takes the place of its original.
pub async fn replace(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let typed = fields.get("typed").to_owned();
    let parts = parts.keeping(&fields, &["typed"]);
    of_backup(parts, &id, |backup| BackupAct::Replace { backup, typed }).await
}

/// Agrees to what somebody else asked for.
pub async fn approve(parts: Parts, fields: Fields) -> Response {
    let from = BackupId::new(fields.get("from")).ok();
    let form = parts.on(from.map_or_else(|| Page::Backups(Box::default()), |id| Page::backup(&id)));
    let outcome = async {
        let id = fields.get("job").to_owned();
        let job = form.ports().backups.backup_job(authorize::<ViewBackupJob>(form.who(), id.clone())?).await?;
        Ok(asked(&form.ports().backups.approve(authorize::<ApproveRestore>(form.who(), (job.target, id))?).await?))
    }
    .await;
    form.end(outcome).await
}

/// Puts a table of a restored database back into the original.
pub async fn put_back(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let get = |name: &str| fields.get(name).to_owned();
    let (from, schema, table) = (get("from"), get("schema"), get("table"));
    let chosen = Some((schema.clone(), table.clone()));
    of_backup_at(parts, &id, chosen, |backup| BackupAct::PutBack { backup, from, schema, table }).await
}

async fn of_backup(parts: Parts, id: &str, act: impl FnOnce(BackupId) -> BackupAct) -> Response {
    of_backup_at(parts, id, None, act).await
}

/// Leads back to the backup's page with this table chosen.
async fn of_backup_at(parts: Parts, id: &str, table: Option<(String, String)>, act: impl FnOnce(BackupId) -> BackupAct) -> Response {
    let Ok(backup) = BackupId::new(id) else {
        return parts.on(Page::Backups(Box::default())).end(Err(super::backups_api::missing())).await;
    };
    let form = parts.on(Page::Backup(Box::new(BackupView { id: backup.clone(), table })));
    let outcome = async {
        let found = form.ports().backups.backup_detail(authorize::<ViewBackup>(form.who(), backup.clone())?).await?;
        let target: TargetName = found.entry.backup.target;
        let job = form.ports().backups.ask(authorize::<RunBackup>(form.who(), (target, act(backup)))?, None).await?;
        Ok(asked(&job))
    }
    .await;
    form.end(outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::{UnixMs, backup::BackupKind};

    fn job(act: BackupAct, state: JobState) -> BackupJob {
        BackupJob {
            id: String::new(),
            target: TargetName::new("shop").expect("a name"),
            database: "orders".to_owned(),
            backup: act.backup().cloned(),
            act,
            kind: BackupKind::Manual,
            state,
            progress: None,
            sentence: None,
            restored: None,
            cancelling: false,
            asked_by: String::new(),
            asked_at: UnixMs(0),
            agreed: None,
            started_at: None,
            ended_at: None,
        }
    }

    #[test]
    fn d1_what_was_asked_for_is_named() {
        let backup = BackupId::new("20261126T131845Z-7f3a9c01").expect("an id");
        let said = |act: BackupAct| asked(&job(act, JobState::Queued));
        let made = said(BackupAct::Backup { database: "orders".to_owned(), tables: Vec::new() });
        assert_eq!(
            made,
            "The backup of orders is written down; it begins as soon as its database has no other job. This page shows how far it is."
        );
        let level = VerificationLevel::Full;
        assert!(said(BackupAct::Verify { backup: backup.clone(), level }).starts_with("The verification of a backup of orders is"));
        assert!(said(BackupAct::Drill { backup: backup.clone() }).starts_with("The drill of a backup of orders is"));
        let restore = |into: Option<&str>| said(BackupAct::Restore { backup: backup.clone(), into: into.map(str::to_owned) });
        assert!(restore(Some("tuesday")).starts_with("The restore of orders as tuesday is"));
        assert!(restore(None).starts_with("The restore of orders beside the original is"));
        let (from, schema, table) = ("tuesday".to_owned(), "public".to_owned(), "lines".to_owned());
        let back = said(BackupAct::PutBack { backup: backup.clone(), from, schema, table });
        assert!(back.starts_with("Putting public.lines back into orders is"), "{back}");
        let waits = asked(&job(BackupAct::Replace { backup, typed: "orders".to_owned() }, JobState::Waiting));
        let wanted = "The replacement of orders by a backup is written down; it begins when a second person agrees";
        assert!(waits.starts_with(wanted), "{waits}");
    }
}
