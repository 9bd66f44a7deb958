//! Accounts: who may use Reeve.

use crate::{
    audit,
    error::{Result, StoreError, of_rights, unix_ms},
};
use reeve_model::{Binding, UnixMs, account::AccountView, audit::AuditEvent, hidden};
use sqlx::PgConnection;
use uuid::Uuid;

/// The organisation that exists from the first migration on.
pub const DEFAULT_ORG: Uuid = Uuid::from_u128(1);

/// An account as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Id (`sub` of its tokens).
    pub id: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// E-mail, lower case.
    pub email: String,
    /// Shown name.
    pub display_name: String,
    /// Password hash (PHC string).
    pub password_hash: String,
    /// Its roles and their scopes.
    pub bindings: Vec<Binding>,
    /// Raised when password or rights change: tokens of an earlier epoch are refused.
    pub epoch: i32,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it was disabled; none while it may sign in.
    pub disabled_at: Option<UnixMs>,
    /// When it was last used to sign in.
    pub last_sign_in: Option<UnixMs>,
}

// By hand: the hash belongs in no log.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("bindings", &self.bindings)
            .field("epoch", &self.epoch)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

/// What a new account needs.
#[derive(Clone)]
pub struct NewAccount {
    /// Id, made by the caller so that a retry makes no second account.
    pub id: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// E-mail in any case.
    pub email: String,
    /// Shown name.
    pub display_name: String,
    /// Password hash (PHC string).
    pub password_hash: String,
    /// Its roles and their scopes.
    pub bindings: Vec<Binding>,
}

/// The form in which e-mails are stored and compared.
#[must_use]
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The same, when it can be the address of somebody.
///
/// # Errors
/// [`StoreError::Invalid`] for an e-mail that is none.
pub fn checked_email(email: &str) -> Result<String> {
    let normal = normal_email(email);
    let at = normal.find('@');
    if at.is_none_or(|i| i == 0 || i + 1 == normal.len())
        || normal.chars().count() > 254
        || normal.contains(|c: char| c.is_whitespace() || hidden(c) || "<>()[]\\,;:\"".contains(c))
    {
        return Err(StoreError::Invalid(format!("{email:?} is not an e-mail address.")));
    }
    Ok(normal)
}

/// Makes an account and writes the event. Answers its id, or `None` (nothing is written) when another account of the organisation has
/// that e-mail. Repeated with the same id it answers the id again.
///
/// # Errors
/// [`StoreError::Invalid`] for an e-mail that is none; the database's own.
pub async fn create(connection: &mut PgConnection, new: &NewAccount, event: &AuditEvent) -> Result<Option<Uuid>> {
    let mut step = sqlx::Connection::begin(connection).await?;
    if !insert(&mut step, new).await? {
        return Ok(None);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(Some(new.id))
}

/// The account and its bindings. False when another account has that e-mail. To be called in a transaction.
pub(crate) async fn insert(step: &mut PgConnection, new: &NewAccount) -> Result<bool> {
    let email = checked_email(&new.email)?;
    sqlx::query!(
        "INSERT INTO main.account (id, org_id, email, display_name, password_hash) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        new.id,
        new.org,
        email,
        new.display_name,
        new.password_hash
    )
    .execute(&mut *step)
    .await?;
    let id = sqlx::query_scalar!("SELECT id FROM main.account WHERE org_id = $1 AND email = $2", new.org, email)
        .fetch_optional(&mut *step)
        .await?;
    if id != Some(new.id) {
        return Ok(false);
    }
    bind(step, new.org, new.id, &new.bindings).await?;
    Ok(true)
}

/// Adds bindings that are missing.
async fn bind(step: &mut PgConnection, org: Uuid, account: Uuid, bindings: &[Binding]) -> Result<()> {
    let (roles, scopes) = columns(bindings);
    sqlx::query!(
        "INSERT INTO main.binding (org_id, account_id, role, scope) SELECT $1, $2, role, scope FROM unnest($3::text[], $4::text[]) AS b (role, scope)
         ON CONFLICT DO NOTHING",
        org,
        account,
        &roles,
        &scopes
    )
    .execute(step)
    .await?;
    Ok(())
}

fn columns(bindings: &[Binding]) -> (Vec<String>, Vec<String>) {
    bindings.iter().map(|b| (b.role.word().to_owned(), b.scope.to_string())).unzip()
}

/// Bindings as they are stored, `role@scope`.
pub(crate) fn bindings(words: Vec<String>) -> Result<Vec<Binding>> {
    let read =
        |word: String| Binding::try_from(word.clone()).map_err(|_| StoreError::Corrupt(format!("The stored right {word:?} is none.")));
    words.into_iter().map(read).collect()
}

struct Row {
    id: Uuid,
    org_id: Uuid,
    email: String,
    display_name: String,
    password_hash: String,
    bindings: Vec<String>,
    epoch: i32,
    created_at: time::OffsetDateTime,
    disabled_at: Option<time::OffsetDateTime>,
    last_sign_in: Option<time::OffsetDateTime>,
}

impl TryFrom<Row> for Account {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            org: row.org_id,
            email: row.email,
            display_name: row.display_name,
            password_hash: row.password_hash,
            bindings: bindings(row.bindings)?,
            epoch: row.epoch,
            created_at: unix_ms(row.created_at),
            disabled_at: row.disabled_at.map(unix_ms),
            last_sign_in: row.last_sign_in.map(unix_ms),
        })
    }
}

