//! Sign-ins: one row each, from sign-in to end.

use crate::{
    accounts::bindings,
    audit,
    error::{Result, moment, unix_ms},
    refresh_tokens,
};
use reeve_model::{Binding, UnixMs, account::SessionView, audit::AuditEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// For how long the place of a sign-in is remembered as known, in days.
pub const KNOWN_DAYS: i32 = 30;

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
    /// The account's roles and their scopes.
    pub bindings: Vec<Binding>,
    /// The account's epoch.
    pub epoch: i32,
    /// When it began.
    pub created_at: UnixMs,
    /// When it was last used, to about a minute.
    pub last_seen: UnixMs,
    /// When it ends if nobody uses it; none when only `expires_at` counts.
    pub idle_ends_at: Option<UnixMs>,
    /// When it ends by itself at the latest.
    pub expires_at: UnixMs,
}

/// What a new sign-in needs.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Id, made by the caller so that a retry begins no second one.
    pub sid: Uuid,
    /// Account.
    pub account: Uuid,
    /// `session`, `bearer` or `local`.
    pub via: String,
    /// From where; empty when unknown.
    pub address: String,
    /// With what (User-Agent); empty when unknown.
    pub agent: String,
    /// When it ends if nobody uses it.
    pub idle_ends_at: Option<UnixMs>,
    /// When it ends at the latest.
    pub expires_at: UnixMs,
    /// Its first refresh token: digest and end.
    pub refresh: Option<([u8; 32], UnixMs)>,
}

/// Begins a sign-in with its first refresh token, notes it at the account, remembers its address and writes the event. Repeated with
/// the same `sid` it changes nothing.
///
/// # Errors
/// The database's own, a disabled or missing account included (`RowNotFound`).
pub async fn begin(connection: &mut PgConnection, new: &NewSession, event: &AuditEvent) -> Result<()> {
    let mut step = sqlx::Connection::begin(connection).await?;
    // The account first, as those do who disable it or set its password: one of the two waits for the other.
    let account =
        sqlx::query!("UPDATE main.account SET last_sign_in = now() WHERE id = $1 AND disabled_at IS NULL RETURNING org_id", new.account)
            .fetch_one(&mut *step)
            .await?;
    let idle = new.idle_ends_at.map(moment).transpose()?;
    let made = sqlx::query!(
        "INSERT INTO main.auth_session (sid, org_id, account_id, via, address, agent, idle_ends_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (sid) DO UPDATE SET last_seen = main.auth_session.last_seen
             WHERE main.auth_session.account_id = excluded.account_id",
        new.sid,
        account.org_id,
        new.account,
        new.via,
        new.address,
        new.agent,
        idle,
        moment(new.expires_at)?
    )
    .execute(&mut *step)
    .await?;
    if made.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound.into());
    }
    if let Some((digest, expires_at)) = &new.refresh {
        refresh_tokens::insert_first(&mut step, new.sid, digest, *expires_at).await?;
    }
    if !new.address.is_empty() {
        sqlx::query!(
            "INSERT INTO main.known_address (org_id, account_id, address) VALUES ($1, $2, $3)
             ON CONFLICT (account_id, address) DO UPDATE SET last_at = now()",
            account.org_id,
            new.account,
            new.address
        )
        .execute(&mut *step)
        .await?;
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(())
}

/// The sign-in, if it is still good: not ended, not expired, not idle for too long, its account not disabled.
///
/// # Errors
/// The database's own.
pub async fn live(connection: &mut PgConnection, sid: Uuid) -> Result<Option<AuthSession>> {
    let row = sqlx::query!(
        r#"SELECT s.sid, s.account_id, s.via, s.created_at, s.last_seen, s.idle_ends_at, s.expires_at, a.org_id, a.email, a.epoch,
             ARRAY(SELECT role || '@' || scope FROM main.binding WHERE account_id = a.id ORDER BY role, scope) AS "bindings!"
           FROM main.auth_session s JOIN main.account a ON a.id = s.account_id
           WHERE s.sid = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND (s.idle_ends_at IS NULL OR s.idle_ends_at > now())
             AND a.disabled_at IS NULL"#,
        sid
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(AuthSession {
            sid: row.sid,
            account: row.account_id,
            org: row.org_id,
            email: row.email,
            via: row.via,
            bindings: bindings(row.bindings)?,
            epoch: row.epoch,
            created_at: unix_ms(row.created_at),
            last_seen: unix_ms(row.last_seen),
            idle_ends_at: row.idle_ends_at.map(unix_ms),
            expires_at: unix_ms(row.expires_at),
        })
    })
    .transpose()
}

