//! Reeve itself: services, collectors, web server; and their end.

use super::{backups::Storage, files, output::say, signals::Stop, store::Opened, targets};
use crate::{
    config::Config,
    web::{
        Web,
        limits::{Connections, Limiter},
        listen::{self, Door},
        origin::Trusted,
        reveals::Reveals,
        router::{self, Guards},
        tls::Tls,
    },
};
use leptos::prelude::LeptosOptions;
use reeve_model::UnixMs;
use reeve_ports::Ports;
use reeve_runtime::Supervisor;
use reeve_service::{
    Hub,
    accounts::{self, Accounts, FirstAdmin},
    audit::{Audit, Trail},
    backups::{Backups, Works},
    compliance::Compliance,
    health::Health,
    identity::{Identity, Needs, SessionRules},
    passwords::Passwords,
    pools::Pools,
    recorder::Recorder,
    registry::{Registry, follow::Follower, port::Targets},
    sessions::Sessions,
    store_watch,
    tables::Tables,
    throttle::{Throttle, ThrottleRules},
    vault::{Vault, secrets::Secrets},
    watch,
};
use reeve_store::{Store, accounts::DEFAULT_ORG};
use secrecy::ExposeSecret;
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// How long running requests may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// Passwords hashed at the same time: one core stays for pages.
const HASHES_AT_ONCE: usize = 1;
/// An index is unused when nobody scanned it for a week.
const UNUSED_AFTER_S: f64 = 7.0 * 24.0 * 3600.0;

/// What a command may set beside the configuration.
#[derive(Debug, Default)]
pub struct Extra {
    /// Seconds without a scan after which an index counts as unused.
    pub unused_after_s: Option<f64>,
}

/// The address that was taken, and what speaks TLS on it.
pub struct Listening {
    listener: TcpListener,
    tls: Option<Tls>,
}

