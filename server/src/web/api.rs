//! REST, for programs. Each handler asks for a grant and calls the port that the pages call.

use super::{Web, refusal::Refusal};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::header,
    response::{IntoResponse, Response},
};
use reeve_access::{
    Principal, authorize,
    permission::{ReadMetrics, ViewEstate, ViewPools, ViewTables},
};
use reeve_model::{
    Figure, TargetName,
    pool::StoreRole,
    series::{HistoryAnswer, HistoryQuery},
    table::{IndexFault, TableQuery, TableSort},
};
use reeve_ports::PortError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) type Answer = Result<Json<Value>, Refusal>;

/// SPEC A5: which of Reeve's own databases answer.
pub async fn databases(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    let answers = web.ports.pools.databases(authorize::<ViewPools>(&who, ())?).await?;
    let map: Map<String, Value> = answers.iter().map(|(role, answers)| (role.word().to_owned(), json!(answers))).collect();
    Ok(Json(Value::Object(map)))
}

/// SPEC A5: the true figures of the pools that exist.
pub async fn connections(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    let report = web.ports.pools.pool_stats(authorize::<ViewPools>(&who, ())?).await?;
    let figures = |p: &reeve_model::pool::PoolFigures| json!({ "totalConnections": p.total, "idleConnections": p.idle, "waitingConnections": p.waiting });
    let map: Map<String, Value> = StoreRole::ALL
        .iter()
        .filter_map(|role| report.pools.iter().find(|p| p.role == *role))
        .map(|p| (p.role.word().to_owned(), figures(p)))
        .collect();
    Ok(Json(Value::Object(map)))
}

/// SPEC B6: health in the agreed shape, for the estate and per target. What isn't known is null, never 0.
pub async fn db_health(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    let overview = web.ports.health.health_overview(authorize::<ViewEstate>(&who, ())?).await?;
    let mut targets = Map::new();
    let mut all: Vec<Vec<Figure>> = Vec::new();
    for target in &overview.targets {
        let grant = authorize::<reeve_access::permission::ViewTarget>(&who, target.info.name.clone())?;
        let detail = web.ports.health.target_detail(grant).await?;
        let figures = detail.summary.figures.clone();
        let mut shape = shape(std::slice::from_ref(&figures));
        shape.insert("overall".to_owned(), json!(target.verdict.status));
        targets.insert(target.info.name.to_string(), Value::Object(shape));
        all.push(figures);
    }
    let mut estate = shape(&all);
    estate.insert("overall".to_owned(), json!(overview.estate.status));
    estate.insert("targets".to_owned(), Value::Object(targets));
    Ok(Json(Value::Object(estate)))
}

/// Sums for counts; for times and ratios the worst, which is what somebody on call wants to know.
fn shape(targets: &[Vec<Figure>]) -> Map<String, Value> {
    let values =
        |id: &str| -> Vec<f64> { targets.iter().filter_map(|figures| figures.iter().find(|f| f.id == id).and_then(|f| f.value)).collect() };
    let limits: Vec<f64> =
        targets.iter().filter_map(|figures| figures.iter().find(|f| f.id == "connections.total").and_then(|f| f.max)).collect();
    let sum = |list: Vec<f64>| if list.is_empty() { Value::Null } else { json!(list.iter().sum::<f64>()) };
    let worst = |list: Vec<f64>, pick: fn(f64, f64) -> f64| list.into_iter().reduce(pick).map_or(Value::Null, |v| json!(v));
    let mut map = Map::new();
    map.insert(
        "connections".to_owned(),
        json!({ "active": sum(values("connections.active")), "idle": sum(values("connections.idle")), "max": sum(limits) }),
    );
    map.insert(
        "performance".to_owned(),
        json!({
            "avgQueryTime": worst(values("performance.mean_query_ms"), f64::max),
            "cacheHitRate": worst(values("performance.cache_hit_ratio"), f64::min),
        }),
    );
    map.insert(
        "storage".to_owned(),
        json!({ "totalSize": sum(values("storage.total_bytes")), "tableCount": sum(values("storage.tables")) }),
    );
    map
}

