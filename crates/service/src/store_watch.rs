//! Whether Reeve's own store answers: asked every second, with little patience.

use crate::hub::Hub;
use reeve_adapter::{AdapterError, RolePools};
use reeve_model::{StoreState, UnixMs, pool::StoreRole};
use reeve_runtime::Supervisor;
use std::{sync::Arc, time::Duration};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long it may take.
const PATIENCE: Duration = Duration::from_millis(900);

/// Starts the watch.
pub fn start(supervisor: &Supervisor, pools: RolePools, hub: &Arc<Hub>) {
    let hub = Arc::clone(hub);
    supervisor.spawn("store watch", move |stop| {
        let (pools, hub) = (pools.clone(), Arc::clone(&hub));
        async move {
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = tick.tick() => {}
                }
                let state = match tokio::time::timeout(PATIENCE, ask(&pools)).await {
                    Ok(Ok(())) => StoreState::Up,
                    Ok(Err(sentence)) => down(&hub, sentence),
                    Err(_) => down(&hub, "Reeve's own database does not answer.".to_owned()),
                };
                hub.set_store(state);
            }
        }
    });
}

/// Keeps the first moment and the first reason of an outage.
fn down(hub: &Hub, sentence: String) -> StoreState {
    match hub.store_state() {
        StoreState::Up => StoreState::Down { since: UnixMs::now(), sentence },
        known @ StoreState::Down { .. } => known,
    }
}

async fn ask(pools: &RolePools) -> Result<(), String> {
    let mut lease = pools.acquire(StoreRole::Main).await.map_err(|e| e.to_string())?;
    sqlx::Connection::ping(&mut *lease).await.map_err(|e| AdapterError::from_sqlx(lease.server(), &e).to_string())
}
