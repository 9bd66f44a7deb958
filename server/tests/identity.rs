//! Sign-in, sessions, tokens, links, seen from outside (G1).
#![allow(clippy::unwrap_used)]

mod common;

use common::{EMAIL, PASSWORD, Running, dir, people::NEW_PASSWORD};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// AT-14: a refresh token works once. Twenty at once are one; used again later its whole session ends, and somebody is told.
#[tokio::test(flavor = "multi_thread")]
async fn at_14_a_refresh_token_works_once() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let ann = reeve.person("ann@test.example", &["viewer"]).await;
    let refresh = |token: String| {
        let client = reeve.client.clone();
        let url = reeve.url("/api/auth/refresh");
        async move {
            let answer = client.post(url).json(&json!({ "refresh_token": token })).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let pairs = futures::future::join_all((0..20).map(|_| refresh(ann.refresh.clone()))).await;
    let second = pairs[0].1["refresh_token"].as_str().unwrap().to_owned();
    for (status, pair) in &pairs {
        assert_eq!((*status, pair["refresh_token"].as_str()), (200, Some(second.as_str())), "two racing refreshes are one");
    }
    let access = pairs[0].1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(reeve.call(&access, "GET", "/api/targets", None).await.0, 200);
    let (status, third) = refresh(second.clone()).await;
    assert_eq!(status, 200);
    let third = third["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(second, third);

    // A thief with the old token, from another client: at once, within the time that a lost answer is forgiven.
    let stolen = reeve.client.post(reeve.url("/api/auth/refresh")).header("user-agent", "thief").json(&json!({ "refresh_token": second }));
    assert_eq!(stolen.send().await.unwrap().status(), 401);
    assert_eq!(refresh(third).await.0, 401, "the whole family is dead");
    assert_eq!(reeve.call(&access, "GET", "/api/targets", None).await.0, 401, "and so is its access token");
    let alarm = reeve.audited("outcome=alarm", "the alarm", |e| e["verb"] == "reuse").await;
    assert_eq!(alarm["actor"], "ann@test.example");
    for nonsense in ["", "reever_", "x", &"y".repeat(5000)] {
        assert_eq!(refresh(nonsense.to_owned()).await.0, 401);
    }
    assert_eq!(ann.browser.get(reeve.url("/admin/account")).send().await.unwrap().status(), 200, "other sessions live on");
    assert_eq!(reeve.stop().await, Some(0));
}

/// G1: an API token is shown once, bounded by its scopes, listed with its use, and dead when revoked.
#[tokio::test(flavor = "multi_thread")]
async fn g1_api_tokens_are_bounded_and_revocable() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let new = json!({ "name": "prometheus", "scopes": ["read metrics"], "days": 30 });
    let (status, made) = reeve.call(&reeve.token, "POST", "/api/account/tokens", Some(new.clone())).await;
    assert_eq!(status, 200);
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("reeve_") && token.len() > 40);
    assert_eq!(reeve.call(&token, "GET", "/metrics", None).await.0, 200);
    for path in ["/api/targets", "/api/accounts", "/api/audit", "/api/account", "/admin/db-health"] {
        assert_eq!(reeve.call(&token, "GET", path, None).await.0, 403, "{path}");
    }
    assert_eq!(reeve.call(&token, "POST", "/api/account/tokens", Some(new)).await.0, 403, "a token makes no tokens");
    let (_, own) = reeve.call(&reeve.token, "GET", "/api/account", None).await;
    let listed = &own["tokens"][0];
    assert_eq!((listed["name"].as_str(), listed["revoked_at"].is_null()), (Some("prometheus"), true));
    assert!(listed["last_used"].is_number() && !own.to_string().contains(&token), "its use is seen, itself never again: {own}");
    // Somebody else can't revoke it as their own.
    let other = reeve.person("other@test.example", &["viewer"]).await;
    let path = format!("/api/account/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(reeve.call(&other.token, "DELETE", &path, None).await.0, 404);
    assert_eq!(reeve.call(&token, "GET", "/metrics", None).await.0, 200);
    assert_eq!(reeve.call(&reeve.token, "DELETE", &path, None).await.0, 200);
    assert_eq!(reeve.call(&token, "GET", "/metrics", None).await.0, 401);
    assert_eq!(reeve.stop().await, Some(0));
}

/// G1, AT-19, AT-46: a link works once, also for two at once; a new one replaces the old; a reset sets the password and ends all sessions.
#[tokio::test(flavor = "multi_thread")]
async fn g1_links_work_once() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let path = reeve.invite("New@Test.example", &["operator@environment:prod", "viewer"]).await;
    let page = reeve.anonymous(&path).await;
    assert_eq!((page.status().as_u16(), page.headers()["referrer-policy"].to_str().unwrap()), (200, "no-referrer"));
    assert!(page.text().await.unwrap().contains("new@test.example"));
    for (name, password) in [("", NEW_PASSWORD), ("Ann", "short"), ("Ann", "password"), ("Ann", "new@test.example")] {
        assert_eq!(reeve.accept(&path, name, password).await.status(), 422, "{name:?} {password:?}");
    }
    let (a, b) = tokio::join!(reeve.accept(&path, "Ann", NEW_PASSWORD), reeve.accept(&path, "Eve", "the password of another one"));
    let mut both = [a.status().as_u16(), b.status().as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 404], "one of two wins");
    assert_eq!(reeve.anonymous(&path).await.status(), 404);
    assert_eq!(reeve.anonymous("/accept/nonsense").await.status(), 404);

    let first = reeve.invite("twice@test.example", &["viewer"]).await;
    let second = reeve.invite("twice@test.example", &["viewer"]).await;
    assert_eq!(reeve.anonymous(&first).await.status(), 404, "the newer link replaces the older");
    let (_, list) = reeve.call(&reeve.token, "GET", "/api/accounts", None).await;
    assert!(!list.to_string().contains(second.trim_start_matches("/accept/")));
    let invite =
        list["invites"].as_array().unwrap().iter().find(|i| i["email"] == "twice@test.example").unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(reeve.call(&reeve.token, "DELETE", &format!("/api/invites/{invite}"), None).await.0, 200);
    assert_eq!(reeve.accept(&second, "Ann", NEW_PASSWORD).await.status(), 404, "withdrawn");

    let bob = reeve.person("bob@test.example", &["viewer"]).await;
    let (status, made) = reeve.call(&reeve.token, "POST", &format!("/api/accounts/{}/reset", bob.id), None).await;
    assert_eq!(status, 200);
    assert_eq!(reeve.call(&bob.token, "GET", "/api/targets", None).await.0, 200, "until it is used the old password and sessions work");
    let reset = made["path"].as_str().unwrap();
    assert_eq!(reeve.accept(reset, "", "a third password of bob").await.status(), 200);
    assert_eq!(reeve.call(&bob.token, "GET", "/api/targets", None).await.0, 401);
    assert_eq!(bob.browser.get(reeve.url("/admin/account")).send().await.unwrap().status(), 303);
    let login = |password: &'static str| {
        reeve.client.post(reeve.url("/api/auth/login")).json(&json!({ "email": "bob@test.example", "password": password })).send()
    };
    assert_eq!(login(NEW_PASSWORD).await.unwrap().status(), 401);
    assert_eq!(login("a third password of bob").await.unwrap().status(), 200);
    assert_eq!(reeve.stop().await, Some(0));
}

