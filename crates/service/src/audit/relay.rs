//! From the outbox into the log: events get their place and their seal, in order.

use super::{Trail, anchor::Noted};
use reeve_model::{
    UnixMs,
    audit::{AuditProblem, Outcome},
};
use reeve_runtime::Supervisor;
use std::{sync::PoisonError, time::Duration};
use tokio_util::sync::CancellationToken;

/// Notes are gathered this long before they are written.
const GATHER: Duration = Duration::from_secs(1);
/// Without news the outbox is looked at this often: another node may have written and died.
const LOOK: Duration = Duration::from_secs(5);
/// After a failure it is tried again after this time.
const AGAIN: Duration = Duration::from_secs(2);
/// Events sealed in one step.
const BATCH: i64 = 500;
/// At the end of the program sealing may take this long; what is left is sealed at the next start.
const LAST: Duration = Duration::from_secs(2);

/// How sealing goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailState {
    /// Newest place in the log; 0 for none or unknown.
    pub head: i64,
    /// Events that wait.
    pub waiting: i64,
    /// Since when nothing could be sealed, and why.
    pub stalled: Option<(UnixMs, String)>,
    /// The log is not what was recorded of it: in a sentence.
    pub suspect: Option<String>,
}

pub(super) fn start(trail: Trail, supervisor: &Supervisor) {
    let writer = trail.clone();
    supervisor.spawn("audit notes", move |stop| write_notes(writer.clone(), stop));
    supervisor.spawn("audit relay", move |stop| relay(trail.clone(), stop));
}

/// Writes what was noted, once a second while there is something.
async fn write_notes(trail: Trail, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(GATHER) => false,
        };
        if let Err(error) = flush(&trail).await {
            tracing::warn!(%error, "refusals could not be written into the audit trail; they are kept and tried again");
        }
        if stopping {
            return;
        }
    }
}

async fn flush(trail: &Trail) -> Result<(), String> {
    let events = trail.inner.notes.drain();
    if events.is_empty() {
        return Ok(());
    }
    if let Err(error) = trail.inner.store.write_audit(events.clone()).await {
        trail.inner.notes.put_back(events);
        return Err(error.to_string());
    }
    trail.written();
    Ok(())
}

async fn relay(trail: Trail, stop: CancellationToken) {
    loop {
        let pause = match step(&trail).await {
            // More may wait than one step takes.
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK,
            Err(error) => {
                stalled(&trail, &error).await;
                AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = trail.inner.news.notified(), if pause > AGAIN => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Seals one batch. Answers whether it was a full one.
async fn step(trail: &Trail) -> Result<bool, String> {
    let store = &trail.inner.store;
    let relayed = store.relay_audit(BATCH).await.map_err(|e| e.to_string())?;
    let head = relayed.heads.into_iter().find(|head| head.org == store.org());
    let suspect = relayed.problems.first().map(AuditProblem::sentence);
    let news = {
        let mut state = trail.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stalled.take().is_some() {
            tracing::info!("audit events are sealed again");
        }
        state.waiting = relayed.waiting;
        if let Some(head) = &head {
            state.head = head.seq;
        }
        let news = suspect.is_some() && state.suspect != suspect;
        state.suspect.clone_from(&suspect);
        news
    };
    if let Some(sentence) = suspect.filter(|_| news) {
        tracing::error!(%sentence, "the audit log is not what was recorded of it; `reeve audit verify` says more");
        let draft = trail.draft("verify", "audit", "").outcome(Outcome::Alarm);
        trail.note(draft.after(&serde_json::json!({ "found": sentence })).finish());
    }
    if let Some(head) = head {
        let end = Noted { log: head.log.to_string(), seq: head.seq, hash: hex::encode(head.hash), at: UnixMs::now() };
        note_end(trail, end, false).await;
    }
    Ok(i64::try_from(relayed.sealed).unwrap_or(i64::MAX) >= BATCH)
}

/// Notes the log's end on Reeve's own disk. Not being able to is worth a warning and stops nothing: the database has it too.
async fn note_end(trail: &Trail, end: Noted, last: bool) {
    let trail = trail.clone();
    let noted = tokio::task::spawn_blocking(move || trail.inner.anchor.as_ref().map_or(Ok(()), |anchor| anchor.note(end, last)));
    if let Ok(Err(error)) = noted.await {
        tracing::warn!(%error, "the end of the audit log could not be noted in the data directory");
    }
}

async fn stalled(trail: &Trail, error: &str) {
    let waiting = trail.inner.store.audit_waiting().await.map(|w| w.count).ok();
    let mut state = trail.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
    state.waiting = waiting.unwrap_or(state.waiting);
    if state.stalled.is_none() {
        tracing::warn!(%error, "audit events can't be sealed; they wait in the outbox, and it is tried again");
        state.stalled = Some((UnixMs::now(), "The compliance database does not answer, so new events wait to be sealed.".to_owned()));
    }
}

/// Writes and seals what is left, within a bounded time.
pub(super) async fn settle(trail: &Trail) {
    let rest = async {
        if let Err(error) = flush(trail).await {
            tracing::warn!(%error, "the newest refusals could not be written into the audit trail");
        }
        while step(trail).await? {}
        if let Some(head) = trail.inner.store.audit_head().await.map_err(|e| e.to_string())? {
            note_end(trail, Noted { log: head.log.to_string(), seq: head.seq, hash: hex::encode(head.hash), at: UnixMs::now() }, true)
                .await;
        }
        Ok::<_, String>(())
    };
    match tokio::time::timeout(LAST, rest).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the newest audit events are sealed at the next start"),
        Err(_) => tracing::debug!("the newest audit events are sealed at the next start"),
    }
}
