//! Reeve itself: services, collectors, web server; and their end.

use super::{output::say, signals::Stop, store::Opened};
use crate::{
    config::Config,
    web::{Web, listen, router},
};
use leptos::prelude::LeptosOptions;
use reeve_estate::{DatabaseChoice, TargetSpec};
use reeve_model::{TargetName, UnixMs, Verdict};
use reeve_ports::Ports;
use reeve_runtime::Supervisor;
use reeve_service::{
    Hub,
    accounts::{self, FirstAdmin},
    health::Health,
    identity::Identity,
    passwords::Passwords,
    pools::Pools,
    recorder::Recorder,
    store_watch,
    tables::Tables,
    trends::WINDOW_MS,
    watch,
};
use reeve_store::{Store, accounts::DEFAULT_ORG};
use secrecy::ExposeSecret;
use std::{process::ExitCode, sync::Arc, time::Duration};
use tokio::net::TcpListener;

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

/// Serves until told to stop. Always stops what it was given.
pub async fn serve(config: Config, listener: TcpListener, opened: Opened, extra: Extra, mut signal: Stop) -> Result<ExitCode, String> {
    let outcome = run(config, listener, &opened, extra, &mut signal).await;
    opened.stop().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn run(config: Config, listener: TcpListener, opened: &Opened, extra: Extra, signal: &mut Stop) -> Result<(), String> {
    let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
    let passwords = Passwords::new(HASHES_AT_ONCE).map_err(|e| e.to_string())?;
    let specs: Vec<TargetSpec> = config.targets.iter().map(spec).collect();
    let now = UnixMs::now();
    let hub = Arc::new(Hub::new(specs.iter().map(|s| (s.info.clone(), s.cadence.critical_ms)).collect(), now));
    let asked = async {
        let first = accounts::ensure_admin(&store, &passwords, config.admin_email.as_deref(), config.admin_password.clone());
        let first = first.await.map_err(|e| e.to_string())?;
        let identity = Identity::start(store.clone(), Arc::clone(&hub), passwords.clone()).await?;
        recall(&store, &hub, &specs, now).await?;
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
    let health = Health::new(Arc::clone(&hub), opened.pools.clone(), recorder.clone(), store.clone());
    let unused_after_s = extra.unused_after_s.unwrap_or(UNUSED_AFTER_S);
    let ports = Ports {
        health: Arc::new(health),
        pools: Arc::new(Pools::new(opened.pools.clone())),
        tables: Arc::new(Tables::new(Arc::clone(&hub), store.clone(), &specs, unused_after_s)),
        identity: Arc::new(identity),
    };
    watch::start(&supervisor, specs, &hub, &recorder);

    let address = listener.local_addr().map_err(|error| format!("The address can't be told ({error})."))?;
    let web =
        Web { ports, hub, options: LeptosOptions::builder().output_name("reeve").build(), stopping: supervisor.stopping(), tls: false };
    let router = router::build(web, store.web_sessions())?;
    announce(&address.to_string(), first.as_ref());
    let stopping = supervisor.stopping();
    let mut server = tokio::spawn(listen::serve(listener, router, stopping));
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
            Ok(())
        }
    }
}

fn spec(target: &crate::config::TargetConfig) -> TargetSpec {
    let databases = if target.databases.is_empty() { DatabaseChoice::AllUser } else { DatabaseChoice::Only(target.databases.clone()) };
    TargetSpec { cadence: target.cadence, databases, ..TargetSpec::new(target.info.clone(), target.endpoint.clone()) }
}

/// Takes the address. Done before anything else: without it all the rest would be in vain.
///
/// # Errors
/// One sentence that says what to do.
pub async fn listen(config: &Config) -> Result<TcpListener, String> {
    TcpListener::bind(config.listen).await.map_err(|error| match error.kind() {
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
    })
}

/// What was known before the restart: targets, since when each verdict holds, the recent hour of each figure.
async fn recall(store: &Store, hub: &Arc<Hub>, specs: &[TargetSpec], now: UnixMs) -> Result<(), String> {
    let infos: Vec<_> = specs.iter().map(|s| s.info.clone()).collect();
    store.register_targets(&infos).await.map_err(|e| e.to_string())?;
    for (name, record) in store.last_verdicts().await.map_err(|e| e.to_string())? {
        hub.recall(&name, Verdict { status: record.status, since: record.since, score: record.score, ..Verdict::not_yet(now) });
    }
    for spec in specs {
        seed(store, hub, &spec.info.name, now).await;
    }
    Ok(())
}

async fn seed(store: &Store, hub: &Arc<Hub>, target: &TargetName, now: UnixMs) {
    let keys: Vec<_> = reeve_rules::FIGURES
        .iter()
        .map(|def| reeve_model::series::SeriesKey { target: target.clone(), metric: def.id.to_owned(), object: String::new() })
        .collect();
    match store.history().range(&keys, now.plus_ms(-WINDOW_MS), now, None).await {
        Ok(lines) => {
            for (key, points) in keys.iter().zip(lines) {
                hub.seed_trend(target, &key.metric, &points);
            }
        }
        // Charts then begin now; nothing else depends on it.
        Err(error) => tracing::warn!(%error, %target, "the recent hour could not be read from history"),
    }
}

/// Says where Reeve is, and, once, how to sign in.
fn announce(address: &str, first: Option<&FirstAdmin>) {
    let mut lines = vec![format!("Reeve is ready at http://{address}")];
    if let Some(FirstAdmin { email, made_up: Some(password) }) = first {
        lines.push(format!("Sign in as {email} with the password {}", password.expose_secret()));
        lines.push("This password is shown only now; it can't be read again.".to_owned());
    }
    for line in lines {
        say(line);
    }
}
