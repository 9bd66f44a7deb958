//! A real S3 server in this process, over a directory, and a proxy before it that does what networks do.

use super::files;
use reeve_backup::{EngineConfig, Keys, Location, Patience, S3Access};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

pub const KEY_ID: &str = "AKIAREEVETEST";
pub const SECRET: &str = "Qk3-hunter2-secret-of-the-store";

/// The server. Its bucket is `backups`, the repository's prefix in it `reeve/test`.
pub struct Store {
    pub dir: TempDir,
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Store {
    pub async fn start() -> Self {
        let dir = super::dir();
        std::fs::create_dir(dir.path().join("backups")).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let socket = hyper_util::rt::TokioIo::new(socket);
                    // A client that goes away is what is tested here.
                    hyper::server::conn::http1::Builder::new().serve_connection(socket, service).await.ok();
                });
            }
        });
        Self { dir, address, serving }
    }

    pub fn location() -> Location {
        Location::parse("s3://backups/reeve/test").unwrap()
    }

    /// A file of an object of the repository.
    pub fn file(&self, key: &str) -> PathBuf {
        self.dir.path().join("backups/reeve/test").join(key)
    }

    /// Stored objects, of backups that count and of others.
    pub fn objects(&self) -> Vec<PathBuf> {
        files(&self.file("objects"))
    }

    /// Uploads in parts that were begun and neither completed nor ended, by the books that the store keeps of them. A part whose sender was
    /// cut off may still be written by the store after the upload was ended; that is the store's own litter.
    pub fn unfinished(&self) -> usize {
        let names = std::fs::read_dir(self.dir.path()).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload-")).count()
    }
}

/// TLS before the store, under the name `localhost`. Answers its port and the PEM file of its authority.
pub async fn tls_before(store: &Store, dir: &Path) -> (u16, PathBuf) {
    use tokio_rustls::rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca = dir.join("ca.pem");
    std::fs::write(&ca, own.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key.into()).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, upstream) = (listener.local_addr().unwrap().port(), store.address);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust it goes away.
                let Ok(mut socket) = acceptor.accept(socket).await else { return };
                let mut store = TcpStream::connect(upstream).await.unwrap();
                tokio::io::copy_bidirectional(&mut socket, &mut store).await.ok();
            });
        }
    });
    (port, ca)
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// How it is reached; limits that a test can wait for.
pub fn access(address: SocketAddr) -> S3Access {
    S3Access {
        endpoint: Some(format!("http://{address}")),
        path_style: true,
        patience: Patience {
            connect: Duration::from_secs(1),
            silence: Duration::from_secs(3),
            retry: Duration::from_secs(4),
            pause: Duration::from_millis(300),
        },
        ..S3Access::new("us-east-1".to_owned(), KEY_ID.to_owned(), SECRET.into())
    }
}

/// An engine's configuration with its repository in the store at `address`.
pub fn config(dir: &Path, address: SocketAddr, keys: Keys) -> EngineConfig {
    EngineConfig { location: Store::location(), s3: Some(access(address)), ..super::config(dir, keys) }
}

/// Tables whose dump is stored in three parts: rows that can't be compressed to less than half.
pub const THREE_PARTS: &str = "CREATE TABLE public.t AS SELECT i, (SELECT string_agg(md5((i * 1000 + j)::text), '') \
                               FROM generate_series(1, 256) AS j) AS t FROM generate_series(1, 5000) AS i; \
                               CREATE TABLE public.small AS SELECT 1 AS n";

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The line breaks in the middle of what is sent.
    Cut,
    /// The store answers this and does nothing.
    Status(u16),
    /// The store does it, and its answer is lost.
    Lost,
    /// Nothing comes back.
    Hang,
    /// 64 KB, then a pause, and so on.
    Slow(Duration),
}

/// One request as the plan of faults sees it.
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
}

impl Asked {
    pub fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }
}

type Plan = Box<dyn FnMut(&Asked) -> Fault + Send>;

/// Between a client and the store.
pub struct Proxy {
    pub address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    running: JoinHandle<()>,
}

impl Proxy {
    pub async fn before(upstream: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What waits in here looks like progress to the client.
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(128).unwrap();
        let address = listener.local_addr().unwrap();
        let plan: Arc<Mutex<Plan>> = Arc::new(Mutex::new(Box::new(|_| Fault::None)));
        let shared = plan.clone();
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let plan = shared.clone();
                // A line that breaks ends here; each end sees it for itself.
                tokio::spawn(async move { carry(client, upstream, &plan).await.ok() });
            }
        });
        Self { address, plan, running }
    }

    pub fn plan(&self, plan: impl FnMut(&Asked) -> Fault + Send + 'static) {
        *self.plan.lock().unwrap() = Box::new(plan);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Carries one request and its answer; then the line is closed.
async fn carry(mut client: TcpStream, upstream: SocketAddr, plan: &Mutex<Plan>) -> std::io::Result<()> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if client.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    };
    let mut body = read.split_off(end + 4);
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let mut words = head.split(' ').map(str::to_owned);
    let asked = Asked { method: words.next().unwrap(), target: words.next().unwrap() };
    let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
    let fault = (plan.lock().unwrap())(&asked);
    // Without a body there is no middle: whole, the store would do it, which is `Lost`.
    if fault == Fault::Cut && length == 0 {
        return Ok(());
    }
    if fault == Fault::Hang {
        tokio::io::copy(&mut client, &mut tokio::io::sink()).await?;
        return Ok(());
    }
    if let Fault::Status(status) = fault {
        while body.len() < length && client.read_buf(&mut body).await? > 0 {}
        let said = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
        let said = if status == 503 { said } else { "" };
        let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}", said.len());
        return client.write_all(answer.as_bytes()).await;
    }
    let mut store = TcpStream::connect(upstream).await?;
    store.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let wanted = if fault == Fault::Cut { length / 2 } else { length };
    let mut sent = 0;
    let mut piece = vec![0; 64 * 1024];
    while sent < wanted {
        if body.is_empty() {
            let most = piece.len();
            let got = client.read(&mut piece[..most.min(wanted - sent)]).await?;
            if got == 0 {
                return Ok(());
            }
            body.extend_from_slice(&piece[..got]);
        }
        let now = body.len().min(wanted - sent);
        store.write_all(&body[..now]).await?;
        sent += now;
        body.clear();
        if let Fault::Slow(pause) = fault {
            tokio::time::sleep(pause).await;
        }
    }
    if fault == Fault::Cut {
        return Ok(());
    }
    let mut answer = Vec::new();
    store.read_to_end(&mut answer).await?;
    if fault == Fault::Lost {
        return Ok(());
    }
    client.write_all(&answer).await
}
