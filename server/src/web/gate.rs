//! The gate in front of every route: who is asking, may they, and is it really them.

use super::{
    Web, csrf, pages,
    refusal::{Refusal, to_sign_in},
    routes::{Access, Kind, Route, without_secret},
    sessions,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use reeve_access::{Principal, Via};
use reeve_app::route::{Page, decode, pairs};
use reeve_model::{Origin, TargetName};
use reeve_ports::{PortError, Refused};
use tower_sessions::Session;

/// What the gate needs to know for one route.
#[derive(Clone)]
pub struct Gate {
    /// Ports and the like.
    pub web: Web,
    /// The route it stands before.
    pub route: &'static Route,
}

/// Lets a request through with its [`Principal`], or answers it. What it refuses, it writes into the audit trail.
pub async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let (route, public) = (gate.route, gate.web.public_origin.as_deref());
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
    let by_token = request.headers().contains_key(header::AUTHORIZATION);
    if route.kind == Kind::Asset || (route.access == Access::Open && route.kind == Kind::Data) {
        return next.run(request).await;
    }
    let session = request.extensions().get::<Session>().cloned();
    match gate.principal(request.headers().clone(), session, &origin).await {
        Ok(Some(principal)) => {
            if let Access::Holds(verb, noun) = route.access
                && !principal.may(verb, noun)
            {
                gate.refused(Some(&principal), &origin, request.uri());
                let sentence = if principal.only.is_some() {
                    format!("This token was not made for {verb} {noun}, or its owner may not; make one that is.")
                } else {
                    format!("You may not {verb} {noun}. Ask an admin for a role that may.")
                };
                return gate.denied(&request, principal, sentence);
            }
            let (asked, uri) = (principal.clone(), request.uri().clone());
            request.extensions_mut().insert(principal);
            let answer = next.run(request).await;
            // What a handler refused by its grant: a permission that is lacking there, or a target out of reach. Server functions, and so
            // pages and their streams, note what they refuse themselves.
            let notes_itself = route.kind == Kind::Page || route.path.starts_with("/api/fn/") || route.path == "/admin/live";
            if notes_itself {
                return answer;
            }
            if answer.status() == StatusCode::FORBIDDEN || (answer.status() == StatusCode::NOT_FOUND && gate.hides(&asked, &uri)) {
                gate.refused(Some(&asked), &origin, &uri);
            }
            return answer;
        }
        Ok(None) | Err(_) if route.access == Access::Open => {}
        Ok(None) => return anonymous(route, &request, public, "Sign in first."),
        Err(error @ PortError::Unauthenticated(_)) => {
            if by_token {
                gate.refused(None, &origin, request.uri());
            }
            return anonymous(route, &request, public, &error.to_string());
        }
        Err(error) => return Refusal(error).into_response(),
    }
    next.run(request).await
}

impl Gate {
    /// A refusal in the shape of the route.
    fn denied(&self, request: &Request, principal: Principal, sentence: String) -> Response {
        let error = PortError::Denied(sentence);
        match self.route.kind {
            Kind::Page => pages::refused(&self.web, request.headers(), principal, error),
            _ => Refusal(error).into_response(),
        }
    }

    fn refused(&self, principal: Option<&Principal>, origin: &Origin, uri: &Uri) {
        let (verb, noun) = match self.route.access {
            Access::Holds(verb, noun) => (verb, noun),
            Access::SignedIn | Access::Open => ("call", "route"),
        };
        let resource = asked_target(self.route, uri).map_or_else(|| without_secret(uri.path()), |name| name.to_string());
        self.web.ports.audit.refused(Refused { principal, origin, verb, noun, resource: &resource });
    }

    /// Whether what was asked for is there, and only out of the caller's reach.
    fn hides(&self, principal: &Principal, uri: &Uri) -> bool {
        asked_target(self.route, uri).is_some_and(|name| self.web.hub.latest(&name).is_some() && !principal.reaches(&name))
    }

    /// The caller: a bearer token if there is one (then cookies are ignored), else the browser's session.
    async fn principal(&self, headers: HeaderMap, session: Option<Session>, origin: &Origin) -> Result<Option<Principal>, PortError> {
        let identity = &self.web.ports.identity;
        if let Some(token) = bearer(&headers) {
            return identity.verify(token, Via::Bearer, origin).await.map(Some);
        }
        if headers.contains_key(header::AUTHORIZATION) {
            let sentence = "Only bearer tokens are accepted: send Authorization: Bearer and the token.";
            return Err(PortError::Unauthenticated(sentence.to_owned()));
        }
        let Some(session) = session else { return Ok(None) };
        let Some(kept) = sessions::read(&session).await else { return Ok(None) };
        match identity.verify(&kept.token, Via::Session, origin).await {
            Ok(principal) => Ok(Some(principal)),
            // The token is short-lived; the session behind it may still be good.
            Err(PortError::Unauthenticated(_)) => match identity.renew(&kept.session, origin).await {
                Ok(renewed) => {
                    // Another epoch: rights have changed, and the browser gets a new id. Only with a page, whose cookie surely
                    // arrives; what asks before that is signed anew each time and keeps nothing, so that the page sees the change.
                    let (changed, page) = (renewed.epoch != kept.epoch, self.route.kind == Kind::Page);
                    if page || !changed {
                        sessions::keep(&session, &renewed, changed).await;
                    }
                    Ok(Some(renewed.principal))
                }
                Err(error @ PortError::Unauthenticated(_)) => {
                    sessions::forget(&session).await;
                    Err(error)
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

/// `public`: the origin under which people reach Reeve, where a proxy stands before it.
fn anonymous(route: &Route, request: &Request, public: Option<&str>, sentence: &str) -> Response {
    match route.kind {
        Kind::Page => to_sign_in(request.uri().path_and_query().map_or("/", |p| p.as_str())),
        // Back to the page that it was sent from: what was asked for there is not done by signing in.
        Kind::Form => to_sign_in(&csrf::sent_from(request.headers(), public).unwrap_or(Page::Health).href()),
        _ => Refusal(PortError::Unauthenticated(sentence.to_owned())).into_response(),
    }
}

/// The target that a request is about: in the path where the route has `{name}`, or in the query.
fn asked_target(route: &Route, uri: &Uri) -> Option<TargetName> {
    let in_path =
        route.path.split('/').zip(uri.path().split('/')).find(|(pattern, _)| *pattern == "{name}").and_then(|(_, part)| decode(part));
    let in_query = || pairs(uri.query()?).into_iter().find(|(key, _)| key == "name" || key == "target").map(|(_, value)| value);
    TargetName::new(in_path.or_else(in_query)?).ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
