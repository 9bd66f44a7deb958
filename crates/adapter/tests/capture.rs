//! AT-30: a server that asks for a password gets only what its URL holds, whatever libpq's variables and files offer.
#![allow(clippy::unwrap_used)]

use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings, WireOptions, wire};
use reeve_model::pool::StoreRole;
use std::{os::unix::fs::PermissionsExt, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const CHILD: &str = "REEVE_TEST_CAPTURE_CHILD";
const NAME: &str = "at_30_a_listener_is_sent_nothing_that_the_url_does_not_hold";
const SSL_REQUEST: i32 = 80_877_103;
/// What lies around on the machine and must never leave it.
const STRAYS: [&str; 4] = ["stray-password", "stray-pgpass", "stray-user", "stray-database"];

/// Answers like a PostgreSQL that wants a password in clear text, and keeps all it is sent.
async fn listen(listener: TcpListener, heard: tokio::sync::mpsc::UnboundedSender<Vec<u8>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(record(stream, heard.clone()));
    }
}

async fn record(mut stream: TcpStream, heard: tokio::sync::mpsc::UnboundedSender<Vec<u8>>) -> std::io::Result<()> {
    loop {
        let length = stream.read_i32().await?;
        let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        stream.read_exact(&mut body).await?;
        let ssl = body.starts_with(&SSL_REQUEST.to_be_bytes());
        heard.send(body).ok();
        if ssl {
            stream.write_all(b"N").await?;
            continue;
        }
        // AuthenticationCleartextPassword.
        stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
        let mut rest = Vec::new();
        // Until it hangs up, or has nothing more to say.
        tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await.ok();
        heard.send(rest).ok();
        return Ok(());
    }
}

/// Runs itself once more with all of libpq's sources set; that run connects.
#[tokio::test]
async fn at_30_a_listener_is_sent_nothing_that_the_url_does_not_hold() {
    if let Ok(port) = std::env::var(CHILD) {
        connect_both_ways(&port).await;
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(listen(listener, send));

    let home = tempfile_home(port);
    let pgpass = home.join(".pgpass");
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(CHILD, port.to_string())
        .env("HOME", &home)
        .env("PGPASSFILE", &pgpass)
        .envs([
            ("PGHOST", "127.0.0.1"),
            ("PGUSER", "stray-user"),
            ("PGPASSWORD", "stray-password"),
            ("PGDATABASE", "stray-database"),
            ("PGSSLMODE", "disable"),
            ("PGAPPNAME", "stray-user"),
        ])
        .output()
        .await
        .unwrap();
    std::fs::remove_dir_all(&home).unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    listening.abort();
    let mut messages = Vec::new();
    while let Some(message) = heard.recv().await {
        messages.push(message);
    }
    let all = messages.concat();
    let holds = |word: &str| all.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(holds("nobody") && holds("nowhere"), "it was really talked to: {messages:?}");
    for stray in STRAYS {
        assert!(!holds(stray), "{stray} was sent: {:?}", String::from_utf8_lossy(&all));
    }
    // `sslmode` is the URL's (`prefer`, left out, on a loopback address): each driver asks for TLS first, though PGSSLMODE says otherwise.
    let asked = messages.iter().filter(|m| m.starts_with(&SSL_REQUEST.to_be_bytes())).count();
    assert!(asked >= 2, "{messages:?}");
}

async fn connect_both_ways(port: &str) {
    let endpoint = Endpoint::parse(&format!("postgres://nobody@127.0.0.1:{port}/nowhere")).unwrap();
    let error = wire::connect(&endpoint, WireOptions::new("reeve/test")).await.map(|_| ()).unwrap_err();
    assert!(!error.to_string().contains("stray"), "{error}");
    let role = RoleSettings { acquire_timeout: Duration::from_secs(3), ..RoleSettings::with_defaults(StoreRole::Main, endpoint.clone()) };
    let pools = RolePools::new(RoleConfig::new([(StoreRole::Main, role)].into())).unwrap();
    assert!(pools.acquire(StoreRole::Main).await.is_err());
    // One connection as migrations make it, too.
    let options = endpoint.to_sqlx("reeve/test").unwrap();
    assert!(sqlx::ConnectOptions::connect(&options).await.is_err(), "the listener lets nobody in");
}

/// A home with a password file that fits the listener exactly.
fn tempfile_home(port: u16) -> std::path::PathBuf {
    let home = std::env::temp_dir().join(format!("reeve-test-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let pgpass = home.join(".pgpass");
    std::fs::write(&pgpass, format!("127.0.0.1:{port}:*:*:stray-pgpass\n*:*:*:*:stray-pgpass\n")).unwrap();
    // Wider open it would not be read at all, and prove nothing.
    std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(0o600)).unwrap();
    home
}
