//! Looking for entries, newest first.
//!
//! Each page is found by the index of one filter, in the order of the page; which one, the server decides anew each time, because the
//! plan that suits a rare word is wrong for a frequent one. Names, verbs and nouns are first looked up among those there ever were: then
//! the newest entries of each are found at once, wherever in the years they are.

use super::{
    entry::{Entry, Row, from_micros},
    head,
};
use crate::error::{Result, StoreError, moment};
use reeve_model::{
    UnixMs,
    audit::{AuditEntry, AuditQuery},
    pool::StoreRole,
};
use sqlx::PgConnection;
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// Entries of a page when none is asked for, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 500;
/// Up to so many people the entries of each are looked up by themselves.
const ACTORS: usize = 100;
/// Clocks of Reeve and of the log's database may differ by as much.
const SKEW_MS: i64 = 86_400_000;
/// An entry that was sealed later than that after its event is looked for apart (index `audit_log_late`).
const PUNCTUAL_MS: i64 = 3_600_000;

/// One page, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSlice {
    /// The entries.
    pub items: Vec<AuditEntry>,
    /// How to ask for the next page; none at the end.
    pub next: Option<String>,
    /// Newest place in the log; none while it is empty.
    pub head: Option<i64>,
}

/// A place between two entries, as pages hand it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    sealed_at: i64,
    seq: i64,
    rank: u8,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{}", self.sealed_at, self.seq, self.rank)
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = || i64::from_str_radix(parts.next()?, 16).ok().filter(|n| *n >= 0);
        let (sealed_at, seq) = (hex()?, hex()?);
        let rank = parts.next()?.parse().ok().filter(|r| *r < 2)?;
        let cursor = Self { sealed_at, seq, rank };
        // One spelling each: nothing else passes for it.
        (parts.next().is_none() && cursor.to_string() == text).then_some(cursor)
    }
}

/// A query that was checked.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(super) query: AuditQuery,
    /// Of whom, when they are named by the id of their account.
    pub(super) account: Option<Uuid>,
    cursor: Option<Cursor>,
    limit: usize,
}

impl Wanted {
    /// Whether no filter leaves anything out.
    pub(crate) fn everything(&self) -> bool {
        let any = AuditQuery { cursor: None, limit: 0, ..self.query.clone() };
        any == AuditQuery::default() && self.account.is_none()
    }

    pub(crate) fn check(query: AuditQuery) -> Result<Self> {
        if query.limit > PAGE_MAX {
            return Err(StoreError::Invalid(format!("A page of the audit trail has at most {PAGE_MAX} entries.")));
        }
        let cursor = match query.cursor.as_deref() {
            None => None,
            Some(text) => Some(Cursor::parse(text).filter(|c| from_micros(c.sealed_at).is_ok()).ok_or_else(|| {
                StoreError::Invalid("The cursor is none that a page of the audit trail gave: begin with the first page.".to_owned())
            })?),
        };
        for at in [query.from, query.to].into_iter().flatten() {
            moment(at)?;
        }
        let limit = if query.limit == 0 { PAGE } else { query.limit };
        let account = query.actor.as_deref().and_then(|a| Uuid::parse_str(a.trim()).ok());
        // PostgreSQL knows no NUL: nothing that is stored has one.
        let clean = |text: Option<String>| text.map(|t| t.replace('\0', "\u{fffd}")).filter(|t| !t.is_empty());
        let query = AuditQuery {
            actor: clean(query.actor),
            verb: clean(query.verb),
            noun: clean(query.noun),
            resource: clean(query.resource),
            ..query
        };
        Ok(Self { query, account, cursor, limit: usize::try_from(limit).unwrap_or(0) })
    }

    /// Bounds of an event's and its sealing's moments.
    pub(super) fn times(&self) -> Result<Times> {
        let (from, to) = (self.query.from, self.query.to);
        let sealed = |at: Option<UnixMs>, plus: i64| at.map(|at| moment(UnixMs(at.0.saturating_add(plus)))).transpose();
        Ok(Times {
            from: from.map(moment).transpose()?,
            to: to.map(moment).transpose()?,
            sealed_from: sealed(from, -SKEW_MS).or_else(|_| from.map(moment).transpose())?,
            sealed_to: sealed(to, PUNCTUAL_MS).or_else(|_| to.map(moment).transpose())?,
        })
    }
}

pub(super) struct Times {
    pub(super) from: Option<OffsetDateTime>,
    pub(super) to: Option<OffsetDateTime>,
    pub(super) sealed_from: Option<OffsetDateTime>,
    sealed_to: Option<OffsetDateTime>,
}

/// Text in which a pattern's signs stand for themselves.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '\\' | '%' | '_') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Among entries of several logs that were sealed in the same microsecond, main's come last.
fn rank(place: StoreRole) -> u8 {
    u8::from(place == StoreRole::Compliance)
}

