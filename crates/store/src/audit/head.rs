//! The ends of logs, in the log and as main recorded them.

use super::{
    entry::{from_micros, micros},
    seal::Hash,
};
use crate::error::{Result, StoreError};
use reeve_model::audit::AuditProblem;
use sqlx::PgConnection;
use uuid::Uuid;

/// As whom main's record is named.
pub const MAIN: &str = "the main database";

/// A place in a log and the hash there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Organisation.
    pub org: Uuid,
    /// The log.
    pub log: Uuid,
    /// Place, from 1.
    pub seq: i64,
    /// Hash of the chain up to there.
    pub hash: Hash,
    /// When the entry was sealed, in microseconds since 1970.
    pub sealed_at: i64,
}

/// The id of the log in this database.
///
/// # Errors
/// The database's own.
pub async fn log_id(connection: &mut PgConnection) -> Result<Uuid> {
    Ok(sqlx::query_scalar!("SELECT id FROM compliance.audit_origin").fetch_one(connection).await?)
}

/// The end of an organisation's log in this database; none while it is empty.
///
/// # Errors
/// The database's own.
pub async fn newest(connection: &mut PgConnection, org: Uuid) -> Result<Option<Head>> {
    let row = sqlx::query!(
        r#"SELECT l.seq, l.hash, l.sealed_at, o.id AS log FROM compliance.audit_origin o
           CROSS JOIN LATERAL (SELECT seq, hash, sealed_at FROM compliance.audit_log WHERE org_id = $1 ORDER BY sealed_at DESC, seq DESC LIMIT 1) l"#,
        org
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(Head { org, log: row.log, seq: row.seq, hash: digest(&row.hash)?, sealed_at: micros(row.sealed_at) })).transpose()
}

/// The end of the log that main recorded last.
///
/// # Errors
/// The database's own.
pub async fn recorded(connection: &mut PgConnection, org: Uuid, log: Uuid) -> Result<Option<Head>> {
    let row = sqlx::query!("SELECT seq, hash, at FROM main.audit_head WHERE org_id = $1 AND log = $2", org, log)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(Head { org, log, seq: row.seq, hash: digest(&row.hash)?, sealed_at: micros(row.at) })).transpose()
}

/// The ends of all logs of an organisation that main recorded.
///
/// # Errors
/// The database's own.
pub async fn all_recorded(connection: &mut PgConnection, org: Uuid) -> Result<Vec<Head>> {
    let rows = sqlx::query!("SELECT log, seq, hash, at FROM main.audit_head WHERE org_id = $1 ORDER BY at, log", org)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(|row| Ok(Head { org, log: row.log, seq: row.seq, hash: digest(&row.hash)?, sealed_at: micros(row.at) })).collect()
}

/// Records an end, unless a later one is recorded already.
pub(super) async fn record(connection: &mut PgConnection, head: &Head) -> Result<()> {
    sqlx::query!(
        "INSERT INTO main.audit_head AS h (org_id, log, seq, hash, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (org_id, log) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at = excluded.at WHERE h.seq < excluded.seq",
        head.org,
        head.log,
        head.seq,
        &head.hash[..],
        from_micros(head.sealed_at)?
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a log that ends at `end` still holds what was recorded of it.
pub(super) async fn contradiction(connection: &mut PgConnection, end: Option<&Head>, recorded: &Head) -> Result<Option<AuditProblem>> {
    let by = MAIN.to_owned();
    let ends_at = end.map_or(0, |end| end.seq);
    if ends_at < recorded.seq {
        return Ok(Some(AuditProblem::CutOff { ends_at, recorded: recorded.seq, by }));
    }
    let hash = sqlx::query_scalar!(
        "SELECT hash FROM compliance.audit_log WHERE org_id = $1 AND sealed_at = $2 AND seq = $3",
        recorded.org,
        from_micros(recorded.sealed_at)?,
        recorded.seq
    )
    .fetch_optional(connection)
    .await?;
    Ok((hash.as_deref() != Some(&recorded.hash)).then_some(AuditProblem::Rewritten { seq: recorded.seq, by }))
}

fn digest(bytes: &[u8]) -> Result<Hash> {
    Hash::try_from(bytes).map_err(|_| StoreError::Corrupt("The recorded end of an audit log is no SHA-256.".to_owned()))
}
