//! What a probe is: a few statements, a way to read their rows, and a place to keep what was read.

use crate::{
    facts::Facts,
    fault::{ProbeError, sentence},
    probes::{Memory, bloat, statements},
    spec::Cadence,
};
use async_trait::async_trait;
use reeve_adapter::{Guarded, Param};
use reeve_model::{UnixMs, probe::ProbeOutcome, snapshot::TargetSnapshot};
use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::time::Instant;
use tokio_postgres::Row;

/// Where a probe runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Once per target.
    Server,
    /// Once in each database.
    Database,
}

/// How often a probe runs; [`Cadence`] has the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// As often as somebody looks, else like critical.
    Live,
    /// Whether all is well.
    Critical,
    /// What makes history.
    Metrics,
    /// What changes slowly or costs more.
    Health,
}

impl Class {
    /// The interval in milliseconds.
    #[must_use]
    pub fn every_ms(self, cadence: &Cadence, watched: bool) -> i64 {
        match self {
            Self::Live if watched => cadence.live_ms.min(cadence.critical_ms),
            Self::Live | Self::Critical => cadence.critical_ms,
            Self::Metrics => cadence.metrics_ms,
            Self::Health => cadence.health_ms,
        }
    }
}

/// Whose version decides which variant of a statement is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// The server's major version: 13, 14, ….
    Server,
    /// The installed version of `pg_stat_statements` times 100: 1.8 is 108, 1.10 is 110.
    Statements,
}

/// The text of a statement from a version on.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// First version it is for.
    pub since: u32,
    /// The text. `{statements}` stands for the quoted schema of `pg_stat_statements`.
    pub sql: &'static str,
}

/// One statement in the forms that the versions want.
#[derive(Debug)]
pub struct Query {
    /// Marker: the probe's id, or `id/part` where a probe has several statements.
    pub marker: &'static str,
    /// What the variants are keyed by.
    pub keyed: Keyed,
    /// Oldest first.
    pub variants: &'static [Variant],
}

impl Query {
    /// The text for a server.
    ///
    /// # Errors
    /// One sentence that says what would make it available.
    pub fn sql(&self, facts: &Facts) -> Result<String, String> {
        let (version, schema) = match self.keyed {
            Keyed::Server => (facts.version_num / 10_000, None),
            Keyed::Statements => {
                let found = facts.statements.as_ref().ok_or_else(|| statements::not_installed(facts))?;
                (found.version, Some(found.schema.as_str()))
            }
        };
        let variant = self.variants.iter().rev().find(|v| v.since <= version);
        let variant = variant.ok_or_else(|| match (self.keyed, self.variants.first()) {
            (Keyed::Server, Some(first)) => format!("{NEWER}{} or newer; this server is {}.", first.since, facts.version),
            _ => format!(
                "The installed pg_stat_statements is too old; run ALTER EXTENSION pg_stat_statements UPDATE; {}",
                in_database(&facts.database)
            ),
        })?;
        let body = match schema {
            Some(schema) => variant.sql.replace("{statements}", &quote_identifier(schema)),
            None => variant.sql.to_owned(),
        };
        Ok(marked(self.marker, body.trim(), facts.version_num))
    }
}

/// Puts the marker in front. From 18 on `pg_stat_statements` cuts what stands before the first word, so there it also
/// stands behind it: Reeve finds its own statements by it.
fn marked(marker: &str, body: &str, version_num: u32) -> String {
    match body.split_once(char::is_whitespace) {
        Some((word, rest)) if version_num >= 180_000 => format!("/* reeve:{marker} */ {word} /* reeve:{marker} */ {rest}"),
        _ => format!("/* reeve:{marker} */ {body}"),
    }
}

/// A name as SQL writes it, quoted always.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The comment behind SQL that says where to run it.
pub(crate) fn in_database(name: &str) -> String {
    comment(&format!("in database {}", quote_identifier(name)))
}

/// An SQL comment. A name can hold a line break, which would end it.
pub(crate) fn comment(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("-- {text}")
}

/// How the sentence begins that says that the server's version lacks something.
const NEWER: &str = "Needs PostgreSQL ";

/// Whether a sentence tells of something that nobody should be asked to grant: the server's version lacks it, or only the right to read
/// all rows would show it. It is told, and is no fault.
#[must_use]
pub fn is_beyond(sentence: &str) -> bool {
    sentence.starts_with(NEWER) || sentence.ends_with(bloat::ALL_ROWS)
}

/// What the registry shows of a probe.
#[derive(Debug)]
pub struct About {
    /// Unique id.
    pub id: &'static str,
    /// Shown name.
    pub title: &'static str,
    /// One line: what it reads and what for.
    pub doc: &'static str,
    /// Where it runs.
    pub scope: Scope,
    /// How often.
    pub class: Class,
    /// Its statements.
    pub queries: &'static [&'static Query],
}

/// What a probe may use while it reads.
pub struct Cx<'a> {
    pub(crate) session: &'a Guarded,
    pub(crate) facts: &'a Facts,
    pub(crate) memory: &'a Memory,
    pub(crate) database: &'a str,
    rows: AtomicU64,
}

impl<'a> Cx<'a> {
    pub(crate) fn new(session: &'a Guarded, facts: &'a Facts, memory: &'a Memory, database: &'a str) -> Self {
        Self { session, facts, memory, database, rows: AtomicU64::new(0) }
    }

