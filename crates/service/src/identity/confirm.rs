//! Confirming who asks: the store is asked at each request, and what it said is remembered for when it is away.

use super::{ENDED, Inner, ended};
use reeve_access::{Principal, Via, principal::resolve};
use reeve_model::{Binding, Origin, StoreState, UnixMs};
use reeve_ports::PortError;
use reeve_store::{accounts::Account, api_tokens::ApiToken, auth_sessions::AuthSession};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How long a confirmation lasts while the store is away, milliseconds.
const GRACE_MS: i64 = 15 * 60_000;
/// No request waits longer than this for the store.
const PATIENCE: Duration = Duration::from_millis(400);
/// That a session or token is used is written at most this often, milliseconds.
const TOUCH_MS: i64 = 60_000;
/// Confirmations remembered at once; more are simply asked for again.
const MOST: usize = 20_000;

const UNCONFIRMED: &str = "Reeve's own database is away, so it can't be confirmed who you are. Try again in a moment.";

/// Whose confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A session, by its id.
    Session(Uuid),
    /// An API token, by its digest.
    Token([u8; 32]),
}

/// What the store said.
#[derive(Debug, Clone)]
pub(super) struct Confirmed {
    /// Id of the session or API token.
    pub(super) id: Uuid,
    pub(super) account: Uuid,
    pub(super) email: String,
    pub(super) org: Uuid,
    pub(super) bindings: Vec<Binding>,
    pub(super) only: Option<BTreeSet<String>>,
    pub(super) epoch: i64,
    at: UnixMs,
    touched: UnixMs,
    /// False when the store could not be asked now.
    fresh: bool,
}

impl Confirmed {
    fn of_session(session: AuthSession, now: UnixMs) -> Self {
        Self {
            id: session.sid,
            account: session.account,
            email: session.email,
            org: session.org,
            bindings: session.bindings,
            only: None,
            epoch: i64::from(session.epoch),
            at: now,
            touched: session.last_seen,
            fresh: true,
        }
    }

    /// Of a sign-in that was just written: asking again would only cost time, and fail when the store is slow.
    pub(super) fn of_sign_in(sid: Uuid, account: &Account, now: UnixMs) -> Self {
        Self {
            id: sid,
            account: account.id,
            email: account.email.clone(),
            org: account.org,
            bindings: account.bindings.clone(),
            only: None,
            epoch: i64::from(account.epoch),
            at: now,
            touched: now,
            fresh: true,
        }
    }

    fn of_token(token: ApiToken, now: UnixMs) -> Self {
        Self {
            id: token.id,
            account: token.account,
            email: token.email,
            org: token.org,
            bindings: token.bindings,
            only: Some(token.scopes.into_iter().collect()),
            epoch: 0,
            at: now,
            // The store itself writes no more than once a minute.
            touched: UnixMs(0),
            fresh: true,
        }
    }
}

/// What is remembered.
#[derive(Default)]
pub(super) struct Confirmations {
    known: Mutex<HashMap<Who, Confirmed>>,
}

impl Confirmations {
    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Confirmed>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall(&self, who: Who, now: UnixMs) -> Option<Confirmed> {
        let known = self.lock().get(&who).filter(|c| now.ms_since(c.at) <= GRACE_MS).cloned();
        known.map(|confirmed| Confirmed { fresh: false, ..confirmed })
    }

    pub(super) fn keep(&self, who: Who, confirmed: Confirmed) {
        let mut known = self.lock();
        if known.len() >= MOST && !known.contains_key(&who) {
            let now = confirmed.at;
            known.retain(|_, c| now.ms_since(c.at) <= TOUCH_MS);
            if known.len() >= MOST {
                return;
            }
        }
        known.insert(who, confirmed);
    }

    /// Forgets a session or token that has ended.
    pub(super) fn forget(&self, id: Uuid) {
        self.lock().retain(|_, c| c.id != id);
    }

