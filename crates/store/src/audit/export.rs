//! The log as lines of JSON, oldest first, with all that somebody needs to check it without Reeve.
//!
//! The first line names the log, what its first entry follows from, and whether this is the whole of it. Each further line is an entry
//! with the hash of the one before it, so that a selection can be checked line by line; [`seal`] says how. The last line says where the
//! export ends: without it something broke off.

use super::{
    entry::{Content, Entry, Row, from_micros},
    head, seal,
    search::{Wanted, escaped, plan_anew, who},
};
use crate::error::{Result, StoreError};
use reeve_model::audit::AuditEvent;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Entries read at a time: as many as the statement says.
const BATCH: usize = 1000;

/// The line that a log begins with.
#[derive(Serialize)]
struct Header<'a> {
    /// The log (UUID).
    log: String,
    /// The organisation (UUID).
    org: &'a str,
    /// Hash before the first line, hexadecimal.
    previous: String,
    /// Nothing was left out by a filter: the entries are neighbours from the first of the log on.
    whole: bool,
}

/// The line that a log ends with.
#[derive(Serialize)]
struct Footer {
    /// Place of the last entry above; 0 when there is none.
    end: i64,
}

/// The line of an entry.
#[derive(Serialize)]
struct Line<'a> {
    /// Place in the log.
    seq: i64,
    /// When it was sealed, in microseconds since 1970.
    sealed_at_us: i64,
    /// Hash of the entry before, hexadecimal.
    previous: String,
    /// Hexadecimal; none when the event was erased.
    salt: Option<String>,
    /// Hexadecimal.
    leaf: String,
    /// Hexadecimal.
    hash: String,
    /// `event`, `erased`, or `damaged`: what stands there was never sealed.
    content: &'static str,
    /// What happened.
    event: Option<&'a AuditEvent>,
}

/// A piece of an export.
pub(crate) struct Piece {
    /// Lines, each with its end.
    pub(crate) text: String,
    /// Where the next piece goes on; none at the end.
    pub(crate) next: Option<(i64, i64)>,
}

/// The entries after a place (moment of sealing in µs, seq), or from the beginning with the line that names the log.
pub(crate) async fn piece(connection: &mut PgConnection, org: Uuid, wanted: &Wanted, after: Option<(i64, i64)>) -> Result<Piece> {
    let mut step = sqlx::Connection::begin(connection).await?;
    plan_anew(&mut step).await?;
    let log = head::log_id(&mut step).await?;
    let beginning = seal::beginning(log, org);
    let entries = read(&mut step, org, wanted, after.unwrap_or((0, 0))).await?;
    step.commit().await?;
    let name = org.to_string();
    let mut text = String::with_capacity(entries.len() * 800 + 256);
    if after.is_none() {
        let previous = hex::encode(entries.first().and_then(|(_, previous)| *previous).unwrap_or(beginning));
        line(&mut text, &Header { log: log.to_string(), org: &name, previous, whole: wanted.everything() })?;
    }
    let next = entries.get(BATCH - 1).map(|(entry, _)| (entry.sealed_at, entry.seq));
    for (entry, previous) in &entries {
        let (content, salt, event) = match &entry.content {
            Content::Event(salt, event) => ("event", Some(hex::encode(salt)), Some(&**event)),
            Content::Erased => ("erased", None, None),
            Content::Damaged => ("damaged", None, None),
        };
        let (leaf, hash) = (hex::encode(entry.leaf), hex::encode(entry.hash));
        let previous = hex::encode(previous.unwrap_or(beginning));
        line(&mut text, &Line { seq: entry.seq, sealed_at_us: entry.sealed_at, previous, salt, leaf, hash, content, event })?;
    }
    if next.is_none() {
        let end = entries.last().map(|(entry, _)| entry.seq).or(after.map(|(_, seq)| seq));
        line(&mut text, &Footer { end: end.unwrap_or(0) })?;
    }
    Ok(Piece { text, next })
}

fn line(text: &mut String, what: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string(what).map_err(|e| StoreError::Corrupt(format!("An audit entry can't be written as JSON: {e}.")))?;
    text.push_str(&json);
    text.push('\n');
    Ok(())
}

/// Entries with the hash of the one before each; none before the first.
async fn read(step: &mut PgConnection, org: Uuid, wanted: &Wanted, after: (i64, i64)) -> Result<Vec<(Entry, Option<seal::Hash>)>> {
    let actors = who(step, org, wanted).await?;
    let (query, times) = (&wanted.query, wanted.times()?);
    let rows = sqlx::query!(
        r#"SELECT seq, sealed_at, id, at, account, actor, via, verb, noun, resource, outcome, address::text AS address, agent, request,
             before, after, count, salt, leaf, hash,
             (SELECT p.hash FROM compliance.audit_log p WHERE p.org_id = $1 AND p.sealed_at <= l.sealed_at
                AND (p.sealed_at, p.seq) < (l.sealed_at, l.seq) ORDER BY p.sealed_at DESC, p.seq DESC LIMIT 1) AS previous
           FROM compliance.audit_log l WHERE org_id = $1 AND ($2::text[] IS NULL OR actor = ANY ($2)) AND ($12::uuid IS NULL OR account = $12)
             AND ($3::text IS NULL OR verb = $3) AND ($4::text IS NULL OR noun = $4) AND ($5::text IS NULL OR resource LIKE $5)
             AND ($6::text IS NULL OR outcome = $6) AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
             AND ($9::timestamptz IS NULL OR sealed_at >= $9)
             AND sealed_at >= $10 AND (sealed_at, seq) > ($10, $11::int8)
           ORDER BY sealed_at, seq LIMIT 1000"#,
        org,
        actors.as_deref(),
        query.verb,
        query.noun,
        query.resource.as_deref().map(|r| format!("{}%", escaped(r))),
        query.outcome.map(|o| o.word()),
        times.from,
        times.to,
        times.sealed_from,
        from_micros(after.0)?,
        after.1,
        wanted.account
    )
    .fetch_all(step)
    .await?;
    let name = org.to_string();
    rows.into_iter()
        .map(|row| {
            let previous = row.previous.map(seal::Hash::try_from).transpose();
            let previous =
                previous.map_err(|_| StoreError::Corrupt(format!("The proof before the audit entry {} is no SHA-256.", row.seq)))?;
            let row = Row {
                seq: row.seq,
                sealed_at: row.sealed_at,
                id: row.id,
                at: row.at,
                account: row.account,
                actor: row.actor,
                via: row.via,
                verb: row.verb,
                noun: row.noun,
                resource: row.resource,
                outcome: row.outcome,
                address: row.address,
                agent: row.agent,
                request: row.request,
                before: row.before,
                after: row.after,
                count: row.count,
                salt: row.salt,
                leaf: row.leaf,
                hash: row.hash,
            };
            Ok((Entry::read(&name, row)?, previous))
        })
        .collect()
}
