//! Who may do what, seen from outside: scopes, separate duties, rights that are taken away (G2).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Shop, dir};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// One server under two names: `shop` is development and tagged, `ledger` is production.
fn two_targets(dir: &Path, url: &str) -> String {
    let path = dir.join("reeve.toml");
    let target = |name: &str, environment: &str, tags: &str| {
        format!("[[target]]\nname = \"{name}\"\nenvironment = \"{environment}\"\ntags = [{tags}]\nurl = '{url}'\n")
    };
    let text = format!(
        "[intervals]\ncritical = \"2s\"\nmetrics = \"5s\"\nhealth = \"10s\"\n{}{}",
        target("shop", "dev", "\"eu\""),
        target("ledger", "prod", "")
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn estate() -> (tempfile::TempDir, Shop, Running) {
    let (data, shop) = (dir(), Shop::start().await);
    let config = two_targets(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", &config)]).await;
    for name in ["shop", "ledger"] {
        reeve.until(&format!("/api/targets/{name}/tables"), "tables", |v| v["total"] == 1).await;
    }
    (data, shop, reeve)
}

/// AT-03, AT-05: what is out of scope is not there: pages, lists, counts, search, metrics, history, live stream.
#[tokio::test(flavor = "multi_thread")]
async fn g2_out_of_scope_looks_like_not_found_everywhere() {
    let (_data, _shop, reeve) = estate().await;
    for scope in ["viewer@environment:dev", "viewer@tag:eu", "viewer@target:shop"] {
        let email = format!("{}@test.example", scope.replace(['@', ':'], "-"));
        let dev = reeve.person(&email, &[scope]).await;
        let (_, targets) = reeve.call(&dev.token, "GET", "/api/targets", None).await;
        let names: Vec<&str> = targets["items"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["shop"], "{scope}");

        for path in [
            "/api/targets/{}/tables",
            "/api/fn/target_detail?name={}",
            "/api/fn/table_analytics?name={}",
            "/metrics/history?target={}&metric=connections.active",
            "/admin/live?page=/admin/targets/{}",
        ] {
            let (hidden, said) = reeve.call(&dev.token, "GET", &path.replace("{}", "ledger"), None).await;
            let (missing, other) = reeve.call(&dev.token, "GET", &path.replace("{}", "nowhere"), None).await;
            assert_eq!((hidden, missing), (404, 404), "{path}");
            assert_eq!(said.to_string().replace("ledger", "x"), other.to_string().replace("nowhere", "x"), "{path}");
        }
        for path in ["/admin/db-health", "/admin/targets/shop", "/admin/targets/shop/tables", "/admin/access", "/admin/account"] {
            let page = dev.browser.get(reeve.url(path)).send().await.unwrap();
            assert_eq!(page.status(), 200, "{path}");
            assert!(!page.text().await.unwrap().contains("ledger"), "{path} tells of what is out of scope");
        }
        for path in ["/admin/targets/ledger", "/admin/targets/ledger/tables"] {
            assert_eq!(dev.browser.get(reeve.url(path)).send().await.unwrap().status(), 404, "{path}");
        }
        for path in ["/metrics", "/health/detailed", "/api/db/health", "/api/fn/health_overview"] {
            let text = reeve.as_bearer(&dev.token, "GET", path).send().await.unwrap().text().await.unwrap();
            assert!(text.contains("shop") && !text.contains("ledger"), "{path}: {text}");
        }
        // Reeve itself is outside of every scope.
        let text = reeve.as_bearer(&dev.token, "GET", "/metrics").send().await.unwrap().text().await.unwrap();
        assert!(!text.contains("reeve_pool_connections") && !text.contains("reeve_audit"), "{text}");
        assert_eq!(reeve.call(&dev.token, "GET", "/api/fn/pool_stats", None).await.0, 403);
        let mut live = dev.browser.get(reeve.url("/admin/live?page=/admin/db-health")).send().await.unwrap();
        let first = String::from_utf8_lossy(&live.chunk().await.unwrap().unwrap()).into_owned();
        assert!(first.contains("shop") && !first.contains("ledger"), "{first}");
    }
    // The attempts are in the trail, under the name that was tried.
    reeve.audited("outcome=refused&resource=ledger", "a hidden target that was asked for", |e| e["verb"] == "view").await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// AT-06: a right that is taken away is gone at the next request, and the open stream ends within 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn at_06_rights_taken_away_bite_at_once() {
    let (_data, _shop, reeve) = estate().await;
    let viewer = reeve.person("viewer@test.example", &["viewer@everything"]).await;
    let account = format!("/api/accounts/{}", viewer.id);
    let open = || viewer.browser.get(reeve.url("/admin/live?page=/admin/targets/ledger")).send();
    let ends = |mut stream: reqwest::Response| async move {
        let mut said = String::new();
        let all = async {
            while let Ok(Some(chunk)) = stream.chunk().await {
                said.push_str(&String::from_utf8_lossy(&chunk));
            }
        };
        tokio::time::timeout(Duration::from_secs(5), all).await.expect("the stream ends within 5 s");
        said
    };
    let stream = open().await.unwrap();
    assert_eq!(stream.status(), 200);
    let (status, _) = reeve.call(&reeve.token, "PATCH", &account, Some(json!({ "bindings": ["viewer@environment:dev"] }))).await;
    assert_eq!(status, 200);
    assert!(!ends(stream).await.contains("event: bye"), "the session lives on: the page comes back and is asked anew");
    assert_eq!(open().await.unwrap().status(), 404);
    // The old access token is of an earlier epoch; the browser gets a new one, and a new session id with the next page.
    assert_eq!(reeve.call(&viewer.token, "GET", "/api/targets", None).await.0, 401);
    let page = viewer.browser.get(reeve.url("/admin/db-health")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers().contains_key("set-cookie"), "a change of rights changes the session's id");
    let again = viewer.browser.get(reeve.url("/admin/db-health")).send().await.unwrap();
    assert_eq!(again.status(), 200, "the new id works");
    assert!(!again.headers().contains_key("set-cookie"), "and stays: a page view writes no session");

    let stream = viewer.browser.get(reeve.url("/admin/live?page=/admin/db-health")).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let (status, _) = reeve.call(&reeve.token, "PATCH", &account, Some(json!({ "disabled": true }))).await;
    assert_eq!(status, 200);
    assert!(ends(stream).await.contains("event: bye"));
    assert_eq!(viewer.browser.get(reeve.url("/admin/db-health")).send().await.unwrap().status(), 303, "back to signing in");
    let refused = reeve.post_json("/api/auth/login", &json!({ "email": viewer.email, "password": common::people::NEW_PASSWORD })).await;
    assert_eq!(refused.status(), 401);
    let refreshed = reeve.post_json("/api/auth/refresh", &json!({ "refresh_token": viewer.refresh })).await;
    assert_eq!(refreshed.status(), 401);
    assert_eq!(reeve.stop().await, Some(0));
}

/// AT-46 and separate duties: the last admin can't go, and nobody gets roles that exclude each other.
#[tokio::test(flavor = "multi_thread")]
async fn g2_the_last_admin_stays_and_duties_are_separate() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let (_, own) = reeve.call(&reeve.token, "GET", "/api/account", None).await;
    let me = format!("/api/accounts/{}", own["account"]["id"].as_str().unwrap());
    for change in [json!({ "bindings": ["viewer"] }), json!({ "bindings": [] }), json!({ "disabled": true })] {
        let (status, said) = reeve.call(&reeve.token, "PATCH", &me, Some(change)).await;
        assert_eq!(status, 422);
        assert!(said["message"].as_str().unwrap().contains("last account that is admin"), "{said}");
    }
    let other = reeve.person("second@test.example", &["admin"]).await;
    let second = format!("/api/accounts/{}", other.id);
    for (path, change, hint) in [
        (&second, json!({ "bindings": ["operator", "security_officer"] }), "One person can't be"),
        (&second, json!({ "bindings": ["admin", "security_officer@tag:x"] }), "One person can't be"),
        (&second, json!({ "bindings": ["king"] }), "Send JSON"),
        (&second, json!({ "bindings": ["viewer@target:nowhere"] }), "no target called nowhere"),
        (&second, json!({ "bindings": ["viewer"], "roles": ["admin"] }), "Send JSON"),
    ] {
        let (status, said) = reeve.call(&reeve.token, "PATCH", path, Some(change.clone())).await;
        assert_eq!(status, 422, "{change}");
        assert!(said["message"].as_str().unwrap().contains(hint), "{said}");
    }
    // Both at once: one of them must fail, whoever it is.
    let (a, b) = tokio::join!(
        reeve.call(&reeve.token, "PATCH", &second, Some(json!({ "disabled": true }))),
        reeve.call(&other.token, "PATCH", &me, Some(json!({ "disabled": true })))
    );
    let done = [a.0, b.0].iter().filter(|status| **status == 200).count();
    assert_eq!(done, 1, "{a:?} {b:?}");
    assert_eq!(reeve.stop().await, Some(0));
}

/// The program's own words about who may do what.
#[tokio::test]
async fn g2_the_matrix_is_printed() {
    let data = dir();
    let said = common::say(common::reeve(data.path(), &["access", "matrix"])).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    insta::assert_snapshot!(said.out);
}

/// AT-04: what may not be set or seen is refused or absent.
#[tokio::test(flavor = "multi_thread")]
async fn at_04_no_field_grants_itself() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let viewer = reeve.person("viewer@test.example", &["viewer"]).await;
    for (method, path, body) in [
        ("POST", "/api/account/tokens", json!({ "name": "x", "scopes": ["read metrics"], "days": 1, "account": "other" })),
        ("POST", "/api/account/tokens", json!({ "name": "x", "scopes": ["change accounts"], "days": 1 })),
        ("POST", "/api/account/tokens", json!({ "name": "x", "scopes": ["view own account"], "days": 1 })),
        ("POST", "/api/account/tokens", json!({ "name": "x", "scopes": [], "days": 1 })),
        ("POST", "/api/account/tokens", json!({ "name": "x", "scopes": ["read metrics"], "days": 9999 })),
        ("POST", "/api/account/tokens", json!({ "name": "", "scopes": ["read metrics"], "days": 1 })),
    ] {
        let (status, said) = reeve.call(&viewer.token, method, path, Some(body.clone())).await;
        assert_eq!(status, 422, "{body}: {said}");
    }
    // AT-02: with a crafted body nothing happens, and the attempt is in the trail.
    let (status, _) =
        reeve.call(&viewer.token, "POST", "/api/invites", Some(json!({ "email": "evil@x.org", "bindings": ["admin"] }))).await;
    assert_eq!(status, 403);
    let (_, list) = reeve.call(&reeve.token, "GET", "/api/accounts", None).await;
    assert!(list["invites"].as_array().unwrap().is_empty());
    assert!(!list.to_string().contains("argon2"), "{list}");
    let seen = reeve.audited("outcome=refused&actor=viewer%40test.example", "the refusal", |e| e["noun"] == "accounts").await;
    assert_eq!((seen["verb"].as_str(), seen["via"].as_str()), (Some("change"), Some("bearer")));
    let unused: &Value = &seen["origin"]["address"];
    assert_eq!(unused, "127.0.0.1");
    assert_eq!(reeve.stop().await, Some(0));
}
