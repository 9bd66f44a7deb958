//! Bad input and dead servers at the start: one clear sentence, exit code not 0, no secret in it.
#![allow(clippy::unwrap_used)]

mod common;

use common::{MONITOR_PASSWORD, Running, Said, Shop, dir, reeve, say};
use std::path::Path;

/// A start that failed: nothing on standard output, one line on standard error, this exit code.
fn one_sentence(said: &Said, code: i32, words: &[&str]) {
    refused(said, words);
    assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{}", said.err);
    let lines: Vec<&str> = said.err.lines().filter(|l| l.starts_with("reeve: ")).collect();
    assert_eq!(lines.len(), 1, "one sentence:\n{}", said.err);
}

/// Runs `reeve check` with one target.
async fn check(data: &Path, url: &str) -> Said {
    let mut command = reeve(data, &["check"]);
    command.env("REEVE_TARGET_SHOP_URL", url);
    say(command).await
}

fn refused(said: &Said, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert!(matches!(said.code, Some(1 | 2)), "{:?}: {all}", said.code);
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
    one_sentence(&say(command).await, 1, &[&address, "in use", "set REEVE_LISTEN"]);
    assert!(!data.path().join("store").exists(), "nothing was made");
}

#[tokio::test]
async fn a2_no_postgresql_a_foreign_major_and_an_unwritable_directory() {
    let data = dir();
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_POSTGRES_BIN", "/nonexistent");
    one_sentence(&say(command).await, 1, &["no PostgreSQL 13 to 18 is installed", "DATABASE_URL"]);

    // One that no Reeve ran on, and one that it runs on where it is installed.
    for (major, why) in [("9", "is not installed"), ("12", "is not installed"), ("one", "is not one that Reeve runs")] {
        let other = dir();
        let pgdata = other.path().join("store").join("pgdata");
        std::fs::create_dir_all(&pgdata).unwrap();
        std::fs::write(pgdata.join("PG_VERSION"), format!("{major}\n")).unwrap();
        one_sentence(
            &say(reeve(other.path(), &["serve"])).await,
            1,
            &[&format!("made by PostgreSQL {major}, which {why}"), "choose another"],
        );
    }

    let blocked = dir();
    let file = blocked.path().join("file");
    std::fs::write(&file, "").unwrap();
    one_sentence(&say(reeve(&file.join("below"), &["serve"])).await, 1, &["file", "a file is in the way", "choose another data directory"]);
    one_sentence(&say(reeve(Path::new("/proc/reeve"), &["serve"])).await, 1, &["/proc/reeve", "cannot be written", "make it writable"]);
}

/// Two starts on one directory: the second says who has it, and the first doesn't notice.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_data_directory_in_use_is_refused() {
    let data = dir();
    let first = Running::start(data.path(), &[]).await;
    let own = first.child.id().unwrap().to_string();
    one_sentence(&say(reeve(data.path(), &["serve"])).await, 1, &["in use by process", &own, "stop that one first"]);
    one_sentence(&say(reeve(data.path(), &["demo"])).await, 1, &["in use by process", &own]);
    assert_eq!(first.anonymous("/health").await.status(), 200);
    assert_eq!(first.stop().await, Some(0));
}

/// Each malformed address is named by its place and what is wrong with it, and never shown as it was written.
#[tokio::test]
async fn a6_malformed_addresses_and_files_are_named() {
    let data = dir();
    for url in [
        "hunter2secret",
        "mysql://u:hunter2secret@h/d",
        "postgres://u:hunter2secret@h:port/d",
        "postgres://u:hunter2secret@h/d?sslmode=sometimes",
        "postgres://u:hunter2secret@h/d?connect_timeout=soon",
        "postgres://u:hunter2secret%zz@h/d",
    ] {
        let mut command = reeve(data.path(), &["serve"]);
        command.env("REEVE_TARGET_SHOP_URL", url);
        let said = say(command).await;
        refused(&said, &["REEVE_TARGET_SHOP_URL: "]);
        assert_eq!((said.code, said.err.lines().count()), (Some(2), 2), "{url}: {}", said.err);
        let mut command = reeve(data.path(), &["serve"]);
        command.env("DATABASE_URL", url);
        let said = say(command).await;
        refused(&said, &["DATABASE_URL: "]);
        assert_eq!(said.code, Some(2), "{url}");
    }
    let nowhere = data.path().join("nowhere.toml");
    let said = say(reeve(data.path(), &["serve", "--config", nowhere.to_str().unwrap()])).await;
    one_sentence(&said, 2, &["nowhere.toml can't be read"]);
    let mut command = reeve(data.path(), &["serve"]);
    command.env("REEVE_DATA_DIR", "relative/place");
    refused(&say(command).await, &["REEVE_DATA_DIR", "absolute path"]);
}

#[tokio::test]
async fn a1_a_store_that_is_not_there_stops_the_start() {
    let data = dir();
    let mut command = reeve(data.path(), &["serve"]);
    command.env("DATABASE_URL", "postgres://reeve:hunter2secret@127.0.0.1:1/reeve?sslmode=disable");
    one_sentence(&say(command).await, 1, &["127.0.0.1:1", "start the server there, or correct host and port"]);
}
