//! Who gets what from where: every route, really called by each kind of caller (G2, AT-01).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Shop, dir, watch_config};
use reqwest::{Client, redirect::Policy};
use serde_json::Value;
use std::fmt::Write;

/// The routes as the running program describes them, and the few that its description leaves out.
const PAGES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("POST", "/theme"),
    ("GET", "/admin/db-health"),
    ("GET", "/admin/targets/shop"),
    ("GET", "/admin/targets/shop/tables"),
    ("GET", "/admin/targets/shop/tables/shop/public/orders"),
    ("GET", "/admin/account"),
    ("POST", "/admin/account/password"),
    ("POST", "/admin/account/sessions/end"),
    ("POST", "/admin/account/tokens/new"),
    ("POST", "/admin/account/tokens/revoke"),
    ("GET", "/admin/accounts"),
    ("GET", "/admin/accounts/{id}"),
    ("POST", "/admin/accounts/invite"),
    ("POST", "/admin/accounts/invites/withdraw"),
    ("POST", "/admin/accounts/{id}/rights"),
    ("POST", "/admin/accounts/{id}/disable"),
    ("POST", "/admin/accounts/{id}/enable"),
    ("POST", "/admin/accounts/{id}/reset"),
    ("POST", "/admin/accounts/{id}/sessions/end"),
    ("POST", "/admin/accounts/{id}/tokens/revoke"),
    ("GET", "/admin/backups"),
    ("GET", "/admin/backups/{id}"),
    ("POST", "/admin/backups/run"),
    ("POST", "/admin/backups/jobs/cancel"),
    ("POST", "/admin/backups/schedules/set"),
    ("POST", "/admin/backups/schedules/remove"),
    ("POST", "/admin/backups/{id}/verify"),
    ("POST", "/admin/backups/{id}/drill"),
    ("POST", "/admin/backups/{id}/restore"),
    ("POST", "/admin/backups/{id}/put-back"),
    ("POST", "/admin/backups/{id}/replace"),
    ("POST", "/admin/backups/jobs/approve"),
    ("GET", "/admin/audit"),
    ("GET", "/admin/access"),
    ("GET", "/admin/compliance"),
    ("GET", "/admin/compliance/frameworks/{framework}"),
    ("GET", "/admin/compliance/changes"),
    ("POST", "/admin/compliance/controls/{control}/attest"),
    ("POST", "/admin/compliance/controls/{control}/withdraw"),
    ("POST", "/admin/compliance/frameworks/{framework}/attest"),
    ("POST", "/admin/compliance/frameworks/{framework}/withdraw"),
    ("GET", "/admin/compliance/controls"),
    ("GET", "/admin/compliance/controls/{control}"),
    ("GET", "/admin/compliance/findings/{name}/{fingerprint}"),
    ("POST", "/admin/compliance/scan/{name}"),
    ("POST", "/admin/compliance/findings/{name}/{fingerprint}/accept"),
    ("POST", "/admin/compliance/findings/{name}/{fingerprint}/withdraw"),
    ("GET", "/accept/{secret}"),
    ("POST", "/accept/{secret}"),
    ("GET", "/admin/nowhere"),
    ("GET", "/pkg/nothing.js"),
];

fn filled(path: &str) -> String {
    let query = match path {
        "/metrics/history" => "?target=shop&metric=connections.active",
        "/api/fn/target_detail" | "/api/fn/table_analytics" => "?name=shop",
        "/api/fn/table_detail" => "?name=shop&table[database]=shop&table[schema]=public&table[table]=orders",
        "/api/fn/backup_detail" => "?id=20261126T131845Z-7f3a9c01",
        "/api/fn/account_detail" => "?id=00000000-0000-4000-8000-000000000000",
        "/api/fn/finding_detail" => "?name=shop&fingerprint=00000000000000000000000000000000",
        "/api/fn/control_detail" => "?id=AUTH-01",
        "/api/fn/audit_search" => "?query[limit]=5",
        "/admin/live" => "?page=/admin/nowhere",
        _ => "",
    };
    // A backup that is nobody's, of a form that one could have.
    let path = if path.contains("/backups/") { path.replace("{id}", "20261126T131845Z-7f3a9c01") } else { path.to_owned() };
    let mut path = path.replace("{name}", "shop").replace("{framework}", "gdpr").replace("{control}", "AUTH-01");
    for part in ["{job}", "{schedule}", "{id}", "{token}", "{session}", "{invite}", "{secret}", "{fingerprint}"] {
        path = path.replace(part, NOBODY);
    }
    path + query
}

