//! The guards around the web server, asked from outside (G4).
#![allow(clippy::unwrap_used)]

mod common;

use common::{EMAIL, PASSWORD, PATIENCE, Running, dir, reeve, say};
use reqwest::{Client, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

/// What `write` gets back on a connection of its own, to its end.
async fn raw(reeve: &Running, write: &[u8]) -> String {
    let mut stream = TcpStream::connect(reeve.base.split_once("://").unwrap().1).await.unwrap();
    // Reeve may answer and close before all is written.
    let _ = stream.write_all(write).await;
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it ends");
    String::from_utf8_lossy(&said).into_owned()
}

fn status(said: &str) -> &str {
    said.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread")]
async fn at_09_at_10_at_55_at_60_every_answer_carries_the_headers_and_none_says_too_much() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    for path in ["/", "/sign-in", "/admin/db-health", "/api/targets", "/live", "/nowhere", "/.git/config", "/pkg/main.js.map", "/debug"] {
        let answer = reeve.client.get(reeve.url(path)).header("origin", "https://evil.test").send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(name), value, "{path}: {name}");
        }
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(header("permissions-policy").contains("camera=()"), "{path}");
        assert!(header("vary").contains("cookie"), "{path}");
        assert!(header("x-request-id").len() == 32, "{path}");
        for absent in ["server", "x-powered-by", "access-control-allow-origin", "strict-transport-security", "etag"] {
            assert!(!answer.headers().contains_key(absent), "{path}: {absent}");
        }
        if ["/nowhere", "/.git/config", "/pkg/main.js.map", "/debug"].contains(&path) {
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
        let said = answer.text().await.unwrap();
        assert!(!said.contains(env!("CARGO_PKG_VERSION")), "{path} tells strangers the version");
    }
    for method in ["TRACE", "TRACK", "CONNECT"] {
        let said = raw(&reeve, format!("{method} /live HTTP/1.1\r\nhost: x\r\nx-secret: 1\r\nconnection: close\r\n\r\n").as_bytes()).await;
        assert!(["405", "400"].contains(&status(&said)) && !said.contains("x-secret"), "{method}: {said}");
    }
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_08_no_foreign_page_changes_anything_whatever_it_sends() {
    let data = dir();
    let reeve = Running::start(data.path(), &[("REEVE_PUBLIC_URL", "http://reeve.example.com")]).await;
    let login = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let send = |path: &'static str, kind: &'static str, body: String, from: [(&'static str, &'static str); 1]| {
        let request = reeve.client.post(reeve.url(path)).header("content-type", kind).header("cookie", "reeve=x").body(body);
        from.into_iter().fold(request, |r, (name, value)| r.header(name, value)).send()
    };
    for from in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "null"),
        ("origin", "http://evil.test"),
        ("referer", "http://evil.test/"),
    ] {
        for (path, kind, body) in [
            ("/sign-in", "application/x-www-form-urlencoded", format!("email={EMAIL}&password=x")),
            ("/theme", "text/plain", "theme=dark".to_owned()),
            ("/api/auth/login", "text/plain", login.clone()),
            ("/api/auth/login", "application/json", login.clone()),
            ("/api/fn/health_overview", "application/json", "{}".to_owned()),
            ("/nowhere", "application/json", "{}".to_owned()),
        ] {
            let answer = send(path, kind, body, [from]).await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} {kind} from {from:?}");
        }
    }
    for from in [("sec-fetch-site", "same-origin"), ("origin", "http://reeve.example.com"), ("referer", "http://reeve.example.com/sign-in")]
    {
        let answer = send("/api/auth/login", "application/json", login.clone(), [from]).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{from:?}");
    }
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_behind_a_proxy_with_tls_cookies_are_bound_to_the_host() {
    let data = dir();
    let reeve = Running::start(data.path(), &[("REEVE_PUBLIC_URL", "https://reeve.example.com")]).await;
    let form = [("email", EMAIL), ("password", PASSWORD)];
    let answer = reeve.client.post(reeve.url("/sign-in")).header("origin", "https://reeve.example.com").form(&form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-reeve=") && cookie.contains("; Secure") && cookie.contains("Path=/"), "{cookie}");
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_without_tls_the_cookie_has_its_plain_name_and_an_open_door_is_warned_about() {
    let data = dir();
    let mut reeve = Running::start(data.path(), &[("REEVE_LISTEN", "0.0.0.0:0")]).await;
    let answer = reeve.client.post(reeve.url("/sign-in")).form(&[("email", EMAIL), ("password", PASSWORD)]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", reeve.heard().join("\n"));
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("reeve=") && cookie.contains("HttpOnly") && !cookie.contains("Secure"), "{cookie}");
    assert!(!answer.headers().contains_key("strict-transport-security"));
    // The warning comes before the word that Reeve is ready, on another pipe.
    let warned = timeout(PATIENCE, async {
        let mut every = tokio::time::interval(Duration::from_millis(50));
        let mut heard = reeve.before.clone();
        while !heard.contains("without TLS") {
            every.tick().await;
            heard.push_str(&reeve.heard().join("\n"));
        }
        heard
    });
    let warned = warned.await.expect("it warns");
    assert_eq!(warned.matches("without TLS").count(), 1, "{warned}");
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_limits_refuse_a_flood_with_retry_after_and_recover_and_at_45_forged_addresses_change_nothing() {
    let data = dir();
    let file = data.path().join("reeve.toml");
    let text = "[limits.credentials]\nburst = 3\nper_minute = 60\n[limits.pages]\nburst = 5\nper_minute = 60\n";
    std::fs::write(&file, text).unwrap();
    let reeve = Running::begin(data.path(), &[("REEVE_CONFIG", file.to_str().unwrap())]).await;
    let forged = |n: usize| {
        reeve
            .client
            .get(reeve.url("/api/targets"))
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("x-request-id", "chosen-by-me-123")
    };
    let mut refused = None;
    for n in 0..50 {
        let answer = forged(n).send().await.unwrap();
        assert_ne!(answer.headers()["x-request-id"], "chosen-by-me-123");
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((n, answer));
            break;
        }
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let (n, answer) = refused.expect("a new address in each request does not get around the limit");
    assert!(n >= 5, "the burst is granted: {n}");
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let said: Value = answer.json().await.unwrap();
    assert!(said["error"] == "too_many_requests" && said["message"].as_str().unwrap().contains("Try again in"), "{said}");
    // For people a page; and the cheap answers go on, whatever happens to the others.
    let page = reeve.anonymous("/sign-in").await;
    if page.status() == StatusCode::TOO_MANY_REQUESTS {
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    }
    for _ in 0..50 {
        assert_eq!(reeve.anonymous("/live").await.status(), StatusCode::OK);
    }
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(forged(1).send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "it recovers after the time it was told");

    let wrong = json!({ "email": "nobody@test.example", "password": "wrong" });
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(reeve.post_json("/api/auth/login", &wrong).await.status().as_u16());
    }
    assert!(codes[..3].iter().all(|code| *code == 401) && codes.contains(&429), "{codes:?}");
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_45_a_trusted_proxy_says_who_came() {
    let data = dir();
    let file = data.path().join("reeve.toml");
    std::fs::write(&file, "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n[limits.pages]\nburst = 2\nper_minute = 1\n").unwrap();
    let reeve = Running::begin(data.path(), &[("REEVE_CONFIG", file.to_str().unwrap())]).await;
    let from = |way: &'static str| {
        reeve.client.get(reeve.url("/api/targets")).header("x-forwarded-for", way).header("x-request-id", "proxy-made-12345")
    };
    for _ in 0..2 {
        let answer = from("203.0.113.1").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["x-request-id"].to_str().unwrap()), (401, "proxy-made-12345"));
    }
    assert_eq!(from("203.0.113.1").send().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        from("203.0.113.9, 203.0.113.1").send().await.unwrap().status(),
        StatusCode::TOO_MANY_REQUESTS,
        "what a client wrote itself"
    );
    assert_eq!(from("203.0.113.2").send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "another client of the same proxy");
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_58_oversize_smuggled_and_slow_requests_are_refused_and_reeve_lives() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let get = |headers: String| format!("GET /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").into_bytes();
    assert_eq!(status(&raw(&reeve, &get(String::new())).await), "200");
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (write, wanted) in [
        (get(format!("x-long: {}\r\n", "y".repeat(40_000))), "431"),
        (get(many), "431"),
        (format!("GET /live?{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "y".repeat(10_000)).into_bytes(), "414"),
        (b"POST /theme HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 70000\r\n\r\n".to_vec(), "413"),
        (b"POST /theme HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".to_vec(), "400"),
        (b"POST /theme HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n".to_vec(), "400"),
        (b"GET /live HTTP/1.1\r\nhost : x\r\n\r\n".to_vec(), "400"),
    ] {
        let said = raw(&reeve, &write).await;
        assert_eq!(status(&said), wanted, "{}: {said}", String::from_utf8_lossy(&write[..60.min(write.len())]));
    }
    // Two lengths: the second request behind them is never taken for one.
    let smuggled = b"POST /theme HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let said = raw(&reeve, smuggled).await;
    assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");

    // A body that drips: bounded, and the connection with it.
    let mut slow = TcpStream::connect(reeve.base.strip_prefix("http://").unwrap()).await.unwrap();
    slow.write_all(b"POST /theme HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\ntheme=").await.unwrap();
    let (begun, mut said, mut every) = (Instant::now(), Vec::new(), tokio::time::interval(Duration::from_millis(500)));
    loop {
        tokio::select! {
            read = slow.read_buf(&mut said) => if matches!(read, Ok(0) | Err(_)) { break },
            _ = every.tick() => slow.write_all(b"x").await.unwrap_or_default(),
        }
        assert!(begun.elapsed() < PATIENCE, "the connection is still open");
    }
    assert_eq!(status(&String::from_utf8_lossy(&said)), "408");
    assert_eq!(reeve.anonymous("/live").await.status(), StatusCode::OK);
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_58_one_address_cannot_take_all_connections() {
    let data = dir();
    let file = data.path().join("reeve.toml");
    std::fs::write(&file, "[limits]\nconnections_per_address = 3\n").unwrap();
    let reeve = Running::begin(data.path(), &[("REEVE_CONFIG", file.to_str().unwrap())]).await;
    let host = reeve.base.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut one = TcpStream::connect(host).await.unwrap();
        one.write_all(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(timeout(PATIENCE, one.read(&mut [0; 512])).await.unwrap().unwrap() > 0);
        held.push(one);
    }
    assert_eq!(raw(&reeve, b"GET /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await, "", "closed without a word");
    drop(held);
    let again =
        timeout(PATIENCE, async { while raw(&reeve, b"GET /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.is_empty() {} });
    again.await.expect("places are given back");
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_each_answer_and_its_log_lines_have_one_id() {
    let data = dir();
    let file = data.path().join("reeve.toml");
    std::fs::write(&file, "[limits.credentials]\nburst = 2\nper_minute = 1\n").unwrap();
    let mut reeve = Running::begin(data.path(), &[("REEVE_LOG", "debug"), ("REEVE_CONFIG", file.to_str().unwrap())]).await;
    // Without a redirect to follow, so that one request is one id.
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let wrong = json!({ "email": "nobody@test.example", "password": "wrong" });
    let mut ids = Vec::new();
    for _ in 0..4 {
        let answer = client.post(reeve.url("/api/auth/login")).json(&wrong).send().await.unwrap();
        ids.push((answer.status(), answer.headers()["x-request-id"].to_str().unwrap().to_owned()));
    }
    let (code, id) = ids.last().unwrap();
    assert_eq!(*code, StatusCode::TOO_MANY_REQUESTS);
    let logged = timeout(PATIENCE, async {
        let mut every = tokio::time::interval(Duration::from_millis(50));
        loop {
            every.tick().await;
            if reeve.heard().iter().any(|line| line.contains("too many requests") && line.contains(id.as_str())) {
                return;
            }
        }
    });
    logged.await.expect("the refusal is logged with the id that was answered");
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test]
async fn g4_a_certificate_that_cannot_be_used_is_one_sentence() {
    let data = dir();
    let nowhere = data.path().join("cert.pem");
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_TLS_CERTIFICATE", &nowhere).env("REEVE_TLS_KEY", &nowhere);
    let said = say(command).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("cert.pem can't be used") && said.err.trim().lines().count() == 1, "{}", said.err);
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_TLS_CERTIFICATE", &nowhere);
    let said = say(command).await;
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("REEVE_TLS_CERTIFICATE") && said.err.contains("needs its key"), "{}", said.err);
}
