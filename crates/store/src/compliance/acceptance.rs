//! Risks that security officers accept.

use crate::{
    audit,
    error::{Result, StoreError, moment, unix_ms},
};
use reeve_model::{
    UnixMs,
    audit::AuditEvent,
    compliance::{Acceptance, AcceptedRisk, Severity},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// What is to be accepted.
#[derive(Debug, Clone)]
pub struct NewAcceptance {
    /// Id, made by the caller so that a retry makes no second one.
    pub id: Uuid,
    /// The finding.
    pub fingerprint: String,
    /// Its target.
    pub target: String,
    /// Its control.
    pub control: String,
    /// Its severity.
    pub severity: Severity,
    /// E-mail of the account that owns the risk.
    pub owner: String,
    /// The officer's account.
    pub account: Uuid,
    /// The officer's e-mail.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: UnixMs,
    /// Until when.
    pub expires: UnixMs,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptOutcome {
    /// It is accepted.
    Accepted,
    /// No enabled account has the owner's e-mail.
    NoOwner,
    /// The owner is the officer.
    SamePerson,
}

/// An accepted risk and the finding it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRisk {
    /// Who, why, until when.
    pub risk: AcceptedRisk,
    /// The finding's target.
    pub target: String,
}

/// Accepts a risk and writes the event; what was accepted before ends with it. Repeated with the same id it changes nothing.
///
/// # Errors
/// [`StoreError::Invalid`] for a time that is too long; the database's own.
pub async fn accept(connection: &mut PgConnection, org: Uuid, new: &NewAcceptance, event: &AuditEvent) -> Result<AcceptOutcome> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let owner = sqlx::query!(
        "SELECT id, email FROM main.account WHERE org_id = $1 AND lower(email) = lower($2) AND disabled_at IS NULL",
        org,
        new.owner
    )
    .fetch_optional(&mut *step)
    .await?;
    let Some(owner) = owner else { return Ok(AcceptOutcome::NoOwner) };
    if owner.id == new.account {
        return Ok(AcceptOutcome::SamePerson);
    }
    let again = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM main.acceptance WHERE id = $1) AS "there!""#, new.id);
    if again.fetch_one(&mut *step).await? {
        return Ok(AcceptOutcome::Accepted);
    }
    sqlx::query!(
        "UPDATE main.acceptance SET ended_at = $3, ended_by = $4 WHERE org_id = $1 AND fingerprint = $2 AND ended_at IS NULL",
        org,
        new.fingerprint,
        moment(new.at)?,
        new.by
    )
    .execute(&mut *step)
    .await?;
    sqlx::query!(
        "INSERT INTO main.acceptance
             (id, org_id, fingerprint, target, control, severity, owner_id, owner, account_id, accepted_by, reason, at, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        new.id,
        org,
        new.fingerprint,
        new.target,
        new.control,
        new.severity.word(),
        owner.id,
        owner.email,
        new.account,
        new.by,
        new.reason,
        moment(new.at)?,
        moment(new.expires)?
    )
    .execute(&mut *step)
    .await
    .map_err(too_long)?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(AcceptOutcome::Accepted)
}

fn too_long(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
        Some("ends_in_time") => StoreError::Invalid(
            "A risk is accepted for a time that ends: 90 days at most for a critical finding, 365 for any other.".to_owned(),
        ),
        _ => error.into(),
    }
}

/// Takes an acceptance back and writes the event. Answers whether there was one to take back.
///
/// # Errors
/// The database's own.
pub async fn withdraw(
    connection: &mut PgConnection,
    org: Uuid,
    fingerprint: &str,
    by: &str,
    at: UnixMs,
    event: &AuditEvent,
) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = sqlx::query!(
        "UPDATE main.acceptance SET ended_at = $3, ended_by = $4 WHERE org_id = $1 AND fingerprint = $2 AND ended_at IS NULL AND expires > $3",
        org,
        fingerprint,
        moment(at)?,
        by
    )
    .execute(&mut *step)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Every risk that was ever accepted, the newest first.
///
/// # Errors
/// The database's own.
pub async fn all(connection: &mut PgConnection, org: Uuid) -> Result<Vec<StoredRisk>> {
    let rows = sqlx::query!(
        "SELECT fingerprint, target, owner, accepted_by, reason, at, expires, ended_at, ended_by FROM main.acceptance
         WHERE org_id = $1 ORDER BY at DESC, id",
        org
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredRisk {
            target: row.target,
            risk: AcceptedRisk {
                acceptance: Acceptance {
                    fingerprint: row.fingerprint,
                    by: row.accepted_by,
                    reason: row.reason,
                    at: unix_ms(row.at),
                    expires: unix_ms(row.expires),
                },
                owner: row.owner,
                withdrawn: row.ended_at.map(unix_ms).zip(row.ended_by),
            },
        })
        .collect())
}
