//! The router, built from the route table and nothing else.

use super::{
    Web, account_forms, accounts_api, api, assets, audit_api, auth_api, backup_forms, backups_api, compliance_api, compliance_forms, csrf,
    decisions_api,
    gate::{Gate, gate},
    headers,
    intake::{self, MAX_BODY},
    limits::{self, Limiter},
    live, openapi,
    origin::{self, Trusted},
    pages, probes, registry_forms,
    routes::{Kind, ROUTES, Route, check_functions},
    session_forms, sessions, sign_in,
};
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, Uri, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, delete, get, patch, post},
};
use leptos::prelude::provide_context;
use reeve_access::Principal;
use serde_json::json;
use std::{any::Any, time::Duration};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use tower_sessions::SessionStore;

/// Longest time for anything but the live stream.
const LONGEST: Duration = Duration::from_secs(30);

/// What stands around all routes.
pub struct Guards {
    /// How often an address may ask.
    pub limiter: Limiter,
    /// The proxies whose word about a request's way counts.
    pub trusted: Trusted,
}

/// Builds the router.
///
/// # Errors
/// One sentence when the table and the program don't agree; Reeve must not start then.
pub fn build<S: SessionStore + Clone>(web: Web, store: S, guards: Guards) -> Result<Router, String> {
    let registered: Vec<(String, String)> =
        leptos::server_fn::axum::server_fn_paths().map(|(path, method)| (method.to_string(), path.to_owned())).collect();
    check_functions(&registered)?;
    let mut router = Router::new();
    for route in ROUTES {
        let handler = handler(route).ok_or_else(|| format!("The route {} {} has no handler.", route.method, route.path))?;
        // A reload, or the address copied out of the browser after a form was refused: nothing there can be read, but its page can.
        let handler = if route.kind == Kind::Form && !ROUTES.iter().any(|r| r.method == "GET" && r.path == route.path) {
            handler.get(move |uri: Uri| async move { Redirect::to(&page_of(route, uri.path())) })
        } else {
            handler
        };
        let guard = from_fn_with_state(Gate { web: web.clone(), route }, gate);
        // A stream and an export take as long as somebody reads them.
        let handler = if matches!(route.path, "/admin/live" | "/api/audit/export") {
            handler
        } else {
            handler.layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, LONGEST))
        };
        router = router.route(route.path, handler.layer(guard));
    }
    let sessions = sessions::layer(store, web.tls);
    // The last is the first to see a request: whence, what every answer carries, how often, how it is written, whether it was meant.
    Ok(router
        .fallback(pages::missing)
        .layer(sessions)
        .layer(map_response(worded))
        .layer(from_fn_with_state(web.clone(), csrf::guard))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(intake::take))
        .layer(from_fn_with_state(guards.limiter, limits::limit))
        .layer(CatchPanicLayer::custom(broken))
        .layer(from_fn_with_state(web.clone(), headers::add))
        .layer(from_fn_with_state(guards.trusted, origin::mark))
        .with_state(web))
}

