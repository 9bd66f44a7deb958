//! Sessions of a target: ending one, by the forms of its page and by programs; and the list of them for programs.

use super::{
    Web,
    account_forms::Parts,
    api::{Answer, invalid},
    forms::Fields,
    refusal::Refusal,
};
use axum::{
    Extension, Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    response::{IntoResponse, Response},
};
use reeve_access::{
    Principal, authorize,
    permission::{EndSession, ViewSessions},
};
use reeve_app::route::{Page, SessionsFilter, Show};
use reeve_model::{
    TargetName, UnixMs,
    activity::{SessionOrder, SessionSignal},
};
use reeve_ports::PortError;
use serde::Deserialize;
use serde_json::json;

type Name = Result<Path<String>, PathRejection>;

fn target(name: Name) -> Result<TargetName, Refusal> {
    let name = name.ok().and_then(|Path(name)| TargetName::new(name).ok());
    name.ok_or_else(|| Refusal(PortError::NotFound("There is no such target.".to_owned())))
}

/// Cancels a session's statement.
pub async fn cancel(parts: Parts, name: Name, fields: Fields) -> Response {
    signal(parts, name, fields, SessionSignal::Cancel).await
}

/// Ends a session whose process was typed.
pub async fn end(parts: Parts, name: Name, fields: Fields) -> Response {
    signal(parts, name, fields, SessionSignal::Terminate).await
}

async fn signal(parts: Parts, name: Name, fields: Fields, signal: SessionSignal) -> Response {
    let name = match target(name) {
        Ok(name) => name,
        Err(refusal) => return refusal.into_response(),
    };
    let show = Show::ALL.into_iter().find(|show| show.word() == fields.get("show")).unwrap_or_default();
    let named = fields.get("pid").parse().ok().zip(fields.get("connected_at").parse().ok().map(UnixMs));
    let form = parts
        .on(Page::Sessions(name.clone(), Box::new(SessionsFilter { show, chosen: named, process: None })))
        .keeping(&fields, &["typed"]);
    let outcome = async {
        let (pid, started_at) = named.ok_or_else(|| PortError::Invalid("Choose a session from the list.".to_owned()))?;
        let seen = fields.get("seen").parse().ok().map(UnixMs);
        let order = SessionOrder { pid, started_at, seen, signal, typed: fields.get("typed").to_owned() };
        let grant = authorize::<EndSession>(form.who(), (name, order))?;
        form.ports().sessions.end(grant).await
    }
    .await;
    form.end(outcome).await
}

/// The sessions of a target, for programs.
pub async fn list(State(web): State<Web>, Extension(who): Extension<Principal>, name: Name) -> Answer {
    let view = web.ports.sessions.sessions(authorize::<ViewSessions>(&who, target(name)?)?).await?;
    let fault = view.fault.as_ref().map(|f| json!({ "since": f.since, "message": f.sentence }));
    Ok(Json(json!({ "at": view.at(), "sessions": view.value(), "fault": fault })))
}

/// The body of `POST /api/targets/{name}/sessions/signal`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pid: i32,
    connected_at: i64,
    signal: SessionSignal,
    seen: Option<i64>,
}

/// Cancels a session's statement or ends the session. A program names the session by process and moment; it types nothing.
pub async fn order(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    name: Name,
    body: Result<Json<Order>, JsonRejection>,
) -> Answer {
    let hint = "Send JSON with pid, connected_at (started_at of the list), signal (cancel or terminate) and seen (statement_at for a cancel, transaction_at for an end).";
    let Json(asked) = body.map_err(|_| invalid(hint))?;
    let order = SessionOrder {
        pid: asked.pid,
        started_at: UnixMs(asked.connected_at),
        seen: asked.seen.map(UnixMs),
        signal: asked.signal,
        typed: asked.pid.to_string(),
    };
    let said = web.ports.sessions.end(authorize::<EndSession>(&who, (target(name)?, order))?).await?;
    Ok(Json(json!({ "message": said })))
}
