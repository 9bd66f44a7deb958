//! The web server: one table of routes, one gate in front of each.

pub mod account_forms;
pub mod accounts_api;
pub mod api;
pub mod assets;
pub mod audit_api;
pub mod auth_api;
pub mod backup_forms;
pub mod backups_api;
pub mod compliance_api;
pub mod compliance_forms;
pub mod csrf;
mod decisions_api;
pub mod forms;
pub mod frames;
pub mod gate;
pub mod headers;
pub mod intake;
pub mod limits;
pub mod listen;
pub mod live;
pub mod openapi;
pub mod origin;
pub mod pages;
pub mod probes;
pub mod refusal;
pub mod registry_forms;
pub mod reveals;
pub mod router;
pub mod routes;
pub mod session_forms;
pub mod sessions;
pub mod sign_in;
pub mod tls;

use axum::extract::FromRef;
use leptos::prelude::LeptosOptions;
use reeve_ports::Ports;
use reeve_service::Hub;
use reveals::Reveals;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What every handler may use.
#[derive(Clone)]
pub struct Web {
    /// The services behind their traits.
    pub ports: Ports,
    /// Only for Reeve's own health and for counting viewers.
    pub hub: Arc<Hub>,
    /// Names for the server functions' handler.
    pub options: LeptosOptions,
    /// What live streams send, shared.
    pub frames: Arc<frames::Frames>,
    /// Places for live streams; some connections are kept for everything else.
    pub streams: Arc<Semaphore>,
    /// Secrets that a form just made, on their way to the page that shows them.
    pub reveals: Reveals,
    /// Ends live streams at shutdown.
    pub stopping: CancellationToken,
    /// True when Reeve is reached over TLS, its own or a proxy's, so that cookies may be bound to it.
    pub tls: bool,
    /// The origin under which people reach Reeve, when it is configured.
    pub public_origin: Option<Arc<str>>,
}

impl FromRef<Web> for LeptosOptions {
    fn from_ref(web: &Web) -> Self {
        web.options.clone()
    }
}
