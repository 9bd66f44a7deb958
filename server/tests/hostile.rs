//! A hostile world: peers that never answer, pipes that close, requests that nobody means well.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, Running, dir, reeve, say, watch_config};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::StatusCode;
use serde_json::json;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

const NOBODY: &str = "postgres://watcher:hunter2secret@127.0.0.1:1/shop?sslmode=disable";

fn pid(child: &tokio::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap())
}

/// A2: a store that takes the connection and says nothing.
#[tokio::test]
async fn a2_a_store_that_never_answers_does_not_keep_reeve_from_ending() {
    let (data, mute) = (dir(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("postgres://reeve:hunter2secret@{}/reeve?sslmode=disable", mute.local_addr().unwrap());
    let mut child = reeve(data.path(), &["serve"]).env("DATABASE_URL", &url).spawn().unwrap();
    let (held, _) = timeout(PATIENCE, mute.accept()).await.expect("it connects").unwrap();
    kill(pid(&child), Signal::SIGTERM).unwrap();
    let status = timeout(Duration::from_secs(10), child.wait()).await.expect("it ends at once").unwrap();
    assert_eq!(status.code(), Some(0));
    drop(held);

    // Left alone, it gives up by itself and says why.
    let mut command = reeve(data.path(), &["serve"]);
    command.env("DATABASE_URL", &url);
    let (said, _held) = tokio::join!(say(command), mute.accept());
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("did not answer within") && !said.err.contains("hunter2secret"), "{}", said.err);
}

/// A closed terminal ends Reeve like Ctrl-C: nothing of it stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_hangup_ends_all_that_was_started() {
    // Under nohup, programs ignore hang-ups, and Reeve respects that.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    if ignored.is_some_and(|mask| mask & 1 == 1) {
        return println!("SKIP hang-ups are ignored here, as under nohup");
    }
    let data = dir();
    let mut reeve = Running::start(data.path(), &[]).await;
    let line = std::fs::read_to_string(data.path().join("store/pgdata/postmaster.pid")).unwrap();
    let postmaster = format!("/proc/{}", line.lines().next().unwrap());
    assert!(Path::new(&postmaster).exists());
    kill(pid(&reeve.child), Signal::SIGHUP).unwrap();
    let status = timeout(PATIENCE, reeve.child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!Path::new(&postmaster).exists(), "its server ends with it");
}

/// `reeve serve | head -1`: whoever read has left.
#[tokio::test(flavor = "multi_thread")]
async fn a2_closed_pipes_do_not_end_reeve() {
    let data = dir();
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_LOG", "debug");
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("it becomes ready though nobody reads its log");
    drop(lines);
    let base = first.strip_prefix("Reeve is ready at ").unwrap();
    assert_eq!(reqwest::get(format!("{base}/live")).await.unwrap().status(), StatusCode::OK);
    kill(pid(&child), Signal::SIGTERM).unwrap();
    assert_eq!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a2_an_environment_that_is_no_text() {
    let data = dir();
    let mut stranger = reeve(data.path(), &["check"]);
    stranger.env("SOMETHING", OsStr::from_bytes(b"\xff\xfe")).env("REEVE_TARGET_SHOP_URL", "");
    let said = say(stranger).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    let mut ours = reeve(data.path(), &["check"]);
    ours.env("REEVE_ADMIN_EMAIL", OsStr::from_bytes(b"\xff"));
    let said = say(ours).await;
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("REEVE_ADMIN_EMAIL is not valid UTF-8") && !said.err.contains("panicked"), "{}", said.err);
}

/// B6, C1: what is wrong with a request is the caller's fault, said as such; neither a crash nor "the store is away".
#[tokio::test(flavor = "multi_thread")]
async fn b6_absurd_requests_are_refused_as_such_and_slow_ones_are_cut_off() {
    let data = dir();
    let config = watch_config(data.path(), NOBODY);
    let mut reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    let host = reeve.base.strip_prefix("http://").unwrap().to_owned();
    let begun = Instant::now();
    let mut slow = TcpStream::connect(&host).await.unwrap();
    slow.write_all(b"GET /live HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();

    let (least, most) = (i64::MIN, i64::MAX);
    for path in [
        format!("/metrics/history?target=shop&metric=a&from={least}&to={most}"),
        format!("/metrics/history?target=shop&metric=a&to={most}"),
        "/metrics/history?target=shop&metric=%00".to_owned(),
        "/metrics/history?target=shop&metric=a&object=%00".to_owned(),
        "/api/fn/target_detail".to_owned(),
        "/api/fn/target_detail?name=%00".to_owned(),
        "/api/targets/shop/tables?cursor=%00%ff".to_owned(),
    ] {
        let answer = reeve.get(&path).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let said: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(said["error"], "invalid", "{path}: {said}");
    }
    let nowhere = reeve.get("/api/targets/%ff/tables").await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    assert_eq!(nowhere.json::<serde_json::Value>().await.expect("JSON")["error"], "not_found");
    let zero = reeve.post_json("/api/auth/login", &json!({ "email": "a\0@b", "password": "long enough" })).await;
    assert_eq!(zero.status(), StatusCode::UNAUTHORIZED);

    // A byte now and then doesn't hold a connection for ever.
    let mut every = tokio::time::interval(Duration::from_millis(500));
    let mut byte = [0_u8; 1];
    loop {
        tokio::select! {
            read = slow.read(&mut byte) => {
                assert!(matches!(read, Ok(0) | Err(_)), "it is closed, not answered");
                break;
            }
            _ = every.tick() => slow.write_all(b"x").await.unwrap_or_default(),
        }
        assert!(begun.elapsed() < PATIENCE, "the connection is still open");
    }
    let heard = reeve.heard().join("\n");
    assert!(!heard.contains("panicked") && !heard.contains("hunter2secret"), "{heard}");
    assert_eq!(reeve.stop().await, Some(0));
}