    /// Forgets all of an account: while the store is away they must not go on with old rights.
    pub(super) fn forget_account(&self, account: Uuid) {
        self.lock().retain(|_, c| c.account != account);
    }

    /// Forgets what is too old to be of use.
    pub(super) fn tidy(&self, now: UnixMs) {
        self.lock().retain(|_, c| now.ms_since(c.at) <= GRACE_MS);
    }

    /// The token behind a principal, by its id.
    pub(super) fn token(&self, id: Uuid) -> Option<Who> {
        self.lock().iter().find(|(who, c)| matches!(who, Who::Token(_)) && c.id == id).map(|(who, _)| *who)
    }
}

impl Inner {
    /// Asks the store whether the session or token lives and what its account may do.
    pub(super) async fn confirm(&self, who: Who) -> Result<Confirmed, PortError> {
        let now = UnixMs::now();
        if self.hub.store_state() != StoreState::Up
            && let Some(known) = self.confirmations.recall(who, now)
        {
            return Ok(known);
        }
        let ask = async {
            match who {
                Who::Session(sid) => {
                    Ok::<_, reeve_store::StoreError>(self.store.live_session(sid).await?.map(|s| Confirmed::of_session(s, now)))
                }
                Who::Token(digest) => Ok(self.store.api_token(digest).await?.map(|t| Confirmed::of_token(t, now))),
            }
        };
        match tokio::time::timeout(PATIENCE, ask).await {
            Ok(Ok(Some(mut confirmed))) => {
                let before = self.confirmations.lock().get(&who).map(|known| known.touched);
                confirmed.touched = before.map_or(confirmed.touched, |at| at.max(confirmed.touched));
                if now.ms_since(confirmed.touched) > TOUCH_MS {
                    self.touch(who, confirmed.id, now).await;
                    confirmed.touched = now;
                }
                self.confirmations.keep(who, confirmed.clone());
                Ok(confirmed)
            }
            Ok(Ok(None)) => {
                self.confirmations.lock().remove(&who);
                Err(PortError::Unauthenticated(match who {
                    Who::Session(_) => ENDED.to_owned(),
                    Who::Token(_) => "This API token is not valid: it was revoked, has ended, or its account may not sign in.".to_owned(),
                }))
            }
            Ok(Err(_)) | Err(_) => self.confirmations.recall(who, now).ok_or_else(|| PortError::Unavailable(UNCONFIRMED.to_owned())),
        }
    }

    /// Notes the use. A failure costs nothing but an older "last seen": the next request tries again.
    async fn touch(&self, who: Who, id: Uuid, now: UnixMs) {
        let touched = async {
            match who {
                Who::Session(sid) => self.store.touch_session(sid, Some(now.plus_ms(self.rules.idle_ms))).await.map(drop),
                Who::Token(_) => self.store.touch_api_token(id).await,
            }
        };
        if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, touched).await {
            tracing::debug!(%error, "the use of a session was not noted");
        }
    }

    /// The caller, with scopes resolved to the targets there are now.
    pub(super) fn principal(&self, confirmed: &Confirmed, via: Via, origin: &Origin) -> Principal {
        Principal {
            account: confirmed.account.to_string(),
            email: confirmed.email.clone(),
            org: confirmed.org.to_string(),
            session: confirmed.id.to_string(),
            rights: resolve(&confirmed.bindings, self.hub.targets().iter()),
            bindings: confirmed.bindings.clone(),
            only: confirmed.only.clone(),
            via,
            origin: origin.clone(),
            confirmed_at: confirmed.at,
            may_change: confirmed.fresh,
        }
    }

    /// Whose confirmation a principal stands on.
    pub(super) fn behind(&self, principal: &Principal) -> Result<Who, PortError> {
        let id = Uuid::parse_str(&principal.session).map_err(|_| ended())?;
        match principal.via {
            Via::Token => self.confirmations.token(id).ok_or_else(ended),
            Via::Session | Via::Bearer | Via::Local => Ok(Who::Session(id)),
        }
    }
}
