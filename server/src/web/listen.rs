//! Taking connections: each with limits for its headers, all with a limit for their number, and an end.

use super::{limits::Connections, origin::Peer, tls::Tls};
use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io::ErrorKind, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Headers must be complete within this time; a connection kept alive may be silent as long. Whoever sends a byte now and then would
/// otherwise hold a connection for ever.
const HEADERS: Duration = Duration::from_secs(20);
/// Request line and headers together, bytes; more is answered 431. hyper itself takes no more than 100 headers.
const HEADER_BYTES: usize = 32 * 1024;
/// What is held of a connection before it is looked at, bytes.
const BUFFER: usize = 64 * 1024;
/// When the process or the system is out of file descriptors, one may be free after this time.
const PAUSE: Duration = Duration::from_millis(200);

/// How connections are taken.
pub struct Door {
    /// TLS of Reeve's own; none: plain HTTP.
    pub tls: Option<Tls>,
    /// Connections at once; more wait in the system's queue.
    pub places: usize,
    /// How many each address may have.
    pub connections: Connections,
}

/// Serves until told to stop and then until the running requests are answered.
pub async fn serve(listener: TcpListener, router: Router, door: Door, stopping: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_header_size(HEADER_BYTES).max_buf_size(BUFFER);
    let (places, open) = (Arc::new(Semaphore::new(door.places)), TaskTracker::new());
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            () = stopping.cancelled() => break,
            next = next => next,
        };
        // Closed without a word: an answer would cost what the limit is there to save.
        let Some(mine) = door.connections.enter(peer.ip()) else { continue };
        let (http, router, tls, stopping) = (http.clone(), router.clone(), door.tls.clone(), stopping.clone());
        open.spawn(async move {
            match tls {
                None => talk(&http, stream, peer, router, stopping).await,
                Some(tls) => {
                    // Handshakes are each connection's own time, and nobody's when Reeve stops.
                    let accepted = tokio::select! {
                        accepted = tls.accept(stream) => accepted,
                        () = stopping.cancelled() => return,
                    };
                    match accepted {
                        Ok(stream) => talk(&http, stream, peer, router, stopping).await,
                        // Scanners and plain HTTP on the TLS port are everyday.
                        Err(error) => tracing::debug!(%error, "a connection did not become TLS"),
                    }
                }
            }
            drop((place, mine));
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// One connection, to its end.
async fn talk<S>(http: &http1::Builder, stream: S, peer: SocketAddr, router: Router, stopping: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Clients that leave in the middle are everyday.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// The next connection; waits out what is wrong with the system, and takes no notice of clients that left before they were taken.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers at once.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps waiting for more to send");
                }
                return (stream, peer);
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection could be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
