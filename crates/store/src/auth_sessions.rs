//! Sign-ins: one row each, from sign-in to end.

use crate::error::{Result, moment, unix_ms};
use reeve_model::UnixMs;
use sqlx::PgConnection;
use uuid::Uuid;

/// A sign-in together with the rights of its account as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSession {
    /// Session id (`sid` of its tokens).
    pub sid: Uuid,
    /// Account.
    pub account: Uuid,
    /// Organisation of the account.
    pub org: Uuid,
    /// E-mail of the account.
    pub email: String,
    /// How it was proved: `session`, `bearer` or `local`.
    pub via: String,
    /// Words of the account's roles.
    pub roles: Vec<String>,
    /// The account's epoch.
    pub epoch: i32,
    /// When it began.
    pub created_at: UnixMs,
    /// When it was last used, to about a minute.
    pub last_seen: UnixMs,
    /// When it ends by itself.
    pub expires_at: UnixMs,
}

/// Begins a sign-in. Repeated with the same `sid` it changes nothing.
///
/// `via` is `session`, `bearer` or `local`.
///
/// # Errors
/// The database's own, a disabled or missing account included (`RowNotFound`).
pub async fn begin(connection: &mut PgConnection, sid: Uuid, account: Uuid, via: &str, expires_at: UnixMs) -> Result<()> {
    let made = sqlx::query!(
        "INSERT INTO main.auth_session (sid, org_id, account_id, via, expires_at)
         SELECT $1, org_id, id, $3, $4 FROM main.account WHERE id = $2 AND disabled_at IS NULL
         ON CONFLICT (sid) DO UPDATE SET last_seen = main.auth_session.last_seen
             WHERE main.auth_session.account_id = excluded.account_id",
        sid,
        account,
        via,
        moment(expires_at)?
    )
    .execute(connection)
    .await?;
    if made.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound.into()) }
}

/// The sign-in, if it is still good: not ended, not expired, its account not disabled.
///
/// # Errors
/// The database's own.
pub async fn live(connection: &mut PgConnection, sid: Uuid) -> Result<Option<AuthSession>> {
    let row = sqlx::query!(
        "SELECT s.sid, s.account_id, s.via, s.created_at, s.last_seen, s.expires_at, a.org_id, a.email, a.roles, a.epoch
         FROM main.auth_session s JOIN main.account a ON a.id = s.account_id
         WHERE s.sid = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND a.disabled_at IS NULL",
        sid
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| AuthSession {
        sid: row.sid,
        account: row.account_id,
        org: row.org_id,
        email: row.email,
        via: row.via,
        roles: row.roles,
        epoch: row.epoch,
        created_at: unix_ms(row.created_at),
        last_seen: unix_ms(row.last_seen),
        expires_at: unix_ms(row.expires_at),
    }))
}

/// Notes that the sign-in was used and, if given, moves its end. Written at most once a minute unless the end moves.
/// A sign-in that has ended stays ended. Answers whether it is still good.
///
/// # Errors
/// The database's own.
pub async fn touch(connection: &mut PgConnection, sid: Uuid, expires_at: Option<UnixMs>) -> Result<bool> {
    let until = expires_at.map(moment).transpose()?;
    sqlx::query!(
        "UPDATE main.auth_session SET last_seen = now(), expires_at = coalesce($2::timestamptz, expires_at)
         WHERE sid = $1 AND ended_at IS NULL AND expires_at > now()
           AND (last_seen < now() - interval '1 minute' OR $2::timestamptz IS NOT NULL)",
        sid,
        until
    )
    .execute(&mut *connection)
    .await?;
    let good = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM main.auth_session WHERE sid = $1 AND ended_at IS NULL AND expires_at > now()) AS "good!""#,
        sid
    )
    .fetch_one(connection)
    .await?;
    Ok(good)
}

/// Ends a sign-in at once. Answers whether this call ended it.
///
/// # Errors
/// The database's own.
pub async fn end(connection: &mut PgConnection, sid: Uuid) -> Result<bool> {
    let done =
        sqlx::query!("UPDATE main.auth_session SET ended_at = now() WHERE sid = $1 AND ended_at IS NULL", sid).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sign-ins of an account. Answers their ids, so that their live streams can be closed.
///
/// # Errors
/// The database's own.
pub async fn end_all(connection: &mut PgConnection, account: Uuid) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "UPDATE main.auth_session SET ended_at = now() WHERE account_id = $1 AND ended_at IS NULL RETURNING sid",
        account
    )
    .fetch_all(connection)
    .await?)
}

/// Removes sign-ins that ended or expired before `before`. Answers how many.
///
/// # Errors
/// The database's own.
pub async fn purge(connection: &mut PgConnection, before: UnixMs) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM main.auth_session WHERE least(ended_at, expires_at) < $1", moment(before)?).execute(connection).await?;
    Ok(done.rows_affected())
}