/// G1: one's own sessions are listed and can be ended; a new password ends all others. Through the forms of the page.
#[tokio::test(flavor = "multi_thread")]
async fn g1_own_sessions_and_password() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let ann = reeve.person("ann@test.example", &["viewer"]).await;
    let second = reeve.browser_of(&ann.email, NEW_PASSWORD).await;
    let (_, own) = reeve.call(&ann.token, "GET", "/api/account", None).await;
    let sessions = own["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3, "{own}");
    assert!(sessions.iter().all(|s| s["address"] == "127.0.0.1"));
    assert_eq!(sessions.iter().filter(|s| s["current"] == true).count(), 1);
    let answer = reeve.form(&ann.browser, "/admin/account", "/admin/account/sessions/end", &[("session", "others")]).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(second.get(reeve.url("/admin/account")).send().await.unwrap().status(), 303);
    assert_eq!(reeve.call(&ann.token, "GET", "/api/targets", None).await.0, 401);
    let page = ann.browser.get(reeve.url("/admin/account")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("All other sessions have ended."));

    let third = reeve.browser_of(&ann.email, NEW_PASSWORD).await;
    for (current, new, repeat, hint) in [
        ("wrong", "yet another password", "yet another password", "current password is not right"),
        (NEW_PASSWORD, "yet another password", "yet another passwort", "differ"),
        (NEW_PASSWORD, "12345678", "12345678", "easy to guess"),
    ] {
        let fields = [("current", current), ("new", new), ("repeat", repeat)];
        let answer = reeve.form(&ann.browser, "/admin/account", "/admin/account/password", &fields).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains(hint), "{hint}");
    }
    let fields = [("current", NEW_PASSWORD), ("new", "yet another password"), ("repeat", "yet another password")];
    assert_eq!(reeve.form(&ann.browser, "/admin/account", "/admin/account/password", &fields).await.status(), 303);
    assert_eq!(ann.browser.get(reeve.url("/admin/account")).send().await.unwrap().status(), 200, "this session stays");
    assert_eq!(third.get(reeve.url("/admin/account")).send().await.unwrap().status(), 303, "all others end");
    // AT-08: without the form's token, or with that of another session, nothing is changed.
    let bare =
        ann.browser.post(reeve.url("/admin/account/sessions/end")).header("sec-fetch-site", "same-origin").form(&[("session", "others")]);
    assert_eq!(bare.send().await.unwrap().status(), 403);
    for site in ["cross-site", "same-site", "none"] {
        let forged =
            ann.browser.post(reeve.url("/api/auth/logout")).header("sec-fetch-site", site).header("content-type", "text/plain").body("{}");
        assert_eq!(forged.send().await.unwrap().status(), 403, "{site}");
    }
    assert_eq!(ann.browser.get(reeve.url("/admin/account")).send().await.unwrap().status(), 200);
    assert_eq!(reeve.stop().await, Some(0));
}

