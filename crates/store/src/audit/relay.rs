//! From the outbox in main into the log of the compliance database.
//!
//! The log and the outbox may be in two databases, so nothing makes both steps one. The order is: seal and commit there, then take
//! away here. A relay that dies between the two leaves events in the outbox that are in the log: the next one finds them there by
//! their id, seals nothing twice, and takes them away. Two relays at once go one after the other under a lock of the log's database.
//!
//! A log's database that is away is waited for. Main never stands in for it: the chain would go on in two places.

use super::{
    entry::{from_micros, micros},
    head::{self, Head},
    outbox::{storable, uuid},
    seal,
};
use crate::error::{Result, StoreError, moment};
use reeve_adapter::RolePools;
use reeve_model::{
    audit::{AuditEvent, AuditProblem},
    pool::StoreRole,
};
use sqlx::{Connection, PgConnection};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// What one run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relayed {
    /// Events sealed.
    pub sealed: usize,
    /// Events that still wait.
    pub waiting: i64,
    /// The ends of the logs that were looked at, so that they can be recorded outside the database.
    pub heads: Vec<Head>,
    /// The log is not what main recorded of it: somebody should look. Events are sealed all the same, and main's record is
    /// kept as the proof.
    pub problems: Vec<AuditProblem>,
}

/// An event that waits, with its place in the outbox.
struct Waiting {
    id: i64,
    org: Uuid,
    event_id: Uuid,
    event: AuditEvent,
}

/// Seals the oldest events of the outbox, at most `most`. Safe to repeat and to run twice at once.
///
/// # Errors
/// [`StoreError::Corrupt`] for an event in the outbox that this program can't read; that one of the two databases is away.
pub async fn relay(pools: &RolePools, most: i64) -> Result<Relayed> {
    let mut there = pools.acquire_own(StoreRole::Compliance).await?;
    let mut log = there.begin().await?;
    sqlx::query!("SELECT pg_catalog.pg_advisory_xact_lock(7233685, 1)").execute(&mut *log).await?;
    if !pools.is_configured(StoreRole::Compliance) {
        // One database, and so one transaction.
        let batch = oldest(&mut log, most).await?;
        let id = head::log_id(&mut log).await?;
        let recorded = recorded(&mut log, &batch, id).await?;
        let mut done = seal_all(&mut log, &batch, &recorded).await?;
        settle(&mut log, &batch, &mut done).await?;
        log.commit().await?;
        return Ok(done);
    }
    // Read under the lock: what another relay sealed before is then in the log, or gone from the outbox.
    let mut here = pools.acquire(StoreRole::Main).await?;
    let batch = oldest(&mut here, most).await?;
    let id = head::log_id(&mut log).await?;
    let recorded = recorded(&mut here, &batch, id).await?;
    let mut done = seal_all(&mut log, &batch, &recorded).await?;
    log.commit().await?;
    let mut main = here.begin().await?;
    settle(&mut main, &batch, &mut done).await?;
    main.commit().await?;
    Ok(done)
}

async fn oldest(main: &mut PgConnection, most: i64) -> Result<Vec<Waiting>> {
    let rows = sqlx::query!("SELECT id, event_id, org_id, body FROM main.audit_outbox ORDER BY id LIMIT $1", most).fetch_all(main).await?;
    rows.into_iter()
        .map(|row| {
            let unreadable =
                |why: String| StoreError::Corrupt(format!("The event {} that waits for the audit log can't be read: {why}.", row.event_id));
            let event: AuditEvent = serde_json::from_value(row.body).map_err(|e| unreadable(e.to_string()))?;
            let event = storable(&event).map_err(|e| unreadable(e.to_string()))?;
            if event.id != row.event_id.to_string() || event.org != row.org_id.to_string() {
                return Err(unreadable("its ids differ".to_owned()));
            }
            Ok(Waiting { id: row.id, org: row.org_id, event_id: row.event_id, event })
        })
        .collect()
}

