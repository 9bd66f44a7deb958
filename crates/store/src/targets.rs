//! Targets as last configured, and how their verdicts changed.

use crate::error::{Result, StoreError, moment, unix_ms};
use reeve_model::{Environment, Status, TargetInfo, TargetKind, TargetName, UnixMs};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// The verdict a target had last, so that "since" outlives a restart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerdictRecord {
    /// Status.
    pub status: Status,
    /// When the status began.
    pub since: UnixMs,
    /// Score when it began, 0 to 100; none when nothing was measured.
    pub score: Option<f64>,
}

/// Brings the registry in line with the configuration: adds, updates, and retires what is no longer there (its past
/// stays). Answers the small id of each configured target.
///
/// # Errors
/// The database's own.
pub async fn register(connection: &mut PgConnection, org: Uuid, targets: &[TargetInfo]) -> Result<HashMap<TargetName, i32>> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let mut ids = HashMap::with_capacity(targets.len());
    for target in targets {
        // An update that changes nothing is not written.
        let id = sqlx::query_scalar!(
            r#"WITH put AS (
                 INSERT INTO main.target AS t (org_id, name, kind, environment, address, tags, region, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (org_id, name) DO UPDATE SET kind = excluded.kind, environment = excluded.environment,
                     address = excluded.address, tags = excluded.tags, region = excluded.region, owner = excluded.owner, retired_at = NULL
                 WHERE (t.kind, t.environment, t.address, t.tags, t.region, t.owner, t.retired_at) IS DISTINCT FROM
                     (excluded.kind, excluded.environment, excluded.address, excluded.tags, excluded.region, excluded.owner, NULL)
                 RETURNING id)
               SELECT id AS "id!" FROM put UNION ALL SELECT id FROM main.target WHERE org_id = $1 AND name = $2 LIMIT 1"#,
            org,
            target.name.as_str(),
            target.kind.word(),
            target.environment.word(),
            target.address,
            &target.tags,
            target.region,
            target.owner
        )
        .fetch_one(&mut *step)
        .await?;
        ids.insert(target.name.clone(), id);
    }
    let names: Vec<String> = targets.iter().map(|t| t.name.as_str().to_owned()).collect();
    sqlx::query!("UPDATE main.target SET retired_at = now() WHERE org_id = $1 AND retired_at IS NULL AND name <> ALL ($2)", org, &names)
        .execute(&mut *step)
        .await?;
    step.commit().await?;
    Ok(ids)
}

/// The targets that are not retired, by name: what a node knows of the estate before it has read its configuration anew.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn registered(connection: &mut PgConnection, org: Uuid) -> Result<Vec<TargetInfo>> {
    let rows = sqlx::query!(
        "SELECT name, kind, environment, address, tags, region, owner FROM main.target WHERE org_id = $1 AND retired_at IS NULL ORDER BY name",
        org
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = |what: &str| StoreError::Corrupt(format!("The stored target {:?} has an unknown {what}.", row.name));
            Ok(TargetInfo {
                kind: [TargetKind::Postgres].into_iter().find(|k| k.word() == row.kind).ok_or_else(|| unknown("kind"))?,
                environment: [Environment::Dev, Environment::Staging, Environment::Prod]
                    .into_iter()
                    .find(|e| e.word() == row.environment)
                    .ok_or_else(|| unknown("environment"))?,
                name: TargetName::new(row.name.clone()).map_err(StoreError::Corrupt)?,
                address: row.address,
                tags: row.tags,
                region: row.region,
                owner: row.owner,
            })
        })
        .collect()
}

/// Records a verdict if its status differs from the last recorded one. Answers whether it was recorded. Safe to repeat.
///
/// # Errors
/// [`StoreError::Invalid`] for a target that is not registered; the database's own.
pub async fn record_verdict(connection: &mut PgConnection, org: Uuid, target: &TargetName, verdict: VerdictRecord) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    // Two recorders of one target take turns, so that a status is not recorded twice in a row. An advisory lock, because a
    // row lock would need the right to change the target.
    let id = sqlx::query_scalar!("SELECT id FROM main.target WHERE org_id = $1 AND name = $2", org, target.as_str())
        .fetch_optional(&mut *step)
        .await?
        .ok_or_else(|| StoreError::Invalid(format!("The target {target} is not registered.")))?;
    sqlx::query!("SELECT pg_catalog.pg_advisory_xact_lock(7233683, $1)", id).execute(&mut *step).await?;
    let made = sqlx::query!(
        "INSERT INTO main.verdict_change (org_id, target_id, status, score, since) SELECT $1, $2, $3, $4, $5
         WHERE $3 IS DISTINCT FROM (SELECT status FROM main.verdict_change WHERE target_id = $2 ORDER BY id DESC LIMIT 1)",
        org,
        id,
        verdict.status.word(),
        verdict.score,
        moment(verdict.since)?
    )
    .execute(&mut *step)
    .await?;
    step.commit().await?;
    Ok(made.rows_affected() == 1)
}

/// The last recorded verdict of each target that is not retired.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn last_verdicts(connection: &mut PgConnection, org: Uuid) -> Result<HashMap<TargetName, VerdictRecord>> {
    let rows = sqlx::query!(
        "SELECT t.name, v.status, v.score, v.since FROM main.target t
         CROSS JOIN LATERAL (SELECT status, score, since FROM main.verdict_change WHERE target_id = t.id
                             ORDER BY id DESC LIMIT 1) v
         WHERE t.org_id = $1 AND t.retired_at IS NULL",
        org
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok((TargetName::new(row.name).map_err(StoreError::Corrupt)?, record(&row.status, row.since, row.score)?)))
        .collect()
}

/// The changes of one target since a moment, oldest first, at most 1,000.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn verdict_changes(connection: &mut PgConnection, org: Uuid, target: &TargetName, since: UnixMs) -> Result<Vec<VerdictRecord>> {
    let rows = sqlx::query!(
        "SELECT v.status, v.score, v.since FROM main.verdict_change v JOIN main.target t ON t.id = v.target_id
         WHERE t.org_id = $1 AND t.name = $2 AND v.since >= $3 ORDER BY v.id LIMIT 1000",
        org,
        target.as_str(),
        moment(since)?
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| record(&row.status, row.since, row.score)).collect()
}

fn record(word: &str, since: time::OffsetDateTime, score: Option<f64>) -> Result<VerdictRecord> {
    let status = [Status::Healthy, Status::Unknown, Status::Degraded, Status::Critical]
        .into_iter()
        .find(|s| s.word() == word)
        .ok_or_else(|| StoreError::Corrupt(format!("The stored status {word:?} is unknown.")))?;
    Ok(VerdictRecord { status, since: unix_ms(since), score })
}