/// Serves until told to stop. Always stops what it was given.
pub async fn serve(
    config: Config,
    listening: Listening,
    opened: Opened,
    vault: Vault,
    extra: Extra,
    mut signal: Stop,
) -> Result<ExitCode, String> {
    let outcome = run(config, listening, &opened, vault, extra, &mut signal).await;
    opened.stop().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn run(config: Config, listening: Listening, opened: &Opened, vault: Vault, extra: Extra, signal: &mut Stop) -> Result<(), String> {
    let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
    let passwords = Passwords::new(HASHES_AT_ONCE).map_err(|e| e.to_string())?;
    let secrets = Secrets::new(store.clone(), vault);
    let (hub, registry) = (Arc::new(Hub::new(Vec::new(), UnixMs::now())), Registry::new(Vec::new()));
    let follower = Follower::new(targets::plan(&config), registry.clone(), secrets.clone(), store.clone(), Arc::clone(&hub));
    let resolved = async {
        // With a wrong key nothing may start: it would only make things that the right one can't open.
        secrets.verify().await.map_err(|e| e.to_string())?;
        // All targets, and what was known of them before the restart.
        follower.begin().await
    };
    tokio::select! {
        resolved = resolved => resolved?,
        () = signal.requested() => return Ok(()),
    }
    let trail = Trail::new(store.clone(), Some(config.data_dir.clone()));
    let asked = async {
        let first = accounts::ensure_admin(&store, &passwords, config.admin_email.as_deref(), config.admin_password.clone());
        let first = first.await.map_err(|e| e.to_string())?;
        let needs = Needs {
            store: store.clone(),
            hub: Arc::clone(&hub),
            passwords: passwords.clone(),
            throttle: Throttle::new(ThrottleRules::default()),
            trail: trail.clone(),
            rules: SessionRules::default(),
            vault: secrets.vault().clone(),
        };
        let identity = Identity::start(needs).await?;
        Ok::<_, String>((first, identity))
    };
    // A store that stops answering here must not keep Reeve from ending.
    let (first, identity) = tokio::select! {
        answered = asked => answered?,
        () = signal.requested() => return Ok(()),
    };
    let supervisor = Supervisor::new();
    let recorder = Recorder::start(&supervisor, store.clone(), config.history_days);
    store_watch::start(&supervisor, opened.pools.clone(), &hub, &recorder, &opened.cause());
    identity.upkeep(&supervisor);
    trail.start(&supervisor);
    let storage: Arc<dyn Works> = Arc::new(Storage::new(&config, registry.clone()));
    let backups = Backups::new(store.clone(), Arc::clone(&hub), trail.clone(), Some(storage));
    backups.start(&supervisor);
    let health = Health::new(Arc::clone(&hub), opened.pools.clone(), recorder.clone(), store.clone(), trail.clone(), backups.clone());
    let unused_after_s = extra.unused_after_s.unwrap_or(UNUSED_AFTER_S);
    let compliance = Compliance::new(store.clone(), trail.clone(), backups.clone(), registry.clone(), config.compliance_interval);
    let accounts = Accounts::new(store.clone(), Arc::clone(&hub), passwords, identity.clone(), trail.clone());
    let ports = Ports {
        health: Arc::new(health),
        pools: Arc::new(Pools::new(opened.pools.clone())),
        tables: Arc::new(Tables::new(Arc::clone(&hub), store.clone(), registry.clone(), unused_after_s)),
        sessions: Arc::new(Sessions::new(registry.clone(), store.clone(), trail.clone())),
        registry: Arc::new(Targets::new(targets::plan(&config), secrets.clone(), store.clone())),
        identity: Arc::new(identity),
        accounts: Arc::new(accounts),
        audit: Arc::new(Audit::new(trail.clone())),
        backups: Arc::new(backups),
        compliance: Arc::new(compliance.clone()),
    };
    compliance.start(&supervisor);
    watch::start(&supervisor, &registry, &hub, &recorder);
    follower.start(&supervisor);

    let Listening { listener, tls } = listening;
    let address = listener.local_addr().map_err(|error| format!("The address can't be told ({error})."))?;
    let (http, stopping) = (&config.http, supervisor.stopping());
    let places = files::connections(files::raise());
    let web = Web {
        ports,
        hub,
        options: LeptosOptions::builder().output_name("reeve").build(),
        frames: Arc::default(),
        streams: Arc::new(Semaphore::new(files::streams(places))),
        reveals: Reveals::default(),
        stopping: stopping.clone(),
        tls: http.is_over_tls(),
        public_origin: http.public_origin.as_deref().map(Arc::from),
    };
    let trusted = Trusted::new(&http.trusted_proxies);
    let guards = Guards { limiter: Limiter::new(&http.limits), trusted: trusted.clone() };
    let router = router::build(web, store.web_sessions(), guards)?;
    if let Some(tls) = &tls {
        tls.watch(&supervisor);
    }
    announce(&config, address, first.as_ref());
    let door = Door { tls, places, connections: Connections::new(&http.limits, trusted) };
    let mut server = tokio::spawn(listen::serve(listener, router, door, stopping));
    let ended = tokio::select! {
        () = signal.requested() => None,
        ended = &mut server => Some(ended),
    };
    tracing::info!("stopping");
    // Live streams and collectors watch the same signal as the server.
    let calm = supervisor.stop(DRAIN).await;
    if !calm {
        tracing::warn!("some background work had to be cut off");
    }
    match ended {
        Some(Ok(())) => Err("The web server ended by itself.".to_owned()),
        Some(Err(error)) => Err(format!("The web server broke ({error}).")),
        None => {
            if tokio::time::timeout(DRAIN, &mut server).await.is_err() {
                tracing::warn!("some requests were still running and were cut off");
                server.abort();
            }
            trail.settle().await;
            Ok(())
        }
    }
}

/// Reads the certificate and takes the address. Done before anything else: without them all the rest would be in vain.
///
/// # Errors
/// One sentence that says what to do.
pub async fn listen(config: &Config) -> Result<Listening, String> {
    let tls = config.http.tls.as_ref().map(Tls::load).transpose()?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("{} is in use by another program; stop it, or set REEVE_LISTEN to another address.", config.listen)
        }
        std::io::ErrorKind::PermissionDenied => {
            format!(
                "{} may not be listened on by this user; ports below 1024 need more rights. Set REEVE_LISTEN to another.",
                config.listen
            )
        }
        _ => format!("{} can't be listened on ({error}); set REEVE_LISTEN to an address of this machine.", config.listen),
    })?;
    Ok(Listening { listener, tls })
}

/// Says where Reeve is, and, once, how to sign in.
fn announce(config: &Config, address: SocketAddr, first: Option<&FirstAdmin>) {
    let http = &config.http;
    if !http.is_over_tls() && !address.ip().to_canonical().is_loopback() {
        tracing::warn!(
            "Reeve listens on {address} without TLS, so passwords and sessions can be read on the way. Set tls.certificate and tls.key, \
             or http.public_url when a proxy does TLS for it."
        );
    }
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    let mut lines = vec![format!("Reeve is ready at {scheme}://{address}")];
    lines.extend(http.public_origin.as_ref().map(|origin| format!("People reach it at {origin}")));
    if let Some(FirstAdmin { email, made_up: Some(password) }) = first {
        lines.push(format!("Sign in as {email} with the password {}", password.expose_secret()));
        lines.push("This password is shown only now; it can't be read again.".to_owned());
    }
    if let Some(FirstAdmin { email, made_up: None }) = first {
        lines.push(format!("Sign in as {email} with the password that was set"));
    }
    for line in lines {
        say(line);
    }
}
