//! Identity as pages and routes call it.

use super::{
    ENDED, Identity, Inner, News, REFRESH_MS, WRONG, away,
    confirm::{Confirmed, Who},
    ended, secret,
};
use crate::{
    passwords::{Checked, MAX_BYTES},
    tokens::LIFETIME_S,
};
use async_trait::async_trait;
use reeve_access::{Principal, Via};
use reeve_model::{
    Origin, UnixMs,
    account::Jwk,
    audit::{AuditEvent, Outcome},
};
use reeve_ports::{Ended, IdentityPort, PortError, SignedIn, Wait};
use reeve_store::{
    accounts::Account,
    auth_sessions::NewSession,
    refresh_tokens::{RefreshOutcome, RefreshUse},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How often an open live stream's session is looked up.
const STREAM_CHECK: Duration = Duration::from_secs(3);
/// A refresh token that was just used gives the same successor again to the same client: its answer may have been lost, milliseconds.
const GRACE_MS: i64 = 10_000;

impl Inner {
    fn sign(&self, confirmed: &Confirmed, via: Via, origin: &Origin, refresh_token: Option<String>) -> Result<SignedIn, PortError> {
        let principal = self.principal(confirmed, via, origin);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let access_token = keys
            .tokens
            .sign(&principal.account, &principal.session, confirmed.epoch, UnixMs::now())
            .map_err(|error| PortError::Unavailable(error.to_string()))?;
        Ok(SignedIn { access_token, expires_in_s: LIFETIME_S, refresh_token, epoch: confirmed.epoch, principal })
    }

    fn refused_sign_in(&self, email: &str, origin: &Origin, why: &str) -> AuditEvent {
        let draft = self.trail.draft("sign in", "session", "").by_stranger(email).from(origin);
        draft.outcome(Outcome::Refused).after(&json!({ "why": why })).finish()
    }

    /// Checks a password in its turn. The answer says nothing about whether there is such an account, and takes as long.
    async fn check(&self, email: &str, password: &str, origin: &Origin) -> Result<Account, PortError> {
        let wrong = || PortError::Unauthenticated(WRONG.to_owned());
        // No account has a zero byte in its e-mail: PostgreSQL's text can't hold one.
        if password.is_empty() || password.len() > MAX_BYTES || email.len() > MAX_BYTES || email.contains('\0') {
            self.trail.note(self.refused_sign_in(email, origin, "unusable input"));
            return Err(wrong());
        }
        let email = reeve_store::accounts::normal_email(email);
        let attempt = self.throttle.admit(&email, origin.address, UnixMs::now()).map_err(|wait| {
            self.trail.note(self.refused_sign_in(&email, origin, "too many attempts"));
            PortError::TooMany(Wait::from(wait))
        })?;
        let account = self.store.account_by_email(&email).await.map_err(away)?;
        let usable = account.filter(|a| a.disabled_at.is_none());
        let stored = usable.as_ref().map(|a| a.password_hash.clone());
        let checked = self.passwords.verify(SecretString::from(password.to_owned()), stored).await.map_err(away)?;
        let Some(account) = usable.filter(|_| checked != Checked::Wrong) else {
            attempt.failed(UnixMs::now());
            self.trail.note(self.refused_sign_in(&email, origin, "wrong e-mail or password"));
            return Err(wrong());
        };
        attempt.succeeded(UnixMs::now());
        self.throttle.remember(&email, origin.address);
        if checked == Checked::RightButOld {
            self.rehash(&account, password).await;
        }
        Ok(account)
    }

    /// Brings a hash up to today's parameters. Not being able to is no reason to refuse a right password.
    async fn rehash(&self, account: &Account, password: &str) {
        let renewed = async {
            let hash = self.passwords.hash(SecretString::from(password.to_owned())).await.map_err(|e| e.to_string())?;
            self.store.rehash(account.id, &account.password_hash, &hash).await.map_err(|e| e.to_string())
        };
        if let Err(error) = renewed.await {
            tracing::warn!(%error, "a password could not be hashed anew; it is tried at the next sign-in");
        }
    }
}

#[async_trait]
impl IdentityPort for Identity {
    async fn sign_in(&self, email: &str, password: &str, via: Via, origin: &Origin) -> Result<SignedIn, PortError> {
        let inner = &self.inner;
        // On a task of its own: who hangs up half way has still tried, and it counts.
        let (checker, given) = (Arc::clone(inner), (email.to_owned(), SecretString::from(password.to_owned()), origin.clone()));
        let checked = tokio::spawn(async move { checker.check(&given.0, given.1.expose_secret(), &given.2).await });
        let account = checked.await.map_err(away)??;
        let (now, sid) = (UnixMs::now(), Uuid::new_v4());
        let browser = via == Via::Session;
        let refresh =
            if browser { None } else { Some(format!("{}{}", secret::REFRESH_PREFIX, secret::random().map_err(PortError::Unavailable)?)) };
        let word = if browser { "session" } else { "bearer" };
        let event = inner.trail.draft("sign in", "session", &sid.to_string()).by_account(account.id, &account.email, word).from(origin);
        let new = NewSession {
            sid,
            account: account.id,
            via: word.to_owned(),
            address: origin.address.map(|a| a.to_string()).unwrap_or_default(),
            agent: origin.agent.clone(),
            idle_ends_at: Some(now.plus_ms(if browser { inner.rules.idle_ms } else { REFRESH_MS })),
            expires_at: now.plus_ms(if browser { inner.rules.browser_ms } else { inner.rules.program_ms }),
            refresh: refresh.as_ref().map(|token| (secret::digest(token), now.plus_ms(REFRESH_MS))),
        };
        inner.store.begin_session(new, event.finish()).await.map_err(away)?;
        inner.trail.written();
        let confirmed = Confirmed::of_sign_in(sid, &account, now);
        inner.confirmations.keep(Who::Session(sid), confirmed.clone());
        inner.sign(&confirmed, via, origin, refresh)
    }

    async fn verify(&self, token: &str, via: Via, origin: &Origin) -> Result<Principal, PortError> {
        let inner = &self.inner;
        if token.starts_with(secret::API_TOKEN_PREFIX) {
            let confirmed = inner.confirm(Who::Token(secret::digest(token))).await?;
            return Ok(inner.principal(&confirmed, Via::Token, origin));
        }
        let claims = {
            let keys = inner.keys.read().unwrap_or_else(PoisonError::into_inner);
            keys.tokens.verify(token).map_err(|error| PortError::Unauthenticated(error.to_string()))?
        };
        let sid = Uuid::parse_str(&claims.sid).map_err(|_| ended())?;
        let confirmed = inner.confirm(Who::Session(sid)).await?;
        if confirmed.epoch != claims.epoch || confirmed.account.to_string() != claims.sub {
            return Err(ended());
        }
        Ok(inner.principal(&confirmed, via, origin))
    }

    async fn renew(&self, session: &str, origin: &Origin) -> Result<SignedIn, PortError> {
        let sid = Uuid::parse_str(session).map_err(|_| ended())?;
        let confirmed = self.inner.confirm(Who::Session(sid)).await?;
        self.inner.sign(&confirmed, Via::Session, origin, None)
    }

    async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<SignedIn, PortError> {
        let inner = &self.inner;
        let invalid = || PortError::Unauthenticated("The refresh token is not valid; sign in again.".to_owned());
        let refused = |why: &str| {
            let draft = inner.trail.draft("refresh", "session", "").by_stranger("").from(origin);
            inner.trail.note(draft.outcome(Outcome::Refused).after(&json!({ "why": why })).finish());
        };
        if !refresh_token.starts_with(secret::REFRESH_PREFIX) || refresh_token.len() > 128 {
            refused("no refresh token");
            return Err(invalid());
        }
        let next = secret::successor(&inner.keys.read().unwrap_or_else(PoisonError::into_inner).refresh, refresh_token);
        let alarm = inner.trail.draft("reuse", "refresh token", "").by_stranger("").from(origin).outcome(Outcome::Alarm).finish();
        let given = RefreshUse {
            digest: secret::digest(refresh_token),
            fingerprint: secret::fingerprint(&origin.agent, origin.address),
            grace_ms: GRACE_MS,
            successor: secret::digest(&next),
            alarm,
        };
        match inner.store.use_refresh(given).await.map_err(away)? {
            RefreshOutcome::Rotated(session) | RefreshOutcome::Again(session) => {
                let confirmed = inner.confirm(Who::Session(session.sid)).await?;
                inner.sign(&confirmed, Via::Bearer, origin, Some(next))
            }
            RefreshOutcome::Reused { sid, email, .. } => {
                tracing::warn!(%email, "a refresh token was used twice; its session has ended");
                inner.trail.written();
                self.tell(News::Over(sid));
                Err(PortError::Unauthenticated("This refresh token was used before, so its session has ended. Sign in again.".to_owned()))
            }
            RefreshOutcome::Unknown => {
                refused("unknown or over");
                Err(invalid())
            }
        }
    }

    async fn sign_out(&self, principal: &Principal) -> Result<(), PortError> {
        if principal.via == Via::Token {
            return Err(PortError::Invalid("An API token has no session to end; revoke it instead.".to_owned()));
        }
        let inner = &self.inner;
        let ids = (Uuid::parse_str(&principal.account), Uuid::parse_str(&principal.session));
        let (Ok(account), Ok(sid)) = ids else { return Err(PortError::Unauthenticated(ENDED.to_owned())) };
        let away = |_| PortError::Unavailable("Reeve's own database is away, so the session could not be ended. Try again.".to_owned());
        let event = inner.trail.draft("sign out", "session", &principal.session).by(principal).finish();
        inner.store.end_session(account, sid, event).await.map_err(away)?;
        inner.trail.written();
        self.tell(News::Over(sid));
        Ok(())
    }

    async fn ended(&self, principal: &Principal) -> Ended {
        let inner = &self.inner;
        let (Ok(id), Ok(account)) = (Uuid::parse_str(&principal.session), Uuid::parse_str(&principal.account)) else {
            return Ended::Session;
        };
        let Ok(who) = inner.behind(principal) else { return Ended::Session };
        let mut news = inner.news.subscribe();
        let mut check = tokio::time::interval_at(tokio::time::Instant::now() + STREAM_CHECK, STREAM_CHECK);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                said = news.recv() => match said {
                    Ok(News::Over(over)) if over == id => return Ended::Session,
                    Ok(News::Rights(of)) if of == account => return Ended::Rights,
                    // A lagging listener may have missed its own news; the check below finds it.
                    _ => {}
                },
                _ = check.tick() => match inner.confirm(who).await {
                    // Rights that changed on another node, and targets that came or went.
                    Ok(confirmed) if inner.principal(&confirmed, principal.via, &principal.origin).rights != principal.rights => return Ended::Rights,
                    Ok(_) => {}
                    Err(_) => return Ended::Session,
                },
            }
        }
    }

    fn keys(&self) -> Vec<Jwk> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).tokens.public()
    }
}