/// An id that is nobody's: changes of it are refused as "not found" by those who may, and as "denied" before that by all others.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn g2_endpoint_by_role() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    reeve.until("/api/targets", "a first round", |v| v["items"][0]["age"].is_number()).await;
    reeve.until("/api/targets/shop/tables", "tables", |v| v["total"] == 1).await;

    let described: Value = reeve.json("/api/openapi.json").await;
    let mut routes: Vec<(String, String)> = PAGES.iter().map(|(m, p)| ((*m).to_owned(), (*p).to_owned())).collect();
    for (path, methods) in described["paths"].as_object().unwrap() {
        routes.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    routes.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));

    // Who calls. `else` holds a role for a target that is not there, so nothing is in its scope; `token` may read metrics only.
    let forged = format!("{}x", reeve.token);
    let mut callers: Vec<(&str, Option<String>)> =
        vec![("anonymous", None), ("forged", Some(forged)), ("admin", Some(reeve.token.clone()))];
    for (name, bindings) in [
        ("operator", "operator"),
        ("officer", "security_officer"),
        ("viewer", "viewer"),
        ("scoped", "viewer@target:shop"),
        ("else", "operator@tag:none"),
    ] {
        callers.push((name, Some(reeve.person(&format!("{name}@test.example"), &[bindings]).await.token)));
    }
    let metrics = serde_json::json!({ "name": "prometheus", "scopes": ["read metrics"], "days": 1 });
    let (_, made) = reeve.call(&reeve.token, "POST", "/api/account/tokens", Some(metrics)).await;
    callers.push(("token", made["token"].as_str().map(str::to_owned)));

    let browser = browser(&reeve).await;
    let mut golden = format!("{:<6} {:<64}", "", "");
    for (name, _) in &callers {
        write!(golden, " {name:>9}").unwrap();
    }
    writeln!(golden, " {:>9}", "session").unwrap();
    for (method, path) in &routes {
        // Signing out would end the sign-in of the calls that follow; it has a test of its own.
        if path == "/sign-out" || path == "/api/auth/logout" {
            continue;
        }
        let url = reeve.url(&filled(path));
        let verb: reqwest::Method = method.parse().unwrap();
        write!(golden, "{method:<6} {path:<64}").unwrap();
        for (_, token) in &callers {
            let request = reeve.client.request(verb.clone(), &url);
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            write!(golden, " {:>9}", request.send().await.unwrap().status().as_u16()).unwrap();
        }
        let session = browser.request(verb, &url).send().await.unwrap().status().as_u16();
        writeln!(golden, " {session:>9}").unwrap();
    }
    insta::assert_snapshot!(golden);
    assert_eq!(reeve.stop().await, Some(0));
}

/// A client that signed in by the form, with its cookie.
async fn browser(reeve: &Running) -> Client {
    let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
    let form = [("email", common::EMAIL), ("password", common::PASSWORD), ("next", "/admin/targets/shop")];
    let answer = client.post(reeve.url("/sign-in")).form(&form).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, "/admin/targets/shop"));
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("eyJ"), "the token never reaches the browser: {cookie}");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_sign_in_sign_out_and_what_other_sites_can_do() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let browser = browser(&reeve).await;
    let page = browser.get(reeve.url("/admin/db-health")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = page.text().await.unwrap();
    assert!(!html.contains("eyJ"), "the token never reaches the page");
    let token = html.split("name=\"csrf\"").nth(1).and_then(|rest| rest.split("value=\"").nth(1)).and_then(|rest| rest.split('"').next());
    let token = token.expect("the sign-out form has its token").to_owned();

    // AT-08: from another site, from another session, without the token.
    let send = |site: &'static str, token: String| {
        browser.post(reeve.url("/sign-out")).header("sec-fetch-site", site).form(&[("csrf", token)]).send()
    };
    assert_eq!(send("cross-site", token.clone()).await.unwrap().status(), 403);
    assert_eq!(send("same-origin", String::new()).await.unwrap().status(), 403);
    assert_eq!(browser.get(reeve.url("/admin/db-health")).send().await.unwrap().status(), 200, "still signed in");
    // AT-15: after signing out neither the cookie nor an open stream is worth anything.
    let mut stream = browser.get(reeve.url("/admin/live?page=/admin/db-health")).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.chunk().await.unwrap().is_some(), "a first event");
    assert_eq!(send("same-origin", token).await.unwrap().status(), 303);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), async {
        let mut said = String::new();
        while let Ok(Some(chunk)) = stream.chunk().await {
            said.push_str(&String::from_utf8_lossy(&chunk));
        }
        said
    });
    assert!(ended.await.expect("the stream ends within 5 s").contains("event: bye"));
    assert_eq!(browser.get(reeve.url("/admin/db-health")).send().await.unwrap().status(), 303);
    // A form of a page that is still open leads back to that page, and to no other site.
    for (from, next) in [
        (reeve.url("/admin/backups?trust=failed"), "/sign-in?next=%2Fadmin%2Fbackups%3Ftrust%3Dfailed"),
        (reeve.url("/admin/backups/run"), "/sign-in?next=%2Fadmin%2Fdb-health"),
    ] {
        let form = [("of", "shop/shop")];
        let asked = browser.post(reeve.url("/admin/backups/run")).header("referer", from).form(&form).send().await.unwrap();
        assert_eq!((asked.status().as_u16(), asked.headers()["location"].to_str().unwrap()), (303, next));
    }

    // AT-16: unknown account and wrong password answer alike.
    let wrong = |email: &'static str| {
        reeve.client.post(reeve.url("/api/auth/login")).json(&serde_json::json!({"email": email, "password": "wrong"})).send()
    };
    let (known, unknown) = (wrong(common::EMAIL).await.unwrap(), wrong("nobody@test.example").await.unwrap());
    assert_eq!((known.status(), unknown.status()), (401.try_into().unwrap(), 401.try_into().unwrap()));
    assert_eq!(known.text().await.unwrap(), unknown.text().await.unwrap());
    // AT-12, AT-58: what is no login, and what is too long.
    for body in ["", "{}", "[]", "{\"email\":1,\"password\":2}", "{\"email\":\"a\",\"password\":\"b\",\"role\":\"admin\"}"] {
        let answer =
            reeve.client.post(reeve.url("/api/auth/login")).header("content-type", "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 422, "{body}");
    }
    let huge = "x".repeat(1_000_000);
    let answer = reeve.client.post(reeve.url("/api/auth/login")).json(&serde_json::json!({"email": "a", "password": huge})).send().await;
    assert!(answer.is_err() || answer.unwrap().status().is_client_error());
    assert_eq!(reeve.anonymous("/live").await.status(), 200, "alive after all that");
    assert_eq!(reeve.stop().await, Some(0));
}
