//! Events on their way to the log.

use crate::error::{Result, StoreError, moment, unix_ms};
use reeve_model::{Origin, UnixMs, audit::AuditEvent};
use sqlx::PgConnection;
use uuid::Uuid;

/// Bytes of a name that is kept: what strangers type may be of any length, and names are indexed.
const NAME_MAX: usize = 500;
/// Bytes of a word such as a verb.
const WORD_MAX: usize = 63;

/// Writes an event. Inside a transaction this must be its last statement: the lock that orders events is held until the commit, and
/// whoever else writes an event waits for it. Repeated with the same event it changes nothing.
///
/// # Errors
/// [`StoreError::Invalid`] for ids that are none; the database's own.
pub async fn write(connection: &mut PgConnection, event: &AuditEvent) -> Result<()> {
    let event = storable(event)?;
    let body = serde_json::to_value(&event).map_err(|error| StoreError::Invalid(format!("An audit event can't be stored: {error}.")))?;
    // The id is drawn under the lock, and the lock outlasts the commit. Without it an event could commit after one with a higher id
    // was already relayed, and the log's order would not be that of the changes.
    sqlx::query!(
        "WITH held AS MATERIALIZED (SELECT pg_catalog.pg_advisory_xact_lock(7233686, 1))
         INSERT INTO main.audit_outbox (event_id, org_id, at, body) SELECT $1, $2, $3, $4 FROM held
         ON CONFLICT (event_id) DO NOTHING",
        uuid(&event.id)?,
        uuid(&event.org)?,
        moment(event.at)?,
        body
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes several events, all or none.
///
/// # Errors
/// As [`write()`].
pub async fn write_all(connection: &mut PgConnection, events: &[AuditEvent]) -> Result<()> {
    let mut step = sqlx::Connection::begin(connection).await?;
    for event in events {
        write(&mut step, event).await?;
    }
    step.commit().await?;
    Ok(())
}

/// Events that wait to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub count: i64,
    /// When the oldest of them happened; none when none waits.
    pub oldest: Option<UnixMs>,
}

/// What waits to be sealed.
///
/// # Errors
/// The database's own.
pub async fn waiting(connection: &mut PgConnection, org: Uuid) -> Result<Waiting> {
    let row = sqlx::query!(r#"SELECT count(*) AS "count!", min(at) AS oldest FROM main.audit_outbox WHERE org_id = $1"#, org)
        .fetch_one(connection)
        .await?;
    Ok(Waiting { count: row.count, oldest: row.oldest.map(unix_ms) })
}

pub(super) fn uuid(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|_| StoreError::Invalid(format!("{text:?} is no id (UUID) that an audit event can have.")))
}

/// The event in the one form that survives being stored, so that its seal can be made anew from what is read: ids in lower case,
/// no NUL (PostgreSQL stores none), names of bounded length.
pub(super) fn storable(event: &AuditEvent) -> Result<AuditEvent> {
    Ok(AuditEvent {
        id: uuid(&event.id)?.to_string(),
        org: uuid(&event.org)?.to_string(),
        at: event.at,
        account: event.account.as_deref().map(uuid).transpose()?.map(|id| id.to_string()),
        actor: bounded(&event.actor, NAME_MAX),
        via: bounded(&event.via, WORD_MAX),
        verb: bounded(&event.verb, WORD_MAX),
        noun: bounded(&event.noun, WORD_MAX),
        resource: bounded(&event.resource, NAME_MAX),
        outcome: event.outcome,
        origin: Origin {
            address: event.origin.address,
            agent: bounded(&event.origin.agent, NAME_MAX),
            request: bounded(&event.origin.request, NAME_MAX),
        },
        before: event.before.as_deref().map(|text| bounded(text, usize::MAX)),
        after: event.after.as_deref().map(|text| bounded(text, usize::MAX)),
        count: event.count.min(i32::MAX.unsigned_abs()),
    })
}

fn bounded(text: &str, most: usize) -> String {
    let end = if text.len() <= most { text.len() } else { text.floor_char_boundary(most) };
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::audit::Outcome;

    #[test]
    fn g3_what_strangers_type_never_makes_an_event_unstorable() {
        let event = AuditEvent {
            id: "0000000A-0000-4000-8000-000000000000".into(),
            org: Uuid::from_u128(1).simple().to_string(),
            at: UnixMs(1),
            account: None,
            actor: format!("{}\0", "é".repeat(400)),
            via: String::new(),
            verb: "sign_in".into(),
            noun: "session".into(),
            resource: "a\0b".into(),
            outcome: Outcome::Refused,
            origin: Origin::default(),
            before: None,
            after: Some("\0".into()),
            count: u32::MAX,
        };
        let stored = storable(&event).expect("storable");
        assert_eq!(stored.id, "0000000a-0000-4000-8000-000000000000");
        assert_eq!(stored.org, "00000000-0000-0000-0000-000000000001");
        assert_eq!(stored.actor, "é".repeat(250));
        assert_eq!((stored.resource.as_str(), stored.after.as_deref()), ("a\u{fffd}b", Some("\u{fffd}")));
        assert_eq!(stored.count, 2_147_483_647);
        assert_eq!(storable(&stored).expect("storable"), stored, "the form is its own form");
        assert!(matches!(storable(&AuditEvent { id: "7".into(), ..event }), Err(StoreError::Invalid(_))));
    }
}