/// Entries found in one log, newest first, one more than the page holds if there are more.
pub(crate) struct Found {
    rank: u8,
    entries: Vec<Entry>,
    head: Option<i64>,
}

/// Looks into the log of one database.
pub(crate) async fn look(connection: &mut PgConnection, org: Uuid, wanted: &Wanted, place: StoreRole) -> Result<Found> {
    let rank = rank(place);
    let mut step = sqlx::Connection::begin(connection).await?;
    plan_anew(&mut step).await?;
    let head = head::newest(&mut step, org).await?.map(|head| head.seq);
    let mut entries = Vec::new();
    let keys = keys(&mut step, org, wanted).await?;
    if !keys.is_empty() {
        // With an end in time: those that were sealed soon after end soon after it; the few others are looked for apart.
        let halves: &[Option<bool>] = if wanted.query.to.is_some() { &[Some(false), Some(true)] } else { &[None] };
        for late in halves {
            entries.extend(half(&mut step, org, wanted, &keys, *late, rank).await?);
        }
        entries.sort_unstable_by_key(|e| std::cmp::Reverse((e.sealed_at, e.seq)));
        entries.truncate(wanted.limit + 1);
    }
    step.commit().await?;
    Ok(Found { rank, entries, head })
}

/// By what the log is walked: the newest entries of each key, or all of them in one row.
enum Keys {
    /// Each of these people.
    Actors(Vec<String>),
    /// Each of these pairs of verb and noun.
    Kinds(Vec<String>, Vec<String>),
    /// All in one row, of these people if there are any.
    Row(Option<Vec<String>>),
}

impl Keys {
    /// Nothing can match.
    fn is_empty(&self) -> bool {
        matches!(self, Self::Actors(keys) | Self::Kinds(keys, _) if keys.is_empty())
    }
}

async fn keys(step: &mut PgConnection, org: Uuid, wanted: &Wanted) -> Result<Keys> {
    match who(step, org, wanted).await? {
        Some(names) if names.len() <= ACTORS => Ok(Keys::Actors(names)),
        Some(names) => Ok(Keys::Row(Some(names))),
        None if wanted.query.verb.is_none() && wanted.query.noun.is_none() => Ok(Keys::Row(None)),
        None => {
            let kinds = sqlx::query!(
                "SELECT verb, noun FROM compliance.audit_kind WHERE org_id = $1 AND ($2::text IS NULL OR verb = $2) AND ($3::text IS NULL OR noun = $3)",
                org,
                wanted.query.verb,
                wanted.query.noun
            );
            let (verbs, nouns) = kinds.fetch_all(step).await?.into_iter().map(|k| (k.verb, k.noun)).unzip();
            Ok(Keys::Kinds(verbs, nouns))
        }
    }
}

/// A statement of this transaction is planned for the very values it gets. Compiling a plan would take longer than running it.
pub(super) async fn plan_anew(step: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off").execute(step).await?;
    Ok(())
}

/// The names that hold the part that is looked for; none when nobody is looked for by name.
pub(super) async fn who(step: &mut PgConnection, org: Uuid, wanted: &Wanted) -> Result<Option<Vec<String>>> {
    let Some(part) = wanted.query.actor.as_deref().filter(|_| wanted.account.is_none()) else { return Ok(None) };
    let names = sqlx::query_scalar!(
        "SELECT actor FROM compliance.audit_actor WHERE org_id = $1 AND actor COLLATE \"default\" ILIKE $2",
        org,
        format!("%{}%", escaped(part))
    );
    Ok(Some(names.fetch_all(step).await?))
}

/// The newest entries that match, of each key. What the macro is given are the keys and how an entry is of one.
macro_rules! newest_of {
    ($keys:tt, $is_of:tt; $($given:expr),+) => {
        sqlx::query_as!(
            Row,
            "SELECT e.seq AS \"seq!\", e.sealed_at AS \"sealed_at!\", e.id, e.at, e.account, e.actor, e.via, e.verb, e.noun, e.resource, e.outcome,
               e.address::text AS address, e.agent, e.request, e.before, e.after, e.count, e.salt, e.leaf AS \"leaf!\", e.hash AS \"hash!\"
             FROM " + $keys + " CROSS JOIN LATERAL (
               SELECT * FROM compliance.audit_log WHERE org_id = $1 AND " + $is_of + " AND ($4::uuid IS NULL OR account = $4)
                 AND ($5::text IS NULL OR verb = $5) AND ($6::text IS NULL OR noun = $6) AND ($7::text IS NULL OR resource LIKE $7)
                 AND ($8::text IS NULL OR outcome = $8) AND ($9::timestamptz IS NULL OR at >= $9) AND ($10::timestamptz IS NULL OR at < $10)
                 AND ($11::timestamptz IS NULL OR sealed_at >= $11) AND ($12::timestamptz IS NULL OR sealed_at < $12)
                 AND ($13::bool IS NULL OR (sealed_at - at > interval '1 hour') = $13)
                 AND ($14::timestamptz IS NULL OR (sealed_at <= $14 AND (sealed_at, seq) < ($14, $15::int8)))
               ORDER BY sealed_at DESC, seq DESC LIMIT $16) e
             ORDER BY e.sealed_at DESC, e.seq DESC LIMIT $16",
            $($given),+
        )
    };
}

