//! The least of an HTTP client: one kept connection, from an address of one's choice on the loopback network.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A connection that is opened anew when the server closed it.
pub struct Connection {
    from: IpAddr,
    to: SocketAddr,
    stream: Option<TcpStream>,
    read: Vec<u8>,
}

/// An answer.
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Body; none for streams.
    pub body: Vec<u8>,
}

impl Connection {
    /// To `to`, seen there as coming from `from`.
    pub fn new(from: IpAddr, to: SocketAddr) -> Self {
        Self { from, to, stream: None, read: Vec::new() }
    }

    /// A GET with an access token.
    pub async fn get(&mut self, path: &str, token: &str) -> Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.to)).await
    }

    /// A POST of JSON.
    pub async fn post(&mut self, path: &str, json: &str) -> Result<Answer> {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}", self.to, json.len());
        self.send(&format!("{head}\r\n\r\n{json}")).await
    }

    /// Opens a stream of server-sent events, which takes the connection.
    pub async fn events(mut self, path: &str, token: &str) -> Result<Events> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.from, 0))?;
        let mut stream = socket.connect(self.to).await?;
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n", self.to);
        stream.write_all(head.as_bytes()).await?;
        while !self.read.windows(4).any(|w| w == b"\r\n\r\n") {
            fill(&mut stream, &mut self.read).await?;
        }
        let head = String::from_utf8_lossy(&self.read);
        if !head.starts_with("HTTP/1.1 200") {
            bail!("a stream was refused: {}", head.lines().next().unwrap_or_default());
        }
        Ok(Events { stream, buffer: vec![0; 64 * 1024] })
    }

    async fn send(&mut self, request: &str) -> Result<Answer> {
        let kept = self.stream.is_some();
        match self.once(request).await {
            // The server may have closed a kept connection; then nothing was answered and a new one is due.
            Err(_) if kept => {
                self.stream = None;
                self.once(request).await
            }
            other => other,
        }
    }

    async fn once(&mut self, request: &str) -> Result<Answer> {
        if self.stream.is_none() {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(self.from, 0))?;
            self.stream = Some(socket.connect(self.to).await?);
            self.read.clear();
        }
        let outcome = self.exchange(request).await;
        if outcome.is_err() {
            self.stream = None;
        }
        outcome
    }

    async fn exchange(&mut self, request: &str) -> Result<Answer> {
        let stream = self.stream.as_mut().context("no connection")?;
        stream.write_all(request.as_bytes()).await?;
        let head = loop {
            if let Some(at) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            fill(stream, &mut self.read).await?;
        };
        let text = String::from_utf8_lossy(&self.read[..head]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).context("no status")?;
        let header = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
        let Some(length) = header("content-length:").and_then(|v| v.parse::<usize>().ok()) else {
            bail!("the answer to {:?} has no length", request.lines().next())
        };
        let closes = header("connection:") == Some("close");
        while self.read.len() < head + length {
            fill(stream, &mut self.read).await?;
        }
        let body = self.read[head..head + length].to_vec();
        self.read.drain(..head + length);
        if closes {
            self.stream = None;
        }
        Ok(Answer { status, body })
    }
}

/// A stream of events that is only listened to.
pub struct Events {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Events {
    /// Waits until something comes; answers how many bytes.
    pub async fn next(&mut self) -> Result<usize> {
        match self.stream.read(&mut self.buffer).await? {
            0 => bail!("the server closed a stream"),
            n => Ok(n),
        }
    }
}

async fn fill(stream: &mut TcpStream, into: &mut Vec<u8>) -> Result<()> {
    if stream.read_buf(into).await? == 0 {
        bail!("the server closed the connection");
    }
    Ok(())
}
