//! `reeve backup` from a shell: made, listed, proven, restored, with the exit codes of docs/BACKUP.md.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Said, dir, reeve, say};
use reeve_cluster::testing::TestCluster;
use serde_json::Value;
use std::path::Path;

async fn backup(data: &Path, url: &str, arguments: &[&str]) -> Said {
    let mut command = reeve(data, &[&["backup"], arguments].concat());
    command.env("REEVE_TARGET_SHOP_URL", url);
    say(command).await
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_d4_d5_backups_from_the_command_line() {
    let (cluster, data) = (TestCluster::start(&[]).await.unwrap(), dir());
    let url = cluster.url("postgres");
    let endpoint = reeve_adapter::Endpoint::parse(&url).unwrap();
    let client = reeve_adapter::wire::connect(&endpoint, reeve_adapter::WireOptions::new("test")).await.unwrap();
    client
        .batch_execute("CREATE TABLE public.orders AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 5000) AS i")
        .await
        .unwrap();

    let run = backup(data.path(), &url, &["run", "shop", "--type", "migration", "--json"]).await;
    let made = json(&run);
    let id = made["id"].as_str().unwrap();
    for field in ["id", "timestamp", "size", "tables", "type", "checksum"] {
        assert!(!made[field].is_null(), "{field} is missing in {made}");
    }
    assert_eq!((made["type"].as_str(), made["tables"][0]["rows"].as_u64()), (Some("migration"), Some(5000)));
    let listed = json(&backup(data.path(), &url, &["list", "--json"]).await);
    assert_eq!((listed["backups"][0]["id"].as_str(), listed["backups"][0]["proven"].as_str()), (Some(id), Some("written")));
    assert_eq!(json(&backup(data.path(), &url, &["verify", id, "--json"]).await)["passed"], true);
    assert_eq!(json(&backup(data.path(), &url, &["drill", id, "--json"]).await)["outcome"], "passed");
    let restored = json(&backup(data.path(), &url, &["restore", id, "--database", "copy", "--json"]).await);
    assert_eq!((restored["database"].as_str(), restored["rows_compared"].as_u64()), (Some("copy"), Some(5000)));
    let shown = backup(data.path(), &url, &["show", id]).await;
    assert!(shown.code == Some(0) && shown.out.contains("proven     drilled") && shown.out.contains("public.orders"), "{}", shown.out);
    let pruned = json(&backup(data.path(), &url, &["prune", "--json"]).await);
    assert_eq!((pruned["kept"].as_u64(), pruned["removed"].as_array().unwrap().len()), (Some(1), 0));

    // What is wrong ends with 1 and a sentence, what can't be used with 2.
    let toc = data.path().join(format!("backups/objects/{id}/dump/toc.dat.zst"));
    let mut bytes = std::fs::read(&toc).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&toc, bytes).unwrap();
    let damaged = backup(data.path(), &url, &["verify", id]).await;
    assert!(damaged.code == Some(1) && damaged.out.contains("DAMAGED") && damaged.out.contains("toc.dat"), "{}", damaged.out);
    for (arguments, code, words) in [
        (vec!["run", "nobody"], 1, "There is no target nobody"),
        (vec!["show", "20260101T000000Z-00000000"], 1, "There is no backup"),
        (vec!["show", "latest"], 2, "is no backup's id"),
        (vec!["restore", id, "--over", "copy"], 2, "--typed"),
        (vec!["restore", id, "--over", "copy", "--typed", "Copy"], 1, "must be typed"),
    ] {
        let said = backup(data.path(), &url, &arguments).await;
        assert!(said.code == Some(code) && said.err.contains(words), "{arguments:?}: {:?} {}", said.code, said.err);
    }
    let password = url.split("password=").nth(1).unwrap();
    assert!(!format!("{}{}{}", run.out, run.err, damaged.err).contains(password));
}

/// A bucket `backups` of an S3 server in this process, over a directory. Answers its endpoint.
async fn bucket(dir: &Path) -> String {
    std::fs::create_dir(dir.join("backups")).unwrap();
    let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir).unwrap());
    service.set_auth(s3s::auth::SimpleAuth::from_single(KEY_ID, SECRET));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (service, socket) = (service.clone(), hyper_util::rt::TokioIo::new(socket));
            // Clients come and go.
            tokio::spawn(async move { hyper::server::conn::http1::Builder::new().serve_connection(socket, service).await.ok() });
        }
    });
    endpoint
}

const KEY_ID: &str = "AKIAREEVETEST";
const SECRET: &str = "Qk3-hunter2-secret-of-the-store";

