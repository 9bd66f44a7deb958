//! Accounts: who may use Reeve.

use crate::error::{Result, StoreError, unix_ms};
use reeve_model::UnixMs;
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
    /// Words of its roles.
    pub roles: Vec<String>,
    /// Raised when password or rights change: tokens of an earlier epoch are refused.
    pub epoch: i32,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it was disabled; none while it may sign in.
    pub disabled_at: Option<UnixMs>,
}

// By hand: the hash belongs in no log.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("roles", &self.roles)
            .field("epoch", &self.epoch)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

/// What a new account needs.
#[derive(Clone)]
pub struct NewAccount<'a> {
    /// Id, made by the caller so that a retry makes no second account.
    pub id: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// E-mail in any case.
    pub email: &'a str,
    /// Shown name.
    pub display_name: &'a str,
    /// Password hash (PHC string).
    pub password_hash: &'a str,
    /// Words of its roles.
    pub roles: &'a [String],
}

/// The form in which e-mails are stored and compared.
#[must_use]
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Makes an account. Answers its id, or `None` when another account of the organisation has that e-mail. Repeated with
/// the same id it answers the id again.
///
/// # Errors
/// [`StoreError::Invalid`] for an e-mail that is none; the database's own.
pub async fn create(connection: &mut PgConnection, new: &NewAccount<'_>) -> Result<Option<Uuid>> {
    let email = normal_email(new.email);
    let at = email.find('@');
    if at.is_none_or(|i| i == 0 || i + 1 == email.len()) || email.chars().count() > 254 || email.contains(char::is_whitespace) {
        return Err(StoreError::Invalid(format!("{:?} is not an e-mail address.", new.email)));
    }
    sqlx::query!(
        "INSERT INTO main.account (id, org_id, email, display_name, password_hash, roles) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        new.id,
        new.org,
        email,
        new.display_name,
        new.password_hash,
        new.roles
    )
    .execute(&mut *connection)
    .await?;
    let id = sqlx::query_scalar!("SELECT id FROM main.account WHERE org_id = $1 AND email = $2", new.org, email)
        .fetch_optional(connection)
        .await?;
    Ok(id.filter(|id| *id == new.id))
}

struct Row {
    id: Uuid,
    org_id: Uuid,
    email: String,
    display_name: String,
    password_hash: String,
    roles: Vec<String>,
    epoch: i32,
    created_at: time::OffsetDateTime,
    disabled_at: Option<time::OffsetDateTime>,
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            org: row.org_id,
            email: row.email,
            display_name: row.display_name,
            password_hash: row.password_hash,
            roles: row.roles,
            epoch: row.epoch,
            created_at: unix_ms(row.created_at),
            disabled_at: row.disabled_at.map(unix_ms),
        }
    }
}

/// The account with this e-mail (in any case), disabled ones included.
///
/// # Errors
/// The database's own.
pub async fn by_email(connection: &mut PgConnection, org: Uuid, email: &str) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, org_id, email, display_name, password_hash, roles, epoch, created_at, disabled_at
         FROM main.account WHERE org_id = $1 AND email = $2",
        org,
        normal_email(email)
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Account::from))
}

/// The account with this id, disabled ones included.
///
/// # Errors
/// The database's own.
pub async fn by_id(connection: &mut PgConnection, id: Uuid) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, org_id, email, display_name, password_hash, roles, epoch, created_at, disabled_at
         FROM main.account WHERE id = $1",
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Account::from))
}

/// How many accounts there are, disabled ones included. None: nobody can sign in yet.
///
/// # Errors
/// The database's own.
pub async fn count(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM main.account"#).fetch_one(connection).await?)
}

/// Sets a new password hash and raises the epoch: every token of before is refused from now on. Answers whether there is
/// such an account.
///
/// # Errors
/// The database's own.
pub async fn set_password(connection: &mut PgConnection, id: Uuid, password_hash: &str) -> Result<bool> {
    let done = sqlx::query!("UPDATE main.account SET password_hash = $2, epoch = epoch + 1 WHERE id = $1", id, password_hash)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
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

/// Disables or enables an account. Disabling raises the epoch. Answers whether there is such an account.
///
/// # Errors
/// The database's own.
pub async fn set_disabled(connection: &mut PgConnection, id: Uuid, disabled: bool) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE main.account SET epoch = CASE WHEN $2 AND disabled_at IS NULL THEN epoch + 1 ELSE epoch END,
             disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END
         WHERE id = $1",
        id,
        disabled
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
