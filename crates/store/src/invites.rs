//! Single-use links: an invitation makes an account, a reset sets a new password. Only their digests are stored.

use crate::{
    accounts::{self, NewAccount, bindings, checked_email},
    audit,
    error::{Result, moment, unix_ms},
};
use reeve_model::{Binding, UnixMs, account::InviteView, audit::AuditEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a new link needs.
#[derive(Clone)]
pub struct NewInvite {
    /// Id, made by the caller so that a retry makes no second one.
    pub id: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// For whom.
    pub email: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Account of its maker.
    pub made_by: Uuid,
    /// When it ends.
    pub expires_at: UnixMs,
}

// By hand: the digest belongs in no log.
impl std::fmt::Debug for NewInvite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewInvite")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Makes an account with these roles; at least one.
    Join(Vec<Binding>),
    /// Sets a new password for an account.
    Reset(Uuid),
}

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvite {
    /// Id.
    pub id: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// For whom.
    pub email: String,
    /// What it is for.
    pub purpose: Purpose,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// What someone who uses a link chose.
#[derive(Clone)]
pub struct Choice {
    /// Id of the account that an invitation makes, made by the caller; of no use for a reset.
    pub account: Uuid,
    /// Shown name; of no use for a reset.
    pub display_name: String,
    /// Hash of the new password (PHC string).
    pub password_hash: String,
}

/// What came of using a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseOutcome {
    /// The account was made.
    Made {
        /// Its id.
        account: Uuid,
        /// Its e-mail.
        email: String,
    },
    /// The password was set.
    Reset {
        /// The account.
        account: Uuid,
        /// Its e-mail.
        email: String,
        /// Its sessions and tokens, which ended.
        ended: Vec<Uuid>,
    },
    /// There is an account with that e-mail already. The link stays open.
    Taken,
    /// There is none like that, or it was used, withdrawn, or has ended.
    Gone,
}

/// Makes a link and writes the event. Links for the same e-mail that are still open are withdrawn: the newest counts. Repeated with the
/// same id it changes nothing.
///
/// # Errors
/// [`StoreError::Invalid`](crate::StoreError::Invalid) for an e-mail that is none; the database's own.
pub async fn make(connection: &mut PgConnection, new: &NewInvite, event: &AuditEvent) -> Result<()> {
    let email = checked_email(&new.email)?;
    let (words, account) = match &new.purpose {
        Purpose::Join(bindings) => (bindings.iter().map(ToString::to_string).collect(), None),
        Purpose::Reset(account) => (Vec::new(), Some(*account)),
    };
    let mut step = sqlx::Connection::begin(connection).await?;
    sqlx::query!(
        "UPDATE main.invite SET withdrawn_at = now() WHERE org_id = $1 AND email = $2 AND id <> $3 AND used_at IS NULL AND withdrawn_at IS NULL",
        new.org,
        email,
        new.id
    )
    .execute(&mut *step)
    .await?;
    sqlx::query!(
        "INSERT INTO main.invite (id, org_id, digest, email, bindings, account_id, made_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        new.id,
        new.org,
        &new.digest[..],
        email,
        &words,
        account,
        new.made_by,
        moment(new.expires_at)?
    )
    .execute(&mut *step)
    .await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(())
}

/// The link with this digest, if it can be used. A reset of a disabled account can't.
///
/// # Errors
/// The database's own.
pub async fn offer(connection: &mut PgConnection, digest: &[u8; 32]) -> Result<Option<OpenInvite>> {
    let row = sqlx::query!(
        "SELECT i.id, i.org_id, i.email, i.bindings, i.account_id, i.expires_at
         FROM main.invite i LEFT JOIN main.account a ON a.id = i.account_id
         WHERE i.digest = $1 AND i.used_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > now() AND a.disabled_at IS NULL",
        &digest[..]
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let purpose = match row.account_id {
            Some(account) => Purpose::Reset(account),
            None => Purpose::Join(bindings(row.bindings)?),
        };
        Ok(OpenInvite { id: row.id, org: row.org_id, email: row.email, purpose, expires_at: unix_ms(row.expires_at) })
    })
    .transpose()
}

/// Uses a link, once, and writes the event: makes the account with its roles, or sets the password, ends the account's
/// sessions and revokes its API tokens.
/// Of two who use it at once one gets [`UseOutcome::Gone`]. Repeated with the same choice it answers the same again.
///
/// # Errors
/// The database's own.
pub async fn use_once(connection: &mut PgConnection, digest: &[u8; 32], choice: &Choice, event: &AuditEvent) -> Result<UseOutcome> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let outcome = take(&mut step, digest, choice, event).await?;
    step.commit().await?;
    Ok(outcome)
}