#[tokio::test(flavor = "multi_thread")]
async fn d6_the_program_backs_up_to_a_bucket_and_restores_from_it() {
    let (cluster, data, store) = (TestCluster::start(&[]).await.unwrap(), dir(), dir());
    let url = cluster.url("postgres");
    let endpoint = reeve_adapter::Endpoint::parse(&url).unwrap();
    let client = reeve_adapter::wire::connect(&endpoint, reeve_adapter::WireOptions::new("test")).await.unwrap();
    client.batch_execute("CREATE TABLE public.orders AS SELECT generate_series(1, 3000) AS id").await.unwrap();
    let endpoint = bucket(store.path()).await;
    let call = async |secret: &str, arguments: &[&str]| {
        let mut command = reeve(data.path(), &[&["backup"], arguments].concat());
        command.env("REEVE_TARGET_SHOP_URL", &url).env("REEVE_BACKUP_REPOSITORY", "s3://backups/reeve");
        command.env("REEVE_BACKUP_S3_ENDPOINT", &endpoint).env("REEVE_BACKUP_S3_ALLOW_HTTP", "true");
        command.env("REEVE_BACKUP_S3_PATH_STYLE", "true").env("REEVE_BACKUP_S3_ACCESS_KEY_ID", KEY_ID);
        command.env("REEVE_BACKUP_S3_SECRET_ACCESS_KEY", secret);
        say(command).await
    };
    let made = json(&call(SECRET, &["run", "shop", "--json"]).await);
    let id = made["id"].as_str().unwrap();
    assert!(store.path().join("backups/reeve/manifests").join(format!("{id}.json")).is_file() && !data.path().join("backups").exists());
    assert_eq!(json(&call(SECRET, &["verify", id, "--json"]).await)["passed"], true);
    let restored = json(&call(SECRET, &["restore", id, "--database", "copy", "--json"]).await);
    assert_eq!((restored["database"].as_str(), restored["rows_compared"].as_u64()), (Some("copy"), Some(3000)));
    assert_eq!(json(&call(SECRET, &["list", "--json"]).await)["backups"][0]["id"].as_str(), Some(id));
    let wrong = call("hunter2-the-wrong-one", &["list"]).await;
    assert!(wrong.code == Some(1) && wrong.err.contains("does not take the key"), "{:?} {}", wrong.code, wrong.err);
    assert!(!format!("{}{}", wrong.out, wrong.err).contains("hunter2"));
}

/// A directory tree, with links followed: PostgreSQL finds its files beside the program that runs.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let into = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &into);
        } else {
            std::fs::copy(&path, &into).unwrap();
        }
    }
}

/// Number 17 of the list of reliability: what the drill's server lacks makes it red, by name.
#[tokio::test(flavor = "multi_thread")]
async fn d5_an_extension_that_the_drills_server_lacks_is_named() {
    let installed = reeve_cluster::binaries::installed();
    let (cluster, data) = (TestCluster::start(&[]).await.unwrap(), dir());
    let Some(found) = installed.iter().find(|i| i.major == cluster.major()) else { panic!("the cluster runs on one of them") };
    let share = Path::new("/usr/share/postgresql").join(found.major.to_string());
    let home = found.bin.parent().unwrap();
    if !home.starts_with("/usr/lib/postgresql") || !share.join("extension/citext.control").is_file() {
        return println!("SKIP PostgreSQL is not laid out as Debian does, or has no contrib");
    }
    let url = cluster.url("postgres");
    let endpoint = reeve_adapter::Endpoint::parse(&url).unwrap();
    let client = reeve_adapter::wire::connect(&endpoint, reeve_adapter::WireOptions::new("test")).await.unwrap();
    client.batch_execute("CREATE EXTENSION citext; CREATE TABLE public.names AS SELECT 'Ada'::citext AS name").await.unwrap();
    let made = json(&backup(data.path(), &url, &["run", "shop", "--json"]).await);
    let id = made["id"].as_str().unwrap();
    assert_eq!(json(&backup(data.path(), &url, &["drill", id, "--json"]).await)["outcome"], "passed");

    // The same programs, with all but this one extension.
    let other = dir();
    let bin = other.path().join("lib/postgresql").join(found.major.to_string());
    copy(home, &bin);
    let into = other.path().join("share/postgresql").join(found.major.to_string());
    copy(&share, &into);
    std::fs::remove_file(into.join("extension/citext.control")).unwrap();
    let mut command = reeve(data.path(), &["backup", "drill", id, "--json"]);
    command.env("REEVE_TARGET_SHOP_URL", &url).env("REEVE_POSTGRES_BIN", bin.join("bin"));
    let said = say(command).await;
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let drill: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(drill["outcome"], "failed");
    assert!(drill["failure"].as_str().is_some_and(|why| why.contains("citext")), "{drill}");
}