/// What main recorded of the log, for each organisation that an event of the batch is of.
async fn recorded(main: &mut PgConnection, batch: &[Waiting], log: Uuid) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    for org in organisations(batch) {
        heads.extend(head::recorded(main, org, log).await?);
    }
    Ok(heads)
}

fn organisations(batch: &[Waiting]) -> BTreeSet<Uuid> {
    batch.iter().map(|w| w.org).collect()
}

/// The columns of the entries that a run adds.
#[derive(Default)]
struct Columns {
    seq: Vec<i64>,
    sealed_at: Vec<OffsetDateTime>,
    org: Vec<Uuid>,
    id: Vec<Uuid>,
    at: Vec<OffsetDateTime>,
    account: Vec<Option<Uuid>>,
    actor: Vec<String>,
    via: Vec<String>,
    verb: Vec<String>,
    noun: Vec<String>,
    resource: Vec<String>,
    outcome: Vec<String>,
    address: Vec<Option<String>>,
    agent: Vec<String>,
    request: Vec<String>,
    before: Vec<Option<String>>,
    after: Vec<Option<String>>,
    count: Vec<i32>,
    salt: Vec<Vec<u8>>,
    leaf: Vec<Vec<u8>>,
    hash: Vec<Vec<u8>>,
}

impl Columns {
    fn push(&mut self, waiting: &Waiting, head: &Head, salt: [u8; 32], leaf: seal::Hash) -> Result<()> {
        let event = &waiting.event;
        self.seq.push(head.seq);
        self.sealed_at.push(from_micros(head.sealed_at)?);
        self.org.push(waiting.org);
        self.id.push(waiting.event_id);
        self.at.push(moment(event.at)?);
        self.account.push(event.account.as_deref().map(uuid).transpose()?);
        self.actor.push(event.actor.clone());
        self.via.push(event.via.clone());
        self.verb.push(event.verb.clone());
        self.noun.push(event.noun.clone());
        self.resource.push(event.resource.clone());
        self.outcome.push(event.outcome.word().to_owned());
        self.address.push(event.origin.address.map(|a| a.to_string()));
        self.agent.push(event.origin.agent.clone());
        self.request.push(event.origin.request.clone());
        self.before.push(event.before.clone());
        self.after.push(event.after.clone());
        self.count.push(i32::try_from(event.count).unwrap_or(i32::MAX));
        self.salt.push(salt.to_vec());
        self.leaf.push(leaf.to_vec());
        self.hash.push(head.hash.to_vec());
        Ok(())
    }
}

/// Adds what is not in the log yet. To be called under the log's lock.
async fn seal_all(log: &mut PgConnection, batch: &[Waiting], recorded: &[Head]) -> Result<Relayed> {
    let mut done = Relayed::default();
    let Some(first) = batch.iter().map(|w| w.event.at).min() else { return Ok(done) };
    sqlx::query!("SELECT compliance.ensure_partitions()").execute(&mut *log).await?;
    let id = head::log_id(log).await?;
    let now = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(&mut *log).await?;
    let mut ends: BTreeMap<Uuid, Head> = BTreeMap::new();
    for org in organisations(batch) {
        let end = head::newest(log, org).await?;
        if let Some(recorded) = recorded.iter().find(|r| r.org == org) {
            done.problems.extend(head::contradiction(log, end.as_ref(), recorded).await?);
        }
        let beginning = Head { org, log: id, seq: 0, hash: seal::beginning(id, org), sealed_at: i64::MIN };
        ends.insert(org, end.unwrap_or(beginning));
    }
    let there = sealed_before(log, batch, first).await?;
    let mut new = Columns::default();
    for waiting in batch.iter().filter(|w| !there.contains(&w.event_id)) {
        let Some(head) = ends.get_mut(&waiting.org) else { continue };
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|e| StoreError::Corrupt(format!("The system has no randomness ({e}).")))?;
        let leaf = seal::leaf(&salt, &waiting.event);
        head.seq += 1;
        // A clock that was set back must not put an entry before its predecessor.
        head.sealed_at = head.sealed_at.max(micros(now));
        head.hash = seal::hash(&head.hash, head.seq, head.sealed_at, &leaf);
        new.push(waiting, head, salt, leaf)?;
    }
    done.sealed = new.seq.len();
    if done.sealed > 0 {
        insert(log, &new).await?;
    }
    done.heads = ends.into_values().filter(|head| head.seq > 0).collect();
    Ok(done)
}

