//! Whether Reeve's own store answers: asked every second, with little patience.

use crate::{hub::Hub, recorder::Recorder};
use reeve_adapter::{AdapterError, RolePools};
use reeve_model::{StoreState, UnixMs, pool::StoreRole};
use reeve_runtime::Supervisor;
use std::{sync::Arc, time::Duration};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long it may take.
const PATIENCE: Duration = Duration::from_millis(900);

/// Says why an embedded store is away, in one clause, while its supervisor knows.
pub type Cause = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Starts the watch. A store that answers and takes nothing (its disk is full) is away as well.
pub fn start(supervisor: &Supervisor, pools: RolePools, hub: &Arc<Hub>, recorder: &Recorder, cause: &Cause) {
    let (hub, recorder, cause) = (Arc::clone(hub), recorder.clone(), Arc::clone(cause));
    supervisor.spawn("store watch", move |stop| {
        let (pools, hub, recorder, cause) = (pools.clone(), Arc::clone(&hub), recorder.clone(), Arc::clone(&cause));
        async move {
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = tick.tick() => {}
                }
                let state = match tokio::time::timeout(PATIENCE, ask(&pools)).await {
                    Ok(Ok(())) => match recorder.refused() {
                        None => StoreState::Up,
                        Some(why) => down(&hub, format!("Reeve's own database takes nothing in: {why}."), None),
                    },
                    Ok(Err(why)) => down(&hub, format!("Reeve's own database is away: {why}."), cause()),
                    Err(_) => down(&hub, "Reeve's own database does not answer.".to_owned(), cause()),
                };
                hub.set_store(state);
            }
        }
    });
}

/// Keeps the first moment of an outage, and its first reason unless the cause itself is known.
fn down(hub: &Hub, sentence: String, cause: Option<String>) -> StoreState {
    let cause = cause.map(|why| format!("Reeve's own database is away: {why}."));
    match hub.store_state() {
        StoreState::Up => StoreState::Down { since: UnixMs::now(), sentence: cause.unwrap_or(sentence) },
        StoreState::Down { since, sentence: known } => StoreState::Down { since, sentence: cause.unwrap_or(known) },
    }
}

async fn ask(pools: &RolePools) -> Result<(), String> {
    let mut lease = pools.acquire(StoreRole::Main).await.map_err(|e| e.to_string())?;
    sqlx::Connection::ping(&mut *lease).await.map_err(|e| AdapterError::from_sqlx(lease.server(), &e).to_string())
}
