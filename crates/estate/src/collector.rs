//! The collector of one target: one kept connection, rounds that always end, a snapshot that never forgets.

use crate::{
    budget::Budget,
    fault,
    probe::{Board, Cx, Moment, Run},
    probes::{Memory, identity, tables},
    rates::{self, Previous},
    registry::PROBES,
    schedule::{Place, Schedule, interval},
    session::{self, STATEMENT_TIMEOUT},
    spec::{DatabaseChoice, TargetSpec},
};
use futures::stream::{FuturesUnordered, StreamExt};
use reeve_adapter::Guarded;
use reeve_model::{
    Refusal, UnixMs,
    probe::{ProbeOutcome, ProbeRun},
    snapshot::TargetSnapshot,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

mod outage;

/// Why a target counts as down this round: one sentence, and what it holds against the sign-in where it does answer.
struct Away(String, Option<Refusal>);

/// Collects one target. Not shared: whoever drives it calls [`Collector::round`] when [`Collector::next_due`] comes.
pub struct Collector {
    spec: TargetSpec,
    board: Board,
    shared: Arc<TargetSnapshot>,
    session: Option<Arc<Guarded>>,
    /// Connection to another database than the kept one's.
    further: Option<(String, Arc<Guarded>)>,
    schedule: Schedule,
    runs: BTreeMap<Place, ProbeRun>,
    previous: Option<Previous>,
    /// Transactions of Reeve's own, which the server counts among everybody's.
    own: Arc<AtomicI64>,
    /// What collecting costs, and the cadence that follows from it.
    budget: Budget,
    /// Failed rounds in a row and when to try again.
    rest: Option<(u32, Instant)>,
}

impl Collector {
    /// A collector that has not connected yet.
    #[must_use]
    pub fn new(spec: TargetSpec) -> Self {
        let snapshot = TargetSnapshot::untried(spec.info.name.clone(), UnixMs::now());
        let health_every = Duration::from_millis(u64::try_from(spec.cadence.health_ms).unwrap_or(0));
        Self {
            shared: Arc::new(snapshot.clone()),
            board: Board { snapshot, memory: Memory { health_every, settled: spec.settled, ..Memory::default() } },
            spec,
            session: None,
            further: None,
            schedule: Schedule::default(),
            runs: BTreeMap::new(),
            previous: None,
            own: Arc::default(),
            budget: Budget::default(),
            rest: None,
        }
    }

    /// What it was told.
    #[must_use]
    pub fn spec(&self) -> &TargetSpec {
        &self.spec
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<TargetSnapshot> {
        Arc::clone(&self.shared)
    }

    /// When the next round has something to do.
    #[must_use]
    pub fn next_due(&self, watched: bool) -> Instant {
        let now = Instant::now();
        match self.rest {
            Some((_, until)) => until,
            None => self.schedule.next(&self.databases(), &self.budget.cadence(&self.spec.cadence), watched, now),
        }
    }

    /// Runs the probes that are due and answers the new snapshot. Ends within the deadline of the spec, whatever the
    /// server does; one that has to connect first has that time for it, and again for reading. While a server that is down is left in peace the
    /// old snapshot comes back at once.
    pub async fn round(&mut self, watched: bool) -> Arc<TargetSnapshot> {
        let start = Instant::now();
        if self.rest.is_some_and(|(_, until)| start < until) {
            return self.snapshot();
        }
        let deadline = start + self.spec.deadline;
        let kept = self.session.as_ref().is_some_and(|session| !session.is_closed());
        let outcome = match timeout_at(deadline, self.reach()).await {
            // Signing in takes many answers. Where each is late, reading would else be cut off and begin anew for ever.
            Ok(Ok(())) if !kept => self.read(watched, start, Instant::now() + self.spec.deadline).await,
            Ok(Ok(())) => self.read(watched, start, deadline).await,
            Ok(Err(away)) => Err(away),
            Err(_) => Err(Self::silent(self.spec.deadline)),
        };
        let at = UnixMs::now();
        match outcome {
            Ok(()) => self.up(at),
            Err(away) => self.down(&away, at),
        }
        tables::publish(&mut self.board);
        let snapshot = &mut self.board.snapshot;
        snapshot.at = at;
        snapshot.round += 1;
        snapshot.round_ms = start.elapsed().as_secs_f64() * 1000.0;
        for run in self.runs.values_mut() {
            run.server_ms = self.board.memory.statements.own.mean_ms(&run.id);
        }
        self.budget.observe(self.runs.values(), &self.spec.cadence, watched);
        snapshot.pace = self.budget.pace(&self.spec.cadence);
        snapshot.probes = self.runs.values().cloned().collect();
        self.shared = Arc::new(snapshot.clone());
        self.snapshot()
    }

    /// Closes its connections.
    pub async fn close(mut self) {
        self.session = None;
        self.further = None;
    }

    /// Makes sure that there is a connection, and knows whose.
    async fn reach(&mut self) -> Result<(), Away> {
        if self.session.as_ref().is_some_and(|session| session.is_closed()) {
            self.session = None;
            self.further = None;
        }
        if self.session.is_none() {
            self.connect().await?;
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Away> {
        let session = session::probing(&self.spec.endpoint, None, &self.own).await;
        let session = session.map_err(|e| Away(sentence(&e.to_string()), e.refusal()))?;
        let rows = match identity::QUERY.sql(&identity::before_contact()) {
            Ok(sql) => session.query(&sql, &[]).await,
            Err(why) => return Err(Away(why, None)),
        };
        let rows = rows.map_err(|e| Away(sentence(&session.sort(&e).to_string()), None))?;
        let row = rows.first().ok_or_else(|| Away("The server answered without a row.".to_owned(), None))?;
        let mut facts = identity::facts(row, &session).map_err(|e| Away(format!("The server's identity could not be read: {e}."), None))?;
        if let Some(known) = self.board.memory.facts.take().filter(|known| known.started_at == facts.started_at) {
            // The same server over a new connection.
            (facts.system, facts.timeline) = (known.system, known.timeline);
        }
        self.board.snapshot.server = Some(facts.identity());
        self.board.memory.facts = Some(facts);
        let session = Arc::new(session);
        self.spec.standing.put(&session);
        self.session = Some(session);
        Ok(())
    }

    /// The probes of the server, then those of each database.
    async fn read(&mut self, watched: bool, start: Instant, deadline: Instant) -> Result<(), Away> {
        for (id, database) in std::mem::take(&mut self.board.memory.wake) {
            self.schedule.wake(id, &database);
        }
        let due = self.schedule.due(None, &self.budget.cadence(&self.spec.cadence), watched, start);
        self.schedule.start(&due, None, start);
        let counted = Instant::now();
        let mut answered = self.run(None, &due, watched, deadline).await;
        if let Err(Broken::Lost(_)) = &answered {
            match timeout_at(deadline, self.reach()).await.map_err(|_| Self::silent(self.spec.deadline))? {
                // Somebody ended Reeve's session, or the server restarted in between: that alone is no outage.
                Ok(()) => answered = self.run(None, &due, watched, deadline).await,
                // It is there and says why it lets nobody in, which tells more than how the session ended.
                Err(away) if away.1.is_some() => return Err(away),
                Err(_) => {}
            }
        }
        match answered {
            Ok(()) => {}
            Err(Broken::Lost(why)) => return Err(Away(why, None)),
            Err(Broken::Silent(limit)) => return Err(Self::silent(limit)),
        }
        self.rates(&due, counted);
        for database in self.databases() {
            let due = self.schedule.due(Some(&database), &self.budget.cadence(&self.spec.cadence), watched, start);
            if due.is_empty() {
                continue;
            }
            // What finds no time now is still due at the next round. Begun too late it would be cut off at the deadline, its
            // connection with it, and a server that is only slow would never get as far.
            if Instant::now() + STATEMENT_TIMEOUT.min(self.spec.deadline / 2) > deadline || self.session.is_none() {
                break;
            }
            // By the start of the round, so that what runs together stays together.
            self.schedule.start(&due, Some(&database), start);
            // The fault is on the readings; other databases may still answer.
            self.run(Some(&database), &due, watched, deadline).await.ok();
        }
        self.forget_dropped();
        Ok(())
    }

    /// Runs some probes at once on the right connection and keeps what they read.
    async fn run(&mut self, database: Option<&str>, due: &[usize], watched: bool, deadline: Instant) -> Result<(), Broken> {
        let Some(facts) = self.board.memory.facts.clone() else { return Err(Broken::Silent(self.spec.deadline)) };
        let name = database.unwrap_or(&facts.database).to_owned();
        let started = Moment { at: UnixMs::now(), instant: Instant::now(), database: name.clone() };
        let kept = name == facts.database;
        if let Err(why) = self.further(&name, kept, deadline).await {
            for probe in due {
                self.give_up(*probe, database, &why, &started, watched);
            }
            return Err(Broken::Lost(why));
        }
        let session = if kept { self.session.as_deref() } else { self.further.as_ref().map(|(_, s)| &**s) };
        let Some(session) = session else { return Err(Broken::Silent(self.spec.deadline)) };
        // The first answer shows that somebody is there; the others may take what time there is. Of a database everything may be dear.
        let silence = if database.is_none() { self.spec.silence.min(self.spec.deadline) } else { self.spec.deadline };
        let limit = deadline.min(started.instant + silence);
        let (done, unfinished) = {
            let memory = &self.board.memory;
            let (facts, name) = (&facts, name.as_str());
            let mut running: FuturesUnordered<_> = due
                .iter()
                .map(|probe| async move {
                    let cx = Cx::new(session, facts, memory, name);
                    (*probe, PROBES[*probe].run(&cx).await)
                })
                .collect();
            let mut done: Vec<(usize, Run)> = Vec::with_capacity(due.len());
            let mut heard = false;
            while let Ok(Some(finished)) = timeout_at(if heard { deadline } else { limit }, running.next()).await {
                heard |= finished.1.heard;
                done.push(finished);
            }
            let unfinished: Vec<usize> = due.iter().copied().filter(|p| done.iter().all(|(d, _)| d != p)).collect();
            (done, unfinished)
        };
        let lost = done.iter().find_map(|(_, run)| run.broken.clone());
        let answered = done.iter().any(|(_, run)| run.heard) || (lost.is_none() && unfinished.is_empty());
        for (probe, run) in done {
            self.keep(probe, database, run, &started, watched);
        }
        if !unfinished.is_empty() {
            let waited = if answered { self.spec.deadline } else { silence };
            let why = Self::silent(waited).0;
            for probe in &unfinished {
                self.give_up(*probe, database, &why, &started, watched);
            }
        }
        if lost.is_some() || !unfinished.is_empty() {
            self.drop_session(kept);
        }
        match (answered, lost) {
            (true, _) => Ok(()),
            (false, Some(why)) => Err(Broken::Lost(why)),
            (false, None) => Err(Broken::Silent(silence)),
        }
    }

    /// Opens the connection for another database, unless it is the one that is open. One at a time.
    async fn further(&mut self, database: &str, kept: bool, deadline: Instant) -> Result<(), String> {
        if kept || self.further.as_ref().is_some_and(|(name, session)| name == database && !session.is_closed()) {
            return Ok(());
        }
        self.further = None;
        match timeout_at(deadline, session::probing(&self.spec.endpoint, Some(database), &self.own)).await {
            Ok(Ok(session)) => {
                self.further = Some((database.to_owned(), Arc::new(session)));
                Ok(())
            }
            Ok(Err(why)) => Err(sentence(&why.to_string())),
            Err(_) => Err(Self::silent(self.spec.deadline).0),
        }
    }

    /// Lets a connection go that broke or hangs; the server is told to stop, in the background and for 2 s at most.
    fn drop_session(&mut self, kept: bool) {
        let session = if kept { self.session.take() } else { self.further.take().map(|(_, s)| s) };
        if let Some(session) = session.filter(|s| !s.is_closed()) {
            tokio::spawn(session::abandon(session));
        }
    }

    fn keep(&mut self, probe: usize, database: Option<&str>, run: Run, moment: &Moment, watched: bool) {
        (run.fold)(&mut self.board, moment);
        self.record(probe, database, moment, watched, run.wall_ms, run.rows, run.outcome);
    }

    fn give_up(&mut self, probe: usize, database: Option<&str>, why: &str, moment: &Moment, watched: bool) {
        PROBES[probe].give_up(&mut self.board, why.to_owned(), moment);
        let wall_ms = moment.instant.elapsed().as_secs_f64() * 1000.0;
        let outcome = ProbeOutcome::Failed { sentence: why.to_owned() };
        self.record(probe, database, moment, watched, wall_ms, 0, outcome);
    }

    #[allow(clippy::too_many_arguments)]
    fn record(
        &mut self,
        probe: usize,
        database: Option<&str>,
        moment: &Moment,
        watched: bool,
        wall_ms: f64,
        rows: u64,
        outcome: ProbeOutcome,
    ) {
        let about = PROBES[probe].about();
        let runs = self.runs.get(&(probe, database.map(str::to_owned))).map_or(0, |r| r.runs);
        let every = interval(about, &self.budget.cadence(&self.spec.cadence), watched);
        let run = ProbeRun {
            id: about.id.to_owned(),
            title: about.title.to_owned(),
            database: database.map(str::to_owned),
            at: moment.at,
            wall_ms,
            rows,
            runs: runs + 1,
            server_ms: None,
            every_ms: i64::try_from(every.as_millis()).unwrap_or(i64::MAX),
            outcome,
        };
        self.runs.insert((probe, database.map(str::to_owned)), run);
    }

    /// Rates need both counters of this round.
    fn rates(&mut self, due: &[usize], instant: Instant) {
        let fresh = |id: &str| {
            let probe = due.iter().find(|p| PROBES[**p].about().id == id);
            probe.and_then(|p| self.runs.get(&(*p, None))).is_some_and(|r| r.outcome == ProbeOutcome::Ok)
        };
        if !fresh("databases") || !fresh("wal") {
            return;
        }
        if let Some(rates) = rates::advance(&mut self.previous, &self.board.snapshot, self.own.load(Ordering::Relaxed), instant) {
            self.board.snapshot.rates.absorb(Ok(rates), UnixMs::now());
        }
    }

    /// The databases whose tables are read, the kept connection's first.
    fn databases(&self) -> Vec<String> {
        let Some(connectable) = &self.board.memory.connectable else { return Vec::new() };
        let chosen = |name: &String| match &self.spec.databases {
            DatabaseChoice::AllUser => true,
            DatabaseChoice::Only(names) => names.contains(name),
        };
        let kept = self.board.memory.facts.as_ref().map(|f| f.database.as_str());
        let mut databases: Vec<String> = connectable.iter().filter(|n| chosen(n)).cloned().collect();
        databases.sort_by_key(|name| (Some(name.as_str()) != kept, name.clone()));
        databases
    }

    /// Databases that were dropped take their tables with them; a further connection that serves no more is closed.
    fn forget_dropped(&mut self) {
        let databases = self.databases();
        self.schedule.retain(&databases);
        self.runs.retain(|(_, database), _| database.as_ref().is_none_or(|d| databases.contains(d)));
        self.board.snapshot.tables.retain(|name, _| databases.contains(name));
        self.board.memory.tables.retain(|name, _| databases.contains(name));
        self.board.memory.sequences.retain(|name, _| databases.contains(name));
        self.board.memory.sequences_hidden.retain(|name, _| databases.contains(name));
        self.board.memory.drains.retain(|name, _| databases.contains(name));
        // With one other database its connection is worth keeping; with several each gets its turn.
        let others = databases.len().saturating_sub(1);
        let last = self.further.as_ref().is_some_and(|(name, _)| databases.contains(name));
        if others > 1 || !last {
            self.further = None;
        }
    }
}

/// Why none of some probes was answered.
enum Broken {
    /// The connection ended; the sentence says how.
    Lost(String),
    /// Nothing came for this long.
    Silent(Duration),
}

/// An adapter's text as a sentence.
fn sentence(text: &str) -> String {
    fault::capitalised(text)
}