/// Notes that the sign-in was used and moves its idle end, if one is given. Written at most once a minute. A sign-in that is over stays
/// over. Answers whether it is still good.
///
/// # Errors
/// The database's own.
pub async fn touch(connection: &mut PgConnection, sid: Uuid, idle_ends_at: Option<UnixMs>) -> Result<bool> {
    let until = idle_ends_at.map(moment).transpose()?;
    sqlx::query!(
        "UPDATE main.auth_session SET last_seen = now(), idle_ends_at = coalesce($2::timestamptz, idle_ends_at)
         WHERE sid = $1 AND ended_at IS NULL AND expires_at > now() AND (idle_ends_at IS NULL OR idle_ends_at > now())
           AND last_seen < now() - interval '1 minute'",
        sid,
        until
    )
    .execute(&mut *connection)
    .await?;
    let good = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM main.auth_session s JOIN main.account a ON a.id = s.account_id
             WHERE s.sid = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND (s.idle_ends_at IS NULL OR s.idle_ends_at > now())
               AND a.disabled_at IS NULL) AS "good!""#,
        sid
    )
    .fetch_one(connection)
    .await?;
    Ok(good)
}

/// The live sign-ins of an account, newest first; `current` is marked as the one that asks.
///
/// # Errors
/// The database's own.
pub async fn of_account(connection: &mut PgConnection, account: Uuid, current: Option<Uuid>) -> Result<Vec<SessionView>> {
    let rows = sqlx::query!(
        "SELECT s.sid, s.via, s.created_at, s.last_seen, s.expires_at, s.address, s.agent
         FROM main.auth_session s JOIN main.account a ON a.id = s.account_id
         WHERE s.account_id = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND (s.idle_ends_at IS NULL OR s.idle_ends_at > now())
           AND a.disabled_at IS NULL
         ORDER BY s.created_at DESC, s.sid",
        account
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SessionView {
            id: row.sid.to_string(),
            via: row.via,
            created_at: unix_ms(row.created_at),
            last_seen: unix_ms(row.last_seen),
            expires_at: unix_ms(row.expires_at),
            address: row.address,
            agent: row.agent,
            current: current == Some(row.sid),
        })
        .collect())
}

/// Ends a sign-in of the account at once and writes the event, if it was not over already. Answers whether there is such a sign-in.
///
/// # Errors
/// The database's own.
pub async fn end(connection: &mut PgConnection, account: Uuid, sid: Uuid, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done =
        sqlx::query!("UPDATE main.auth_session SET ended_at = now() WHERE sid = $1 AND account_id = $2 AND ended_at IS NULL", sid, account)
            .execute(&mut *step)
            .await?;
    if done.rows_affected() == 0 {
        let there = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM main.auth_session WHERE sid = $1 AND account_id = $2) AS "there!""#,
            sid,
            account
        );
        return Ok(there.fetch_one(&mut *step).await?);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Ends all sign-ins of an account but `keep` and writes the event. Answers those that this call ended, so that their live streams can
/// be closed.
///
/// # Errors
/// The database's own.
pub async fn end_all_but(connection: &mut PgConnection, account: Uuid, keep: Option<Uuid>, event: &AuditEvent) -> Result<Vec<Uuid>> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let ended = end_all(&mut step, account, keep).await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(ended)
}

/// As [`end_all_but`], inside a transaction that writes the event itself.
pub(crate) async fn end_all(step: &mut PgConnection, account: Uuid, keep: Option<Uuid>) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "UPDATE main.auth_session SET ended_at = now() WHERE account_id = $1 AND ended_at IS NULL AND sid IS DISTINCT FROM $2 RETURNING sid",
        account,
        keep
    )
    .fetch_all(step)
    .await?)
}

/// Who signed in from where in the last [`KNOWN_DAYS`] days: pairs of e-mail and address, the newest 10,000.
///
/// # Errors
/// The database's own.
pub async fn known_addresses(connection: &mut PgConnection, org: Uuid) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "SELECT a.email, k.address FROM main.known_address k JOIN main.account a ON a.id = k.account_id
         WHERE k.org_id = $1 AND k.last_at > now() - make_interval(days => $2) ORDER BY k.last_at DESC LIMIT 10000",
        org,
        KNOWN_DAYS
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.email, row.address)).collect())
}

/// Removes sign-ins that were over before `before`, with their refresh tokens, and addresses that are no longer known. Answers how many.
///
/// # Errors
/// The database's own.
pub async fn purge(connection: &mut PgConnection, before: UnixMs) -> Result<u64> {
    let sessions = sqlx::query!("DELETE FROM main.auth_session WHERE least(ended_at, idle_ends_at, expires_at) < $1", moment(before)?)
        .execute(&mut *connection)
        .await?;
    let places = sqlx::query!("DELETE FROM main.known_address WHERE last_at < now() - make_interval(days => $1)", KNOWN_DAYS)
        .execute(connection)
        .await?;
    Ok(sessions.rows_affected() + places.rows_affected())
}
