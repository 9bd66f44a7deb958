//! Pages: the request says which, `reeve-app` renders it.

use super::{Web, assets, csrf, headers, sessions};
use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use reeve_access::{Principal, Via};
use reeve_app::{
    render::{
        AcceptForm, Assets, Flash, Kept, PageContext, Rendered, SignInForm, Theme, render, render_accept, render_problem, render_sign_in,
    },
    route::Page,
};
use reeve_ports::PortError;
use tower_sessions::Session;

/// What the sign-in page shows again.
pub struct Shown {
    /// The e-mail as typed.
    pub email: String,
    /// Where to go afterwards.
    pub next: String,
    /// Why it was refused.
    pub sentence: Option<String>,
}

/// Any page.
pub async fn page(
    State(web): State<Web>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    session: Session,
    principal: Option<axum::Extension<Principal>>,
) -> Response {
    let principal = principal.map(|axum::Extension(p)| p);
    if uri.path() == "/sign-in" && principal.is_some() {
        return axum::response::Redirect::to("/admin/db-health").into_response();
    }
    // What the form before this page did, said once.
    let flash = sessions::take_note(&session).await.map(|note| if note.done { Flash::Done(note.text) } else { Flash::Refused(note.text) });
    // Or a secret that it made, shown once and kept nowhere else.
    let flash = flash.or_else(|| web.reveals.take(&principal.as_ref()?.session));
    show(&web, &headers, principal, (uri.path(), uri.query().unwrap_or_default()), flash, Kept::default()).await
}

/// The page at an address, with what just happened at its top.
pub async fn show(
    web: &Web,
    headers: &HeaderMap,
    principal: Option<Principal>,
    (path, query): (&str, &str),
    flash: Option<Flash>,
    kept: Kept,
) -> Response {
    let refused = matches!(flash, Some(Flash::Refused(_)));
    let (mut context, nonce) = match context(web, headers, principal) {
        Ok(made) => made,
        Err(sentence) => return (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response(),
    };
    context.flash = flash;
    context.kept = kept;
    let rendered = match Page::parse(path, query) {
        Some(page) => render(page, context).await,
        None => render_problem(PortError::NotFound("There is no page at this address.".to_owned()), &context),
    };
    let status = if refused && rendered.status == 200 { StatusCode::UNPROCESSABLE_ENTITY.as_u16() } else { rendered.status };
    answer(Rendered { status, ..rendered }, &nonce)
}

/// The page that says why there is none for this caller.
pub fn refused(web: &Web, headers: &HeaderMap, principal: Principal, error: PortError) -> Response {
    match context(web, headers, Some(principal)) {
        Ok((context, nonce)) => answer(render_problem(error, &context), &nonce),
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response(),
    }
}

/// The page of an invitation or a reset.
pub fn accept_page(web: &Web, headers: &HeaderMap, form: AcceptForm, status: StatusCode) -> Response {
    match context(web, headers, None) {
        Ok((context, nonce)) => {
            let rendered = render_accept(&form, &context);
            let mut response = answer(Rendered { status: status.as_u16(), ..rendered }, &nonce);
            // The address is the secret: no other site and no other page may learn it.
            response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            response
        }
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response(),
    }
}

/// Everything that has no route: a page for people who are signed in, a plain 404 for all others.
pub async fn missing(State(web): State<Web>, headers: HeaderMap) -> Response {
    match context(&web, &headers, None) {
        Ok((context, nonce)) => {
            answer(render_problem(PortError::NotFound("There is no page at this address.".to_owned()), &context), &nonce)
        }
        Err(sentence) => (StatusCode::NOT_FOUND, sentence).into_response(),
    }
}

/// The sign-in page again, after a refusal.
pub async fn sign_in_page(web: &Web, headers: &HeaderMap, shown: Shown, status: StatusCode) -> Response {
    match context(web, headers, None) {
        Ok((context, nonce)) => {
            let next = (!shown.next.is_empty()).then_some(shown.next);
            let rendered = render_sign_in(SignInForm { email: shown.email, next, error: shown.sentence }, &context);
            answer(Rendered { status: status.as_u16(), ..rendered }, &nonce)
        }
        Err(sentence) => (StatusCode::SERVICE_UNAVAILABLE, sentence).into_response(),
    }
}

fn context(web: &Web, headers: &HeaderMap, principal: Option<Principal>) -> Result<(PageContext, String), &'static str> {
    let manifest = assets::manifest()?;
    let mut random = [0_u8; 18];
    getrandom::fill(&mut random).map_err(|_| "The system has no randomness, so no page can be made safely.")?;
    let nonce = BASE64.encode(random);
    let csrf = principal.as_ref().filter(|p| p.via == Via::Session).map(|p| csrf::token(&p.session));
    let assets = Assets {
        css: manifest.css.clone(),
        js: Some(manifest.js.clone()),
        wasm: Some(manifest.wasm.clone()),
        icon: "/favicon.ico".to_owned(),
    };
    let theme = cookie(headers, "reeve-theme").map_or(Theme::Auto, Theme::from_word);
    Ok((
        PageContext {
            ports: web.ports.clone(),
            principal,
            theme,
            nonce: nonce.clone(),
            assets,
            csrf,
            flash: None,
            kept: Default::default(),
        },
        nonce,
    ))
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

fn answer(rendered: Rendered, nonce: &str) -> Response {
    let status = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Html(rendered.html)).into_response();
    if let Ok(policy) = HeaderValue::from_str(&headers::page_policy(nonce)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