/// The account with this e-mail (in any case), disabled ones included.
///
/// # Errors
/// The database's own.
pub async fn by_email(connection: &mut PgConnection, org: Uuid, email: &str) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, org_id, email, display_name, password_hash, epoch, created_at, disabled_at, last_sign_in,
             ARRAY(SELECT role || '@' || scope FROM main.binding WHERE account_id = a.id ORDER BY role, scope) AS "bindings!"
           FROM main.account a WHERE org_id = $1 AND email = $2"#,
        org,
        normal_email(email)
    )
    .fetch_optional(connection)
    .await?;
    row.map(Account::try_from).transpose()
}

/// The account with this id, disabled ones included.
///
/// # Errors
/// The database's own.
pub async fn by_id(connection: &mut PgConnection, org: Uuid, id: Uuid) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, org_id, email, display_name, password_hash, epoch, created_at, disabled_at, last_sign_in,
             ARRAY(SELECT role || '@' || scope FROM main.binding WHERE account_id = a.id ORDER BY role, scope) AS "bindings!"
           FROM main.account a WHERE org_id = $1 AND id = $2"#,
        org,
        id
    )
    .fetch_optional(connection)
    .await?;
    row.map(Account::try_from).transpose()
}

/// All accounts as they are shown, or the one asked for: by e-mail, disabled ones last.
///
/// # Errors
/// The database's own.
pub async fn views(connection: &mut PgConnection, org: Uuid, only: Option<Uuid>) -> Result<Vec<AccountView>> {
    let rows = sqlx::query!(
        r#"SELECT id, email, display_name, created_at, disabled_at, last_sign_in,
             ARRAY(SELECT role || '@' || scope FROM main.binding WHERE account_id = a.id ORDER BY role, scope) AS "bindings!",
             (SELECT count(*) FROM main.auth_session s WHERE s.account_id = a.id AND s.ended_at IS NULL AND s.expires_at > now()
                AND (s.idle_ends_at IS NULL OR s.idle_ends_at > now())) AS "sessions!",
             (SELECT count(*) FROM main.api_token t WHERE t.account_id = a.id AND t.revoked_at IS NULL AND t.expires_at > now()) AS "tokens!"
           FROM main.account a WHERE org_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY disabled_at IS NOT NULL, email"#,
        org,
        only
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            // What is disabled does not work, alive or not.
            let works = |count: i64| if row.disabled_at.is_none() { u32::try_from(count).unwrap_or(u32::MAX) } else { 0 };
            Ok(AccountView {
                id: row.id.to_string(),
                sessions: works(row.sessions),
                tokens: works(row.tokens),
                email: row.email,
                display_name: row.display_name,
                bindings: bindings(row.bindings)?,
                created_at: unix_ms(row.created_at),
                disabled_at: row.disabled_at.map(unix_ms),
                last_sign_in: row.last_sign_in.map(unix_ms),
            })
        })
        .collect()
}

/// How many accounts there are, disabled ones included. None: nobody can sign in yet.
///
/// # Errors
/// The database's own.
pub async fn count(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM main.account"#).fetch_one(connection).await?)
}

