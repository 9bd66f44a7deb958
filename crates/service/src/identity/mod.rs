//! Who is asking: sign-in, tokens, sessions.
//!
//! A token identifies; whether its session still lives and what its account may do is asked of the store at each request.
//! While the store is away, who was confirmed within the last 15 minutes may go on reading; nobody signs in and nothing changes.

mod confirm;
mod keys;
mod port;
pub mod secret;

use crate::{audit::Trail, hub::Hub, passwords::Passwords, throttle::Throttle, vault::Vault};
use confirm::Confirmations;
use keys::Keys;
use reeve_model::UnixMs;
use reeve_ports::PortError;
use reeve_runtime::Supervisor;
use reeve_store::Store;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::broadcast;
use uuid::Uuid;

/// How long sessions live, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// A session that nobody uses ends after this time.
    pub idle_ms: i64,
    /// A browser session ends after this time in any case.
    pub browser_ms: i64,
    /// So does a program's, with its refresh tokens.
    pub program_ms: i64,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self { idle_ms: 2 * 3_600_000, browser_ms: 12 * 3_600_000, program_ms: 30 * 86_400_000 }
    }
}

/// How long a program's session may be silent: its refresh token lives as long, milliseconds.
const REFRESH_MS: i64 = 7 * 86_400_000;
/// Upkeep: expired sessions go, keys rotate.
const UPKEEP: Duration = Duration::from_secs(3600);

const AWAY: &str = "Reeve's own database is away, so nobody can sign in until it is back. Those who are signed in can go on reading.";
const ENDED: &str = "Your session has ended. Sign in again.";
const WRONG: &str = "E-mail or password is not right.";

/// Answers who is asking. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    hub: Arc<Hub>,
    passwords: Passwords,
    throttle: Throttle,
    trail: Trail,
    rules: SessionRules,
    keys: RwLock<Keys>,
    vault: Vault,
    confirmations: Confirmations,
    news: broadcast::Sender<News>,
}

/// What just changed on this node; others find it by asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// A session or API token has ended.
    Over(Uuid),
    /// An account's rights have changed.
    Rights(Uuid),
}

/// What identity needs.
pub struct Needs {
    /// Accounts and sessions.
    pub store: Store,
    /// The targets that scopes reach, and whether the store answers.
    pub hub: Arc<Hub>,
    /// Hashing.
    pub passwords: Passwords,
    /// Lock-out.
    pub throttle: Throttle,
    /// The audit trail.
    pub trail: Trail,
    /// How long sessions live.
    pub rules: SessionRules,
    /// Seals signing keys.
    pub vault: Vault,
}

impl Identity {
    /// Reads the signing keys, making the first one, and from where accounts signed in before.
    ///
    /// # Errors
    /// One sentence when the store or the keys can't be used.
    pub async fn start(needs: Needs) -> Result<Self, String> {
        let Needs { store, hub, passwords, throttle, trail, rules, vault } = needs;
        let keys = RwLock::new(Keys::load(&store, &vault).await?);
        for (email, address) in store.known_addresses().await.map_err(|e| e.to_string())? {
            throttle.remember(&email, address.parse().ok());
        }
        let inner = Inner {
            store,
            hub,
            passwords,
            throttle,
            trail,
            rules,
            keys,
            vault,
            confirmations: Confirmations::default(),
            news: broadcast::channel(256).0,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Starts the upkeep: expired sessions are removed, keys rotated.
    pub fn upkeep(&self, supervisor: &Supervisor) {
        let inner = Arc::clone(&self.inner);
        supervisor.spawn("identity upkeep", move |stop| {
            let inner = Arc::clone(&inner);
            async move {
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(UPKEEP) => {}
                    }
                    if let Err(error) = inner.tidy().await {
                        tracing::warn!(%error, "sessions and keys could not be tidied; it is tried again in an hour");
                    }
                }
            }
        });
    }

    /// The lock-out, for other places that check a password.
    pub(crate) fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    /// Tells open streams of this node.
    pub(crate) fn tell(&self, news: News) {
        match news {
            News::Over(id) => self.inner.confirmations.forget(id),
            News::Rights(account) => self.inner.confirmations.forget_account(account),
        }
        // Nobody listening is fine: then no stream is open.
        let _ = self.inner.news.send(news);
    }
}

impl Inner {
    async fn tidy(&self) -> Result<(), String> {
        let now = UnixMs::now();
        self.store.purge(now).await.map_err(|e| e.to_string())?;
        let keys = Keys::load(&self.store, &self.vault).await?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        self.confirmations.tidy(now);
        Ok(())
    }
}

fn away(error: impl std::fmt::Display) -> PortError {
    tracing::warn!(%error, "a sign-in could not be checked");
    PortError::Unavailable(AWAY.to_owned())
}

fn ended() -> PortError {
    PortError::Unauthenticated(ENDED.to_owned())
}
