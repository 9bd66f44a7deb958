//! Backups for programs: the same port as the pages.

use super::{
    Web,
    api::{Answer, invalid},
    refusal::Refusal,
};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::HeaderMap,
};
use reeve_access::{
    Principal, authorize,
    permission::{ApproveRestore, CancelBackup, RunBackup, ScheduleBackup, UnscheduleBackup, ViewBackup, ViewBackupJob, ViewBackups},
};
use reeve_model::{
    TargetName,
    backup::{BackupAct, BackupId, BackupQuery, NewSchedule, ScheduledWhat, VerificationLevel},
};
use reeve_ports::PortError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

/// The refusal for an id that is no backup's.
pub fn missing() -> PortError {
    PortError::NotFound("There is no backup of this id.".to_owned())
}

/// Backups, how safe each database is, and jobs.
pub async fn list(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<BackupQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|_| invalid("The query takes target, database, trust, cursor and limit (1 to 500)."))?;
    let history = web.ports.backups.backup_history(authorize::<ViewBackups>(&who, ())?, query).await?;
    Ok(Json(json!(history)))
}

/// One backup and what was done with it.
pub async fn one(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>) -> Answer {
    let id = BackupId::new(id).map_err(|_| missing())?;
    Ok(Json(json!(web.ports.backups.backup_detail(authorize::<ViewBackup>(&who, id)?).await?)))
}

/// One job.
pub async fn job(State(web): State<Web>, Extension(who): Extension<Principal>, Path(job): Path<String>) -> Answer {
    Ok(Json(json!(web.ports.backups.backup_job(authorize::<ViewBackupJob>(&who, job)?).await?)))
}

/// What is to be backed up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    target: TargetName,
    database: String,
    #[serde(default)]
    tables: Vec<String>,
}

/// Asks for a backup; answers its job.
pub async fn make(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    headers: HeaderMap,
    body: Result<Json<New>, JsonRejection>,
) -> Answer {
    let hint = "Send JSON with target, database and, for the rows of some tables only, tables (a list like [\"public.orders\"]).";
    let Json(New { target, database, tables }) = body.map_err(|_| invalid(hint))?;
    let grant = authorize::<RunBackup>(&who, (target, BackupAct::Backup { database, tables }))?;
    Ok(Json(json!(web.ports.backups.ask(grant, key(&headers)?).await?)))
}

/// How deep to verify; all of it when nothing is said.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Depth {
    level: Option<VerificationLevel>,
}

/// Asks for a verification; answers its job.
pub async fn verify(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let asked: Depth = optional(&body, "Send nothing, or JSON with level: full or digests.")?;
    let level = asked.level.unwrap_or(VerificationLevel::Full);
    ask(&web, &who, id, &headers, |backup| BackupAct::Verify { backup, level }).await
}

/// Asks for a drill; answers its job.
pub async fn drill(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    ask(&web, &who, id, &headers, |backup| BackupAct::Drill { backup }).await
}

/// Where to restore to.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Beside {
    into: Option<String>,
}

/// Asks for a restore beside the original; answers its job.
pub async fn restore(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let asked: Beside = optional(&body, "Send nothing, or JSON with into: the name of the new database.")?;
    ask(&web, &who, id, &headers, |backup| BackupAct::Restore { backup, into: asked.into }).await
}

/// The database to be replaced, typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InPlace {
    typed: String,
}

/// Asks that a backup takes the place of its original; answers its job, which waits for a second person.
pub async fn replace(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<InPlace>, JsonRejection>,
) -> Answer {
    let Json(InPlace { typed }) = body.map_err(|_| invalid("Send JSON with typed: the name of the database to be replaced."))?;
    ask(&web, &who, id, &headers, |backup| BackupAct::Replace { backup, typed }).await
}

/// Agrees to what somebody else asked for; answers its job.
pub async fn approve(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>) -> Answer {
    let job = web.ports.backups.backup_job(authorize::<ViewBackupJob>(&who, id.clone())?).await?;
    Ok(Json(json!(web.ports.backups.approve(authorize::<ApproveRestore>(&who, (job.target, id))?).await?)))
}

