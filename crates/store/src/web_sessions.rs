//! Browser sessions, for the web layer.

use crate::{
    error::{Result, StoreError},
    store::run,
};
use async_trait::async_trait;
use futures::future::BoxFuture;
use reeve_adapter::RolePools;
use reeve_model::pool::StoreRole;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tower_sessions_core::{
    ExpiredDeletion, SessionStore,
    session::{Id, Record},
    session_store,
};

/// What is stored of a cookie's value: enough to find the session, not enough to use it.
fn digest(id: Id) -> [u8; 32] {
    Sha256::digest(id.0.to_be_bytes()).into()
}

fn encode(record: &Record) -> Result<Vec<u8>> {
    serde_json::to_vec(&record.data).map_err(|e| StoreError::Invalid(format!("The browser session can't be stored: {e}.")))
}

/// Stores a new session unless its id is taken. Answers whether it was stored.
///
/// # Errors
/// The database's own.
pub async fn create(connection: &mut PgConnection, record: &Record) -> Result<bool> {
    let made = sqlx::query!(
        "INSERT INTO main.web_session (digest, record, expires_at) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
        &digest(record.id)[..],
        encode(record)?,
        record.expiry_date
    )
    .execute(connection)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// Stores a session, new or not.
///
/// # Errors
/// The database's own.
pub async fn save(connection: &mut PgConnection, record: &Record) -> Result<()> {
    sqlx::query!(
        "INSERT INTO main.web_session (digest, record, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO UPDATE SET record = excluded.record, expires_at = excluded.expires_at",
        &digest(record.id)[..],
        encode(record)?,
        record.expiry_date
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The session, unless it has expired.
///
/// # Errors
/// [`StoreError::Corrupt`] when what is stored can't be read; the database's own.
pub async fn load(connection: &mut PgConnection, id: Id) -> Result<Option<Record>> {
    let row = sqlx::query!(
        "SELECT record, expires_at FROM main.web_session WHERE digest = $1 AND expires_at > $2",
        &digest(id)[..],
        OffsetDateTime::now_utc()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let data = serde_json::from_slice(&row.record)
            .map_err(|e| StoreError::Corrupt(format!("A stored browser session can't be read: {e}.")))?;
        Ok(Record { id, data, expiry_date: row.expires_at })
    })
    .transpose()
}

/// Removes a session; no error if there is none.
///
/// # Errors
/// The database's own.
pub async fn delete(connection: &mut PgConnection, id: Id) -> Result<()> {
    sqlx::query!("DELETE FROM main.web_session WHERE digest = $1", &digest(id)[..]).execute(connection).await?;
    Ok(())
}

/// Removes expired sessions. Answers how many.
///
/// # Errors
/// The database's own.
pub async fn delete_expired(connection: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM main.web_session WHERE expires_at <= $1", OffsetDateTime::now_utc()).execute(connection).await?;
    Ok(done.rows_affected())
}

/// The store of browser sessions, as the web layer wants it.
#[derive(Clone)]
pub struct WebSessions {
    pools: RolePools,
}

impl std::fmt::Debug for WebSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebSessions")
    }
}

impl WebSessions {
    /// Sessions in main. Connects to nothing.
    #[must_use]
    pub fn new(pools: RolePools) -> Self {
        Self { pools }
    }

    async fn main<T: Send + 'static, F>(&self, work: F) -> session_store::Result<T>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
    {
        run(&self.pools, StoreRole::Main, work).await.map_err(|error| match error {
            StoreError::Invalid(sentence) => session_store::Error::Encode(sentence),
            StoreError::Corrupt(sentence) => session_store::Error::Decode(sentence),
            away => session_store::Error::Backend(away.to_string()),
        })
    }
}

#[async_trait]
impl SessionStore for WebSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        loop {
            let given = record.clone();
            let made = self
                .main(move |c| {
                    let given = given.clone();
                    Box::pin(async move { create(c, &given).await })
                })
                .await?;
            if made {
                return Ok(());
            }
            // Taken. After a retry perhaps by this very session: then the row that nobody has a cookie for expires.
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let given = record.clone();
        self.main(move |c| {
            let given = given.clone();
            Box::pin(async move { save(c, &given).await })
        })
        .await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let id = *id;
        self.main(move |c| Box::pin(load(c, id))).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let id = *id;
        self.main(move |c| Box::pin(delete(c, id))).await
    }
}

#[async_trait]
impl ExpiredDeletion for WebSessions {
    async fn delete_expired(&self) -> session_store::Result<()> {
        self.main(|c| Box::pin(async move { delete_expired(c).await.map(drop) })).await
    }
}
