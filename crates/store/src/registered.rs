//! Targets that were registered beside the configuration. Their addresses are sealed secrets, which nothing here can open.

use crate::{
    audit,
    error::{Result, StoreError, unix_ms},
    secrets,
};
use reeve_model::{Environment, TargetKind, TargetName, UnixMs, audit::AuditEvent};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The kind of secret that is the address of a target.
pub const ADDRESS: &str = "target";

/// What is registered of a target, without its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Unique name.
    pub name: TargetName,
    /// Kind of server.
    pub kind: TargetKind,
    /// Environment.
    pub environment: Environment,
    /// Where it runs; none: nobody said.
    pub region: Option<String>,
    /// Who answers for it; none: nobody said.
    pub owner: Option<String>,
    /// Free words to group by.
    pub tags: Vec<String>,
    /// Only these databases; empty: all.
    pub databases: Vec<String>,
}

/// A registration as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// What is registered.
    pub registration: Registration,
    /// The audit event of its newest change.
    pub event: Uuid,
    /// When that was.
    pub changed_at: UnixMs,
}

/// All that the store knows of what is to be watched, at one moment.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct StoredTargets {
    /// The registrations, by name.
    pub registered: Vec<Registered>,
    /// Sealed addresses, by the name of the target; also those of configured targets whose address is stored.
    pub addresses: BTreeMap<String, Vec<u8>>,
}

// By hand: nothing is gained by sealed bytes in a log.
impl std::fmt::Debug for StoredTargets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredTargets").field("registered", &self.registered).finish_non_exhaustive()
    }
}

/// A sealed address: the value, and the id of the key inside it.
#[derive(Clone)]
pub struct SealedAddress {
    /// The value as it is stored.
    pub sealed: Vec<u8>,
    /// Which key opens it.
    pub key_id: Vec<u8>,
}

/// What is registered, and all sealed addresses.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn all(connection: &mut PgConnection, org: Uuid) -> Result<StoredTargets> {
    // One statement sees one moment: an address never stands beside the registration of before.
    let rows = sqlx::query!(
        r#"SELECT r.name AS "name?", r.kind AS "kind?", r.environment AS "environment?", r.region, r.owner, r.tags AS "tags?",
                  r.databases AS "databases?", r.event_id AS "event_id?", r.changed_at AS "changed_at?",
                  s.name AS "secret?", s.sealed AS "sealed?"
             FROM (SELECT * FROM main.registered_target WHERE org_id = $1) r
             FULL JOIN (SELECT name, sealed FROM main.secret WHERE org_id = $1 AND kind = $2) s ON s.name = r.name
            ORDER BY r.name"#,
        org,
        ADDRESS
    )
    .fetch_all(connection)
    .await?;
    let mut found = StoredTargets::default();
    for row in rows {
        if let (Some(name), Some(sealed)) = (row.secret, row.sealed) {
            found.addresses.insert(name, sealed);
        }
        let (Some(name), Some(event), Some(changed_at)) = (row.name, row.event_id, row.changed_at) else { continue };
        let unknown = |what: &str| StoreError::Corrupt(format!("The registered target {name:?} has an unknown {what}."));
        let registration = Registration {
            kind: [TargetKind::Postgres].into_iter().find(|k| Some(k.word()) == row.kind.as_deref()).ok_or_else(|| unknown("kind"))?,
            environment: row.environment.as_deref().and_then(Environment::from_word).ok_or_else(|| unknown("environment"))?,
            name: TargetName::new(name.clone()).map_err(StoreError::Corrupt)?,
            region: row.region,
            owner: row.owner,
            tags: row.tags.unwrap_or_default(),
            databases: row.databases.unwrap_or_default(),
        };
        found.registered.push(Registered { registration, event, changed_at: unix_ms(changed_at) });
    }
    Ok(found)
}

/// Registers a target with its address and writes the event, all or nothing. Answers false, and changes nothing, when one of this name is
/// registered already. Repeated with the same event it answers true.
///
/// # Errors
/// [`StoreError::Invalid`] for an event without an id; the database's own.
pub async fn add(
    connection: &mut PgConnection,
    org: Uuid,
    new: &Registration,
    address: &SealedAddress,
    event: &AuditEvent,
) -> Result<bool> {
    let id = id_of(event)?;
    let mut step = sqlx::Connection::begin(connection).await?;
    let made = sqlx::query!(
        "INSERT INTO main.registered_target AS r (org_id, name, kind, environment, region, owner, tags, databases, event_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (org_id, name) DO UPDATE SET event_id = excluded.event_id WHERE r.event_id = excluded.event_id",
        org,
        new.name.as_str(),
        new.kind.word(),
        new.environment.word(),
        new.region,
        new.owner,
        &new.tags,
        &new.databases,
        id
    )
    .execute(&mut *step)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(false);
    }
    secrets::keep(&mut step, org, (ADDRESS, new.name.as_str()), &address.sealed, &address.key_id).await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Changes a registration as its changer last saw it, and its address where one is given, and writes the event. Answers false, and changes
/// nothing, when it was changed or removed meanwhile. Repeated with the same event it answers true.
///
/// # Errors
/// As [`add`].
pub async fn edit(
    connection: &mut PgConnection,
    org: Uuid,
    new: &Registration,
    seen: Uuid,
    address: Option<&SealedAddress>,
    event: &AuditEvent,
) -> Result<bool> {
    let id = id_of(event)?;
    let mut step = sqlx::Connection::begin(connection).await?;
    let made = sqlx::query!(
        "UPDATE main.registered_target SET kind = $3, environment = $4, region = $5, owner = $6, tags = $7, databases = $8,
             event_id = $9, changed_at = now()
         WHERE org_id = $1 AND name = $2 AND event_id IN ($9, $10)",
        org,
        new.name.as_str(),
        new.kind.word(),
        new.environment.word(),
        new.region,
        new.owner,
        &new.tags,
        &new.databases,
        id,
        seen
    )
    .execute(&mut *step)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(address) = address {
        secrets::keep(&mut step, org, (ADDRESS, new.name.as_str()), &address.sealed, &address.key_id).await?;
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Takes a registration away as its remover last saw it, with its address, and writes the event. Answers false, and changes nothing, when
/// it was changed or removed meanwhile.
///
/// # Errors
/// As [`add`].
pub async fn remove(connection: &mut PgConnection, org: Uuid, name: &TargetName, seen: Uuid, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let gone =
        sqlx::query!("DELETE FROM main.registered_target WHERE org_id = $1 AND name = $2 AND event_id = $3", org, name.as_str(), seen)
            .execute(&mut *step)
            .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("DELETE FROM main.secret WHERE org_id = $1 AND kind = $2 AND name = $3", org, ADDRESS, name.as_str())
        .execute(&mut *step)
        .await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

fn id_of(event: &AuditEvent) -> Result<Uuid> {
    Uuid::parse_str(&event.id).map_err(|_| StoreError::Invalid("An audit event needs an id.".to_owned()))
}
