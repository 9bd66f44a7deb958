//! The watch over the estate: one task per target that collects, judges and records.

use crate::{hub::Hub, recorder::Recorder};
use reeve_estate::{Collector, TargetSpec};
use reeve_model::UnixMs;
use reeve_runtime::Supervisor;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Starts one supervised task per target. A slow or dead target delays only its own.
pub fn start(supervisor: &Supervisor, specs: Vec<TargetSpec>, hub: &Arc<Hub>, recorder: &Recorder) {
    for spec in specs {
        let (hub, recorder) = (Arc::clone(hub), recorder.clone());
        supervisor.spawn(format!("watch {}", spec.info.name), move |stop| {
            run(Collector::new(spec.clone()), Arc::clone(&hub), recorder.clone(), stop)
        });
    }
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
