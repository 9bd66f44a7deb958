//! Commands beside a running Reeve: they use its cluster and leave it alone.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, Running, dir, reeve, say};
use std::path::Path;

/// The server's process, as it says itself.
fn postmaster(data: &Path) -> String {
    let text = std::fs::read_to_string(data.join("store/pgdata/postmaster.pid")).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_commands_work_beside_a_running_reeve_and_a_second_serve_does_not() {
    let data = dir();
    let running = Running::start(data.path(), &[]).await;
    let before = postmaster(data.path());
    for (arguments, words) in
        [(["migrate", "status"], "accounts"), (["migrate", "up"], "Nothing was pending."), (["secret", "list"], "signing-key/")]
    {
        // Somebody else's runtime directory, as in a login shell beside a service.
        let mut command = reeve(data.path(), &arguments);
        command.env("XDG_RUNTIME_DIR", data.path());
        let said = say(command).await;
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.out.contains(words), "{arguments:?}: {}", said.out);
    }
    for command in ["serve", "demo"] {
        let said = say(reeve(data.path(), &[command])).await;
        assert_eq!(said.code, Some(1), "{command}");
        assert!(said.err.contains("in use by process"), "{command}: {}", said.err);
    }
    assert_eq!(postmaster(data.path()), before, "the same server goes on");
    assert_eq!(running.anonymous("/live").await.status(), 200);
    assert_eq!(running.stop().await, Some(0));

    // Nobody holds it: the command starts the server for its own time.
    let said = say(reeve(data.path(), &["migrate", "status"])).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(!data.path().join("store/pgdata/postmaster.pid").exists(), "what it started is stopped");
}

/// The very first start: directory, logins and schema are made while the command already waits.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_command_waits_for_a_reeve_that_is_still_starting() {
    let data = dir();
    let starting = tokio::spawn({
        let data = data.path().to_owned();
        async move { Running::start(&data, &[]).await }
    });
    let lock = data.path().join("store/reeve.lock");
    let begun = tokio::time::Instant::now();
    while !std::fs::read_to_string(&lock).is_ok_and(|pid| !pid.is_empty()) {
        assert!(begun.elapsed() < PATIENCE, "it never began");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let said = say(reeve(data.path(), &["migrate", "up"])).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let running = starting.await.unwrap();
    assert_eq!(running.stop().await, Some(0));
}

/// `kill -9` leaves the lock's file and a server without a Reeve: neither holds anything.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_dead_reeve_holds_nothing() {
    let data = dir();
    Running::start(data.path(), &[]).await.kill().await;
    assert!(data.path().join("store/reeve.lock").exists());
    let said = say(reeve(data.path(), &["migrate", "status"])).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(!data.path().join("store/pgdata/postmaster.pid").exists(), "what was left is ended, what was started is stopped");
}
