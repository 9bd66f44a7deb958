//! From rounds to history: what is worth keeping, written in batches, never in a collector's way.

use reeve_model::{
    TargetName, UnixMs, Verdict,
    series::Topic,
    snapshot::{DatabaseTables, TargetSnapshot},
};
use reeve_runtime::Supervisor;
use reeve_store::{
    Store, StoreError,
    history::{OwnedRound, Retention, SeriesKeyPart},
    targets::VerdictRecord,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Rounds that may wait for the store before the oldest news is given up; about ten minutes of ten targets.
const WAITING_ROUNDS: usize = 1_024;
/// Rounds written in one transaction.
const BATCH: usize = 32;
/// Server figures are kept at most this often, however often they are read live.
const KEEP_EVERY_MS: i64 = 5_000;

enum News {
    Round(OwnedRound),
    Verdict(TargetName, Verdict),
}

/// Takes rounds in and hands them to the writing task. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    send: mpsc::Sender<News>,
    kept: Arc<Mutex<HashMap<(TargetName, String), UnixMs>>>,
    lost: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
    refused: Arc<Mutex<Option<String>>>,
}

impl Recorder {
    /// Starts the writing and the upkeep (partitions, compaction, retention).
    #[must_use]
    pub fn start(supervisor: &Supervisor, store: Store, keep_days: u32) -> Self {
        let (send, receive) = mpsc::channel(WAITING_ROUNDS);
        let (lost, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let refused = Arc::<Mutex<Option<String>>>::default();
        let receive = Arc::new(tokio::sync::Mutex::new(receive));
        let pen = Pen { store: store.clone(), lost: Arc::clone(&lost), written: Arc::clone(&written), refused: Arc::clone(&refused) };
        supervisor.spawn("history writer", move |stop| {
            let (receive, pen) = (Arc::clone(&receive), pen.clone());
            async move { pen.write(&mut *receive.lock().await, stop).await }
        });
        supervisor.spawn("history upkeep", move |stop| {
            let store = store.clone();
            async move {
                let retention = Retention { keep: Duration::from_secs(u64::from(keep_days) * 86_400) };
                while !stop.is_cancelled() {
                    match store.history().maintain(UnixMs::now(), retention).await {
                        Ok(report) if report.failures.is_empty() => {}
                        Ok(report) => tracing::warn!(failures = ?report.failures, "part of history's upkeep has to wait a minute"),
                        Err(error) => tracing::warn!(%error, "history upkeep failed; it is tried again in a minute"),
                    }
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(Duration::from_secs(60)) => {}
                    }
                }
            }
        });
        Self { send, kept: Arc::default(), lost, written, refused }
    }

    /// Keeps what is new in a round.
    pub fn round(&self, snapshot: &TargetSnapshot, now: UnixMs) {
        let figures = reeve_rules::figures::figures(snapshot, now, KEEP_EVERY_MS);
        let mut server = Vec::new();
        for figure in figures {
            if let (Some(value), Some(at)) = (figure.value, figure.at)
                && self.is_new(&snapshot.target, &figure.id, at)
            {
                server.push((SeriesKeyPart::new(figure.id, String::new()), value));
            }
        }
        self.offer(&snapshot.target, Topic::Server, snapshot.at, server);
        for (database, reading) in &snapshot.tables {
            let Some(read) = reading.last.as_ref() else { continue };
            if self.is_new(&snapshot.target, &format!("tables/{database}"), read.at) {
                self.offer(&snapshot.target, Topic::Tables, read.at, table_samples(database, &read.value));
            }
        }
    }

