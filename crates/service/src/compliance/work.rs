//! The scans: one target after the other, soon after the start, at an interval, and when somebody asks.

use super::{
    Compliance,
    state::{FRESH_MS, hash_of},
};
use crate::registry::Changes;
use reeve_access::Principal;
use reeve_estate::TargetSpec;
use reeve_model::{
    Fault, TargetName, UnixMs,
    audit::Outcome,
    compliance::{EvidenceSet, Finding},
};
use reeve_rules::compliance::{Context, findings, judge, outcome};
use reeve_store::{Result, compliance::NewScan};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The first scan of a target that has no evidence waits this long after the start: collectors come first.
const FIRST: Duration = Duration::from_secs(3);
/// After a failure a target is tried again after this time, or after the interval if that is shorter.
const AGAIN: Duration = Duration::from_secs(60);
/// Without anything due, the task looks around this often.
const LOOK: Duration = Duration::from_secs(30);

pub(super) async fn run(this: Compliance, stop: CancellationToken) {
    let mut ends = this.inner.backups.ends();
    let mut changes = this.inner.registry.subscribe();
    let work = async {
        let first = changes.borrow_and_update().clone();
        this.state().align(&first, UnixMs::now());
        load_decisions(&this).await;
        recall(&this, first.keys().cloned().collect()).await;
        loop {
            if changes.has_changed().unwrap_or(false) {
                let specs = changes.borrow_and_update().clone();
                let new = this.state().align(&specs, UnixMs::now());
                recall(&this, new).await;
            }
            match next(&this, UnixMs::now()) {
                Some((spec, by)) => one(&this, &spec, by.as_ref()).await,
                None => pause(&this, &mut ends, &mut changes).await,
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// What was known of these before the restart, or before they were away. What can't be read is not known; the first scan makes it anew.
async fn recall(this: &Compliance, names: Vec<TargetName>) {
    let every = ms(this.inner.every * 19 / 20);
    for name in names {
        let stored = match this.inner.store.newest_scan(&name).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(%error, target = %name, "the newest scan could not be read");
                None
            }
        };
        let lives = load_lives(this, &name).await;
        let now = UnixMs::now();
        let mut state = this.state();
        let Some(slot) = state.slots.get_mut(&name) else { continue };
        slot.running = false;
        slot.due = now.plus_ms(ms(FIRST));
        // Evidence without the lives of its findings would make every old finding a new one.
        if let (Some(stored), Some(lives)) = (stored, lives) {
            let at = stored.evidence.started_at;
            if now.ms_since(at) <= FRESH_MS {
                slot.due = at.plus_ms(every).max(slot.due);
            }
            slot.take(Arc::new(stored.evidence), stored.hash, lives);
        }
        state.touch();
    }
}

pub(super) async fn load_decisions(this: &Compliance) {
    let store = &this.inner.store;
    match tokio::try_join!(store.accepted_risks(), store.attestations()) {
        Ok((risks, attested)) => this.state().set_decisions(risks, attested),
        Err(error) => tracing::warn!(%error, "accepted risks and persons' words could not be read; they are as they were last known"),
    }
}

async fn load_lives(this: &Compliance, name: &TargetName) -> Option<Vec<Finding>> {
    match this.inner.store.findings_of(name).await {
        Ok(lives) => Some(lives),
        Err(error) => {
            tracing::warn!(%error, target = %name, "former findings could not be read");
            None
        }
    }
}

/// The target to scan now: one that somebody waits for, else the one that is due the longest. It counts as running from here on.
fn next(this: &Compliance, now: UnixMs) -> Option<(Arc<TargetSpec>, Option<Principal>)> {
    let mut state = this.state();
    let due = |slot: &&mut super::state::Slot| slot.asked.is_some() || slot.due <= now;
    let slot = state.slots.values_mut().filter(due).min_by_key(|slot| (slot.asked.is_none(), slot.due))?;
    slot.running = true;
    let work = (Arc::clone(&slot.spec), slot.asked.take());
    state.touch();
    Some(work)
}

async fn pause(this: &Compliance, ends: &mut broadcast::Receiver<TargetName>, changes: &mut Changes) {
    let now = UnixMs::now();
    let soonest = this.state().slots.values().map(|slot| slot.due.ms_since(now)).min();
    let wait = soonest.and_then(|ms| u64::try_from(ms).ok()).map_or(LOOK, Duration::from_millis).min(LOOK);
    tokio::select! {
        () = this.inner.asked.notified() => {}
        // Only noticed here: it is taken in before the next scan.
        Ok(()) = changes.changed() => changes.mark_changed(),
        // What a backup or a drill changed must not stand beside what was true before it.
        Ok(target) = ends.recv() => {
            if let Some(slot) = this.state().slots.get_mut(&target) {
                slot.due = slot.due.min(now);
            }
        }
        () = tokio::time::sleep(wait) => {}
    }
}

/// Scans one target.
async fn one(this: &Compliance, spec: &TargetSpec, by: Option<&Principal>) {
    let (name, began) = (&spec.info.name, UnixMs::now());
    let read = reeve_estate::evidence::collect(spec).await;
    match read {
        Ok(mut set) => {
            set.items.push(this.inner.backups.evidence(name));
            taken(this, set, by).await;
        }
        Err(error) => failed(this, name, error.to_string(), by),
    }
    // A little before the interval is over: evidence that holds for an hour must not run out before an hourly scan renews it.
    let every = this.inner.every * 19 / 20;
    let mut state = this.state();
    if let Some(slot) = state.slots.get_mut(name) {
        let due = if slot.fault.is_some() { UnixMs::now().plus_ms(ms(AGAIN.min(every))) } else { began.plus_ms(ms(every)) };
        slot.due = due;
        slot.running = false;
    }
    state.touch();
}

/// The evidence of before stays, with its age. The beginning of a failure is an event, its every repetition is not.
fn failed(this: &Compliance, name: &TargetName, sentence: String, by: Option<&Principal>) {
    let news = {
        let mut state = this.state();
        let Some(slot) = state.slots.get_mut(name) else { return };
        let since = slot.fault.as_ref().map(|f| f.since);
        slot.fault = Some(Fault { since: since.unwrap_or_else(UnixMs::now), sentence: sentence.clone() });
        since.is_none() || by.is_some()
    };
    tracing::debug!(target = %name, sentence, "a scan did not work");
    if news {
        let draft = this.inner.trail.draft("scan", "target", name.as_str()).outcome(Outcome::Failed).after(&json!({ "why": sentence }));
        this.inner.trail.note(by.map_or_else(|| draft.clone(), |p| draft.clone().by(p)).finish());
    }
}

async fn taken(this: &Compliance, set: EvidenceSet, by: Option<&Principal>) {
    let name = set.target.clone();
    // Other nodes accept risks, too.
    load_decisions(this).await;
    // What is in memory goes on while the store can't be asked.
    let stored = load_lives(this, &name).await;
    let (hash, now) = (hash_of(&set), UnixMs::now());
    let set = Arc::new(set);
    let (scan, lives) = {
        let mut state = this.state();
        let (accepted, attested) = (state.accepted(), state.words(now));
        let Some(slot) = state.slots.get_mut(&name) else { return };
        let before = stored.or_else(|| slot.lives.clone()).unwrap_or_default();
        let scan = judge(&set, &Context { accepted, attested, ..Context::new(now) });
        // That a risk is accepted stands in main and ends by itself: a life knows nothing of it.
        let lives = findings(&before, &scan, &Context::new(now));
        slot.fault = None;
        slot.take(Arc::clone(&set), hash, lives.clone());
        (scan, lives)
    };
    let there = lives.iter().filter(|f| f.state.waits()).count();
    let after = json!({
        "catalogue": scan.catalogue,
        "score": scan.score.proven,
        "assessed": scan.score.assessed(),
        "controls": scan.coverage.total,
        "findings": there,
        "evidence": hex::encode(hash),
    });
    let draft = this.inner.trail.draft("scan", "target", name.as_str()).after(&after);
    let event = by.map_or_else(|| draft.clone(), |p| draft.clone().by(p)).finish();
    let recorded = async {
        let id = Uuid::parse_str(&event.id).unwrap_or_else(|_| Uuid::new_v4());
        // First the event, then what it tells of: nothing stands in the compliance database that the trail does not know.
        this.inner.store.write_audit(vec![event]).await?;
        this.inner.trail.written();
        let new = NewScan {
            id,
            at: now,
            catalogue: scan.catalogue,
            outcome: outcome(&scan),
            score: scan.score,
            evidence: Arc::unwrap_or_clone(set),
            hash,
            findings: u32::try_from(there).unwrap_or(u32::MAX),
            lives,
        };
        this.inner.store.keep_scan(new).await
    };
    note(this, recorded.await);
}

fn note(this: &Compliance, recorded: Result<()>) {
    let mut state = this.state();
    match recorded {
        Ok(()) => state.unrecorded = None,
        Err(error) => {
            tracing::warn!(%error, "a scan could not be written down; the next one tries again");
            let sentence = "The newest scan could not be written down, so since when findings are there is told from memory; the next scan tries again.";
            state.unrecorded = Some(sentence.to_owned());
        }
    }
}

pub(super) fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