    /// Runs one of the probe's statements.
    pub(crate) async fn rows(&self, query: &Query, params: &[Param<'_>]) -> Result<Vec<Row>, ProbeError> {
        let sql = query.sql(self.facts).map_err(ProbeError::Unavailable)?;
        let rows = self.session.query(&sql, params).await?;
        self.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
        Ok(rows)
    }

    /// Runs a statement with a long answer; of each row only what `read` makes of it is kept.
    pub(crate) async fn each<T>(
        &self,
        query: &Query,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row) -> Result<T, ProbeError>,
    ) -> Result<Vec<T>, ProbeError> {
        let sql = query.sql(self.facts).map_err(ProbeError::Unavailable)?;
        let all = self.session.each(&sql, params, |row| read(&row)).await?;
        self.rows.fetch_add(all.len() as u64, Ordering::Relaxed);
        Ok(all)
    }

    /// Runs a statement that yields one row.
    pub(crate) async fn row(&self, query: &Query, params: &[Param<'_>]) -> Result<Row, ProbeError> {
        let rows = self.rows(query, params).await?;
        rows.into_iter().next().ok_or_else(|| ProbeError::Shape("The server answered without a row.".to_owned()))
    }
}

/// What was read, and what is missing from it.
pub struct Got<T> {
    /// The value.
    pub value: T,
    /// What is missing, in one sentence.
    pub missing: Option<String>,
}

impl<T> Got<T> {
    /// All of it.
    pub fn all(value: T) -> Self {
        Self { value, missing: None }
    }
}

/// When and where something was read.
#[derive(Debug, Clone)]
pub struct Moment {
    /// By the clock.
    pub at: UnixMs,
    /// For differences.
    pub instant: Instant,
    /// The database of the connection.
    pub database: String,
}

/// Where probes keep what they read.
pub struct Board {
    /// What others see.
    pub snapshot: TargetSnapshot,
    /// What the next round needs.
    pub memory: Memory,
}

/// One probe, typed: how to read and where to keep.
pub trait Ask: Sync + Send + 'static {
    /// What it reads.
    type Out: Send + 'static;
    /// Its entry in the registry.
    const ABOUT: About;
    /// Reads. Must not change anything anywhere.
    fn read(&self, cx: &Cx<'_>) -> impl Future<Output = Result<Got<Self::Out>, ProbeError>> + Send;
    /// Keeps the value, or the reason why there is none.
    fn keep(&self, board: &mut Board, outcome: Result<Self::Out, String>, moment: &Moment);
}

/// Folds what a probe read into the board.
pub type Fold = Box<dyn FnOnce(&mut Board, &Moment) + Send>;

/// A finished run.
pub struct Run {
    /// From sending to the last row, milliseconds.
    pub wall_ms: f64,
    /// Rows.
    pub rows: u64,
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// The server answered. What can't run here says so without asking.
    pub heard: bool,
    /// The connection broke under it.
    pub broken: Option<String>,
    /// What to keep.
    pub fold: Fold,
}

/// One probe as the registry holds it.
#[async_trait]
pub trait Probe: Sync + Send {
    /// Its entry in the registry.
    fn about(&self) -> &'static About;
    /// Reads; never fails: the outcome says how it went.
    async fn run(&self, cx: &Cx<'_>) -> Run;
    /// Keeps a reason instead of a value.
    fn give_up(&self, board: &mut Board, sentence: String, moment: &Moment);
}

struct Entry<A: Ask>(std::marker::PhantomData<A>);

impl<A: Ask> Entry<A> {
    const ABOUT: &'static About = &A::ABOUT;
}

#[async_trait]
impl<A: Ask + Copy> Probe for A {
    fn about(&self) -> &'static About {
        Entry::<A>::ABOUT
    }

    async fn run(&self, cx: &Cx<'_>) -> Run {
        let start = Instant::now();
        let result = self.read(cx).await;
        let wall_ms = start.elapsed().as_secs_f64() * 1000.0;
        let rows = cx.rows.load(Ordering::Relaxed);
        let probe = *self;
        match result {
            Ok(got) => {
                let outcome = match got.missing {
                    None => ProbeOutcome::Ok,
                    Some(sentence) => ProbeOutcome::Partial { sentence },
                };
                Run {
                    wall_ms,
                    rows,
                    outcome,
                    heard: true,
                    broken: None,
                    fold: Box::new(move |board, moment| probe.keep(board, Ok(got.value), moment)),
                }
            }
            Err(error) => {
                let text = sentence(&error, self.about().title, cx.facts);
                let heard = !error.broken() && !matches!(error, ProbeError::Unavailable(_));
                let broken = error.broken().then(|| text.clone());
                let outcome = match error {
                    ProbeError::Unavailable(_) => ProbeOutcome::Unavailable { sentence: text.clone() },
                    _ => ProbeOutcome::Failed { sentence: text.clone() },
                };
                Run { wall_ms, rows, outcome, heard, broken, fold: Box::new(move |board, moment| probe.keep(board, Err(text), moment)) }
            }
        }
    }

    fn give_up(&self, board: &mut Board, sentence: String, moment: &Moment) {
        self.keep(board, Err(sentence), moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_what_a_version_lacks_is_no_fault_and_a_grant_is_asked_for() {
        let newer = Query { marker: "x", keyed: Keyed::Server, variants: &[Variant { since: 16, sql: "SELECT 1" }] };
        let why = newer.sql(&Facts::assumed(15, 110)).err().unwrap_or_default();
        assert!(is_beyond(&why), "{why}");
        assert!(is_beyond(&format!("Widths are hidden, and {}", bloat::ALL_ROWS)));
        assert!(!is_beyond("Sessions can't be read in full by role reeve; run GRANT pg_monitor TO \"reeve\";"));
    }
}