/// The targets and their status.
pub async fn targets(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    let overview = web.ports.health.health_overview(authorize::<ViewEstate>(&who, ())?).await?;
    let items: Vec<Value> = overview
        .targets
        .iter()
        .map(|t| {
            json!({
                "name": t.info.name, "kind": t.info.kind, "environment": t.info.environment, "address": t.info.address,
                "tags": t.info.tags, "region": t.info.region, "owner": t.info.owner, "version": t.version, "status": t.verdict.status, "since": t.verdict.since,
                "score": t.verdict.score, "measuredRatio": t.verdict.measured_ratio, "reasons": t.verdict.reasons,
                "reach": t.reach, "age": t.last_round.map(|at| overview.at.seconds_since(at)),
            })
        })
        .collect();
    Ok(Json(json!({ "items": items, "next": null })))
}

/// The query of `/api/targets/{name}/tables`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablesQuery {
    database: Option<String>,
    schema: Option<String>,
    search: Option<String>,
    fault: Option<String>,
    sort: Option<String>,
    #[serde(default)]
    reverse: bool,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// A target's tables, page by page.
pub async fn tables(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<TablesQuery>, QueryRejection>,
) -> Answer {
    let name = path.ok().and_then(|Path(name)| TargetName::new(name).ok());
    let name = name.ok_or_else(|| Refusal(PortError::NotFound("There is no such target.".to_owned())))?;
    let Query(q) = query.map_err(|e| invalid(&format!("The query can't be used: {}.", e.body_text())))?;
    let limit = q.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(invalid("limit is 1 to 500."));
    }
    let unknown = |what: &str, given: &str, words: Vec<&str>| invalid(&format!("{given:?} is no {what}; there are {}.", words.join(", ")));
    let sort = match q.sort.as_deref() {
        None => TableSort::default(),
        Some(w) => TableSort::from_word(w).ok_or_else(|| unknown("sort", w, TableSort::ALL.iter().map(|s| s.word()).collect()))?,
    };
    let fault = match q.fault.as_deref() {
        None => None,
        Some(w) => Some(IndexFault::from_word(w).ok_or_else(|| unknown("fault", w, IndexFault::ALL.iter().map(|f| f.word()).collect()))?),
    };
    let offset = q.cursor.map_or(Ok(0), |c| c.parse::<u32>()).map_err(|_| invalid("cursor is what a former answer gave as next."))?;
    let query = TableQuery { database: q.database, schema: q.schema, search: q.search, fault, sort, reverse: q.reverse, offset, limit };
    let page = web.ports.tables.table_analytics(authorize::<ViewTables>(&who, name)?, query).await?;
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|row| {
            json!({
                "database": row.database, "schema": row.stats.schema, "name": row.stats.name, "kind": row.stats.kind,
                "rows": row.stats.rows_estimate, "deadRows": row.stats.dead_rows, "bytes": row.stats.total_bytes(),
                "heapBytes": row.stats.heap_bytes, "indexBytes": row.stats.index_bytes, "toastBytes": row.stats.toast_bytes,
                "growthBytes": row.growth_bytes, "seqScans": row.stats.seq_scans, "indexScans": row.stats.index_scans,
                "locked": row.stats.locked, "lastVacuum": row.stats.last_vacuum, "lastAnalyze": row.stats.last_analyze,
                "bloatEstimate": row.stats.bloat_estimate_ratio, "faults": row.faults,
            })
        })
        .collect();
    Ok(Json(json!({ "items": items, "next": page.next.map(|n| n.to_string()), "matching": page.matching, "total": page.total })))
}

/// Prometheus text.
pub async fn metrics(State(web): State<Web>, Extension(who): Extension<Principal>) -> Result<Response, Refusal> {
    let text = web.ports.health.metrics(authorize::<ReadMetrics>(&who, ())?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Stored points of one metric.
pub async fn history(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HistoryAnswer>, Refusal> {
    let Query(query) = query.map_err(|e| invalid(&format!("The query can't be used: {}.", e.body_text())))?;
    Ok(Json(web.ports.health.history(authorize::<ReadMetrics>(&who, ())?, query).await?))
}

pub(super) fn invalid(sentence: &str) -> Refusal {
    Refusal(PortError::Invalid(sentence.to_owned()))
}
