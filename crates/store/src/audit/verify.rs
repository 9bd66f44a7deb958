//! Whether the log is what was sealed: computed anew from what the entries say, and compared with ends recorded elsewhere.
//!
//! The chain alone shows a change, a gap and a wrong order. It can't show that the newest entries were cut off, or that somebody
//! who knows how it is made rewrote all of it: that takes a record which they could not reach.

use super::{
    entry::{Content, Entry, Row, from_micros},
    head,
    seal::{self, Hash},
};
use crate::error::Result;
use futures::TryStreamExt;
use reeve_model::{
    audit::{AuditProblem, AuditVerdict},
    pool::StoreRole,
};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A log with more problems isn't read to its end.
const PROBLEMS_MAX: usize = 100;
/// Entries of one statement: as many as it says.
const BATCH: usize = 20_000;

/// An end of a log that was recorded elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedHead {
    /// Where, as a person would call it.
    pub by: String,
    /// The log.
    pub log: Uuid,
    /// Place.
    pub seq: i64,
    /// Hash at that place.
    pub hash: Hash,
}

/// What a check of one log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerdict {
    /// The log.
    pub log: Uuid,
    /// The role whose database holds it; none when it is nowhere, though its end is recorded.
    pub place: Option<StoreRole>,
    /// What was found.
    pub verdict: AuditVerdict,
}

/// Checks the log of this database from its beginning to its end, whatever its length, in a bounded memory.
///
/// # Errors
/// The database's own.
pub async fn verify(connection: &mut PgConnection, org: Uuid, recorded: &[RecordedHead]) -> Result<AuditVerdict> {
    let mut checker = Checker::new(head::log_id(connection).await?, org, recorded);
    let name = org.to_string();
    let mut after = (0, 0);
    loop {
        // Checked while the next ones are on their way.
        let mut rows = sqlx::query_as!(
            Row,
            "SELECT seq, sealed_at, id, at, account, actor, via, verb, noun, resource, outcome, address::text AS address, agent, request,
               before, after, count, salt, leaf, hash
             FROM compliance.audit_log WHERE org_id = $1 AND sealed_at >= $2 AND (sealed_at, seq) > ($2, $3)
             ORDER BY sealed_at, seq LIMIT 20000",
            org,
            from_micros(after.0)?,
            after.1
        )
        .fetch(&mut *connection);
        let mut read = 0;
        while let Some(row) = rows.try_next().await? {
            let entry = Entry::read(&name, row)?;
            after = (entry.sealed_at, entry.seq);
            read += 1;
            if !checker.take(&entry) {
                return Ok(checker.verdict());
            }
        }
        if read < BATCH {
            return Ok(checker.finish());
        }
    }
}

/// Walks along a log.
pub(super) struct Checker {
    /// Recorded ends by place.
    recorded: BTreeMap<i64, Vec<(String, Hash)>>,
    /// Last place walked over, and the hash that stands there.
    last: i64,
    hash: Hash,
    /// Last place that a record confirms.
    confirmed: (i64, Hash),
    good: (i64, Hash),
    checked: i64,
    erased: i64,
    problems: Vec<AuditProblem>,
}

impl Checker {
    pub(super) fn new(log: Uuid, org: Uuid, recorded: &[RecordedHead]) -> Self {
        let mut by_place: BTreeMap<i64, Vec<(String, Hash)>> = BTreeMap::new();
        for head in recorded.iter().filter(|h| h.log == log) {
            by_place.entry(head.seq).or_default().push((head.by.clone(), head.hash));
        }
        let beginning = (0, seal::beginning(log, org));
        Self {
            recorded: by_place,
            last: 0,
            hash: beginning.1,
            confirmed: beginning,
            good: beginning,
            checked: 0,
            erased: 0,
            problems: Vec::new(),
        }
    }

    /// Checks the next entry in the order of the log. False when there is no use in going on.
    pub(super) fn take(&mut self, entry: &Entry) -> bool {
        self.checked += 1;
        let seq = entry.seq;
        match &entry.content {
            Content::Event(salt, event) if seal::leaf(salt, event) == entry.leaf => {}
            Content::Event(..) | Content::Damaged => self.problems.push(AuditProblem::Changed { seq }),
            Content::Erased => self.erased += 1,
        }
        if seq <= self.last {
            // It has no place here. What follows is checked against what was before it.
            self.problems.push(AuditProblem::Broken { seq });
            return self.goes_on();
        }
        if seq > self.last + 1 {
            // What it follows from is gone: the chain is taken up again from its own hash.
            self.problems.push(AuditProblem::Removed { from: self.last + 1, to: seq - 1 });
        } else if seal::hash(&self.hash, seq, entry.sealed_at, &entry.leaf) != entry.hash {
            self.problems.push(AuditProblem::Broken { seq });
        }
        (self.last, self.hash) = (seq, entry.hash);
        let sound = self.problems.is_empty();
        let records = self.recorded.remove(&seq).unwrap_or_default();
        let confirms = !records.is_empty() && records.iter().all(|(_, hash)| *hash == entry.hash);
        let others = records.into_iter().filter(|(_, hash)| *hash != entry.hash);
        self.problems.extend(others.map(|(by, _)| AuditProblem::Rewritten { seq, by }));
        if self.problems.is_empty() {
            self.good = (seq, entry.hash);
            if confirms {
                self.confirmed = self.good;
            }
        } else if sound {
            // The chain holds together but is another than was recorded: anything since the last confirmed place may be forged.
            self.good = self.confirmed;
        }
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        self.problems.len() < PROBLEMS_MAX
    }

    /// The log ends here.
    pub(super) fn finish(mut self) -> AuditVerdict {
        let beyond = self.recorded.split_off(&(self.last + 1));
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        let ends_at = self.last;
        let cut = beyond.into_iter().flat_map(|(recorded, by)| by.into_iter().map(move |(by, _)| (recorded, by)));
        self.problems.extend(cut.take(room).map(|(recorded, by)| AuditProblem::CutOff { ends_at, recorded, by }));
        self.verdict()
    }

    /// What was found so far.
    pub(super) fn verdict(mut self) -> AuditVerdict {
        self.problems.truncate(PROBLEMS_MAX);
        AuditVerdict {
            checked: self.checked,
            good_to: self.good.0,
            erased: self.erased,
            head: hex::encode(self.good.1),
            problems: self.problems,
        }
    }
}

/// What is to be said of a log that is recorded and in no database.
pub(crate) fn missing(org: Uuid, log: Uuid, recorded: &[RecordedHead]) -> LogVerdict {
    LogVerdict { log, place: None, verdict: Checker::new(log, org, recorded).finish() }
}
