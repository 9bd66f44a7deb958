//! Stands between a client and a server and counts what passes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixStream},
};

/// What passed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    pub connections: f64,
    /// Times that the client spoke after the server had spoken.
    pub trips: f64,
    pub up: f64,
    pub down: f64,
    /// The server spoke last.
    answered: bool,
}

impl Counted {
    /// By so many rounds.
    pub fn each(self, rounds: f64) -> Self {
        Self { connections: self.connections / rounds, trips: self.trips / rounds, up: self.up / rounds, down: self.down / rounds, ..self }
    }
}

pub struct Relay {
    port: u16,
    counted: Arc<Mutex<Counted>>,
}

impl Relay {
    pub async fn start(server: PathBuf) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let this =
            Self { port: listener.local_addr()?.port(), counted: Arc::new(Mutex::new(Counted { answered: true, ..Counted::default() })) };
        let counted = Arc::clone(&this.counted);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                client.set_nodelay(true).ok();
                let Ok(server) = UnixStream::connect(&server).await else { return };
                counted.lock().unwrap().connections += 1.0;
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, Arc::clone(&counted), true));
                tokio::spawn(pass(from_server, to_client, Arc::clone(&counted), false));
            }
        });
        Ok(this)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn clear(&self) {
        *self.counted.lock().unwrap() = Counted { answered: true, ..Counted::default() };
    }

    pub fn counted(&self) -> Counted {
        *self.counted.lock().unwrap()
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, counted: Arc<Mutex<Counted>>, up: bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 || to.write_all(&buffer[..n]).await.is_err() {
            break;
        }
        let mut counted = counted.lock().unwrap();
        if up {
            counted.trips += f64::from(u8::from(counted.answered));
            counted.up += n as f64;
        } else {
            counted.down += n as f64;
        }
        counted.answered = !up;
    }
    to.shutdown().await.ok();
}
