//! The watch over the estate: one task per target that collects, judges and records.

use crate::{
    hub::Hub,
    recorder::Recorder,
    registry::{Registry, Specs},
};
use reeve_estate::{Collector, TargetSpec};
use reeve_model::{Status, TargetName, UnixMs, Verdict};
use reeve_runtime::Supervisor;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long the watch over one target may take to end; it drops what it waits for.
const GOODBYE: Duration = Duration::from_secs(2);

/// Starts the watch over all targets of the registry, as they come, change and go. A slow or dead target delays only its own.
pub fn start(supervisor: &Supervisor, registry: &Registry, hub: &Arc<Hub>, recorder: &Recorder) {
    let (registry, hub, recorder) = (registry.clone(), Arc::clone(hub), recorder.clone());
    supervisor.spawn("watch", move |stop| {
        let (registry, hub, recorder) = (registry.clone(), Arc::clone(&hub), recorder.clone());
        async move { keep(&registry, &hub, &recorder, stop).await }
    });
}

/// The watch over one target. Ends with this value, also when the task that holds it breaks.
struct Watch {
    spec: Arc<TargetSpec>,
    task: Supervisor,
}

impl Watch {
    fn start(spec: &Arc<TargetSpec>, hub: &Arc<Hub>, recorder: &Recorder) -> Self {
        let task = Supervisor::new();
        let (own, hub, recorder) = (Arc::clone(spec), Arc::clone(hub), recorder.clone());
        task.spawn(format!("watch {}", spec.info.name), move |stop| {
            run(Collector::new(TargetSpec::clone(&own)), Arc::clone(&hub), recorder.clone(), stop)
        });
        Self { spec: Arc::clone(spec), task }
    }

    async fn end(self) {
        self.task.stop(GOODBYE).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.stopping().cancel();
    }
}

async fn keep(registry: &Registry, hub: &Arc<Hub>, recorder: &Recorder, stop: CancellationToken) {
    let mut changes = registry.subscribe();
    let mut watches: BTreeMap<TargetName, Watch> = BTreeMap::new();
    loop {
        let specs = changes.borrow_and_update().clone();
        // Ended before its successor begins: a round of the old address must not come after one of the new.
        futures::future::join_all(over(&mut watches, &specs).into_iter().map(Watch::end)).await;
        for (name, spec) in specs.iter() {
            watches.entry(name.clone()).or_insert_with(|| Watch::start(spec, hub, recorder));
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
        }
    }
    stop.cancelled().await;
    futures::future::join_all(watches.into_values().map(Watch::end)).await;
}

/// Takes out the watches over what is gone or is reached another way.
fn over(watches: &mut BTreeMap<TargetName, Watch>, specs: &Specs) -> Vec<Watch> {
    let goes_on = |name: &TargetName, watch: &Watch| specs.get(name).is_some_and(|spec| Arc::ptr_eq(spec, &watch.spec));
    let over: Vec<TargetName> = watches.iter().filter(|(name, watch)| !goes_on(name, watch)).map(|(name, _)| name.clone()).collect();
    over.iter().filter_map(|name| watches.remove(name)).collect()
}

async fn run(mut collector: Collector, hub: Arc<Hub>, recorder: Recorder, stop: CancellationToken) {
    let mut watched = hub.watched();
    loop {
        let live = *watched.borrow_and_update();
        let snapshot = tokio::select! {
            () = stop.cancelled() => break,
            snapshot = collector.round(live) => snapshot,
        };
        let now = UnixMs::now();
        if let Some((verdict, changed)) = hub.take(Arc::clone(&snapshot), now) {
            recorder.round(&snapshot, now);
            if changed {
                tell(&snapshot.target, &verdict);
                recorder.verdict(&snapshot.target, verdict);
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = next(&collector, &mut watched, live) => {}
        }
    }
    collector.close().await;
}

/// A line in the log for whoever reads only that: what a target is now, and why. Quoted, since names in sentences are whatever they are.
fn tell(target: &TargetName, verdict: &Verdict) {
    let reason = verdict.reasons.first().map_or("", |r| r.sentence.as_str());
    match verdict.status {
        Status::Healthy => tracing::info!(%target, "healthy"),
        Status::Degraded | Status::Critical => tracing::warn!(%target, ?reason, "{}", verdict.status.word()),
        Status::Unknown => tracing::info!(%target, ?reason, "too little is known of it to judge it"),
    }
}

/// Waits until the next round is due; a first viewer brings it forward.
async fn next(collector: &Collector, watched: &mut watch::Receiver<bool>, live: bool) {
    let mut live = live;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(collector.next_due(live)) => return,
            changed = watched.changed() => {
                if changed.is_err() {
                    // The hub is gone; the stop signal is on its way.
                    return std::future::pending().await;
                }
                live = *watched.borrow_and_update();
            }
        }
    }
}