fn handler(route: &Route) -> Option<MethodRouter<Web>> {
    if route.path.starts_with("/api/fn/") {
        return Some(get(function));
    }
    Some(match (route.method, route.path) {
        ("GET", "/live") => get(probes::live),
        ("GET", "/ready") => get(probes::ready),
        ("GET", "/health") => get(probes::health),
        ("GET", "/health/detailed") => get(probes::detailed),
        ("GET", "/") => get(sign_in::root),
        ("POST", "/sign-in") => post(sign_in::sign_in),
        ("POST", "/sign-out") => post(sign_in::sign_out),
        ("POST", "/theme") => post(sign_in::theme),
        ("GET", "/accept/{secret}") => get(account_forms::offer),
        ("POST", "/accept/{secret}") => post(account_forms::accept),
        ("POST", "/api/auth/login") => post(auth_api::login),
        ("POST", "/api/auth/refresh") => post(auth_api::refresh),
        ("POST", "/api/auth/logout") => post(auth_api::logout),
        ("GET", "/.well-known/jwks.json") => get(auth_api::keys),
        ("POST", "/admin/account/password") => post(account_forms::password),
        ("POST", "/admin/account/sessions/end") => post(account_forms::end_own_session),
        ("POST", "/admin/account/tokens/new") => post(account_forms::make_token),
        ("POST", "/admin/account/tokens/revoke") => post(account_forms::revoke_own_token),
        ("POST", "/admin/accounts/invite") => post(account_forms::invite),
        ("POST", "/admin/accounts/invites/withdraw") => post(account_forms::withdraw),
        ("POST", "/admin/accounts/{id}/rights") => post(account_forms::rights),
        ("POST", "/admin/accounts/{id}/disable") => post(account_forms::disable),
        ("POST", "/admin/accounts/{id}/enable") => post(account_forms::enable),
        ("POST", "/admin/accounts/{id}/reset") => post(account_forms::reset),
        ("POST", "/admin/accounts/{id}/sessions/end") => post(account_forms::end_session),
        ("POST", "/admin/accounts/{id}/tokens/revoke") => post(account_forms::revoke_token),
        ("POST", "/admin/compliance/controls/{control}/attest") => post(compliance_forms::attest_control),
        ("POST", "/admin/compliance/controls/{control}/withdraw") => post(compliance_forms::withdraw_control),
        ("POST", "/admin/compliance/frameworks/{framework}/attest") => post(compliance_forms::attest_clause),
        ("POST", "/admin/compliance/frameworks/{framework}/withdraw") => post(compliance_forms::withdraw_clause),
        ("POST", "/admin/compliance/scan/{name}") => post(compliance_forms::scan),
        ("POST", "/admin/compliance/findings/{name}/{fingerprint}/accept") => post(compliance_forms::accept),
        ("POST", "/admin/compliance/findings/{name}/{fingerprint}/withdraw") => post(compliance_forms::withdraw),
        ("GET", "/api/security/audit") => get(compliance_api::report),
        ("GET", "/api/compliance/findings") => get(compliance_api::findings),
        ("GET", "/api/compliance/findings/{name}/{fingerprint}") => get(decisions_api::finding),
        ("POST", "/api/compliance/findings/{name}/{fingerprint}/accept") => post(decisions_api::accept),
        ("DELETE", "/api/compliance/findings/{name}/{fingerprint}/accept") => delete(decisions_api::withdraw),
        ("GET", "/api/compliance/changes") => get(decisions_api::changes),
        ("POST", "/api/compliance/scan/{name}") => post(decisions_api::scan),
        ("POST", "/api/compliance/controls/{control}/attest") => post(decisions_api::attest_control),
        ("DELETE", "/api/compliance/controls/{control}/attest") => delete(decisions_api::withdraw_control),
        ("POST", "/api/compliance/frameworks/{framework}/attest") => post(decisions_api::attest_clause),
        ("DELETE", "/api/compliance/frameworks/{framework}/attest") => delete(decisions_api::withdraw_clause),
        ("GET", "/api/compliance/findings.csv") => get(compliance_api::csv),
        ("GET", "/api/account") => get(accounts_api::own),
        ("POST", "/api/account/tokens") => post(accounts_api::make_token),
        ("DELETE", "/api/account/tokens/{token}") => delete(accounts_api::revoke_own_token),
        ("DELETE", "/api/account/sessions/{session}") => delete(accounts_api::end_own_session),
        ("GET", "/api/accounts") => get(accounts_api::list),
        ("GET", "/api/accounts/{id}") => get(accounts_api::one),
        ("PATCH", "/api/accounts/{id}") => patch(accounts_api::change),
        ("POST", "/api/accounts/{id}/reset") => post(accounts_api::reset),
        ("DELETE", "/api/accounts/{id}/sessions/{session}") => delete(accounts_api::end_session),
        ("DELETE", "/api/accounts/{id}/tokens/{token}") => delete(accounts_api::revoke_token),
        ("POST", "/api/invites") => post(accounts_api::invite),
        ("DELETE", "/api/invites/{invite}") => delete(accounts_api::withdraw),
        ("POST", "/admin/backups/run") => post(backup_forms::run),
        ("POST", "/admin/backups/jobs/cancel") => post(backup_forms::cancel),
        ("POST", "/admin/backups/jobs/approve") => post(backup_forms::approve),
        ("POST", "/admin/backups/schedules/set") => post(backup_forms::schedule),
        ("POST", "/admin/backups/schedules/remove") => post(backup_forms::unschedule),
        ("POST", "/admin/backups/{id}/verify") => post(backup_forms::verify),
        ("POST", "/admin/backups/{id}/drill") => post(backup_forms::drill),
        ("POST", "/admin/backups/{id}/restore") => post(backup_forms::restore),
        ("POST", "/admin/backups/{id}/replace") => post(backup_forms::replace),
        ("POST", "/admin/backups/{id}/put-back") => post(backup_forms::put_back),
        ("GET", "/api/backups") => get(backups_api::list),
        ("POST", "/api/backups") => post(backups_api::make),
        ("GET", "/api/backups/{id}") => get(backups_api::one),
        ("POST", "/api/backups/{id}/verify") => post(backups_api::verify),
        ("POST", "/api/backups/{id}/drill") => post(backups_api::drill),
        ("POST", "/api/backups/{id}/restore") => post(backups_api::restore),
        ("POST", "/api/backups/{id}/replace") => post(backups_api::replace),
        ("POST", "/api/backups/{id}/put-back") => post(backups_api::put_back),
        ("GET", "/api/backups/schedules") => get(backups_api::schedules),
        ("POST", "/api/backups/schedules") => post(backups_api::schedule),
        ("DELETE", "/api/backups/schedules/{schedule}") => delete(backups_api::unschedule),
        ("GET", "/api/backups/jobs/{job}") => get(backups_api::job),
        ("POST", "/api/backups/jobs/{job}/approve") => post(backups_api::approve),
        ("DELETE", "/api/backups/jobs/{job}") => delete(backups_api::cancel),
        ("GET", "/api/access/policy") => get(accounts_api::policy),
        ("GET", "/api/audit") => get(audit_api::search),
        ("GET", "/api/audit/export") => get(audit_api::export),
        ("GET", "/admin/live") => get(live::live),
        ("GET", "/api/health/databases") => get(api::databases),
        ("GET", "/api/health/connections") => get(api::connections),
        ("GET", "/api/db/health") => get(api::db_health),
        ("GET", "/api/targets") => get(api::targets),
        ("GET", "/api/targets/{name}/sessions") => get(session_forms::list),
        ("POST", "/api/targets/{name}/sessions/signal") => post(session_forms::order),
        ("POST", "/admin/registry/test") => post(registry_forms::test),
        ("POST", "/admin/registry/add") => post(registry_forms::add),
        ("POST", "/admin/registry/discard") => post(registry_forms::discard),
        ("POST", "/admin/registry/remove") => post(registry_forms::remove),
        ("POST", "/admin/targets/{name}/sessions/cancel") => post(session_forms::cancel),
        ("POST", "/admin/targets/{name}/sessions/end") => post(session_forms::end),
        ("GET", "/api/targets/{name}/tables") => get(api::tables),
        ("GET", "/metrics") => get(api::metrics),
        ("GET", "/metrics/history") => get(api::history),
        ("GET", "/api/openapi.json") => get(openapi::describe),
        ("GET", "/pkg/{*file}") => get(assets::file),
        ("GET", "/favicon.ico") => get(assets::favicon),
        ("GET", _) if route.kind == Kind::Page => get(pages::page),
        _ => return None,
    })
}

