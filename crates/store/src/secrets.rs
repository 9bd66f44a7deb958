//! Sealed secrets. Nothing here can open them: sealing and opening is the vault's work, in the service layer.

use crate::{
    audit,
    error::{Result, unix_ms},
};
use reeve_model::{UnixMs, audit::AuditEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// The kind under which signing keys are sealed; they have a table of their own.
pub const SIGNING_KEY: &str = "signing-key";

/// A sealed value and the place it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What it is for, such as `target`, or [`SIGNING_KEY`].
    pub kind: String,
    /// Its name among its kind.
    pub name: String,
    /// The value as stored.
    pub sealed: Vec<u8>,
    /// When it was last set or sealed anew; for a signing key when that was made.
    pub updated_at: UnixMs,
}

// By hand: an unsealed signing key of an earlier version belongs in no log.
impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedSecret").field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

/// One secret's value; none when there is none of that name.
///
/// # Errors
/// The database's own.
pub async fn get(connection: &mut PgConnection, org: Uuid, kind: &str, name: &str) -> Result<Option<Vec<u8>>> {
    let row = sqlx::query!("SELECT sealed FROM main.secret WHERE org_id = $1 AND kind = $2 AND name = $3", org, kind, name);
    Ok(row.fetch_optional(connection).await?.map(|row| row.sealed))
}

/// Keeps a value, replacing the one before, and writes the event. `key_id` is the id inside `sealed`.
///
/// # Errors
/// The database's own.
pub async fn put(
    connection: &mut PgConnection,
    org: Uuid,
    secret: (&str, &str),
    sealed: &[u8],
    key_id: &[u8],
    event: &AuditEvent,
) -> Result<()> {
    let mut step = sqlx::Connection::begin(connection).await?;
    keep(&mut step, org, secret, sealed, key_id).await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(())
}

pub(crate) async fn keep(step: &mut PgConnection, org: Uuid, (kind, name): (&str, &str), sealed: &[u8], key_id: &[u8]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO main.secret (org_id, kind, name, sealed, key_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (org_id, kind, name) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, updated_at = now()",
        org,
        kind,
        name,
        sealed,
        key_id
    )
    .execute(step)
    .await?;
    Ok(())
}

/// Removes a secret, or with the kind [`SIGNING_KEY`] a signing key, and writes the event. Answers whether there was one.
///
/// # Errors
/// The database's own.
pub async fn remove(connection: &mut PgConnection, org: Uuid, (kind, name): (&str, &str), event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = if kind == SIGNING_KEY {
        sqlx::query!("DELETE FROM main.signing_key WHERE kid = $1", name).execute(&mut *step).await?
    } else {
        let row = sqlx::query!("DELETE FROM main.secret WHERE org_id = $1 AND kind = $2 AND name = $3", org, kind, name);
        row.execute(&mut *step).await?
    };
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// All that is sealed, by kind and name: the secrets, and the signing keys that have not retired.
///
/// # Errors
/// The database's own.
pub async fn all(connection: &mut PgConnection, org: Uuid) -> Result<Vec<SealedSecret>> {
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind!", name AS "name!", sealed AS "sealed!", updated_at AS "updated_at!" FROM main.secret WHERE org_id = $1
           UNION ALL SELECT $2, kid, private_key, created_at FROM main.signing_key WHERE retire_at > now()
           ORDER BY 1, 2"#,
        org,
        SIGNING_KEY
    )
    .fetch_all(connection)
    .await?;
    let sealed = |row: Row| SealedSecret { kind: row.0, name: row.1, sealed: row.2, updated_at: unix_ms(row.3) };
    Ok(rows.into_iter().map(|row| sealed((row.kind, row.name, row.sealed, row.updated_at))).collect())
}

type Row = (String, String, Vec<u8>, time::OffsetDateTime);

/// Replaces values by what `seal` makes of them, all in one transaction: all or none. Where `seal` answers none, the value stays.
/// Nobody can change a value meanwhile. Where any was replaced the event is written. Answers how many were.
///
/// # Errors
/// The first that `seal` gives; the database's own. Nothing is changed then.
pub async fn reseal<F>(connection: &mut PgConnection, org: Uuid, event: &AuditEvent, seal: F) -> Result<u64>
where
    F: Fn(&SealedSecret) -> Result<Option<(Vec<u8>, Vec<u8>)>>,
{
    let mut step = sqlx::Connection::begin(connection).await?;
    // Against other writers, not readers. Always in this order, so that two of these wait for each other in turn.
    sqlx::query!("SELECT FROM main.secret WHERE org_id = $1 ORDER BY kind, name FOR UPDATE", org).execute(&mut *step).await?;
    sqlx::query!("SELECT FROM main.signing_key ORDER BY kid FOR UPDATE").execute(&mut *step).await?;
    let mut done = 0;
    for secret in all(&mut step, org).await? {
        let Some((sealed, key_id)) = seal(&secret)? else { continue };
        if secret.kind == SIGNING_KEY {
            sqlx::query!("UPDATE main.signing_key SET private_key = $2 WHERE kid = $1", secret.name, sealed).execute(&mut *step).await?;
        } else {
            keep(&mut step, org, (&secret.kind, &secret.name), &sealed, &key_id).await?;
        }
        done += 1;
    }
    if done > 0 {
        audit::write(&mut step, event).await?;
    }
    step.commit().await?;
    Ok(done)
}
