//! The same against moto, written by others in another language: it keeps books of uploads in parts and tells of them, and knows none that
//! has ended. It checks neither keys nor digests, so it is the second server and not the first.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    dir, endpoint, request, run_sql,
    store::{Fault, Proxy, THREE_PARTS, config},
};
use reeve_backup::{Engine, EngineConfig, Keys, Progress};
use reeve_cluster::testing::TestCluster;
use reeve_model::backup::VerificationLevel;
use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};
use tokio_util::sync::CancellationToken;

/// On PATH, or where `scripts/setup.sh test` puts it.
fn program() -> Option<PathBuf> {
    let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/moto/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([PathBuf::from(tools)]);
    dirs.map(|dir| dir.join("moto_server")).find(|program| program.is_file())
}

async fn start(program: &std::path::Path) -> (Child, SocketAddr) {
    let mut moto = Command::new(program);
    moto.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = moto.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some((_, address)) = line.split_once("Running on http://") {
            break address.trim().parse().unwrap();
        }
    };
    // It logs each request; nobody reads on, so it must not be made to wait.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, address)
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d6_another_store_keeps_backups_and_no_parts_of_dead_jobs() {
    let Some(program) = program() else { return println!("SKIP moto_server is not installed here") };
    let (_moto, address) = start(&program).await;
    ask(address, "PUT /backups").await;
    let unfinished = async || ask(address, "GET /backups?uploads").await.matches("<UploadId>").count();
    let (cluster, dir) = (TestCluster::start(&[]).await.unwrap(), dir());
    run_sql(&cluster, "postgres", THREE_PARTS).await;
    let proxy = Proxy::before(address).await;
    let config = config(dir.path(), proxy.address, Keys::default());
    let engine = Engine::open(config.clone()).await.unwrap();
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let run = async || engine.run(request(endpoint(&cluster, "postgres")), &silent, &cancel).await;
    let backup = run().await.unwrap();
    assert!(engine.verify(&backup.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());
    assert_eq!(unfinished().await, 0);

    // The answer to the end of the upload is lost, and the second try hears that there is no such upload.
    let mut left = 1;
    proxy.plan(move |asked| {
        let now = asked.is("POST", "uploadId=") && left > 0;
        left -= i32::from(now);
        if now { Fault::Lost } else { Fault::None }
    });
    let second = run().await.unwrap();
    assert!(engine.verify(&second.id, VerificationLevel::Full, &silent, &cancel).await.unwrap().passed());

    // Dropped in the midst of an upload.
    let hung = CancellationToken::new();
    let at = hung.clone();
    proxy.plan(move |asked| {
        if !asked.is("PUT", "partNumber=2") {
            return Fault::None;
        }
        at.cancel();
        Fault::Hang
    });
    tokio::select! {
        _ = run() => panic!("it hangs"),
        () = hung.cancelled() => {}
    }
    assert_eq!(unfinished().await, 1);
    proxy.plan(|_| Fault::None);
    Engine::open(EngineConfig { stale_after: Duration::ZERO, ..config }).await.unwrap().sweep().await.unwrap();
    assert_eq!((unfinished().await, engine.list().await.unwrap().entries.len()), (0, 2));
}
