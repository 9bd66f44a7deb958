//! Keeps what is watched in line with the store, and with the files in which addresses stand.

use super::{Plan, Registry, files::Files};
use crate::{Hub, trends::WINDOW_MS, vault::secrets::Secrets};
use reeve_estate::TargetSpec;
use reeve_model::{Reach, TargetInfo, TargetName, UnixMs, Verdict, series::SeriesKey, snapshot::TargetSnapshot};
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
    files: tokio::sync::Mutex<Files>,
    registry: Registry,
    secrets: Secrets,
    store: Store,
    hub: Arc<Hub>,
    /// What was taken in last.
    seen: Mutex<StoredTargets>,
    /// Registered targets whose address can't be had and was not known before: they are shown as down, with the reason.
    lost: Mutex<Vec<Lost>>,
    /// What was wrong with files at the last look; said once.
    unusable: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct Lost {
    info: TargetInfo,
    since: UnixMs,
    sentence: String,
}

impl Follower {
    /// Over these. Asks nothing yet.
    #[must_use]
    pub fn new(plan: Plan, registry: Registry, secrets: Secrets, store: Store, hub: Arc<Hub>) -> Self {
        let (seen, lost, unusable) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (plan, files) = (tokio::sync::Mutex::new(plan), tokio::sync::Mutex::default());
        Self { inner: Arc::new(Inner { plan, files, registry, secrets, store, hub, seen, lost, unusable }) }
    }

    /// Takes in all targets for the first time.
    ///
    /// # Errors
    /// One sentence for each configured target whose address can't be had. A registered one is shown as down instead: it must not keep the
    /// others from being watched.
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
            let mut away = false;
            loop {
                tick.tick().await;
                // While the store is away, what was known last goes on being watched; said once.
                match self.look().await {
                    Ok(()) => away = false,
                    Err(error) if away => tracing::debug!(%error, "what is registered still can't be read"),
                    Err(error) => {
                        tracing::warn!(%error, "what is registered can't be read; what was known last goes on being watched");
                        away = true;
                    }
                }
                self.tell_lost(UnixMs::now());
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
        let (changed, unusable) = plan.reread(&mut *self.inner.files.lock().await).await;
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
        let now = UnixMs::now();
        let (specs, lost) = self.specs(plan, &stored, now);
        let Inner { registry, store, hub, .. } = &*self.inner;
        let infos: Vec<TargetInfo> = specs.iter().map(|s| &s.info).chain(lost.iter().map(|l| &l.info)).cloned().collect();
        // History and verdicts need the row that this makes, so it comes before the first round.
        store.register_targets(&infos).await?;
        let before = hub.targets();
        let is_new = |name: &TargetName| !before.iter().any(|known| known.name == *name);
        let new: Vec<TargetName> = infos.iter().map(|info| info.name.clone()).filter(is_new).collect();
        let verdicts = if new.is_empty() { Default::default() } else { store.last_verdicts().await? };
        let every = |info: &TargetInfo| specs.iter().find(|s| s.info.name == info.name).map_or(plan.cadence, |s| s.cadence).critical_ms;
        hub.align(infos.iter().map(|info| (info.clone(), every(info))).collect(), now);
        for name in &new {
            if let Some(record) = verdicts.get(name) {
                hub.recall(name, Verdict { status: record.status, since: record.since, score: record.score, ..Verdict::not_yet(now) });
            }
            seed(store, hub, name, now).await;
        }
        registry.set(specs);
        *self.inner.lost.lock().unwrap_or_else(PoisonError::into_inner) = lost;
        self.tell_lost(now);
        *self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner) = stored;
        Ok(())
    }

    /// Says of each that is lost what a round of it would say: that nobody answers, and why.
    fn tell_lost(&self, now: UnixMs) {
        let lost = self.inner.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for Lost { info, since, sentence } in lost {
            let reach = Reach::Down { since, sentence, last_up: None, refusal: None };
            self.inner.hub.take(Arc::new(TargetSnapshot { reach, ..TargetSnapshot::untried(info.name, now) }), now);
        }
    }

    /// What is to be watched, and what is lost. What can't be made out stays as it was known last.
    fn specs(&self, plan: &Plan, stored: &StoredTargets, now: UnixMs) -> (Vec<TargetSpec>, Vec<Lost>) {
        let Inner { registry, secrets, .. } = &*self.inner;
        for shadowed in stored.registered.iter().filter(|r| plan.has(&r.registration.name)) {
            let target = &shadowed.registration.name;
            tracing::warn!(%target, "a registered target is passed over: the configuration has one of the same name, and that wins");
        }
        let before = self.inner.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut specs, mut lost) = (Vec::new(), Vec::new());
        for resolved in plan.resolve(stored, secrets) {
            let info = resolved.info;
            match (resolved.spec, registry.get(&info.name)) {
                (Ok(spec), _) => specs.push(spec),
                (Err(sentence), known) => {
                    tracing::warn!(target = %info.name, sentence, kept = known.is_some(), "a target's address can't be had");
                    let since = before.iter().find(|l| l.info.name == info.name).map_or(now, |l| l.since);
                    match known {
                        Some(spec) => specs.push(TargetSpec::clone(&spec)),
                        None => lost.push(Lost { info, since, sentence }),
                    }
                }
            }
        }
        (specs, lost)
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
