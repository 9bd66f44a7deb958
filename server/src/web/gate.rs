//! The gate in front of every route: who is asking, may they, and is it really them.

use super::{
    Web,
    refusal::{Refusal, to_sign_in},
    routes::{Access, Kind, Route},
    sessions,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use reeve_access::{Principal, Via, policy};
use reeve_ports::PortError;
use tower_sessions::Session;

/// What the gate needs to know for one route.
#[derive(Clone)]
pub struct Gate {
    /// Ports and the like.
    pub web: Web,
    /// The route it stands before.
    pub route: &'static Route,
}

/// Lets a request through with its [`Principal`], or answers it.
pub async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let route = gate.route;
    if route.kind == Kind::Asset || (route.access == Access::Open && route.kind == Kind::Data) {
        return next.run(request).await;
    }
    let session = request.extensions().get::<Session>().cloned();
    match principal(&gate.web, request.headers().clone(), session).await {
        Ok(Some(principal)) => {
            if let Access::Holds(verb, noun) = route.access
                && !policy::allows(&principal.roles, verb, noun)
            {
                let sentence = format!("You may not {verb} {noun}. Ask an admin for a role that may.");
                return Refusal(PortError::Denied(sentence)).into_response();
            }
            request.extensions_mut().insert(principal);
        }
        Ok(None) if route.access == Access::Open => {}
        Err(_) if route.access == Access::Open => {}
        Ok(None) => return anonymous(route, &request, "Sign in first."),
        Err(error @ PortError::Unauthenticated(_)) => return anonymous(route, &request, &error.to_string()),
        Err(error) => return Refusal(error).into_response(),
    }
    next.run(request).await
}

fn anonymous(route: &Route, request: &Request, sentence: &str) -> Response {
    match route.kind {
        Kind::Page => to_sign_in(request.uri().path_and_query().map_or("/", |p| p.as_str())),
        Kind::Form => to_sign_in("/admin/db-health"),
        _ => Refusal(PortError::Unauthenticated(sentence.to_owned())).into_response(),
    }
}

/// The caller: a bearer token if there is one (then cookies are ignored), else the browser's session.
async fn principal(web: &Web, headers: HeaderMap, session: Option<Session>) -> Result<Option<Principal>, PortError> {
    if let Some(token) = bearer(&headers) {
        return web.ports.identity.verify(token, Via::Bearer).await.map(Some);
    }
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(PortError::Unauthenticated("Only bearer tokens are accepted: send Authorization: Bearer and the access token.".into()));
    }
    let Some(session) = session else { return Ok(None) };
    let Some(kept) = sessions::read(&session).await else { return Ok(None) };
    match web.ports.identity.verify(&kept.token, Via::Session).await {
        Ok(principal) => Ok(Some(principal)),
        // The token is short-lived; the session behind it may still be good.
        Err(PortError::Unauthenticated(_)) => match web.ports.identity.renew(&kept.session).await {
            Ok(renewed) => {
                sessions::keep(&session, &kept.session, &renewed.access_token).await;
                Ok(Some(renewed.principal))
            }
            Err(error) => {
                sessions::forget(&session).await;
                Err(error)
            }
        },
        Err(error) => Err(error),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
