//! Bad input and dead servers at the start: one clear sentence, exit code not 0, no secret in it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{MONITOR_PASSWORD, Said, Shop, dir, reeve, say};
use std::path::Path;

/// Runs `reeve check` with one target.
async fn check(data: &Path, url: &str) -> Said {
    let mut command = reeve(data, &["check"]);
    command.env("REEVE_TARGET_SHOP_URL", url);
    say(command).await
}

fn refused(said: &Said, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_ne!(said.code, Some(0), "{all}");
    for word in words {
        assert!(all.contains(word), "{word:?} is missing in:\n{all}");
    }
    for secret in [MONITOR_PASSWORD, "hunter2secret"] {
        assert!(!all.contains(secret), "a password is shown:\n{all}");
    }
    assert!(!all.contains("panicked"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_check_tells_each_kind_of_trouble_apart() {
    let (data, shop) = (dir(), Shop::start().await);
    let good = check(data.path(), &shop.url).await;
    assert_eq!(good.code, Some(0), "{}{}", good.out, good.err);
    assert!(good.out.contains("shop") && good.out.contains("watcher") && good.out.contains("15."), "{}", good.out);

    let wrong = shop.url.replace(MONITOR_PASSWORD, "hunter2secret");
    refused(&check(data.path(), &wrong).await, &["password"]);
    let missing = shop.cluster.url_for("watcher", MONITOR_PASSWORD, "nowhere");
    refused(&check(data.path(), &missing).await, &["nowhere"]);
    refused(&check(data.path(), "postgres://w:hunter2secret@127.0.0.1:1/shop?sslmode=disable").await, &["127.0.0.1:1"]);
    refused(&check(data.path(), "postgres://w:hunter2secret@no-such-host.invalid/shop").await, &["no-such-host.invalid"]);
}

#[tokio::test]
async fn a6_malformed_configuration_is_reported_whole() {
    let data = dir();
    let file = data.path().join("reeve.toml");
    std::fs::write(&file, "listen = \"nowhere\"\n[[target]]\nname = \"x\"\nurl = \"postgres://u:hunter2secret@:bad:/\"\n").unwrap();
    let mut command = reeve(data.path(), &["serve", "--config", file.to_str().unwrap()]);
    command.env_remove("REEVE_LISTEN");
    let said = say(command).await;
    assert_eq!(said.code, Some(2));
    refused(&said, &["reeve.toml:1", "target[0].url"]);

    std::fs::write(&file, "listen = \"unclosed\n").unwrap();
    refused(&say(reeve(data.path(), &["serve", "--config", file.to_str().unwrap()])).await, &["reeve.toml:1", "TOML"]);
}

#[tokio::test]
async fn a2_a_port_in_use_is_said_before_anything_is_done() {
    let data = dir();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_LISTEN", &address);
    refused(&say(command).await, &[&address, "in use"]);
}

#[tokio::test]
async fn a2_no_postgresql_a_foreign_major_and_an_unwritable_directory() {
    let data = dir();
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_POSTGRES_BIN", "/nonexistent");
    refused(&say(command).await, &["PostgreSQL"]);

    let other = dir();
    let pgdata = other.path().join("store").join("pgdata");
    std::fs::create_dir_all(&pgdata).unwrap();
    std::fs::write(pgdata.join("PG_VERSION"), "9\n").unwrap();
    refused(&say(reeve(other.path(), &["serve"])).await, &["9"]);

    let blocked = dir();
    let file = blocked.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(&say(reeve(&file.join("below"), &["serve"])).await, &["file"]);
}

#[tokio::test]
async fn a1_a_store_that_is_not_there_stops_the_start() {
    let data = dir();
    let mut command = reeve(data.path(), &["serve"]);
    command.env("DATABASE_URL", "postgres://reeve:hunter2secret@127.0.0.1:1/reeve?sslmode=disable");
    refused(&say(command).await, &["127.0.0.1:1"]);
}