/// AT-16: wrong passwords are slowed down for who sends them; unknown accounts answer alike, in time too; another's right password gets in.
#[tokio::test(flavor = "multi_thread")]
async fn at_16_guessing_is_slowed_down_and_tells_nothing() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let attempt = |email: String| {
        let request = reeve.client.post(reeve.url("/api/auth/login")).json(&json!({ "email": email, "password": "wrong wrong" }));
        async move {
            let begun = Instant::now();
            let answer = request.send().await.unwrap();
            let wait = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().parse::<u64>().unwrap());
            (answer.status().as_u16(), wait, answer.text().await.unwrap(), begun.elapsed())
        }
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..4 {
        let (status, _, text, time) = attempt(EMAIL.to_owned()).await;
        let (other, _, same, other_time) = attempt(format!("nobody{n}@test.example")).await;
        assert_eq!((status, &text), (other, &same));
        known.push(time);
        unknown.push(other_time);
    }
    // Not a timed test: the shortest of each are compared with each other, and a missing hash would make them differ many times over.
    let (known, unknown) = (known.iter().min().unwrap(), unknown.iter().min().unwrap());
    assert!(
        known.as_secs_f64() < 4.0 * unknown.as_secs_f64() && unknown.as_secs_f64() < 4.0 * known.as_secs_f64(),
        "{known:?} {unknown:?}"
    );
    let mut slowed = None;
    for _ in 0..6 {
        let (status, wait, text, _) = attempt(EMAIL.to_owned()).await;
        if status == 429 {
            slowed = Some((wait, text));
            break;
        }
    }
    let (wait, text) = slowed.expect("the sixth wrong password is answered with a wait");
    assert!(wait.is_some_and(|s| (1..=900).contains(&s)) && text.contains("Try again in"), "{text}");
    // The lock is for a time and says so; then the right password gets in.
    let begun = Instant::now();
    loop {
        let answer = reeve.post_json("/api/auth/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        match answer.status().as_u16() {
            200 => break,
            429 => {
                let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                tokio::time::sleep(Duration::from_secs(wait)).await;
            }
            other => panic!("{other}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(40));
    }
    let refusals = reeve.audited("outcome=refused&verb=sign+in", "wrong passwords", |e| e["actor"] == EMAIL).await;
    assert!(!refusals.to_string().contains("wrong wrong"), "what was typed as a password is nowhere: {refusals}");
    assert_eq!(reeve.stop().await, Some(0));
}

/// G1: the keys that verify access tokens are public, and verify them.
#[tokio::test(flavor = "multi_thread")]
async fn g1_other_programs_can_verify_access_tokens() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let keys: Value = reeve.anonymous("/.well-known/jwks.json").await.json().await.unwrap();
    let kid = decode_header(&reeve.token).unwrap().kid.unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|k| k["kid"] == kid.as_str()).unwrap();
    assert_eq!((key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str()), (Some("OKP"), Some("EdDSA"), Some("sig")));
    assert!(key.get("d").is_none(), "the private half stays here");
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_audience(&["reeve"]);
    rules.set_issuer(&["reeve"]);
    let claims =
        decode::<Value>(&reeve.token, &DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap(), &rules).unwrap().claims;
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 900);
    assert!(claims.get("roles").is_none() && claims.get("email").is_none(), "a token identifies and grants nothing: {claims}");
    assert_eq!(reeve.stop().await, Some(0));
}
