//! Who is asking: sign-in, tokens, sessions.
//!
//! A token identifies; whether its session still lives and what its account may do is asked of the store at each request.
//! While the store is away, who was confirmed within the last 15 minutes may go on reading; nobody signs in and nothing changes.

use crate::{
    hub::Hub,
    passwords::{MAX_BYTES, Passwords},
    tokens::{self, LIFETIME_S, TokenKey, Tokens},
};
use async_trait::async_trait;
use reeve_access::{Principal, Role, Via};
use reeve_model::{StoreState, UnixMs};
use reeve_ports::{IdentityPort, PortError, SignedIn};
use reeve_runtime::Supervisor;
use reeve_store::{Store, auth_sessions::AuthSession};
use secrecy::SecretString;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::broadcast;
use uuid::Uuid;

/// How long a browser session lives at most, milliseconds.
const SESSION_MS: i64 = 12 * 3_600_000;
/// How long a confirmation lasts while the store is away, milliseconds.
const GRACE_MS: i64 = 15 * 60_000;
/// No request waits longer than this for the store.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often an open live stream's session is looked up.
const STREAM_CHECK: Duration = Duration::from_secs(3);
/// A signing key signs for 30 days and is accepted for 60, milliseconds.
const KEY_SIGNS_MS: i64 = 30 * 86_400_000;
const KEY_LIVES_MS: i64 = 60 * 86_400_000;
/// Upkeep: expired sessions go, keys rotate.
const UPKEEP: Duration = Duration::from_secs(3600);

const AWAY: &str = "Reeve's own database is away, so nobody can sign in until it is back. Those who are signed in can go on reading.";
const ENDED: &str = "Your session has ended. Sign in again.";
const WRONG: &str = "E-mail or password is not right.";

/// Answers who is asking. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    hub: Arc<Hub>,
    passwords: Passwords,
    tokens: RwLock<Tokens>,
    confirmed: Mutex<HashMap<Uuid, (Confirmed, UnixMs)>>,
    ended: broadcast::Sender<Uuid>,
}

#[derive(Clone)]
struct Confirmed {
    principal: Principal,
    epoch: i64,
}

impl Identity {
    /// Reads the signing keys, making the first one.
    ///
    /// # Errors
    /// One sentence when the store or the keys can't be used.
    pub async fn start(store: Store, hub: Arc<Hub>, passwords: Passwords) -> Result<Self, String> {
        let tokens = load_keys(&store).await?;
        let inner =
            Inner { store, hub, passwords, tokens: RwLock::new(tokens), confirmed: Mutex::default(), ended: broadcast::channel(64).0 };
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
}

async fn load_keys(store: &Store) -> Result<Tokens, String> {
    let now = UnixMs::now();
    let (kid, der) = tokens::generate().map_err(|e| e.to_string())?;
    // Kept only when the newest key has signed long enough, or there is none; two nodes agree on one.
    store.add_signing_key(&kid, &der, now.plus_ms(KEY_LIVES_MS), now.plus_ms(-KEY_SIGNS_MS)).await.map_err(|e| e.to_string())?;
    let mut stored = store.signing_keys().await.map_err(|e| e.to_string())?;
    stored.sort_by_key(|key| key.created_at);
    let keys: Result<Vec<TokenKey>, _> = stored.into_iter().map(|key| TokenKey::from_pkcs8(key.kid, &key.private_key)).collect();
    Ok(Tokens::new(keys.map_err(|e| e.to_string())?))
}

impl Inner {
    async fn tidy(&self) -> Result<(), String> {
        let now = UnixMs::now();
        self.store.purge(now).await.map_err(|e| e.to_string())?;
        let tokens = load_keys(&self.store).await?;
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
        let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.retain(|_, (_, at)| now.ms_since(*at) <= GRACE_MS);
        Ok(())
    }

    fn remembered(&self, sid: Uuid, now: UnixMs) -> Option<Confirmed> {
        let known = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&sid).filter(|(_, at)| now.ms_since(*at) <= GRACE_MS).map(|(confirmed, at)| {
            let mut confirmed = confirmed.clone();
            confirmed.principal.confirmed_at = *at;
            confirmed.principal.may_change = false;
            confirmed
        })
    }

    /// Asks the store whether the session lives and what its account may do.
    async fn confirm(&self, sid: Uuid, via: Via) -> Result<Confirmed, PortError> {
        let now = UnixMs::now();
        if self.hub.store_state() != StoreState::Up
            && let Some(known) = self.remembered(sid, now)
        {
            return Ok(known);
        }
        match tokio::time::timeout(PATIENCE, self.store.live_session(sid)).await {
            Ok(Ok(Some(session))) => {
                let confirmed = confirmed(&session, via, now);
                self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).insert(sid, (confirmed.clone(), now));
                Ok(confirmed)
            }
            Ok(Ok(None)) => {
                self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).remove(&sid);
                Err(PortError::Unauthenticated(ENDED.to_owned()))
            }
            Ok(Err(_)) | Err(_) => self.remembered(sid, now).ok_or_else(|| {
                let sentence = "Reeve's own database is away, so it can't be confirmed who you are. Try again in a moment.";
                PortError::Unavailable(sentence.to_owned())
            }),
        }
    }

    fn sign(&self, confirmed: &Confirmed, now: UnixMs) -> Result<SignedIn, PortError> {
        let principal = confirmed.principal.clone();
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let access_token = tokens
            .sign(&principal.account, &principal.session, confirmed.epoch, now)
            .map_err(|error| PortError::Unavailable(error.to_string()))?;
        Ok(SignedIn { access_token, expires_in_s: LIFETIME_S, principal })
    }
}