/// Which events of the batch are in the log. They were sealed after they happened; a day allows for clocks that differ.
async fn sealed_before(log: &mut PgConnection, batch: &[Waiting], first: reeve_model::UnixMs) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = batch.iter().map(|w| w.event_id).collect();
    let found = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM compliance.audit_log WHERE id = ANY ($1) AND sealed_at > $2::timestamptz - interval '1 day'"#,
        &ids,
        moment(first)?
    );
    Ok(found.fetch_all(log).await?.into_iter().collect())
}

async fn insert(log: &mut PgConnection, new: &Columns) -> Result<()> {
    sqlx::query!(
        "INSERT INTO compliance.audit_log (seq, sealed_at, org_id, id, at, account, actor, via, verb, noun, resource, outcome, address,
           agent, request, before, after, count, salt, leaf, hash)
         SELECT seq, sealed_at, org_id, id, at, account, actor, via, verb, noun, resource, outcome, address::inet,
           agent, request, before, after, count, salt, leaf, hash
         FROM unnest($1::int8[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::uuid[], $7::text[], $8::text[],
           $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
           $18::int4[], $19::bytea[], $20::bytea[], $21::bytea[])
           AS e (seq, sealed_at, org_id, id, at, account, actor, via, verb, noun, resource, outcome, address, agent, request, before,
             after, count, salt, leaf, hash)",
        &new.seq,
        &new.sealed_at,
        &new.org,
        &new.id,
        &new.at,
        &new.account as &[Option<Uuid>],
        &new.actor,
        &new.via,
        &new.verb,
        &new.noun,
        &new.resource,
        &new.outcome,
        &new.address as &[Option<String>],
        &new.agent,
        &new.request,
        &new.before as &[Option<String>],
        &new.after as &[Option<String>],
        &new.count,
        &new.salt,
        &new.leaf,
        &new.hash
    )
    .execute(&mut *log)
    .await?;
    sqlx::query!(
        "INSERT INTO compliance.audit_actor (org_id, actor) SELECT DISTINCT org_id, actor FROM unnest($1::uuid[], $2::text[]) AS a (org_id, actor)
         ON CONFLICT DO NOTHING",
        &new.org,
        &new.actor
    )
    .execute(&mut *log)
    .await?;
    sqlx::query!(
        "INSERT INTO compliance.audit_kind (org_id, verb, noun)
         SELECT DISTINCT org_id, verb, noun FROM unnest($1::uuid[], $2::text[], $3::text[]) AS k (org_id, verb, noun) ON CONFLICT DO NOTHING",
        &new.org,
        &new.verb,
        &new.noun
    )
    .execute(log)
    .await?;
    Ok(())
}

/// Takes away what is sealed and records the ends of the logs in main. A record that the log contradicts stays as it is: it is the proof.
async fn settle(main: &mut PgConnection, batch: &[Waiting], done: &mut Relayed) -> Result<()> {
    let ids: Vec<i64> = batch.iter().map(|w| w.id).collect();
    sqlx::query!("DELETE FROM main.audit_outbox WHERE id = ANY ($1)", &ids).execute(&mut *main).await?;
    if done.problems.is_empty() {
        for head in &done.heads {
            head::record(main, head).await?;
        }
    }
    done.waiting = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM main.audit_outbox"#).fetch_one(main).await?;
    Ok(())
}
