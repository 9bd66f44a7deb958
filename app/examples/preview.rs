//! Serves the pages over a made-up estate, to look at them while designing, and to the tests that hold their looks
//! (`end2end/gallery.spec.ts`). Not part of the product.
//!
//! `cargo run -p reeve-app --example preview -- 127.0.0.1:4500 trouble` then open
//! `/admin/db-health?theme=dark`. `as=` says who looks (`as=operator@environment:prod,viewer`, `as=` for somebody without a
//! role), `flash=` shows what a form did (`done`, `refused`, `token`, `link`), and `/accept/invite`, `/accept/reset`,
//! `/accept/gone`, `/accept/done` show what links show. The style sheet is read anew at each request. With a directory as third
//! argument, `reeve.js` and `reeve_bg.wasm` are served from there and the islands run.

#[path = "../tests/support/mod.rs"]
mod support;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use reeve_app::{
    render::{AcceptForm, Assets, Flash, PageContext, SignInForm, Theme, render, render_accept, render_problem, render_sign_in},
    route::{Page, pairs},
};
use reeve_model::{
    UnixMs,
    account::{InviteOffer, MadeSecret},
};
use reeve_ports::PortError;
use std::path::{Path, PathBuf};
use support::Scenario;

#[derive(Clone)]
struct Preview {
    scenario: Scenario,
    wasm: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let address = args.first().map_or("127.0.0.1:4500", String::as_str);
    let scenario = match args.get(1).map(String::as_str) {
        Some("calm") => Scenario::Calm,
        Some("empty") => Scenario::Empty,
        _ => Scenario::Trouble,
    };
    let preview = Preview { scenario, wasm: args.get(2).map(PathBuf::from) };
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("preview at http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(answer).with_state(preview)).await
}

async fn answer(State(preview): State<Preview>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let theme = pairs(query).into_iter().find(|(k, _)| k == "theme").map_or(Theme::Auto, |(_, v)| Theme::from_word(&v));
    if uri.path() == "/pkg/main.css" {
        return ([(header::CONTENT_TYPE, "text/css")], style(Path::new("style/main.css"))).into_response();
    }
    if let (Some(file), Some(dir)) = (uri.path().strip_prefix("/pkg/"), &preview.wasm) {
        let kind = if file.ends_with(".js") { "text/javascript" } else { "application/wasm" };
        return match std::fs::read(dir.join(file.replace('/', ""))) {
            Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        };
    }
    if uri.path() == "/admin/live" {
        return live(preview, &pairs(query)).await;
    }
    let nonce = "cHJldmlldw";
    let mut assets = Assets::default();
    if preview.wasm.is_some() {
        assets.js = Some("/pkg/reeve.js".into());
        assets.wasm = Some("/pkg/reeve_bg.wasm".into());
    }
    let given = |key: &str| pairs(query).into_iter().find(|(k, _)| k == key).map(|(_, v)| v);
    let roles = given("as").unwrap_or_else(|| "admin".into());
    let roles: Vec<&str> = roles.split(',').filter(|r| !r.is_empty()).collect();
    let mut cx = PageContext {
        ports: support::ports::ports(preview.scenario),
        principal: Some(support::caller(UnixMs::now(), &roles)),
        theme,
        nonce: nonce.into(),
        assets,
        csrf: Some("csrf-token".into()),
        flash: given("flash").and_then(|which| flash(&which)),
        kept: Default::default(),
    };
    let rendered = match Page::parse(uri.path(), query) {
        Some(Page::SignIn { next }) => {
            cx.principal = None;
            let error = query.contains("refused").then(|| "E-mail or password is wrong.".to_owned());
            render_sign_in(SignInForm { email: if error.is_some() { "admin@example.org".into() } else { String::new() }, next, error }, &cx)
        }
        Some(page) => render(page, cx).await,
        None if uri.path().starts_with("/accept/") => render_accept(&accept(uri.path()), &cx),
        None => render_problem(PortError::NotFound("Nothing is found at this address.".into()), &cx),
    };
    let policy = format!(
        "default-src 'none'; img-src 'self'; connect-src 'self'; form-action 'self'; style-src 'self' 'nonce-{nonce}'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'"
    );
    let status = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_SECURITY_POLICY, policy)], Html(rendered.html)).into_response()
}

/// What a form may have done.
fn flash(which: &str) -> Option<Flash> {
    let made = |secret: &str, days: i64| MadeSecret {
        id: "1".into(),
        secret: secret.into(),
        expires_at: UnixMs::now().plus_ms(days * 86_400_000),
    };
    Some(match which {
        "done" => Flash::Done("The password is changed, and your other sessions have ended.".into()),
        "refused" => Flash::Refused("The current password is wrong. Nothing was changed.".into()),
        "token" => Flash::Secret {
            title: "The token “prometheus”".into(),
            secret: made("reeve_1xBq3kT9vYcJ0eWm7RzL5hNd8GfUaSoP2iQy4tKX6bE", 90),
        },
        "link" => Flash::Secret {
            title: "The invitation for joe.joins@example.org".into(),
            secret: made("https://reeve.example.org/accept/1xBq3kT9vYcJ0eWm7RzL5hNd8GfUaSoP2iQy4tKX6bE", 3),
        },
        _ => return None,
    })
}

/// What a link may show.
fn accept(path: &str) -> AcceptForm {
    let offer = |reset| InviteOffer { email: "joe.joins@example.org".into(), reset, expires_at: UnixMs::now().plus_ms(172_800_000) };
    let form = AcceptForm { offer: Ok(offer(false)), display_name: String::new(), error: None, done: None };
    match path.trim_start_matches("/accept/") {
        "reset" => AcceptForm { offer: Ok(offer(true)), error: Some("The two passwords are not the same.".into()), ..form },
        "gone" => AcceptForm { offer: Err("This link was used, withdrawn or has ended. Ask for a new one.".into()), ..form },
        "done" => AcceptForm { done: Some("joe.joins@example.org".into()), ..form },
        _ => form,
    }
}

async fn live(preview: Preview, pairs: &[(String, String)]) -> Response {
    let cx = PageContext {
        ports: support::ports::ports(preview.scenario),
        principal: Some(support::principal(UnixMs::now())),
        theme: Theme::Auto,
        nonce: String::new(),
        assets: Assets::default(),
        csrf: None,
        flash: None,
        kept: Default::default(),
    };
    let page = pairs.iter().find(|(k, _)| k == "page").map(|(_, v)| v.clone()).unwrap_or_default();
    let (path, query) = page.split_once('?').unwrap_or((&page, ""));
    let Some(page) = Page::parse(path, query) else { return StatusCode::NOT_FOUND.into_response() };
    let frames = futures::stream::unfold((cx, page, 0), |(cx, page, n)| async move {
        if n > 0 {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        let frame = reeve_app::live::frame(page.clone(), &cx).await.ok().flatten()?;
        let event = format!("data: {}\n\n", serde_json::to_string(&frame).ok()?);
        Some((Ok::<_, std::io::Error>(event), (cx, page, n + 1)))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], axum::body::Body::from_stream(frames)).into_response()
}

/// The style sheet with its imports put in, as the build does.
fn style(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut out = String::new();
    for line in text.lines() {
        match line.strip_prefix("@import url(\"").and_then(|l| l.split_once("\") layer(")) {
            Some((file, layer)) => {
                let body = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
                out.push_str(&format!("@layer {} {{\n{body}\n}}\n", layer.trim_end_matches(");")));
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}
