//! Reeve's own health, for load balancers and people. A dead target never makes these fail.

use super::{Web, refusal::Refusal};
use axum::{Extension, Json, extract::State};
use reeve_access::{Principal, authorize, permission::ViewEstate};
use reeve_model::{StoreState, UnixMs};
use serde_json::{Value, json};

/// The process runs and answers.
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// Reeve serves as soon as this answers: pages are made from memory, whatever the store and the targets do.
pub async fn ready() -> Json<Value> {
    Json(json!({ "status": "ready" }))
}

/// Reeve's own health, without its version: strangers may ask this. The store being away reduces it (nothing can be kept or changed), but it still serves: 200.
pub async fn health(State(web): State<Web>) -> Json<Value> {
    Json(own_health(&web))
}

fn own_health(web: &Web) -> Value {
    match web.hub.store_state() {
        StoreState::Up => json!({ "status": "healthy" }),
        StoreState::Down { since, .. } => json!({
            "status": "degraded",
            "reason": "Reeve's own database is away; pages show what is in memory.", "since": since,
        }),
    }
}

/// Reeve's own health, each target's, and what to do about what is wrong.
pub async fn detailed(State(web): State<Web>, Extension(who): Extension<Principal>) -> Result<Json<Value>, Refusal> {
    let overview = web.ports.health.health_overview(authorize::<ViewEstate>(&who, ())?).await?;
    let targets: Vec<Value> = overview
        .targets
        .iter()
        .map(|t| {
            let metrics: serde_json::Map<String, Value> = t
                .figures
                .iter()
                .map(|f| (f.id.clone(), json!({ "value": f.value, "unit": f.unit, "at": f.at, "stale": f.stale })))
                .collect();
            json!({
                "name": t.info.name, "status": t.verdict.status, "since": t.verdict.since, "score": t.verdict.score,
                "measuredRatio": t.verdict.measured_ratio, "metrics": metrics,
            })
        })
        .collect();
    let recommendations: Vec<Value> = overview
        .targets
        .iter()
        .flat_map(|t| t.verdict.reasons.iter().map(move |r| (t, r)))
        .map(|(t, r)| json!({ "target": t.info.name, "severity": r.severity, "reason": r.sentence, "recommendation": r.next }))
        .collect();
    let mut own = own_health(&web);
    own["version"] = json!(env!("CARGO_PKG_VERSION"));
    Ok(Json(json!({
        "reeve": own, "at": UnixMs::now(), "estate": overview.estate.status, "targets": targets,
        "recommendations": recommendations,
    })))
}
