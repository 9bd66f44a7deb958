//! The latest of everything, in memory: what pages and the live stream read.
//!
//! Collectors write, everybody else reads. A dead target or a dead store leaves the last known state in place, so a
//! page is never delayed by what it reports on.

use crate::trends::{Trends, WINDOW_MS};
use reeve_model::{
    Figure, HealthOverview, Reach, StoreState, TargetInfo, TargetName, TargetSummary, UnixMs, Verdict, health::Over,
    snapshot::TargetSnapshot,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;

/// Points in a sparkline.
const SPARK_POINTS: usize = 60;
/// Time a sparkline covers, milliseconds.
const SPARK_WINDOW_MS: i64 = 30 * 60_000;
/// An overview younger than this is served again as it is: a thousand viewers cost one.
const REUSE_MS: i64 = 900;

/// What is known of one target.
struct Slot {
    info: TargetInfo,
    every_ms: i64,
    known: Arc<Known>,
}

/// What was read of it. Outlives a change of what is registered.
struct Known {
    state: RwLock<Latest>,
    trends: Mutex<Trends>,
    over: Mutex<Vec<Over>>,
}

impl Slot {
    fn new(info: TargetInfo, every_ms: i64, now: UnixMs) -> Self {
        let snapshot = Arc::new(TargetSnapshot::untried(info.name.clone(), now));
        let state = RwLock::new(Latest { snapshot, verdict: Verdict::not_yet(now) });
        Self { info, every_ms, known: Arc::new(Known { state, trends: Mutex::default(), over: Mutex::default() }) }
    }

    fn latest(&self) -> Latest {
        self.known.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, latest: Latest) {
        *self.known.state.write().unwrap_or_else(PoisonError::into_inner) = latest;
    }

    /// The name leads elsewhere now: what spoke against the old server is neither true of the new one nor over.
    fn another_server(&self) {
        let mut latest = self.latest();
        latest.verdict.reasons.clear();
        latest.verdict.held.clear();
        self.set(latest);
        lock(&self.known.over).clear();
    }

    fn trends(&self) -> MutexGuard<'_, Trends> {
        lock(&self.known.trends)
    }
}

/// All slots, by name. Replaced as a whole: who reads goes on with what was there.
type Slots = Arc<BTreeMap<TargetName, Arc<Slot>>>;

/// The newest round of one target and its verdict.
#[derive(Clone)]
pub struct Latest {
    /// What was read.
    pub snapshot: Arc<TargetSnapshot>,
    /// What it means.
    pub verdict: Verdict,
}

/// Shared latest state of the estate.
pub struct Hub {
    slots: RwLock<Slots>,
    targets: watch::Sender<Arc<Vec<TargetInfo>>>,
    store: watch::Sender<StoreState>,
    estate: Mutex<Verdict>,
    overview: Mutex<Option<Arc<HealthOverview>>>,
    version: watch::Sender<u64>,
    watchers: AtomicUsize,
    watched: watch::Sender<bool>,
}

impl Hub {
    /// A hub for these targets; `every_ms` is their interval between rounds when nobody watches.
    #[must_use]
    pub fn new(targets: Vec<(TargetInfo, i64)>, now: UnixMs) -> Self {
        let slots: BTreeMap<_, _> =
            targets.into_iter().map(|(info, every_ms)| (info.name.clone(), Arc::new(Slot::new(info, every_ms, now)))).collect();
        Self {
            targets: watch::Sender::new(Arc::new(infos(&slots))),
            slots: RwLock::new(Arc::new(slots)),
            store: watch::Sender::new(StoreState::Up),
            estate: Mutex::new(Verdict::not_yet(now)),
            overview: Mutex::new(None),
            version: watch::Sender::new(0),
            watchers: AtomicUsize::new(0),
            watched: watch::Sender::new(false),
        }
    }

