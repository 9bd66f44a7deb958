//! The forms: signing in and out, choosing a theme.

use super::{
    Web,
    forms::Fields,
    pages::{self, Shown},
    refusal::{Refusal, or_home},
    sessions,
};
use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use reeve_access::{Principal, Via};
use reeve_model::Origin;
use reeve_ports::PortError;
use serde::Deserialize;
use tower_sessions::Session;

/// The sign-in form.
#[derive(Deserialize)]
pub struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Takes the sign-in form.
pub async fn sign_in(
    State(web): State<Web>,
    session: Session,
    Extension(origin): Extension<Origin>,
    headers: axum::http::HeaderMap,
    form: Result<Form<SignIn>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return Refusal(PortError::Invalid("The form is incomplete: it takes email and password.".to_owned())).into_response();
    };
    let outcome = web.ports.identity.sign_in(&form.email, &form.password, Via::Session, &origin).await;
    let error = match outcome {
        Ok(signed) => match sessions::begin(&session, &signed).await {
            Ok(()) => return Redirect::to(or_home(&form.next)).into_response(),
            Err(error) => {
                tracing::warn!(%error, "a sign-in could not be kept");
                PortError::Unavailable("Reeve's own database is away, so nobody can sign in until it is back.".to_owned())
            }
        },
        Err(error) => error,
    };
    let shown = Shown { email: form.email, next: form.next, sentence: Some(error.to_string()) };
    let refusal = Refusal(error).into_response();
    let status = if refusal.status() == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::UNAUTHORIZED } else { refusal.status() };
    let mut page = pages::sign_in_page(&web, &headers, shown, status).await;
    if let Some(wait) = refusal.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    page
}

/// Ends the session, here and everywhere it streams.
pub async fn sign_out(State(web): State<Web>, session: Session, Extension(who): Extension<Principal>, _: Fields) -> Response {
    if let Err(error) = web.ports.identity.sign_out(&who).await {
        return Refusal(error).into_response();
    }
    sessions::forget(&session).await;
    let mut response = Redirect::to("/sign-in").into_response();
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response
}

/// The theme form.
#[derive(Deserialize)]
pub struct Theme {
    theme: String,
    #[serde(default)]
    next: String,
}

/// Keeps the chosen theme in a cookie, so that the next page comes in it at once.
pub async fn theme(State(web): State<Web>, request_headers: axum::http::HeaderMap, form: Result<Form<Theme>, FormRejection>) -> Response {
    let Ok(Form(form)) = form else {
        return Refusal(PortError::Invalid("The form is incomplete: it takes theme.".to_owned())).into_response();
    };
    let theme = match form.theme.as_str() {
        "light" => "light",
        "dark" => "dark",
        _ => "auto",
    };
    let secure = if web.tls { "; Secure" } else { "" };
    let cookie = format!("reeve-theme={theme}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly{secure}");
    let referer = request_headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(path_of).unwrap_or_default();
    let next = if form.next.is_empty() { referer } else { form.next.as_str() };
    let target = if next.starts_with("/sign-in") { "/sign-in" } else { or_home(next) };
    let mut response = Redirect::to(target).into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn path_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    rest.find('/').map(|at| &rest[at..])
}

/// Leads to the control room.
pub async fn root() -> Redirect {
    Redirect::to("/admin/db-health")
}
