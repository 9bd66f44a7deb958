//! Backups: what storage holds, how safe each database is, and the jobs that make, verify, drill and restore.
//!
//! A job is written down with its audit event before anything is done, and how it ended is written with another one. What storage holds
//! is asked of storage: the store knows jobs and schedules only, so it can be lost without a backup being lost.

mod copies;
mod ending;
mod evidence;
mod list;
mod local;
mod port;
mod schedules;
mod worker;
mod works;

pub use local::{local_remove_schedule, local_schedules, local_set_schedule};
pub use works::{Came, Held, Stopped, Tell, Works};

use crate::{audit::Trail, hub::Hub};
use copies::Made;
use list::Seen;
use reeve_model::{
    TargetName,
    backup::{Backup, BackupEntry, BackupJob, BackupTable, DatabaseCover, JobProgress},
};
use reeve_rules::backups::{Found, cover};
use reeve_runtime::Supervisor;
use reeve_store::{Store, backup_schedules::StoredSchedule};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Ends of jobs that a listener may be behind; one that is further behind looks at everything.
const ENDS: usize = 64;

/// Answers about backups and has them made. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Backups {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    hub: Arc<Hub>,
    trail: Trail,
    /// None: no repository is configured.
    works: Option<Arc<dyn Works>>,
    seen: Mutex<Seen>,
    looks: AtomicU64,
    /// What restores made, as far as their jobs were seen.
    made: Mutex<Made>,
    /// The newest jobs and all schedules, as they were read a moment ago.
    recent: Mutex<Option<Recent>>,
    /// Counts what changed: an answer that was asked for before a change is not kept after it.
    changes: AtomicU64,
    /// Held by whoever asks the store for newer ones.
    asking: tokio::sync::Mutex<()>,
    /// Wakes the task that waits for due moments.
    plans: Notify,
    running: Mutex<HashMap<Uuid, Running>>,
    /// Jobs at work that somebody asked to end.
    ended: Mutex<HashSet<Uuid>>,
    /// Tells whose job came to an end.
    ends: broadcast::Sender<TargetName>,
}

/// What the store said a moment ago.
#[derive(Clone)]
struct Recent {
    at: Instant,
    jobs: Vec<BackupJob>,
    schedules: Vec<StoredSchedule>,
}

/// A job at work.
struct Running {
    cancel: CancellationToken,
    progress: Option<JobProgress>,
}

