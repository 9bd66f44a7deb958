//! Scans: one line each, and of each target what the newest one read.

use super::finding;
use crate::error::{Result, StoreError, moment, unix_ms};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{EvidenceSet, Finding, ScanLine, ScanOutcome, Score},
};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
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
    /// What it found, as far as other scans are compared with it.
    pub outcome: ScanOutcome,
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
    // As text it has one digest, whatever the database makes of it.
    let found =
        serde_json::to_string(&new.outcome).map_err(|error| StoreError::Invalid(format!("What a scan found can't be stored: {error}.")))?;
    let outcome: [u8; 32] = Sha256::digest(&found).into();
    let found =
        serde_json::to_value(&new.outcome).map_err(|error| StoreError::Invalid(format!("What a scan found can't be stored: {error}.")))?;
    let mut step = sqlx::Connection::begin(connection).await?;
    sqlx::query!(
        "INSERT INTO compliance.outcome (org_id, hash, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        org,
        &outcome[..],
        found
    )
    .execute(&mut *step)
    .await?;
    let made = sqlx::query!(
        "INSERT INTO compliance.scan
             (id, org_id, target, at, catalogue, formula, version, role, proven, upper, passed, failed, unknown, not_applicable, findings, evidence_hash,
              outcome)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (id) DO NOTHING",
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
        &new.hash[..],
        &outcome[..]
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

struct LineRow {
    id: Uuid,
    at: OffsetDateTime,
    catalogue: i32,
    version: String,
    role: String,
    proven: Option<f64>,
    passed: i32,
    failed: i32,
    unknown: i32,
    findings: i32,
}

impl LineRow {
    fn line(self) -> ScanLine {
        let count = |n: i32| u32::try_from(n).unwrap_or(0);
        ScanLine {
            id: self.id.to_string(),
            at: unix_ms(self.at),
            catalogue: count(self.catalogue),
            version: self.version,
            role: self.role,
            proven: self.proven,
            passed: count(self.passed),
            failed: count(self.failed),
            unknown: count(self.unknown),
            findings: count(self.findings),
        }
    }
}

/// Scans of a target that found something else than the one before them, the newest first, at most so many; the first that can be compared
/// is among them.
///
/// # Errors
/// The database's own.
pub async fn changed(connection: &mut PgConnection, org: Uuid, target: &TargetName, most: i64) -> Result<Vec<ScanLine>> {
    let rows = sqlx::query_as!(
        LineRow,
        "SELECT id, at, catalogue, version, role, proven, passed, failed, unknown, findings
         FROM (SELECT *, lag(outcome) OVER (ORDER BY at, id) AS former FROM compliance.scan
               WHERE org_id = $1 AND target = $2 AND outcome IS NOT NULL) AS s
         WHERE outcome IS DISTINCT FROM former ORDER BY at DESC, id DESC LIMIT $3",
        org,
        target.as_str(),
        most
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(LineRow::line).collect())
}

/// What a scan of a target found; none when there is no such scan, or it was before outcomes were kept.
///
/// # Errors
/// [`StoreError::Corrupt`] for an outcome this program does not know; the database's own.
pub async fn outcome(connection: &mut PgConnection, org: Uuid, target: &TargetName, id: Uuid) -> Result<Option<(ScanLine, ScanOutcome)>> {
    let line = sqlx::query_as!(
        LineRow,
        "SELECT id, at, catalogue, version, role, proven, passed, failed, unknown, findings FROM compliance.scan
         WHERE org_id = $1 AND target = $2 AND id = $3",
        org,
        target.as_str(),
        id
    );
    let Some(line) = line.fetch_optional(&mut *connection).await? else { return Ok(None) };
    let body = sqlx::query_scalar!(
        "SELECT o.body FROM compliance.scan s JOIN compliance.outcome o ON o.org_id = s.org_id AND o.hash = s.outcome WHERE s.id = $1",
        id
    );
    let Some(body) = body.fetch_optional(connection).await? else { return Ok(None) };
    let body = serde_json::from_value(body)
        .map_err(|_| StoreError::Corrupt(format!("What the scan {id} found is not what this program writes.")))?;
    Ok(Some((line.line(), body)))
}
