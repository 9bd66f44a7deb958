//! AT-30, the whole program: a stranger's server that asks for a password in clear text gets nothing that the URL does not hold.
#![allow(clippy::unwrap_used)]

mod common;

use common::{dir, reeve, say};
use std::{
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const SSL_REQUEST: [u8; 4] = 80_877_103_i32.to_be_bytes();
type Heard = Arc<Mutex<Vec<u8>>>;

async fn record(mut stream: TcpStream, heard: Heard) -> std::io::Result<()> {
    loop {
        let length = stream.read_i32().await?;
        let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        stream.read_exact(&mut body).await?;
        heard.lock().unwrap().extend_from_slice(&body);
        if body.starts_with(&SSL_REQUEST) {
            stream.write_all(b"N").await?;
            continue;
        }
        stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
        let mut rest = Vec::new();
        timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await.ok();
        heard.lock().unwrap().extend_from_slice(&rest);
        return Ok(());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_30_the_program_sends_a_stranger_nothing_of_what_lies_around() {
    let (data, listener) = (dir(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    tokio::spawn({
        let heard = Arc::clone(&heard);
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(record(stream, Arc::clone(&heard)));
            }
        }
    });
    let pgpass = data.path().join(".pgpass");
    std::fs::write(&pgpass, format!("127.0.0.1:{port}:*:*:stray-pgpass\n*:*:*:*:stray-pgpass\n")).unwrap();
    std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(0o600)).unwrap();
    let url = format!("postgres://nobody@127.0.0.1:{port}/nowhere?sslmode=disable");
    // tokio-postgres looks at targets, sqlx at Reeve's own database.
    for (arguments, variable) in [(&["check"][..], "REEVE_TARGET_SHOP_URL"), (&["migrate", "status"], "DATABASE_URL")] {
        heard.lock().unwrap().clear();
        let mut command = reeve(data.path(), arguments);
        command.env(variable, &url).env("HOME", data.path()).env("PGPASSFILE", &pgpass).envs([
            ("PGHOST", "127.0.0.1"),
            ("PGUSER", "stray-user"),
            ("PGPASSWORD", "stray-password"),
            ("PGDATABASE", "stray-database"),
            ("PGSSLMODE", "require"),
            ("PGOPTIONS", "-c stray.setting=1"),
            ("PGAPPNAME", "stray-name"),
        ]);
        let said = say(command).await;
        assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
        let all = heard.lock().unwrap().clone();
        let shown = String::from_utf8_lossy(&all).into_owned();
        assert!(shown.contains("nobody") && shown.contains("nowhere"), "{variable}: it was really talked to: {shown:?}");
        assert!(!shown.contains("stray"), "{variable}: {shown:?}");
        assert!(!all.windows(4).any(|w| w == SSL_REQUEST), "{variable}: sslmode is the URL's, not PGSSLMODE's");
        assert!(!format!("{}{}", said.out, said.err).contains("stray"), "{}{}", said.out, said.err);
    }
}