impl Backups {
    /// Over the store and the hub; without `works` there is nothing to back up to, and everything says so.
    #[must_use]
    pub fn new(store: Store, hub: Arc<Hub>, trail: Trail, works: Option<Arc<dyn Works>>) -> Self {
        let inner = Inner {
            store,
            hub,
            trail,
            works,
            seen: Mutex::default(),
            looks: AtomicU64::new(0),
            made: Mutex::default(),
            recent: Mutex::default(),
            changes: AtomicU64::new(0),
            asking: tokio::sync::Mutex::default(),
            plans: Notify::new(),
            running: Mutex::default(),
            ended: Mutex::default(),
            ends: broadcast::channel(ENDS).0,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the worker, the keeper of the list and the task that waits for due moments.
    pub fn start(&self, supervisor: &Supervisor) {
        // Also without a repository: what an earlier Reeve left running must be told.
        let worker = Arc::clone(&self.inner);
        supervisor.spawn("backup jobs", move |stop| worker::run(Arc::clone(&worker), stop));
        if self.inner.works.is_some() {
            let keeper = Arc::clone(&self.inner);
            supervisor.spawn("list of backups", move |stop| list::keep(Arc::clone(&keeper), stop));
            let planner = Arc::clone(&self.inner);
            supervisor.spawn("backup schedules", move |stop| schedules::keep(Arc::clone(&planner), stop));
        }
    }

    /// The targets whose jobs come to an end, from now on.
    #[must_use]
    pub fn ends(&self) -> broadcast::Receiver<TargetName> {
        self.inner.ends.subscribe()
    }

    /// How safe each database is, for those that `covers` lets through; none while the repository was never read.
    #[must_use]
    pub fn cover(&self, covers: impl Fn(&TargetName) -> bool) -> Option<Vec<DatabaseCover>> {
        let (state, held) = self.inner.repository();
        state.known().then(|| self.inner.cover(&held.entries, &[], covers))
    }
}

impl Inner {
    fn cover(&self, entries: &[BackupEntry], jobs: &[BackupJob], covers: impl Fn(&TargetName) -> bool) -> Vec<DatabaseCover> {
        let targets = self.hub.targets();
        let targets = targets.iter().filter(|info| covers(&info.name));
        let mut found: Vec<Found> = targets.flat_map(|info| self.databases(&info.name)).collect();
        let copies = self.copies(&covers);
        let is_copy = |f: &Found| copies.iter().any(|c| c.target == f.target && c.database == f.database);
        found.retain(|f| !is_copy(f));
        let followers = self.followers();
        for one in &mut found {
            one.copied_here = followers.contains(&one.target);
        }
        cover(&found, entries.iter().filter(|e| covers(&e.backup.target)), jobs)
    }

    /// Targets that are standbys of a primary which is watched too, whoever may see that one.
    fn followers(&self) -> BTreeSet<TargetName> {
        let targets = self.hub.targets();
        let identities = targets.iter().filter_map(|info| Some((&info.name, self.hub.latest(&info.name)?.snapshot.server.clone()?)));
        let identities: Vec<_> = identities.collect();
        let followers = identities.iter().filter(|(_, server)| server.follows_one_of(identities.iter().map(|(_, other)| other)));
        followers.map(|(name, _)| (*name).clone()).collect()
    }

    /// Which tables of a backup its database does not have, as far as was read since; none when that is not known.
    fn missing(&self, backup: &Backup) -> Vec<usize> {
        let latest = self.hub.latest(&backup.target);
        let tables = latest.as_ref().and_then(|l| l.snapshot.tables.get(&backup.database.name)?.last.as_ref());
        let Some(now) = tables else { return Vec::new() };
        let there: HashSet<(&str, &str)> = now.value.tables.iter().map(|t| (t.schema.as_str(), t.name.as_str())).collect();
        let gone = |t: &BackupTable| !there.contains(&(t.schema.as_str(), t.name.as_str()));
        backup.tables.iter().enumerate().filter(|(_, t)| gone(t)).map(|(at, _)| at).collect()
    }

    /// Databases that restores made and that the target did not have any more when it was read after them.
    fn gone(&self, backup: &Backup, jobs: &[BackupJob]) -> Vec<String> {
        let latest = self.hub.latest(&backup.target);
        let Some(read) = latest.as_ref().and_then(|l| l.snapshot.databases.last.as_ref()) else { return Vec::new() };
        let restores = jobs.iter().filter_map(|job| job.restored.as_ref()).filter(|r| r.at < read.at);
        restores.map(|r| r.database.clone()).filter(|name| read.value.iter().all(|there| there.name != *name)).collect()
    }

    /// The databases of a target, as last read.
    fn databases(&self, target: &TargetName) -> Vec<Found> {
        let Some(latest) = self.hub.latest(target) else { return Vec::new() };
        let snapshot = &latest.snapshot;
        let counters = snapshot.databases.last.as_ref().map(|last| &last.value[..]).unwrap_or_default();
        let one = |c: &reeve_model::snapshot::DatabaseCounters| Found {
            target: target.clone(),
            database: c.name.clone(),
            size_bytes: c.size_bytes,
            copied_here: false,
            empty: snapshot.tables.get(&c.name).and_then(|r| r.last.as_ref()).is_some_and(|last| last.value.tables.is_empty()),
        };
        counters.iter().map(one).collect()
    }

    fn held(&self) -> Vec<Uuid> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    fn progress(&self, id: Uuid) -> Option<JobProgress> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&id)?.progress.clone()
    }

    fn asked_to_end(&self, id: Uuid) -> bool {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Ends a job at work, because somebody wants it. One that is just about to begin finds its id in `ended`.
    fn end(&self, id: Uuid) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        if let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            running.cancel.cancel();
        }
    }

    fn cancel_all(&self) {
        for running in self.running.lock().unwrap_or_else(PoisonError::into_inner).values() {
            running.cancel.cancel();
        }
    }

    /// Jobs or schedules have changed: they are read anew for whoever looks next.
    fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A job as the store has it, with how far it is just now.
    fn live(&self, mut job: BackupJob) -> BackupJob {
        if let Some(progress) = Uuid::parse_str(&job.id).ok().and_then(|id| self.progress(id)) {
            job.progress = Some(progress);
        }
        job
    }
}
