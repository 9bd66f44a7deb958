//! What persons vouch for.

use crate::{
    audit,
    error::{Result, StoreError, moment, unix_ms},
};
use reeve_model::{
    TargetName, UnixMs,
    audit::AuditEvent,
    compliance::{Attestation, Subject},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// What is to be vouched for.
#[derive(Debug, Clone)]
pub struct NewAttestation {
    /// Id, made by the caller so that a retry makes no second one.
    pub id: Uuid,
    /// The account of who vouches.
    pub account: Uuid,
    /// What, by whom, on what grounds and until when.
    pub word: Attestation,
}

/// Writes a person's word and the event; their or another's former word for the same ends with it. Repeated with the same id it changes
/// nothing.
///
/// # Errors
/// [`StoreError::Invalid`] for a time that is too long; the database's own.
pub async fn attest(connection: &mut PgConnection, org: Uuid, new: &NewAttestation, event: &AuditEvent) -> Result<()> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let again = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM main.attestation WHERE id = $1) AS "there!""#, new.id);
    if again.fetch_one(&mut *step).await? {
        return Ok(());
    }
    let (word, subject) = (&new.word, &new.word.subject);
    end(&mut step, org, subject, &word.by, word.at).await?;
    sqlx::query!(
        "INSERT INTO main.attestation (id, org_id, kind, target, subject, account_id, attested_by, statement, document, at, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id,
        org,
        subject.kind(),
        subject.target().map(TargetName::as_str),
        subject.key(),
        new.account,
        word.by,
        word.statement,
        word.document,
        moment(word.at)?,
        moment(word.expires)?
    )
    .execute(&mut *step)
    .await
    .map_err(too_long)?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(())
}

fn too_long(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
        Some("word_ends") => StoreError::Invalid("A person's word holds for a time that ends: 365 days at most.".to_owned()),
        _ => error.into(),
    }
}

async fn end(step: &mut PgConnection, org: Uuid, subject: &Subject, by: &str, at: UnixMs) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE main.attestation SET ended_at = greatest($5, at), ended_by = $6
         WHERE org_id = $1 AND kind = $2 AND target IS NOT DISTINCT FROM $3 AND subject = $4 AND ended_at IS NULL",
        org,
        subject.kind(),
        subject.target().map(TargetName::as_str),
        subject.key(),
        moment(at)?,
        by
    )
    .execute(step)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a person's word back and writes the event. Answers whether there was one to take back.
///
/// # Errors
/// The database's own.
pub async fn withdraw(
    connection: &mut PgConnection,
    org: Uuid,
    subject: &Subject,
    by: &str,
    at: UnixMs,
    event: &AuditEvent,
) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    if !end(&mut step, org, subject, by, at).await? {
        return Ok(false);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Every word that was ever given, the newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] for subjects this program does not know; the database's own.
pub async fn all(connection: &mut PgConnection, org: Uuid) -> Result<Vec<Attestation>> {
    let rows = sqlx::query!(
        "SELECT id, kind, target, subject, attested_by, statement, document, at, expires, ended_at, ended_by FROM main.attestation
         WHERE org_id = $1 ORDER BY at DESC, id",
        org
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let corrupt =
                || StoreError::Corrupt(format!("The stored attestation {} is of something that this program does not know.", row.id));
            let target = row.target.map(TargetName::new).transpose().map_err(StoreError::Corrupt)?;
            Ok(Attestation {
                subject: Subject::from_parts(&row.kind, target, &row.subject).ok_or_else(corrupt)?,
                by: row.attested_by,
                statement: row.statement,
                document: row.document,
                at: unix_ms(row.at),
                expires: unix_ms(row.expires),
                withdrawn: row.ended_at.map(unix_ms).zip(row.ended_by),
            })
        })
        .collect()
}
