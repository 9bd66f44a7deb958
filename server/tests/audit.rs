//! The audit trail, seen from outside (G3).
#![allow(clippy::unwrap_used)]

mod common;

use common::{EMAIL, PASSWORD, Running, dir, people::NEW_PASSWORD, reeve, say};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio};

/// Reeve's own database as its superuser, over its private socket: what somebody with all rights could do to it.
async fn root(data: &Path) -> tokio_postgres::Client {
    let store = data.join("store");
    let pid = std::fs::read_to_string(store.join("pgdata/postmaster.pid")).unwrap();
    let lines: Vec<&str> = pid.lines().collect();
    let password = std::fs::read_to_string(store.join("superuser.password")).unwrap();
    let mut config = tokio_postgres::Config::new();
    config.host(lines[4]).port(lines[3].parse().unwrap()).user("postgres").password(password.trim()).dbname("reeve");
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn verify(data: &Path) -> (Option<i32>, Value) {
    let said = say(reeve(data, &["audit", "verify", "--json"])).await;
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err)))
}

/// Every change, refusal, sign-in, export and view of sensitive data is an entry: who, what, on what, from where, before and after.
#[tokio::test(flavor = "multi_thread")]
async fn g3_everything_is_in_the_trail() {
    let data = dir();
    let reeve = Running::start(data.path(), &[]).await;
    let ann = reeve.person("ann@test.example", &["viewer"]).await;
    let account = format!("/api/accounts/{}", ann.id);
    let answer = reeve
        .as_bearer(&reeve.token, "PATCH", &account)
        .header("user-agent", "a test/1.0")
        .json(&json!({ "bindings": ["operator@environment:dev"] }));
    let answer = answer.send().await.unwrap();
    let request = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let change = reeve.audited("verb=change&noun=rights", "the change of rights", |e| e["resource"] == "ann@test.example").await;
    assert_eq!((change["actor"].as_str(), change["via"].as_str(), change["outcome"].as_str()), (Some(EMAIL), Some("bearer"), Some("done")));
    assert_eq!(change["origin"], json!({ "address": "127.0.0.1", "agent": "a test/1.0", "request": request }));
    assert_eq!(change["before"], r#"{"roles":["viewer@everything"]}"#);
    assert_eq!(change["after"], r#"{"roles":["operator@environment:dev"]}"#);

    reeve.call(&reeve.token, "POST", &format!("{account}/reset"), None).await;
    reeve.call(&reeve.token, "GET", "/api/accounts", None).await;
    reeve.call(&reeve.token, "GET", "/api/audit/export", None).await;
    let made = reeve
        .call(&reeve.token, "POST", "/api/account/tokens", Some(json!({ "name": "t", "scopes": ["read metrics"], "days": 1 })))
        .await
        .1;
    reeve.call(&reeve.token, "DELETE", &format!("/api/account/tokens/{}", made["id"].as_str().unwrap()), None).await;
    reeve.post_json("/api/auth/login", &json!({ "email": "nobody@test.example", "password": "wrong" })).await;
    reeve.call("forged.token.here", "GET", "/api/targets", None).await;
    reeve.call(&reeve.token, "POST", "/api/auth/logout", None).await;
    let admin = reeve.person_with(EMAIL, PASSWORD).await;
    for (verb, noun, outcome, what) in [
        ("make", "account", "done", "the first admin"),
        ("sign in", "session", "done", "a sign-in"),
        ("sign in", "session", "refused", "a refused sign-in"),
        ("sign out", "session", "done", "a sign-out"),
        ("invite", "account", "done", "an invitation"),
        ("accept", "invitation", "done", "its use"),
        ("reset", "account", "done", "a reset"),
        ("view", "accounts", "done", "a look at accounts"),
        ("export", "audit", "refused", "a refused export: an admin may not"),
        ("make", "token", "done", "a token"),
        ("revoke", "token", "done", "its end"),
        ("view", "estate", "refused", "a forged token"),
    ] {
        let path = format!("/api/audit?verb={}&noun={noun}&outcome={outcome}", verb.replace(' ', "+"));
        let mut every = tokio::time::interval(std::time::Duration::from_millis(200));
        let begun = tokio::time::Instant::now();
        loop {
            every.tick().await;
            let (status, page) = reeve.call(&admin.token, "GET", &path, None).await;
            assert_eq!(status, 200, "{page}");
            if page["items"].as_array().is_some_and(|items| items.iter().any(|e| !e["seq"].is_null())) {
                break;
            }
            assert!(begun.elapsed() < common::PATIENCE, "{what} is not in the trail: {page}");
        }
    }
    // AT-39: no secret is in it.
    let (_, all) = reeve.call(&admin.token, "GET", "/api/audit?limit=500", None).await;
    for secret in [PASSWORD, NEW_PASSWORD, made["token"].as_str().unwrap(), &admin.refresh, "argon2", "/accept/"] {
        assert!(!all.to_string().contains(secret), "{secret} is in the trail");
    }
    for bad in ["?cursor=nonsense", "?outcome=maybe", "?limit=9999", "?from=5&to=4", "?who=x", "?actor=%00"] {
        assert_eq!(reeve.call(&admin.token, "GET", &format!("/api/audit{bad}"), None).await.0, 422, "{bad}");
    }
    // Page by page, each entry once.
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let (_, page) = reeve.call(&admin.token, "GET", &format!("/api/audit?limit=3{next}"), None).await;
        seen.extend(page["items"].as_array().unwrap().iter().filter_map(|e| e["seq"].as_i64()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert!(seen.len() > 12 && seen.windows(2).all(|w| w[0] == w[1] + 1) && seen.last() == Some(&1), "{seen:?}");
    assert_eq!(reeve.stop().await, Some(0));
}

/// AT-43: the program finds what was done to the log, by name, beside a running Reeve and by the anchors on its own disk.
#[tokio::test(flavor = "multi_thread")]
async fn at_43_the_program_finds_what_was_done_to_the_log() {
    let data = dir();
    let running = Running::start(data.path(), &[]).await;
    for n in 0..6 {
        running.invite(&format!("guest{n}@test.example"), &["viewer"]).await;
    }
    running.audited("verb=invite", "the sixth invitation", |e| e["resource"] == "guest5@test.example").await;
    let (code, verdict) = verify(data.path()).await;
    assert_eq!((code, verdict["problems"].as_array().map(Vec::len)), (Some(0), Some(0)), "{verdict}");
    assert!(verdict["checked"].as_i64().unwrap() >= 8);
    assert_eq!(running.stop().await, Some(0));
    assert!(data.path().join("audit-anchors.jsonl").exists(), "the end is noted outside of the database");

    // Nobody is there now: the command starts the embedded database for itself.
    let (code, _) = verify(data.path()).await;
    assert_eq!(code, Some(0));
    let running = Running::start(data.path(), &[]).await;
    let root = root(data.path()).await;
    let tamper = |sql: &'static str| {
        let root = &root;
        async move {
            let all = format!(
                "BEGIN; ALTER TABLE compliance.audit_log DISABLE TRIGGER USER; SET LOCAL session_replication_role = replica; {sql}; COMMIT"
            );
            root.batch_execute(&all).await.unwrap();
        }
    };
    tamper("CREATE TABLE public.kept AS SELECT * FROM compliance.audit_log; UPDATE compliance.audit_log SET actor = 'somebody else' WHERE seq = 3").await;
    let (code, verdict) = verify(data.path()).await;
    assert_eq!((code, &verdict["problems"][0]), (Some(1), &json!({ "kind": "changed", "seq": 3 })), "{verdict}");
    tamper("UPDATE compliance.audit_log l SET actor = k.actor FROM public.kept k WHERE k.seq = l.seq AND l.seq = 3; DELETE FROM compliance.audit_log WHERE seq = 4").await;
    let (code, verdict) = verify(data.path()).await;
    assert_eq!((code, &verdict["problems"][0]), (Some(1), &json!({ "kind": "removed", "from": 4, "to": 4 })), "{verdict}");
    tamper("INSERT INTO compliance.audit_log SELECT * FROM public.kept WHERE seq = 4; DELETE FROM compliance.audit_log WHERE seq > 5; DELETE FROM main.audit_head").await;
    let said = say(reeve(data.path(), &["audit", "verify"])).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("ends at entry 5") && said.out.contains("cut off"), "{}", said.out);
    assert_eq!(running.stop().await, Some(0));
}

/// An export can be checked without Reeve, and the check notices a changed byte and a line that is missing.
#[tokio::test(flavor = "multi_thread")]
async fn g3_an_export_proves_itself() {
    let data = dir();
    let running = Running::start(data.path(), &[]).await;
    running.invite("Zoë \"quote\"@test.example".replace([' ', '"'], "").as_str(), &["viewer"]).await;
    running.audited("verb=invite", "the invitation", |_| true).await;
    let officer = running.person("officer@test.example", &["security_officer"]).await;
    let export = running.as_bearer(&officer.token, "GET", "/api/audit/export").send().await.unwrap();
    assert_eq!(export.headers()["content-type"], "application/x-ndjson");
    let text = export.text().await.unwrap();
    let file = data.path().join("export.jsonl");
    std::fs::write(&file, &text).unwrap();
    let said = say(reeve(data.path(), &["audit", "export", "--output", data.path().join("cli.jsonl").to_str().unwrap()])).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    let node = |path: &Path| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/check-audit-export.mjs");
        let output = std::process::Command::new("node")
            .arg(script)
            .arg(path)
            .stdin(Stdio::null())
            .output()
            .expect("node, which the tests need anyway");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    for path in [&file, &data.path().join("cli.jsonl")] {
        let own = say(reeve(data.path(), &["audit", "check", path.to_str().unwrap()])).await;
        assert_eq!(own.code, Some(0), "{}{}", own.out, own.err);
        let (code, said) = node(path);
        assert_eq!(code, Some(0), "{said}");
    }
    let forged = data.path().join("forged.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    let without = |gone: std::ops::Range<usize>| [&lines[..gone.start], &lines[gone.end..]].concat().join("\n");
    let (n, said_of) = (lines.len(), "an export from which something was taken");
    for gone in [1..2, 2..3, n - 1..n, n - 2..n - 1, n - 2..n] {
        std::fs::write(&forged, without(gone.clone())).unwrap();
        assert_eq!(say(reeve(data.path(), &["audit", "check", forged.to_str().unwrap()])).await.code, Some(1), "{said_of}: {gone:?}");
        assert_eq!(node(&forged).0, Some(1), "{said_of}: {gone:?}");
    }
    for (from, to) in [("officer@test.example", "someone@test.example"), ("\"refused\"", "\"done\""), ("\"seq\":2,", "\"seq\":7,")] {
        if !text.contains(from) {
            continue;
        }
        std::fs::write(&forged, text.replacen(from, to, 1)).unwrap();
        assert_eq!(say(reeve(data.path(), &["audit", "check", forged.to_str().unwrap()])).await.code, Some(1), "{from}");
        assert_eq!(node(&forged).0, Some(1), "{from}");
    }
    assert_eq!(running.stop().await, Some(0));
}

/// AT-40: a link that still works is good for whoever reads it, so a refused attempt to use it must not be what gives it away.
#[tokio::test(flavor = "multi_thread")]
async fn at_40_a_refused_link_is_not_written_down() {
    let data = dir();
    let running = Running::start(data.path(), &[]).await;
    let made = running.invite("new@test.example", &["viewer"]).await;
    let secret = made.rsplit('/').next().unwrap();
    assert!(secret.len() > 20, "{made}");
    let http = reqwest::Client::new();
    let forged =
        http.post(running.url(&format!("/accept/{secret}"))).header("sec-fetch-site", "cross-site").body("x=1").send().await.unwrap();
    assert_eq!(forged.status(), 403);
    running.audited("verb=forge", "the forged request", |e| e["resource"] == "/accept/{secret}").await;
    let officer = running.person("officer@test.example", &["security_officer"]).await;
    let trail = running.as_bearer(&officer.token, "GET", "/api/audit/export").send().await.unwrap().text().await.unwrap();
    assert!(trail.contains("/accept/{secret}") && !trail.contains(secret), "the trail holds a link that works");
    assert_eq!(running.stop().await, Some(0));
}

/// Looking at a trail makes no Reeve where there is none.
#[tokio::test]
async fn g3_there_is_nothing_to_verify_where_no_reeve_is() {
    let data = dir();
    for arguments in [&["audit", "verify"][..], &["account", "list"]] {
        let said = say(reeve(data.path(), arguments)).await;
        assert!(said.code == Some(1) && said.err.contains("There is no Reeve in"), "{arguments:?}: {}", said.err);
    }
    assert!(!data.path().join("store").exists());
}
