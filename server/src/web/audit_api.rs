//! The audit trail for programs: search and export.

use super::{
    Web,
    api::{Answer, invalid},
    refusal::Refusal,
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use reeve_access::{
    Principal, authorize,
    permission::{ExportAudit, ViewAudit},
};
use reeve_model::audit::AuditQuery;
use serde_json::json;

const HINT: &str = "The query takes actor, verb, noun, resource, outcome (done, refused, failed or alarm), from and to (milliseconds since 1970), \
                    cursor and limit (1 to 500).";

/// One page, newest first.
pub async fn search(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|_| invalid(HINT))?;
    let page = web.ports.audit.search(authorize::<ViewAudit>(&who, ())?, query).await?;
    Ok(Json(json!({
        "items": page.items, "next": page.next, "waiting": page.waiting, "stalled": page.stalled, "head": page.head,
    })))
}

/// The matching entries with their proofs, oldest first, a JSON object a line.
pub async fn export(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|_| invalid(HINT))?;
    let pieces = web.ports.audit.export(authorize::<ExportAudit>(&who, ())?, query).await?;
    // An error after the first piece can only cut the answer short: the client sees that it is incomplete.
    let body = Body::from_stream(pieces.map(|piece| piece.map_err(|error| std::io::Error::other(error.to_string()))));
    let headers =
        [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CONTENT_DISPOSITION, "attachment; filename=\"reeve-audit.jsonl\"")];
    Ok((headers, body).into_response())
}