    /// Keeps a change of status.
    pub fn verdict(&self, target: &TargetName, verdict: Verdict) {
        if self.send.try_send(News::Verdict(target.clone(), verdict)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Rounds given up because the store was away too long.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Samples written since the start.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Why the store did not take what was last offered to it, as a clause; none when it did.
    #[must_use]
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_new(&self, target: &TargetName, id: &str, at: UnixMs) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.entry((target.clone(), id.to_owned())).or_insert(UnixMs(i64::MIN / 2));
        // Rounds are never quite on time; without slack every second one would be left out.
        let new = at.0 >= last.0 + KEEP_EVERY_MS * 4 / 5;
        if new {
            *last = at;
        }
        new
    }

    fn offer(&self, target: &TargetName, topic: Topic, at: UnixMs, samples: Vec<(SeriesKeyPart, f64)>) {
        if samples.is_empty() {
            return;
        }
        if self.send.try_send(News::Round(OwnedRound { target: target.clone(), topic, at, samples })).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is kept of each table. Sizes of locked tables that were never read are a gap, not a zero.
fn table_samples(database: &str, tables: &DatabaseTables) -> Vec<(SeriesKeyPart, f64)> {
    let mut out = Vec::with_capacity(tables.tables.len() * 6);
    for table in &tables.tables {
        let object = format!("{database}/{}.{}", table.schema, table.name);
        let mut keep = |metric: &'static str, value: Option<i64>| {
            if let Some(value) = value {
                #[allow(clippy::cast_precision_loss)] // counters stay far below 2^53
                out.push((SeriesKeyPart::new(metric, object.clone()), value as f64));
            }
        };
        keep("table.bytes", if table.locked { None } else { table.total_bytes() });
        keep("table.live_rows", Some(table.live_rows));
        keep("table.dead_rows", Some(table.dead_rows));
        keep("table.seq_scans", Some(table.seq_scans));
        keep("table.index_scans", Some(table.index_scans));
        keep("table.changes", Some(table.inserted + table.updated + table.deleted));
    }
    out
}

/// What the writing task holds.
#[derive(Clone)]
struct Pen {
    store: Store,
    lost: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
    refused: Arc<Mutex<Option<String>>>,
}

impl Pen {
    async fn write(&self, receive: &mut mpsc::Receiver<News>, stop: CancellationToken) {
        let mut news = Vec::with_capacity(BATCH);
        loop {
            let stopping = tokio::select! {
                count = receive.recv_many(&mut news, BATCH) => count == 0,
                () = stop.cancelled() => {
                    while let Ok(item) = receive.try_recv() {
                        news.push(item);
                    }
                    true
                }
            };
            let mut rounds = Vec::new();
            let mut verdicts: BTreeMap<TargetName, Vec<Verdict>> = BTreeMap::new();
            for item in news.drain(..) {
                match item {
                    News::Round(batch) => rounds.push(batch),
                    News::Verdict(target, verdict) => verdicts.entry(target).or_default().push(verdict),
                }
            }
            self.keep(rounds, &stop).await;
            for (target, list) in verdicts {
                for verdict in list {
                    let record = VerdictRecord { status: verdict.status, since: verdict.since, score: verdict.score };
                    if let Err(error) = self.store.record_verdict(&target, record).await {
                        tracing::warn!(%error, %target, "a change of status was not kept");
                    }
                }
            }
            if stopping {
                return;
            }
        }
    }

    /// One try after another until the store takes it: what waits behind is bounded by the channel.
    async fn keep(&self, rounds: Vec<OwnedRound>, stop: &CancellationToken) {
        let samples: u64 = rounds.iter().map(|b| b.samples.len() as u64).sum();
        let mut pause = Duration::from_millis(250);
        while let Err(error) = self.store.history().append_all(rounds.clone()).await {
            // What can't be stored at all must not hold up what comes after it.
            let hopeless = matches!(error, StoreError::Invalid(_) | StoreError::Corrupt(_));
            if hopeless || stop.is_cancelled() {
                self.lost.fetch_add(rounds.len() as u64, Ordering::Relaxed);
                tracing::warn!(%error, rounds = rounds.len(), "some rounds of history are not kept");
                return;
            }
            tracing::debug!(%error, "history waits for the store");
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(match &error {
                StoreError::Adapter(error) => error.to_string(),
                other => other.to_string(),
            });
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.written.fetch_add(samples, Ordering::Relaxed);
    }
}
