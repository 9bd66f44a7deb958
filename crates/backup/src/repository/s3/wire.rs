//! HTTP to the store: rustls with the provider that all of Reeve uses, and a clock that ends what has fallen silent.
//!
//! A limit on a whole request would be too short for a slow line or too long for a dead one. So each piece that goes out or comes in sets
//! the clock back, and only silence ends a try.

use super::S3Access;
use crate::BackupError;
use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody, HttpService},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::time::Sleep;

/// Bytes of one piece of a request: small enough that a slow line is seen to move.
const PIECE: usize = 64 * 1024;
/// Bytes that may lie ready to be sent: what is in there counts as moved, so it must not be much.
const BUFFER: usize = 1024 * 1024;
/// How long an idle connection is kept; stores close theirs soon after.
const IDLE: Duration = Duration::from_secs(20);

/// Hands out the client that was made at once, when mistakes could still be told.
#[derive(Debug, Clone)]
pub(super) struct Connector(HttpClient);

impl Connector {
    pub(super) fn new(access: &S3Access) -> Result<Self, BackupError> {
        let provider = Arc::new(ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| BackupError::system("preparing TLS", e))?
            .with_root_certificates(roots(access)?)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(access.patience.connect));
        tcp.set_nodelay(true);
        tcp.set_send_buffer_size(Some(BUFFER));
        tcp.enforce_http(false);
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        // Whether http:// may be used at all was decided where the endpoint was read.
        let plain = access.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let https = if plain { builder.https_or_http() } else { builder.https_only() }.enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build(https);
        Ok(Self(HttpClient::new(Wire { client, silence: access.patience.silence })))
    }
}

impl object_store::client::HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

fn roots(access: &S3Access) -> Result<RootCertStore, BackupError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &access.ca_file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let unusable =
        |why: String| BackupError::Refused(format!("ca_file {} can't be used ({why}): give a PEM file of certificates", path.display()));
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unusable(e.to_string()))? {
        let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unusable(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

#[derive(Debug)]
struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Sent>,
    silence: Duration,
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let beat = Arc::new(Beat::new());
        let (parts, body) = request.into_parts();
        let request = hyper::http::Request::from_parts(parts, Sent { body, rest: Bytes::new(), beat: beat.clone() });
        let answer = tokio::select! {
            answer = self.client.request(request) => answer.map_err(|e| {
                HttpError::new(if e.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request }, e)
            })?,
            () = beat.silent_for(self.silence) => return Err(silent(self.silence)),
        };
        let (parts, body) = answer.into_parts();
        let body = Received { body, silence: self.silence, clock: Box::pin(tokio::time::sleep(self.silence)) };
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

/// All that is asked of the store can be asked twice, so what was perhaps done already is tried again like what was not: the callers
/// tell their own object from somebody else's.
fn silent(limit: Duration) -> HttpError {
    HttpError::new(HttpErrorKind::Request, io::Error::new(io::ErrorKind::TimedOut, format!("it kept silent for {limit:?}")))
}

/// When something last moved.
struct Beat {
    began: Instant,
    last_ms: AtomicU64,
}

impl Beat {
    fn new() -> Self {
        Self { began: Instant::now(), last_ms: AtomicU64::new(0) }
    }

    fn moved(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    async fn silent_for(&self, limit: Duration) {
        loop {
            let until = Duration::from_millis(self.last_ms.load(Ordering::Relaxed)) + limit;
            let Some(left) = until.checked_sub(self.began.elapsed()).filter(|left| !left.is_zero()) else { return };
            tokio::time::sleep(left).await;
        }
    }
}

/// A request's body, in pieces.
struct Sent {
    body: HttpRequestBody,
    rest: Bytes,
    beat: Arc<Beat>,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.beat.moved();
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let more = self.rest.len() as u64;
        match self.body.size_hint().exact() {
            Some(exact) => SizeHint::with_exact(exact + more),
            None => SizeHint::default(),
        }
    }
}

/// An answer's body.
struct Received {
    body: Incoming,
    silence: Duration,
    clock: Pin<Box<Sleep>>,
}

impl Body for Received {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let until = tokio::time::Instant::now() + self.silence;
            self.clock.as_mut().reset(until);
            return Poll::Ready(frame.map(|frame| frame.map_err(|e| HttpError::new(HttpErrorKind::Request, e))));
        }
        ready!(self.clock.as_mut().poll(context));
        Poll::Ready(Some(Err(silent(self.silence))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
