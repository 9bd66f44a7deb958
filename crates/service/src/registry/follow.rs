//! Keeps what is watched in line with the store, and with the files in which addresses stand.

use super::{Plan, Registry};
use crate::{Hub, trends::WINDOW_MS, vault::secrets::Secrets};
use reeve_estate::TargetSpec;
use reeve_model::{TargetInfo, TargetName, UnixMs, Verdict, series::SeriesKey};
use reeve_runtime::Supervisor;
use reeve_store::{Result, Store, registered::StoredTargets};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often the store is asked what is registered (a few rows), and files with addresses are read: a change is taken up within seconds,
/// on every node.
const EVERY: Duration = Duration::from_secs(2);

/// Takes in what is registered, at the start and whenever it has changed. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Follower {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held while targets are taken in, which one does at a time.
    plan: tokio::sync::Mutex<Plan>,
    registry: Registry,
    secrets: Secrets,
    store: Store,
    hub: Arc<Hub>,
    /// What was taken in last.
    seen: Mutex<StoredTargets>,
    /// What was wrong with files at the last look; said once.
    unusable: Mutex<Vec<String>>,
}

impl Follower {
    /// Over these. Asks nothing yet.
    #[must_use]
    pub fn new(plan: Plan, registry: Registry, secrets: Secrets, store: Store, hub: Arc<Hub>) -> Self {
        let (plan, seen, unusable) = (tokio::sync::Mutex::new(plan), Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { plan, registry, secrets, store, hub, seen, unusable }) }
    }

    /// Takes in all targets for the first time.
    ///
    /// # Errors
    /// One sentence for each configured target whose address can't be had. A registered one is left out with a warning: it must not keep
    /// the others from being watched.
    pub async fn begin(&self) -> std::result::Result<(), String> {
        let stored = self.inner.store.stored_targets().await.map_err(|e| e.to_string())?;
        let plan = self.inner.plan.lock().await;
        let resolved = plan.resolve(&stored, &self.inner.secrets);
        let missing: Vec<&str> =
            resolved.iter().filter(|r| !r.registered).filter_map(|r| r.spec.as_ref().err().map(String::as_str)).collect();
        if !missing.is_empty() {
            return Err(missing.join("\n"));
        }
        self.take(&plan, stored).await.map_err(|e| e.to_string())
    }

    /// Starts following.
    pub fn start(&self, supervisor: &Supervisor) {
        let this = self.clone();
        supervisor.spawn("registered targets", move |stop| this.clone().run(stop));
    }

    async fn run(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let work = async {
            loop {
                tick.tick().await;
                // While the store is away, what was known last goes on being watched.
                if let Err(error) = self.look().await {
                    tracing::debug!(%error, "what is registered can't be read");
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    async fn look(&self) -> Result<()> {
        let mut plan = self.inner.plan.lock().await;
        let before = plan.clone();
        let (changed, unusable) = plan.reread().await;
        self.complain(unusable);
        let looked = async {
            let stored = self.inner.store.stored_targets().await?;
            let same = *self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner) == stored;
            if same && !changed { Ok(()) } else { self.take(&plan, stored).await }
        };
        let looked = looked.await;
        if looked.is_err() {
            // Nothing was taken in: the next look finds the same changes.
            *plan = before;
        }
        looked
    }

    fn complain(&self, unusable: Vec<String>) {
        let mut known = self.inner.unusable.lock().unwrap_or_else(PoisonError::into_inner);
        for sentence in unusable.iter().filter(|sentence| !known.contains(sentence)) {
            tracing::warn!(sentence, "a target goes on being reached as before");
        }
        *known = unusable;
    }

    /// Takes in what is stored; what fails half-way is done again as a whole at the next look.
    async fn take(&self, plan: &Plan, stored: StoredTargets) -> Result<()> {
        let specs = self.specs(plan, &stored);
        let Inner { registry, store, hub, .. } = &*self.inner;
        let now = UnixMs::now();
        let infos: Vec<TargetInfo> = specs.iter().map(|s| s.info.clone()).collect();
        // History and verdicts need the row that this makes, so it comes before the first round.
        store.register_targets(&infos).await?;
        let before = hub.targets();
        let is_new = |name: &TargetName| !before.iter().any(|known| known.name == *name);
        let new: Vec<TargetName> = infos.iter().map(|info| info.name.clone()).filter(is_new).collect();
        let verdicts = if new.is_empty() { Default::default() } else { store.last_verdicts().await? };
        hub.align(specs.iter().map(|s| (s.info.clone(), s.cadence.critical_ms)).collect(), now);
        for name in &new {
            if let Some(record) = verdicts.get(name) {
                hub.recall(name, Verdict { status: record.status, since: record.since, score: record.score, ..Verdict::not_yet(now) });
            }
            seed(store, hub, name, now).await;
        }
        registry.set(specs);
        *self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner) = stored;
        Ok(())
    }

    /// What is to be watched. What can't be made out stays as it was known last.
    fn specs(&self, plan: &Plan, stored: &StoredTargets) -> Vec<TargetSpec> {
        let Inner { registry, secrets, .. } = &*self.inner;
        for shadowed in stored.registered.iter().filter(|r| plan.has(&r.registration.name)) {
            let target = &shadowed.registration.name;
            tracing::warn!(%target, "a registered target is passed over: the configuration has one of the same name, and that wins");
        }
        let resolved = plan.resolve(stored, secrets);
        let known = |name: &TargetName, sentence: String| {
            let known = registry.get(name);
            tracing::warn!(target = %name, sentence, kept = known.is_some(), "a target's address can't be had");
            known.map(|spec| TargetSpec::clone(&spec))
        };
        resolved.into_iter().filter_map(|r| r.spec.map_or_else(|sentence| known(&r.info.name, sentence), Some)).collect()
    }
}

/// The recent hour of each figure, from history.
async fn seed(store: &Store, hub: &Hub, target: &TargetName, now: UnixMs) {
    let keys: Vec<_> = reeve_rules::FIGURES
        .iter()
        .map(|def| SeriesKey { target: target.clone(), metric: def.id.to_owned(), object: String::new() })
        .collect();
    match store.history().range(&keys, now.plus_ms(-WINDOW_MS), now, None).await {
        Ok(lines) => {
            for (key, points) in keys.iter().zip(lines) {
                hub.seed_trend(target, &key.metric, &points);
            }
        }
        // Charts then begin now; nothing else depends on it.
        Err(error) => tracing::warn!(%error, %target, "the recent hour could not be read from history"),
    }
}
