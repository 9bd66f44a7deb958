//! Compliance: scans of the targets, what they found, and which risks somebody accepts (SPEC E1 to E3).
//!
//! One [task](work) reads the evidence of each target soon after the start and then at an interval, one target after the other. The newest
//! evidence stays in [memory](state); it is judged again whenever time, an accepted risk or a new scan can change what it says. A target that
//! can't be scanned keeps its evidence, which says nothing any more once it is too old: it turns to unknown, never to passed.

mod answers;
mod changes;
mod port;
mod state;
mod vouch;
mod work;

use crate::{audit::Trail, backups::Backups, registry::Registry};
use reeve_runtime::Supervisor;
use reeve_store::Store;
use state::State;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// How often each target is scanned when nothing else is configured.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(3600);

/// Scans targets and answers about what was found. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Compliance {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    trail: Trail,
    backups: Backups,
    registry: Registry,
    every: Duration,
    state: Mutex<State>,
    /// Wakes the task: somebody asked for a scan.
    asked: Notify,
}

impl Compliance {
    /// Over the registered targets, each scanned every `every`.
    #[must_use]
    pub fn new(store: Store, trail: Trail, backups: Backups, registry: Registry, every: Duration) -> Self {
        let state = Mutex::new(State::new(&registry.specs()));
        let inner = Inner { store, trail, backups, registry, every, state, asked: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the scans.
    pub fn start(&self, supervisor: &Supervisor) {
        let this = self.clone();
        supervisor.spawn("compliance scans", move |stop| work::run(this.clone(), stop));
    }

    /// The state. Nothing is awaited while it is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
