//! Taking connections: each with a limit for its headers, all with a limit for their number, and an end.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io::ErrorKind, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Headers must be complete within this time; a connection kept alive may be silent as long. Whoever sends a byte now and then would
/// otherwise hold a connection for ever.
const HEADERS: Duration = Duration::from_secs(20);
/// Connections at once; more wait in the system's queue. Half of what Linux allows a process to open by default: the rest is for databases.
const MOST: usize = 512;
/// When the process or the system is out of file descriptors, one may be free after this time.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until told to stop and then until the running requests are answered.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let (places, open) = (Arc::new(Semaphore::new(MOST)), TaskTracker::new());
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, stream) = tokio::select! {
            () = stopping.cancelled() => break,
            next = next => next,
        };
        let service = TowerToHyperService::new(router.clone());
        let (connection, stopping) = (http.serve_connection(TokioIo::new(stream), service), stopping.clone());
        open.spawn(async move {
            let mut connection = pin!(connection);
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
            drop(place);
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// The next connection; waits out what is wrong with the system, and takes no notice of clients that left before they were taken.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers at once.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps waiting for more to send");
                }
                return stream;
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