/// The address of the page that a form stands on: the longest page's path that the form's path begins with.
fn page_of(form: &Route, path: &str) -> String {
    let begins = |page: &Route| form.path.strip_prefix(page.path).is_some_and(|rest| rest.starts_with('/'));
    let pages = ROUTES.iter().filter(|r| r.method == "GET" && r.kind == Kind::Page && begins(r));
    let depth = pages.map(|page| page.path.split('/').count()).max().unwrap_or(0);
    let page = path.split('/').take(depth).collect::<Vec<_>>().join("/");
    if page.is_empty() { "/".to_owned() } else { page }
}

/// A server function over HTTP, with the same context that a render gives it.
async fn function(axum::extract::State(web): axum::extract::State<Web>, request: Request) -> Response {
    let principal = request.extensions().get::<Principal>().cloned();
    let context = move || {
        provide_context(web.ports.clone());
        if let Some(principal) = principal.clone() {
            provide_context(principal);
        }
    };
    let answer = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    if answer.status() == StatusCode::INTERNAL_SERVER_ERROR { blame(answer).await } else { answer }
}

/// Arguments that can't be read never reach the function, so it could not say whose fault that is: the caller's.
async fn blame(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let invalid = serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|said| said["error"] == "invalid");
    if invalid {
        parts.status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Response::from_parts(parts, Body::from(body))
}

