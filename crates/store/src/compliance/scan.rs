//! Scans: one line each, and of each target what the newest one read.

use super::finding;
use crate::error::{Result, StoreError, moment};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{EvidenceSet, Finding, Score},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// A scan to be kept.
#[derive(Debug, Clone)]
pub struct NewScan {
    /// Id: that of its audit event.
    pub id: Uuid,
    /// When it was judged.
    pub at: UnixMs,
    /// Edition of the catalogue.
    pub catalogue: u32,
    /// The figures.
    pub score: Score,
    /// What was read.
    pub evidence: EvidenceSet,
    /// SHA-256 over the digests of all evidence.
    pub hash: [u8; 32],
    /// Findings that are there.
    pub findings: u32,
    /// The findings whose life changed, or that were seen again.
    pub lives: Vec<Finding>,
}

/// What the newest scan of a target read.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredScan {
    /// The evidence.
    pub evidence: EvidenceSet,
    /// SHA-256 over the digests of all evidence.
    pub hash: [u8; 32],
}

/// Keeps a scan, its evidence and the lives of its findings, all or nothing. Repeated with the same id it changes nothing.
///
/// # Errors
/// [`StoreError::Invalid`] for evidence that can't be stored; the database's own.
pub async fn keep(connection: &mut PgConnection, org: Uuid, new: &NewScan) -> Result<()> {
    let whole = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let (set, score) = (&new.evidence, &new.score);
    let body =
        serde_json::to_value(set).map_err(|error| StoreError::Invalid(format!("The evidence of a scan can't be stored: {error}.")))?;
    let mut step = sqlx::Connection::begin(connection).await?;
    let made = sqlx::query!(
        "INSERT INTO compliance.scan
             (id, org_id, target, at, catalogue, formula, version, role, proven, upper, passed, failed, unknown, not_applicable, findings, evidence_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING",
        new.id,
        org,
        set.target.as_str(),
        moment(new.at)?,
        whole(new.catalogue),
        whole(score.formula),
        set.version,
        set.role,
        score.proven,
        score.upper,
        whole(score.passed),
        whole(score.failed),
        whole(score.unknown),
        whole(score.not_applicable),
        whole(new.findings),
        &new.hash[..]
    )
    .execute(&mut *step)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO compliance.evidence AS e (org_id, target, scan, at, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (org_id, target) DO UPDATE SET scan = excluded.scan, at = excluded.at, body = excluded.body WHERE e.at <= excluded.at",
        org,
        set.target.as_str(),
        new.id,
        moment(set.finished_at)?,
        body
    )
    .execute(&mut *step)
    .await?;
    finding::put(&mut step, org, &new.lives).await?;
    step.commit().await?;
    Ok(())
}

/// What the newest scan of a target read; none before the first.
///
/// # Errors
/// [`StoreError::Corrupt`] for evidence this program does not know; the database's own.
pub async fn newest(connection: &mut PgConnection, org: Uuid, target: &TargetName) -> Result<Option<StoredScan>> {
    let row = sqlx::query!(
        "SELECT e.body, s.evidence_hash FROM compliance.evidence e JOIN compliance.scan s ON s.id = e.scan WHERE e.org_id = $1 AND e.target = $2",
        org,
        target.as_str()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let corrupt =
            || StoreError::Corrupt(format!("The stored evidence of {target} is not what this program writes; the next scan replaces it."));
        Ok(StoredScan {
            evidence: serde_json::from_value(row.body).map_err(|_| corrupt())?,
            hash: row.evidence_hash.try_into().map_err(|_| corrupt())?,
        })
    })
    .transpose()
}