fn confirmed(session: &AuthSession, via: Via, now: UnixMs) -> Confirmed {
    let principal = Principal {
        account: session.account.to_string(),
        email: session.email.clone(),
        org: session.org.to_string(),
        session: session.sid.to_string(),
        roles: session.roles.iter().filter_map(|word| Role::from_word(word)).collect(),
        via,
        confirmed_at: now,
        may_change: true,
    };
    Confirmed { principal, epoch: i64::from(session.epoch) }
}

fn away(error: impl std::fmt::Display) -> PortError {
    tracing::warn!(%error, "a sign-in could not be checked");
    PortError::Unavailable(AWAY.to_owned())
}

#[async_trait]
impl IdentityPort for Identity {
    async fn sign_in(&self, email: &str, password: &str, via: Via) -> Result<SignedIn, PortError> {
        // No account has a zero byte in its e-mail: PostgreSQL's text can't hold one.
        if password.is_empty() || password.len() > MAX_BYTES || email.len() > MAX_BYTES || email.contains('\0') {
            return Err(PortError::Unauthenticated(WRONG.to_owned()));
        }
        let inner = &self.inner;
        let account = inner.store.account_by_email(email).await.map_err(away)?;
        // Checked even when there is no such account: the answer must take as long.
        let usable = account.filter(|a| a.disabled_at.is_none());
        let stored = usable.as_ref().map(|a| a.password_hash.clone());
        let right = inner.passwords.verify(SecretString::from(password.to_owned()), stored).await.map_err(away)?;
        let Some(account) = usable.filter(|_| right) else {
            return Err(PortError::Unauthenticated(WRONG.to_owned()));
        };
        let now = UnixMs::now();
        let (word, lives_ms) = match via {
            Via::Session => ("session", SESSION_MS),
            // Without a refresh token the session ends with its only token.
            Via::Bearer | Via::Local => ("bearer", LIFETIME_S * 1000),
        };
        let sid = inner.store.begin_session(account.id, word, now.plus_ms(lives_ms)).await.map_err(away)?;
        let confirmed = inner.confirm(sid, via).await?;
        inner.sign(&confirmed, now)
    }

    async fn verify(&self, token: &str, via: Via) -> Result<Principal, PortError> {
        let claims = {
            let tokens = self.inner.tokens.read().unwrap_or_else(PoisonError::into_inner);
            tokens.verify(token).map_err(|error| PortError::Unauthenticated(error.to_string()))?
        };
        let sid = Uuid::parse_str(&claims.sid).map_err(|_| PortError::Unauthenticated(ENDED.to_owned()))?;
        let confirmed = self.inner.confirm(sid, via).await?;
        if confirmed.epoch != claims.epoch || confirmed.principal.account != claims.sub {
            return Err(PortError::Unauthenticated(ENDED.to_owned()));
        }
        Ok(confirmed.principal)
    }

    async fn renew(&self, session: &str) -> Result<SignedIn, PortError> {
        let sid = Uuid::parse_str(session).map_err(|_| PortError::Unauthenticated(ENDED.to_owned()))?;
        let confirmed = self.inner.confirm(sid, Via::Session).await?;
        self.inner.sign(&confirmed, UnixMs::now())
    }

    async fn sign_out(&self, session: &str) -> Result<(), PortError> {
        let sid = Uuid::parse_str(session).map_err(|_| PortError::Unauthenticated(ENDED.to_owned()))?;
        let away = |_| PortError::Unavailable("Reeve's own database is away, so the session could not be ended. Try again.".to_owned());
        self.inner.store.end_session(sid).await.map_err(away)?;
        self.inner.confirmed.lock().unwrap_or_else(PoisonError::into_inner).remove(&sid);
        // Nobody listening is fine: then no stream is open.
        let _ = self.inner.ended.send(sid);
        Ok(())
    }

    async fn ended(&self, session: &str) {
        let Ok(sid) = Uuid::parse_str(session) else { return };
        let mut news = self.inner.ended.subscribe();
        let mut check = tokio::time::interval_at(tokio::time::Instant::now() + STREAM_CHECK, STREAM_CHECK);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // A lagging listener may have missed its own end; the check below finds it.
                gone = news.recv() => if gone == Ok(sid) { return },
                _ = check.tick() => {
                    let answer = self.inner.confirm(sid, Via::Session).await;
                    if matches!(answer, Err(PortError::Unauthenticated(_) | PortError::Unavailable(_))) {
                        return;
                    }
                }
            }
        }
    }
}