async fn take(step: &mut PgConnection, digest: &[u8; 32], choice: &Choice, event: &AuditEvent) -> Result<UseOutcome> {
    // The second of two waits here and then finds it used.
    let row = sqlx::query!(
        "SELECT account_id, email, used_at IS NOT NULL AS \"used!\" FROM main.invite WHERE digest = $1 FOR UPDATE",
        &digest[..]
    )
    .fetch_optional(&mut *step)
    .await?;
    let Some(row) = row else { return Ok(UseOutcome::Gone) };
    if row.used {
        return used_by(step, row.account_id, row.email, choice).await;
    }
    let Some(open) = offer(step, digest).await? else { return Ok(UseOutcome::Gone) };
    let outcome = match open.purpose {
        Purpose::Join(bindings) => {
            let new = NewAccount {
                id: choice.account,
                org: open.org,
                email: open.email.clone(),
                display_name: choice.display_name.clone(),
                password_hash: choice.password_hash.clone(),
                bindings,
            };
            if !accounts::insert(step, &new).await? {
                return Ok(UseOutcome::Taken);
            }
            UseOutcome::Made { account: choice.account, email: open.email }
        }
        Purpose::Reset(account) => match accounts::replace_password(step, open.org, account, &choice.password_hash, None).await? {
            Some(mut ended) => {
                // A reset is for an account that may be in wrong hands: what they made for their programs goes too.
                ended.append(&mut crate::api_tokens::revoke_all(step, account).await?);
                UseOutcome::Reset { account, email: open.email, ended }
            }
            None => return Ok(UseOutcome::Gone),
        },
    };
    sqlx::query!("UPDATE main.invite SET used_at = now() WHERE id = $1", open.id).execute(&mut *step).await?;
    audit::write(step, event).await?;
    Ok(outcome)
}

/// Whether a used link was used by this very choice, whose answer got lost: hashes are salted, so no other choice has the same.
async fn used_by(step: &mut PgConnection, reset: Option<Uuid>, email: String, choice: &Choice) -> Result<UseOutcome> {
    let account = reset.unwrap_or(choice.account);
    let same = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM main.account WHERE id = $1 AND email = $2 AND password_hash = $3) AS "same!""#,
        account,
        email,
        choice.password_hash
    );
    Ok(match (same.fetch_one(step).await?, reset) {
        (false, _) => UseOutcome::Gone,
        (true, Some(_)) => UseOutcome::Reset { account, email, ended: Vec::new() },
        (true, None) => UseOutcome::Made { account, email },
    })
}

/// Takes a link back and writes the event, if it was still open. Answers whether it was, or had been taken back before.
///
/// # Errors
/// The database's own.
pub async fn withdraw(connection: &mut PgConnection, org: Uuid, id: Uuid, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = sqlx::query!(
        "UPDATE main.invite SET withdrawn_at = now() WHERE org_id = $1 AND id = $2 AND used_at IS NULL AND withdrawn_at IS NULL",
        org,
        id
    )
    .execute(&mut *step)
    .await?;
    if done.rows_affected() == 0 {
        let withdrawn = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM main.invite WHERE org_id = $1 AND id = $2 AND withdrawn_at IS NOT NULL) AS "withdrawn!""#,
            org,
            id
        );
        return Ok(withdrawn.fetch_one(&mut *step).await?);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Withdraws the open links that the account made and those made for it, in a transaction that writes the event.
pub(crate) async fn withdraw_all(step: &mut PgConnection, account: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE main.invite SET withdrawn_at = now() WHERE (account_id = $1 OR made_by = $1) AND used_at IS NULL AND withdrawn_at IS NULL",
        account
    )
    .execute(step)
    .await?;
    Ok(())
}

/// The links that are open, newest first.
///
/// # Errors
/// The database's own.
pub async fn open(connection: &mut PgConnection, org: Uuid) -> Result<Vec<InviteView>> {
    let rows = sqlx::query!(
        "SELECT i.id, i.email, i.bindings, i.account_id, m.email AS made_by, i.created_at, i.expires_at
         FROM main.invite i JOIN main.account m ON m.id = i.made_by
         WHERE i.org_id = $1 AND i.used_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > now()
         ORDER BY i.created_at DESC, i.id",
        org
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(InviteView {
                id: row.id.to_string(),
                email: row.email,
                bindings: bindings(row.bindings)?,
                reset: row.account_id.is_some(),
                made_by: row.made_by,
                created_at: unix_ms(row.created_at),
                expires_at: unix_ms(row.expires_at),
            })
        })
        .collect()
}

/// Removes links that were over before `before`. Answers how many.
///
/// # Errors
/// The database's own.
pub async fn purge(connection: &mut PgConnection, before: UnixMs) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM main.invite WHERE least(used_at, withdrawn_at, expires_at) < $1", moment(before)?)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