    /// Takes in which targets there are from now on. What is known of one that stays, stays; of one that is gone, nothing more is taken in.
    pub fn align(&self, targets: Vec<(TargetInfo, i64)>, now: UnixMs) {
        let before = self.slots();
        let slots: BTreeMap<_, _> = targets
            .into_iter()
            .map(|(info, every_ms)| {
                let slot = match before.get(&info.name) {
                    Some(slot) if slot.info == info && slot.every_ms == every_ms => Arc::clone(slot),
                    Some(slot) => {
                        if slot.info.address != info.address {
                            slot.another_server();
                        }
                        Arc::new(Slot { info: info.clone(), every_ms, known: Arc::clone(&slot.known) })
                    }
                    None => Arc::new(Slot::new(info.clone(), every_ms, now)),
                };
                (info.name, slot)
            })
            .collect();
        let infos = Arc::new(infos(&slots));
        *self.slots.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(slots);
        self.targets.send_if_modified(|known| {
            let changed = *known != infos;
            *known = infos;
            changed
        });
        self.judge_estate(now);
        self.touch();
    }

    fn slots(&self) -> Slots {
        Arc::clone(&self.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn slot(&self, name: &TargetName) -> Option<Arc<Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All targets, by name.
    #[must_use]
    pub fn targets(&self) -> Arc<Vec<TargetInfo>> {
        Arc::clone(&self.targets.borrow())
    }

    /// Changes when a target comes or goes, or what is registered of one.
    pub fn reshaped(&self) -> watch::Receiver<Arc<Vec<TargetInfo>>> {
        self.targets.subscribe()
    }

    /// The newest of one target; none when there is no such target.
    #[must_use]
    pub fn latest(&self, name: &TargetName) -> Option<Latest> {
        self.slot(name).map(|slot| slot.latest())
    }

    /// Sets what a target's verdict was before a restart, so that "since" survives.
    pub fn recall(&self, name: &TargetName, verdict: Verdict) {
        let slots = self.slots();
        if let Some(slot) = slots.get(name) {
            slot.set(Latest { verdict, ..slot.latest() });
        }
        let verdicts: Vec<Verdict> = slots.values().map(|s| s.latest().verdict).collect();
        // The estate is as its worst target is, since the first of the worst became so.
        if let Some(worst) = verdicts.iter().max_by(|a, b| a.status.cmp(&b.status).then(b.since.cmp(&a.since))) {
            let mut estate = lock(&self.estate);
            estate.status = worst.status;
            estate.since = worst.since;
        }
    }

    /// Takes in a round: judges it, keeps its points, tells everybody. Returns the verdict and whether its status changed.
    pub fn take(&self, snapshot: Arc<TargetSnapshot>, now: UnixMs) -> Option<(Verdict, bool)> {
        let slot = self.slot(&snapshot.target)?;
        let previous = slot.latest().verdict;
        let verdict = reeve_rules::verdict::judge(&snapshot, now, Some(&previous));
        let figures = reeve_rules::figures::figures(&snapshot, now, slot.every_ms);
        slot.trends().push(&figures);
        let changed = previous.status != verdict.status;
        {
            let mut over = lock(&slot.known.over);
            *over = reeve_rules::over::after(&over, &previous, &verdict, &snapshot.reach, now);
        }
        slot.set(Latest { snapshot, verdict: verdict.clone() });
        self.judge_estate(now);
        self.touch();
        Some((verdict, changed))
    }

    /// Puts stored points into the trends, oldest first; before the first round only.
    pub fn seed_trend(&self, name: &TargetName, id: &str, points: &[reeve_model::series::Point]) {
        if let Some(slot) = self.slot(name) {
            slot.trends().seed(id, points);
        }
    }

    /// Notes whether the store answers.
    pub fn set_store(&self, state: StoreState) {
        let before = self.store.send_replace(state.clone());
        if before != state {
            self.touch();
        }
    }

    /// Whether the store answers.
    #[must_use]
    pub fn store_state(&self) -> StoreState {
        self.store.borrow().clone()
    }

    /// Changes with every round of any target and with the store's state.
    pub fn version(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// True while somebody looks at a live page.
    pub fn watched(&self) -> watch::Receiver<bool> {
        self.watched.subscribe()
    }

    /// Counts one viewer until the returned guard is dropped.
    #[must_use]
    pub fn watch(self: &Arc<Self>) -> Viewer {
        self.watchers.fetch_add(1, Ordering::SeqCst);
        self.watched.send_if_modified(|w| !std::mem::replace(w, true));
        Viewer { hub: Arc::clone(self) }
    }

    /// Viewers at the moment.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.watchers.load(Ordering::SeqCst)
    }

    /// The first screen. Built at most about once a second however many ask.
    #[must_use]
    pub fn overview(&self, now: UnixMs) -> Arc<HealthOverview> {
        let mut kept = lock(&self.overview);
        if let Some(overview) = kept.as_ref()
            && (0..REUSE_MS).contains(&(now.0 - overview.at.0))
        {
            return Arc::clone(overview);
        }
        let overview = Arc::new(self.build_overview(now));
        *kept = Some(Arc::clone(&overview));
        overview
    }

    fn build_overview(&self, now: UnixMs) -> HealthOverview {
        let mut targets: Vec<TargetSummary> =
            self.slots().values().map(|slot| summary(slot, now, Some(reeve_rules::figures::HEADLINE))).collect();
        self.judge_estate(now);
        let estate = lock(&self.estate).clone();
        targets.sort_by(|a, b| b.verdict.status.cmp(&a.verdict.status).then_with(|| a.info.name.cmp(&b.info.name)));
        HealthOverview { at: now, estate, targets, store: self.store_state() }
    }

    /// Judged at every round and not only when somebody looks, so that "since" is when it began.
    fn judge_estate(&self, now: UnixMs) {
        let verdicts: Vec<_> = self.slots().iter().map(|(name, slot)| (name.clone(), slot.latest().verdict)).collect();
        let mut estate = lock(&self.estate);
        *estate = reeve_rules::verdict::estate(&verdicts, now, Some(&estate));
    }

    /// One target with all its figures; none when there is no such target.
    #[must_use]
    pub fn summary(&self, name: &TargetName, now: UnixMs) -> Option<TargetSummary> {
        self.slot(name).map(|slot| summary(&slot, now, None))
    }

    /// The points of one figure over the recent hour.
    #[must_use]
    pub fn trend(&self, name: &TargetName, id: &str, now: UnixMs) -> Vec<reeve_model::series::Point> {
        self.slot(name).map_or_else(Vec::new, |slot| slot.trends().thinned(id, now.plus_ms(-WINDOW_MS), now, 240))
    }

    fn touch(&self) {
        *lock(&self.overview) = None;
        self.version.send_modify(|v| *v += 1);
    }
}

fn infos(slots: &BTreeMap<TargetName, Arc<Slot>>) -> Vec<TargetInfo> {
    slots.values().map(|slot| slot.info.clone()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn summary(slot: &Slot, now: UnixMs, only: Option<&[&str]>) -> TargetSummary {
    let Latest { snapshot, verdict } = slot.latest();
    let mut figures: Vec<Figure> = reeve_rules::figures::figures(&snapshot, now, slot.every_ms);
    if let Some(ids) = only {
        figures.retain(|f| ids.contains(&f.id.as_str()));
        figures.sort_by_key(|f| ids.iter().position(|id| *id == f.id));
    }
    let trends = slot.trends();
    for figure in &mut figures {
        figure.trend = trends.thinned(&figure.id, now.plus_ms(-SPARK_WINDOW_MS), now, SPARK_POINTS);
    }
    let last_round = match &snapshot.reach {
        Reach::Untried => None,
        Reach::Up { .. } => Some(snapshot.at),
        Reach::Down { last_up, .. } => *last_up,
    };
    TargetSummary {
        info: slot.info.clone(),
        reach: snapshot.reach.clone(),
        version: snapshot.server.as_ref().map(|s| s.version.clone()),
        verdict,
        figures,
        last_round,
        every_ms: slot.every_ms,
        over: lock(&slot.known.over).iter().filter(|o| reeve_rules::over::told(o, now)).cloned().collect(),
    }
}

/// A viewer of a live page; dropping it ends the watching.
pub struct Viewer {
    hub: Arc<Hub>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        if self.hub.watchers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.hub.watched.send_if_modified(|w| std::mem::replace(w, false));
        }
    }
}
