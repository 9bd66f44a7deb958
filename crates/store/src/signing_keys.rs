//! Keys that sign access tokens.

use crate::error::{Result, moment, unix_ms};
use reeve_model::UnixMs;
use sqlx::PgConnection;

/// A key as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Key id, as tokens name it.
    pub kid: String,
    /// Private key (Ed25519, PKCS#8 DER), sealed; as an earlier version of Reeve stored it, unsealed.
    pub private_key: Vec<u8>,
    /// When it was made.
    pub created_at: UnixMs,
    /// From then on it verifies nothing any more.
    pub retire_at: UnixMs,
}

// By hand: the key belongs in no log.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("retire_at", &self.retire_at).finish_non_exhaustive()
    }
}

/// All keys that verify now, newest first.
///
/// # Errors
/// The database's own.
pub async fn current(connection: &mut PgConnection) -> Result<Vec<SigningKey>> {
    let rows = sqlx::query!(
        "SELECT kid, private_key, created_at, retire_at FROM main.signing_key WHERE retire_at > now() ORDER BY created_at DESC, kid"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SigningKey {
            kid: row.kid,
            private_key: row.private_key,
            created_at: unix_ms(row.created_at),
            retire_at: unix_ms(row.retire_at),
        })
        .collect())
}

/// Adds a key, unless one that was made after `unless_after` still verifies: when several nodes find that a new key is due, one of
/// theirs is kept and all use it. Answers the newest key.
///
/// # Errors
/// The database's own.
pub async fn add(
    connection: &mut PgConnection,
    kid: &str,
    private_key: &[u8],
    retire_at: UnixMs,
    unless_after: UnixMs,
) -> Result<SigningKey> {
    let mut step = sqlx::Connection::begin(connection).await?;
    sqlx::query!("SELECT pg_catalog.pg_advisory_xact_lock(7233682, 1)").execute(&mut *step).await?;
    sqlx::query!(
        "INSERT INTO main.signing_key (kid, private_key, retire_at) SELECT $1, $2, $3
         WHERE NOT EXISTS (SELECT FROM main.signing_key WHERE created_at > $4 AND retire_at > now())
         ON CONFLICT (kid) DO NOTHING",
        kid,
        private_key,
        moment(retire_at)?,
        moment(unless_after)?
    )
    .execute(&mut *step)
    .await?;
    let newest = current(&mut step).await?.into_iter().next();
    step.commit().await?;
    newest.ok_or_else(|| crate::StoreError::Invalid("A signing key must retire in the future.".to_owned()))
}

/// Removes keys that retired before `before`. Answers how many.
///
/// # Errors
/// The database's own.
pub async fn purge(connection: &mut PgConnection, before: UnixMs) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM main.signing_key WHERE retire_at < $1", moment(before)?).execute(connection).await?;
    Ok(done.rows_affected())
}
