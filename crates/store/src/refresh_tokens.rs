//! Refresh tokens: each gets the next one, once.
//!
//! A client that lost the answer asks again, and a browser with several tabs asks at once: for a few seconds whoever used a token
//! gets the same successor again. Anybody else, or later, holds a stolen token (or the thief used it first): the session ends.

use crate::{
    audit,
    auth_sessions::{self, AuthSession},
    error::{Result, moment},
};
use reeve_model::{UnixMs, audit::AuditEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// What came of using a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// It was good; the successor takes its place.
    Rotated(AuthSession),
    /// The same client used it a moment ago: the successor is the one it got then.
    Again(AuthSession),
    /// It was used before: its session has ended, and the alarm is written.
    Reused {
        /// The session that ended.
        sid: Uuid,
        /// Its account.
        account: Uuid,
        /// E-mail of the account.
        email: String,
    },
    /// There is none like that, or it or its session is over.
    Unknown,
}

/// What is presented, by whom, and what takes its place.
#[derive(Debug, Clone)]
pub struct RefreshUse {
    /// Digest of the presented token.
    pub digest: [u8; 32],
    /// Digest of what the client can be known by.
    pub fingerprint: [u8; 32],
    /// For how long the same client gets the same successor again, in milliseconds.
    pub grace_ms: i64,
    /// Digest of the successor. It has to follow from the presented token, so that all who present it make the same.
    pub successor: [u8; 32],
    /// Written when a token is used twice; its account, actor and resource (the session's id) are filled in here.
    pub alarm: AuditEvent,
}

/// The first token of a session. Repeated it changes nothing. To be called in the transaction that begins the session.
pub(crate) async fn insert_first(step: &mut PgConnection, sid: Uuid, digest: &[u8; 32], expires_at: UnixMs) -> Result<()> {
    sqlx::query!(
        "INSERT INTO main.refresh_token (digest, org_id, sid, generation, expires_at)
         SELECT $1, org_id, sid, 1, $3 FROM main.auth_session WHERE sid = $2
         ON CONFLICT DO NOTHING",
        &digest[..],
        sid,
        moment(expires_at)?
    )
    .execute(step)
    .await?;
    Ok(())
}

/// Uses a token. The successor lives as long as its predecessor did, but never longer than the session.
///
/// # Errors
/// The database's own.
pub async fn use_refresh(connection: &mut PgConnection, given: &RefreshUse) -> Result<RefreshOutcome> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let outcome = exchange(&mut step, given).await?;
    step.commit().await?;
    Ok(outcome)
}

async fn exchange(step: &mut PgConnection, given: &RefreshUse) -> Result<RefreshOutcome> {
    // Those who present the same token at once go one after the other from here on.
    let token = sqlx::query!(
        r#"SELECT sid, used_at IS NOT NULL AS "used!", expires_at > now() AS "good!", fingerprint, successor,
             used_at > clock_timestamp() - make_interval(secs => $2::int8 / 1000.0) AS fresh
           FROM main.refresh_token WHERE digest = $1 FOR UPDATE"#,
        &given.digest[..],
        given.grace_ms
    )
    .fetch_optional(&mut *step)
    .await?;
    let Some(token) = token else { return Ok(RefreshOutcome::Unknown) };
    // Looked at after the wait, not before.
    let Some(session) = auth_sessions::live(step, token.sid).await? else { return Ok(RefreshOutcome::Unknown) };
    if token.used {
        if token.fresh == Some(true) && token.fingerprint.as_deref() == Some(&given.fingerprint) {
            let same = token.successor.as_deref() == Some(&given.successor);
            return Ok(if same { RefreshOutcome::Again(session) } else { RefreshOutcome::Unknown });
        }
        return reused(step, session, &given.alarm).await;
    }
    if !token.good {
        return Ok(RefreshOutcome::Unknown);
    }
    sqlx::query!(
        "WITH used AS (
             UPDATE main.refresh_token SET used_at = clock_timestamp(), fingerprint = $2, successor = $3 WHERE digest = $1 RETURNING *)
         INSERT INTO main.refresh_token (digest, org_id, sid, generation, expires_at)
         SELECT $3, u.org_id, u.sid, u.generation + 1, least(s.expires_at, now() + (u.expires_at - u.created_at))
         FROM used u JOIN main.auth_session s ON s.sid = u.sid",
        &given.digest[..],
        &given.fingerprint[..],
        &given.successor[..]
    )
    .execute(step)
    .await?;
    Ok(RefreshOutcome::Rotated(session))
}

async fn reused(step: &mut PgConnection, session: AuthSession, alarm: &AuditEvent) -> Result<RefreshOutcome> {
    let ended = sqlx::query!("UPDATE main.auth_session SET ended_at = now() WHERE sid = $1 AND ended_at IS NULL", session.sid)
        .execute(&mut *step)
        .await?;
    if ended.rows_affected() == 0 {
        // Somebody else ended it meanwhile, and said so.
        return Ok(RefreshOutcome::Unknown);
    }
    let alarm = AuditEvent {
        account: Some(session.account.to_string()),
        actor: session.email.clone(),
        resource: session.sid.to_string(),
        ..alarm.clone()
    };
    audit::write(step, &alarm).await?;
    Ok(RefreshOutcome::Reused { sid: session.sid, account: session.account, email: session.email })
}
