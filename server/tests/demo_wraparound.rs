//! Transaction ids of the sample estate that run out for real: told, held back by a forgotten slot, frozen, and survived when it is cut off
//! in the middle (SPEC B2, I6).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, dir, reeve, say};
use serde_json::Value;
use std::path::Path;

/// What is said of the ids; none when nothing is.
fn sentence(targets: &Value) -> Option<&str> {
    let findawise = targets["items"].as_array()?.iter().find(|t| t["name"] == "findawise")?;
    findawise["reasons"].as_array()?.iter().find(|r| r["id"] == "wraparound.age")?["sentence"].as_str()
}

fn status(targets: &Value) -> &str {
    let findawise = targets["items"].as_array().and_then(|all| all.iter().find(|t| t["name"] == "findawise"));
    findawise.and_then(|t| t["status"].as_str()).unwrap_or_default()
}

async fn demo(data: &Path, arguments: &[&str], code: i32) -> String {
    let said = say(reeve(data, &[&["demo"], arguments].concat())).await;
    assert_eq!(said.code, Some(code), "{arguments:?}: {}{}", said.out, said.err);
    said.out + &said.err
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_ids_that_run_out_are_told_and_frozen_and_a_cut_off_jump_is_mended() {
    let data = dir();
    demo(data.path(), &["fault", "wraparound"], 1).await;
    let running = Running::demo(data.path(), "findawise").await;
    running.until("/api/targets", "a server that was looked at", |t| !["", "unknown"].contains(&status(t))).await;

    assert!(demo(data.path(), &["fault", "wraparound"], 0).await.contains("demo_fault_wraparound"));
    let told = |targets: &Value| {
        status(targets) == "critical"
            && sentence(targets).is_some_and(|s| s.starts_with("The oldest transaction id is 1.7 billion old") && s.contains("How soon?"))
    };
    running.until("/api/targets", "ids that run out", told).await;
    assert!(demo(data.path(), &["fault", "list"], 0).await.lines().any(|l| l.starts_with("wraparound") && l.contains("  now  ")));
    let again = demo(data.path(), &["fault", "wraparound"], 1).await;
    assert!(again.contains("old already"), "{again}");

    let healed = demo(data.path(), &["heal"], 0).await;
    assert!(healed.contains("is dropped") && healed.contains("all databases are frozen"), "{healed}");
    running.until("/api/targets", "young ids", |t| sentence(t).is_none() && status(t) != "critical").await;
    assert!(demo(data.path(), &["heal"], 0).await.contains("Nothing was broken."));
    assert_eq!(running.stop().await, Some(0));

    // As a jump that was killed between the control file and the new WAL would leave it.
    let findawise = data.path().join("demo/findawise");
    let control = std::process::Command::new(bin("pg_controldata")).arg("-D").arg(findawise.join("pgdata")).env("LC_ALL", "C").output();
    let control = String::from_utf8(control.unwrap().stdout).unwrap();
    let next = control.lines().find_map(|l| l.strip_prefix("Latest checkpoint's NextXID:")).unwrap().trim().to_owned();
    let (epoch, id) = next.split_once(':').unwrap();
    std::fs::write(findawise.join("fault.wraparound"), ((epoch.parse::<i64>().unwrap() << 32) + id.parse::<i64>().unwrap()).to_string())
        .unwrap();
    for file in std::fs::read_dir(findawise.join("pgdata/pg_wal")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let running = Running::demo(data.path(), "findawise").await;
    running.until("/api/targets", "a server that came back", |t| !["", "unknown", "critical"].contains(&status(t))).await;
    assert!(!findawise.join("fault.wraparound").exists());
    assert_eq!(running.stop().await, Some(0));
}

/// A program of the server that the sample estate runs on.
fn bin(name: &str) -> std::path::PathBuf {
    reeve_cluster::binaries::installed()[0].program(name)
}