/// Sets the roles of an account, raises its epoch and writes the event, in which the roles of before are noted here. Answers whether there is such an account.
///
/// # Errors
/// [`StoreError::LastAdmin`]; the database's own.
pub async fn set_bindings(connection: &mut PgConnection, org: Uuid, id: Uuid, wanted: &[Binding], event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let raised =
        sqlx::query!("UPDATE main.account SET epoch = epoch + 1 WHERE org_id = $1 AND id = $2", org, id).execute(&mut *step).await?;
    if raised.rows_affected() == 0 {
        return Ok(false);
    }
    // Read under the lock that the line above took: of two changes at once, the second says what the first left.
    let held = sqlx::query_scalar!(
        r#"SELECT ARRAY(SELECT role || '@' || scope FROM main.binding WHERE account_id = $1 ORDER BY role, scope) AS "held!""#,
        id
    );
    let held: Vec<String> = bindings(held.fetch_one(&mut *step).await?)?.iter().map(ToString::to_string).collect();
    let event = &AuditEvent { before: Some(serde_json::json!({ "roles": held }).to_string()), ..event.clone() };
    bind(&mut step, org, id, wanted).await?;
    let (roles, scopes) = columns(wanted);
    sqlx::query!(
        "DELETE FROM main.binding b WHERE account_id = $1
           AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS w (role, scope) WHERE w.role = b.role AND w.scope = b.scope)",
        id,
        &roles,
        &scopes
    )
    .execute(&mut *step)
    .await
    .map_err(of_rights)?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Disables or enables an account and writes the event. Disabling raises the epoch and ends all its sessions; revokes its API tokens and
/// withdraws the links that were made by it or for it. Answers the sessions and tokens that this call ended, or `None` when there is no
/// such account.
///
/// # Errors
/// [`StoreError::LastAdmin`]; the database's own.
pub async fn set_disabled(
    connection: &mut PgConnection,
    org: Uuid,
    id: Uuid,
    disabled: bool,
    event: &AuditEvent,
) -> Result<Option<Vec<Uuid>>> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = sqlx::query!(
        "UPDATE main.account SET epoch = CASE WHEN $3 AND disabled_at IS NULL THEN epoch + 1 ELSE epoch END,
             disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, now()) END
         WHERE org_id = $1 AND id = $2",
        org,
        id,
        disabled
    )
    .execute(&mut *step)
    .await
    .map_err(of_rights)?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    let mut ended = Vec::new();
    if disabled {
        ended = crate::auth_sessions::end_all(&mut step, id, None).await?;
        ended.append(&mut crate::api_tokens::revoke_all(&mut step, id).await?);
        crate::invites::withdraw_all(&mut step, id).await?;
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(Some(ended))
}

/// Sets a new password hash, raises the epoch, ends all sessions but `keep` and writes the event. Answers the sessions that this call
/// ended, or `None` when there is no such account.
///
/// # Errors
/// The database's own.
pub async fn set_password(
    connection: &mut PgConnection,
    org: Uuid,
    id: Uuid,
    password_hash: &str,
    keep: Option<Uuid>,
    event: &AuditEvent,
) -> Result<Option<Vec<Uuid>>> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let Some(ended) = replace_password(&mut step, org, id, password_hash, keep).await? else { return Ok(None) };
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(Some(ended))
}

/// As [`set_password`], inside a transaction that writes the event itself.
pub(crate) async fn replace_password(
    step: &mut PgConnection,
    org: Uuid,
    id: Uuid,
    password_hash: &str,
    keep: Option<Uuid>,
) -> Result<Option<Vec<Uuid>>> {
    let done =
        sqlx::query!("UPDATE main.account SET password_hash = $3, epoch = epoch + 1 WHERE org_id = $1 AND id = $2", org, id, password_hash)
            .execute(&mut *step)
            .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(Some(crate::auth_sessions::end_all(step, id, keep).await?))
}

/// Replaces the hash of the same password, made with newer parameters. Tokens stay good. Nothing happens when the
/// password was changed meanwhile.
///
/// # Errors
/// The database's own.
pub async fn rehash(connection: &mut PgConnection, id: Uuid, old_hash: &str, new_hash: &str) -> Result<()> {
    sqlx::query!("UPDATE main.account SET password_hash = $3 WHERE id = $1 AND password_hash = $2", id, old_hash, new_hash)
        .execute(connection)
        .await?;
    Ok(())
}