/// A layer that gives up leaves an answer without a word, which browsers show as their own error page.
async fn worded(answer: Response) -> Response {
    let silent = !answer.headers().contains_key(header::CONTENT_TYPE);
    let (error, message) = match answer.status() {
        StatusCode::GATEWAY_TIMEOUT if silent => ("timeout", "This took too long and was given up; try again, or ask for less."),
        StatusCode::INTERNAL_SERVER_ERROR if silent => {
            ("unavailable", "Reeve could not finish this because its store did not answer; try again.")
        }
        _ => return answer,
    };
    let status = answer.status();
    (status, Json(json!({ "error": error, "message": message }))).into_response()
}

/// One request that breaks Reeve's code is one answer lost, not a connection without a word. The log has the place.
fn broken(_: Box<dyn Any + Send>) -> Response {
    let said = json!({ "error": "internal", "message": "Reeve could not answer this because of a fault of its own; its log says where." });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(said)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g2_every_form_has_a_page_to_go_back_to() {
        let back = |pattern: &str, path: &str| {
            let form = ROUTES.iter().find(|r| r.kind == Kind::Form && r.path == pattern).expect("a form");
            page_of(form, path)
        };
        assert_eq!(back("/admin/account/password", "/admin/account/password"), "/admin/account");
        assert_eq!(back("/admin/accounts/invite", "/admin/accounts/invite"), "/admin/accounts");
        assert_eq!(back("/admin/accounts/invites/withdraw", "/admin/accounts/invites/withdraw"), "/admin/accounts");
        assert_eq!(back("/admin/accounts/{id}/rights", "/admin/accounts/7%2F8/rights"), "/admin/accounts/7%2F8");
        assert_eq!(back("/theme", "/theme"), "/");
        // A path is never taken for another site.
        assert_eq!(back("/theme", "//evil.example/theme"), "/");
    }

    #[tokio::test]
    async fn b6_no_answer_is_without_a_word() {
        let said = |answer: Response| async { to_bytes(worded(answer).await.into_body(), MAX_BODY).await.expect("a body") };
        for status in [StatusCode::GATEWAY_TIMEOUT, StatusCode::INTERNAL_SERVER_ERROR] {
            let said = String::from_utf8_lossy(&said(status.into_response()).await).into_owned();
            assert!(said.contains("\"message\"") && said.contains("try again"), "{status}: {said}");
        }
        let own = (StatusCode::INTERNAL_SERVER_ERROR, "its own words").into_response();
        assert_eq!(said(own).await, "its own words");
        assert!(said(StatusCode::NO_CONTENT.into_response()).await.is_empty(), "what needs no word gets none");
    }
}
