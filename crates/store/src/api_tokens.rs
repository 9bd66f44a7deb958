//! API tokens: long-lived, named, bounded by scopes. Only their digests are stored.

use crate::{
    accounts::bindings,
    audit,
    error::{Result, moment, unix_ms},
};
use reeve_model::{Binding, UnixMs, account::TokenView, audit::AuditEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// For how many days a token that is over is still listed.
const LISTED_DAYS: i32 = 30;

/// What a new token needs.
#[derive(Clone)]
pub struct NewApiToken {
    /// Id, made by the caller so that a retry makes no second one.
    pub id: Uuid,
    /// Its owner.
    pub account: Uuid,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// A name to know it by, 1 to 80 characters.
    pub name: String,
    /// What it may do at most, each "verb noun".
    pub scopes: Vec<String>,
    /// When it ends.
    pub expires_at: UnixMs,
}

// By hand: the digest belongs in no log.
impl std::fmt::Debug for NewApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiToken")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A token that works, with its owner's rights as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Id.
    pub id: Uuid,
    /// Name given by its owner.
    pub name: String,
    /// What it may do at most, each "verb noun".
    pub scopes: Vec<String>,
    /// When it ends.
    pub expires_at: UnixMs,
    /// Account of its owner.
    pub account: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// E-mail of its owner.
    pub email: String,
    /// The owner's roles and their scopes.
    pub bindings: Vec<Binding>,
    /// The owner's epoch.
    pub epoch: i32,
}

/// Makes a token and writes the event. Answers whether its owner is there and not disabled. Repeated with the same id it changes nothing.
///
/// # Errors
/// The database's own.
pub async fn make(connection: &mut PgConnection, new: &NewApiToken, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let owner = sqlx::query!("SELECT org_id FROM main.account WHERE id = $1 AND disabled_at IS NULL", new.account)
        .fetch_optional(&mut *step)
        .await?;
    let Some(owner) = owner else { return Ok(false) };
    sqlx::query!(
        "INSERT INTO main.api_token (id, org_id, account_id, digest, name, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO NOTHING",
        new.id,
        owner.org_id,
        new.account,
        &new.digest[..],
        new.name,
        &new.scopes,
        moment(new.expires_at)?
    )
    .execute(&mut *step)
    .await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// The token with this digest, if it works: not revoked, not expired, its owner not disabled.
///
/// # Errors
/// The database's own.
pub async fn by_digest(connection: &mut PgConnection, digest: &[u8; 32]) -> Result<Option<ApiToken>> {
    let row = sqlx::query!(
        r#"SELECT t.id, t.name, t.scopes, t.expires_at, a.id AS account, a.org_id, a.email, a.epoch,
             ARRAY(SELECT role || '@' || scope FROM main.binding WHERE account_id = a.id ORDER BY role, scope) AS "bindings!"
           FROM main.api_token t JOIN main.account a ON a.id = t.account_id
           WHERE t.digest = $1 AND t.revoked_at IS NULL AND t.expires_at > now() AND a.disabled_at IS NULL"#,
        &digest[..]
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(ApiToken {
            id: row.id,
            name: row.name,
            scopes: row.scopes,
            expires_at: unix_ms(row.expires_at),
            account: row.account,
            org: row.org_id,
            email: row.email,
            bindings: bindings(row.bindings)?,
            epoch: row.epoch,
        })
    })
    .transpose()
}

/// Notes that a token was used, at most once a minute.
///
/// # Errors
/// The database's own.
pub async fn touch(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE main.api_token SET last_used = now() WHERE id = $1 AND (last_used IS NULL OR last_used < now() - interval '1 minute')",
        id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The tokens of an account, newest first; those that have been over for a month are left out.
///
/// # Errors
/// The database's own.
pub async fn of_account(connection: &mut PgConnection, account: Uuid) -> Result<Vec<TokenView>> {
    let rows = sqlx::query!(
        "SELECT id, name, scopes, created_at, expires_at, last_used, revoked_at FROM main.api_token
         WHERE account_id = $1 AND least(revoked_at, expires_at) > now() - make_interval(days => $2) ORDER BY created_at DESC, id",
        account,
        LISTED_DAYS
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| TokenView {
            id: row.id.to_string(),
            name: row.name,
            scopes: row.scopes,
            created_at: unix_ms(row.created_at),
            expires_at: unix_ms(row.expires_at),
            last_used: row.last_used.map(unix_ms),
            revoked_at: row.revoked_at.map(unix_ms),
        })
        .collect())
}

/// Revokes a token of the account and writes the event, if it was not revoked already. Answers whether there is such a token.
///
/// # Errors
/// The database's own.
pub async fn revoke(connection: &mut PgConnection, account: Uuid, id: Uuid, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done =
        sqlx::query!("UPDATE main.api_token SET revoked_at = now() WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL", id, account)
            .execute(&mut *step)
            .await?;
    if done.rows_affected() == 0 {
        let there =
            sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM main.api_token WHERE id = $1 AND account_id = $2) AS "there!""#, id, account);
        return Ok(there.fetch_one(&mut *step).await?);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Revokes all tokens of the account, in a transaction that writes the event. Answers those that this call revoked.
pub(crate) async fn revoke_all(step: &mut PgConnection, account: Uuid) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "UPDATE main.api_token SET revoked_at = now() WHERE account_id = $1 AND revoked_at IS NULL RETURNING id",
        account
    )
    .fetch_all(step)
    .await?)
}

/// Removes tokens that were over before `before`. Answers how many.
///
/// # Errors
/// The database's own.
pub async fn purge(connection: &mut PgConnection, before: UnixMs) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM main.api_token WHERE least(revoked_at, expires_at) < $1", moment(before)?).execute(connection).await?;
    Ok(done.rows_affected())
}