async fn half(step: &mut PgConnection, org: Uuid, wanted: &Wanted, keys: &Keys, late: Option<bool>, rank: u8) -> Result<Vec<Entry>> {
    let (query, times) = (&wanted.query, wanted.times()?);
    let before = wanted.cursor.map(|c| from_micros(c.sealed_at)).transpose()?;
    // What stands at the cursor's very place in a log of a lower rank comes after it.
    let before_seq = wanted.cursor.map(|c| if rank < c.rank { c.seq.saturating_add(1) } else { c.seq });
    let resource = query.resource.as_deref().map(|r| format!("{}%", escaped(r)));
    let (outcome, account) = (query.outcome.map(|o| o.word()), wanted.account);
    let (from, to, sealed_from) = (times.from, times.to, times.sealed_from);
    let sealed_to = times.sealed_to.filter(|_| late == Some(false));
    let limit = i64::try_from(wanted.limit + 1).unwrap_or(i64::MAX);
    let (verb, noun) = (query.verb.as_deref(), query.noun.as_deref());
    let (none, one): (&[String], _) = (&[], [String::new()]);
    let rows =
        match keys {
            Keys::Actors(names) => newest_of!(
                "unnest($2::text[], $3::text[]) AS k (name, nothing)", "actor = k.name COLLATE \"C\"";
                org, names, none, account, verb, noun, resource, outcome, from, to, sealed_from, sealed_to, late, before, before_seq, limit
            )
            .fetch_all(step)
            .await?,
            Keys::Kinds(verbs, nouns) => newest_of!(
                "unnest($2::text[], $3::text[]) AS k (verb, noun)",
                "audit_log.verb = k.verb COLLATE \"C\" AND audit_log.noun = k.noun COLLATE \"C\"";
                org, verbs, nouns, account, verb, noun, resource, outcome, from, to, sealed_from, sealed_to, late, before, before_seq, limit
            )
            .fetch_all(step)
            .await?,
            Keys::Row(names) => {
                newest_of!(
                    "unnest($3::text[]) AS k (one)", "($2::text[] IS NULL OR actor = ANY ($2))";
                    org, names.as_deref(), &one[..], account, verb, noun, resource, outcome, from, to, sealed_from, sealed_to, late, before,
                    before_seq, limit
                )
                .fetch_all(step)
                .await?
            }
        };
    let org = org.to_string();
    rows.into_iter().map(|row| Entry::read(&org, row)).collect()
}

/// One page of what was found in all logs. The first is the one that events go to now.
pub(crate) fn page(wanted: &Wanted, found: Vec<Found>) -> AuditSlice {
    let head = found.first().and_then(|f| f.head);
    let mut all: Vec<(u8, Entry)> = found.into_iter().flat_map(|f| f.entries.into_iter().map(move |e| (f.rank, e))).collect();
    all.sort_by_key(|(rank, e)| std::cmp::Reverse((e.sealed_at, e.seq, *rank)));
    let more = all.len() > wanted.limit;
    all.truncate(wanted.limit);
    let last = all.last().map(|(rank, e)| Cursor { sealed_at: e.sealed_at, seq: e.seq, rank: *rank });
    AuditSlice { next: last.filter(|_| more).map(|c| c.to_string()), items: all.into_iter().map(|(_, e)| e.shown()).collect(), head }
}

/// One page of the log of this database alone, newest first.
///
/// # Errors
/// [`StoreError::Invalid`] for a bad cursor or limit; the database's own.
pub async fn search(connection: &mut PgConnection, org: Uuid, query: AuditQuery) -> Result<AuditSlice> {
    let wanted = Wanted::check(query)?;
    let found = look(connection, org, &wanted, StoreRole::Compliance).await?;
    Ok(page(&wanted, vec![found]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_a_cursor_reads_as_it_is_written_and_nothing_else_does() {
        let cursor = Cursor { sealed_at: 1_790_000_000_123_456, seq: 77, rank: 1 };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in ["", "1-2", "1-2-3", "1-2-1-", "-1-2-1", "g-2-1", "1-2-01", "01-2-1", "+1-2-1", "1-2-1'; DROP", "A-2-1"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn g3_signs_of_a_pattern_stand_for_themselves() {
        assert_eq!(escaped(r"100%_\ö"), r"100\%\_\\ö");
    }
}