/// Which table is to be put back, and from which restored database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    from: String,
    schema: String,
    table: String,
}

/// Asks for a table of a restored database to be put back into the original; answers its job.
pub async fn put_back(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Table>, JsonRejection>,
) -> Answer {
    let hint = "Send JSON with from (the restored database), schema and table.";
    let Json(Table { from, schema, table }) = body.map_err(|_| invalid(hint))?;
    ask(&web, &who, id, &headers, |backup| BackupAct::PutBack { backup, from, schema, table }).await
}

/// Ends a job; answers it.
pub async fn cancel(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>) -> Answer {
    let job = web.ports.backups.backup_job(authorize::<ViewBackupJob>(&who, id.clone())?).await?;
    Ok(Json(json!(web.ports.backups.cancel(authorize::<CancelBackup>(&who, (job.target, id))?).await?)))
}

/// The refusal for an id that is no schedule's.
pub fn no_schedule() -> PortError {
    PortError::NotFound("There is no such schedule.".to_owned())
}

/// All schedules.
pub async fn schedules(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    Ok(Json(json!({ "items": web.ports.backups.backup_schedules(authorize::<ViewBackups>(&who, ())?).await?, "next": null })))
}

/// What is to be done again and again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    target: TargetName,
    database: String,
    what: Option<ScheduledWhat>,
    when: String,
    time_zone: Option<String>,
    enabled: Option<bool>,
}

/// Sets a schedule; answers it.
pub async fn schedule(State(web): State<Web>, Extension(who): Extension<Principal>, body: Result<Json<Plan>, JsonRejection>) -> Answer {
    let hint = "Send JSON with target, database, when (\"daily at 02:30\" or five fields of cron) and, if other than backup, UTC and true, \
                what (backup or drill), time_zone and enabled.";
    let Json(plan) = body.map_err(|_| invalid(hint))?;
    let new = NewSchedule {
        database: plan.database,
        what: plan.what.unwrap_or(ScheduledWhat::Backup),
        when: plan.when,
        time_zone: plan.time_zone.unwrap_or_else(|| "UTC".to_owned()),
        enabled: plan.enabled.unwrap_or(true),
    };
    Ok(Json(json!(web.ports.backups.set_schedule(authorize::<ScheduleBackup>(&who, (plan.target, new))?).await?)))
}

/// Removes a schedule; answers its id.
pub async fn unschedule(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>) -> Answer {
    let all = web.ports.backups.backup_schedules(authorize::<ViewBackups>(&who, ())?).await?;
    let found = all.into_iter().find(|s| s.id == id).ok_or_else(no_schedule)?;
    web.ports.backups.remove_schedule(authorize::<UnscheduleBackup>(&who, (found.target, id.clone()))?).await?;
    Ok(Json(json!({ "id": id })))
}

/// Asks for something that is done with a backup. Whose it is is known once it is found; out of scope it is not there.
async fn ask(web: &Web, who: &Principal, id: String, headers: &HeaderMap, act: impl FnOnce(BackupId) -> BackupAct) -> Answer {
    let id = BackupId::new(id).map_err(|_| missing())?;
    let found = web.ports.backups.backup_detail(authorize::<ViewBackup>(who, id.clone())?).await?;
    let grant = authorize::<RunBackup>(who, (found.entry.backup.target, act(id)))?;
    Ok(Json(json!(web.ports.backups.ask(grant, key(headers)?).await?)))
}

/// What makes asking again the same as asking once.
fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut all = headers.get_all("idempotency-key").iter();
    let key = all.next().map(|value| value.to_str().map(str::to_owned).map_err(|_| invalid("Idempotency-Key is text."))).transpose()?;
    if all.next().is_some() { Err(invalid("Send one Idempotency-Key, not several.")) } else { Ok(key) }
}

/// A body that may be left out.
fn optional<T: DeserializeOwned + Default>(body: &Bytes, hint: &str) -> Result<T, Refusal> {
    if body.is_empty() { Ok(T::default()) } else { serde_json::from_slice(body).map_err(|_| invalid(hint)) }
}
