//! Accounts as pages and routes call them.

use super::{Accounts, links, missing, own, trouble, uuid};
use crate::{
    identity::secret,
    passwords::{Checked, MAX_BYTES, judge_new},
};
use async_trait::async_trait;
use reeve_access::{
    Grant, Principal,
    permission::{ChangeAccount, ChangeAccounts, ChangeOwnAccount, ViewAccount, ViewAccounts, ViewOwnAccount},
    policy::{Over, POLICY},
};
use reeve_model::{
    Binding, Origin, UnixMs,
    account::{AccountDetail, AccountList, InviteOffer, MadeSecret, OwnAccount},
    audit::Outcome,
    hidden,
};
use reeve_ports::{Acceptance, AccountsPort, NewInvite, NewToken, PortError, Wait};
use reeve_store::{accounts::Account, api_tokens::NewApiToken};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

/// Longest life of an API token, days.
const MOST_DAYS: u32 = 366;

/// What a token of this caller may be given: what they hold themselves, but nothing of their own account.
fn grantable(principal: &Principal) -> Vec<(String, String)> {
    POLICY
        .iter()
        .filter(|rule| rule.works() && rule.over != Over::Own && principal.may(rule.verb, rule.noun))
        .map(|rule| (format!("{} {}", rule.verb, rule.noun), rule.does.to_owned()))
        .collect()
}

fn words(bindings: &[Binding]) -> Vec<String> {
    bindings.iter().map(ToString::to_string).collect()
}

impl Accounts {
    async fn existing(&self, id: Uuid) -> Result<Account, PortError> {
        self.store.account(id).await.map_err(trouble)?.ok_or_else(|| missing("account"))
    }

    async fn end(&self, principal: &Principal, account: Uuid, email: &str, session: &str) -> Result<(), PortError> {
        let sid = uuid(session, "session")?;
        let event = self.trail.draft("end", "session", session).by(principal).before(&json!({ "account": email })).finish();
        if !self.store.end_session(account, sid, event).await.map_err(trouble)? {
            return Err(missing("session"));
        }
        self.done(&[sid], None);
        Ok(())
    }

    async fn revoke(&self, principal: &Principal, account: Uuid, email: &str, token: &str) -> Result<(), PortError> {
        let id = uuid(token, "token")?;
        let event = self.trail.draft("revoke", "token", token).by(principal).before(&json!({ "account": email })).finish();
        if !self.store.revoke_api_token(account, id, event).await.map_err(trouble)? {
            return Err(missing("token"));
        }
        self.done(&[id], None);
        Ok(())
    }

    /// Looking at accounts is itself an event.
    fn looked(&self, principal: &Principal, resource: &str) {
        self.trail.note(self.trail.draft("view", "accounts", resource).by(principal).finish());
    }
}

#[async_trait]
impl AccountsPort for Accounts {
    async fn own(&self, grant: Grant<ViewOwnAccount>) -> Result<OwnAccount, PortError> {
        let principal = grant.principal();
        let id = own(principal)?;
        let account = self.store.account_views(Some(id)).await.map_err(trouble)?.pop().ok_or_else(|| missing("account"))?;
        let sessions = self.store.sessions_of(id, Uuid::parse_str(&principal.session).ok()).await.map_err(trouble)?;
        let tokens = self.store.api_tokens_of(id).await.map_err(trouble)?;
        Ok(OwnAccount { account, sessions, tokens, grantable: grantable(principal) })
    }

    async fn change_password(&self, grant: Grant<ChangeOwnAccount>, current: &str, new: &str) -> Result<(), PortError> {
        let principal = grant.principal();
        let account = self.existing(own(principal)?).await?;
        judge_new(new, &[&account.email, &account.display_name]).map_err(PortError::Invalid)?;
        if current.len() > MAX_BYTES {
            return Err(PortError::Invalid("The current password is not right; nothing was changed.".to_owned()));
        }
        // Whoever has found an open session must not be able to guess here without limit.
        let attempt = self.identity.throttle().admit(&account.email, principal.origin.address, UnixMs::now());
        let attempt = attempt.map_err(|wait| PortError::TooMany(Wait::from(wait)))?;
        let unhashed = |error: crate::passwords::HashError| PortError::Unavailable(error.to_string());
        let checked = self.passwords.verify(SecretString::from(current.to_owned()), Some(account.password_hash.clone())).await;
        if checked.map_err(unhashed)? == Checked::Wrong {
            attempt.failed(UnixMs::now());
            let draft = self.trail.draft("change", "password", &account.email).by(principal).outcome(Outcome::Refused);
            self.trail.note(draft.finish());
            return Err(PortError::Invalid("The current password is not right; nothing was changed.".to_owned()));
        }
        attempt.succeeded(UnixMs::now());
        let hash = self.passwords.hash(SecretString::from(new.to_owned())).await.map_err(unhashed)?;
        let event = self.trail.draft("change", "password", &account.email).by(principal).finish();
        let keep = Uuid::parse_str(&principal.session).ok();
        let ended = self.store.set_password(account.id, &hash, keep, event).await.map_err(trouble)?;
        self.done(&ended.ok_or_else(|| missing("account"))?, None);
        Ok(())
    }

    async fn end_own_session(&self, grant: Grant<ChangeOwnAccount>, session: &str) -> Result<(), PortError> {
        let principal = grant.principal();
        self.end(principal, own(principal)?, &principal.email, session).await
    }

    async fn make_token(&self, grant: Grant<ChangeOwnAccount>, new: NewToken) -> Result<MadeSecret, PortError> {
        let (principal, now) = (grant.principal(), UnixMs::now());
        let name = new.name.trim();
        if !(1..=80).contains(&name.chars().count()) || name.chars().any(hidden) {
            return Err(PortError::Invalid("Give the token a name of 1 to 80 characters to know it by.".to_owned()));
        }
        if !(1..=MOST_DAYS).contains(&new.days) {
            return Err(PortError::Invalid(format!("A token is good for 1 to {MOST_DAYS} days.")));
        }
        let mut scopes = new.scopes;
        scopes.sort();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(PortError::Invalid("Choose at least one thing that the token may do.".to_owned()));
        }
        let may = grantable(principal);
        if let Some(unknown) = scopes.iter().find(|scope| !may.iter().any(|(known, _)| known == *scope)) {
            return Err(PortError::Invalid(format!("A token of yours can't be given {unknown:?}.")));
        }
        let token = format!("{}{}", secret::API_TOKEN_PREFIX, secret::random().map_err(PortError::Unavailable)?);
        let (id, expires_at) = (Uuid::new_v4(), now.plus_ms(i64::from(new.days) * 86_400_000));
        let after = json!({ "id": id, "scopes": scopes, "days": new.days });
        let event = self.trail.draft("make", "token", name).by(principal).after(&after).finish();
        let account = own(principal)?;
        let made = NewApiToken { id, account, digest: secret::digest(&token), name: name.to_owned(), scopes, expires_at };
        if !self.store.make_api_token(made, event).await.map_err(trouble)? {
            return Err(missing("account"));
        }
        self.done(&[], None);
        Ok(MadeSecret { id: id.to_string(), secret: token, expires_at })
    }

    async fn revoke_own_token(&self, grant: Grant<ChangeOwnAccount>, token: &str) -> Result<(), PortError> {
        let principal = grant.principal();
        self.revoke(principal, own(principal)?, &principal.email, token).await
    }

    async fn accounts(&self, grant: Grant<ViewAccounts>) -> Result<AccountList, PortError> {
        let accounts = self.store.account_views(None).await.map_err(trouble)?;
        let invites = self.store.open_invites().await.map_err(trouble)?;
        self.looked(grant.principal(), "");
        Ok(AccountList { accounts, invites })
    }

    async fn account(&self, grant: Grant<ViewAccount>) -> Result<AccountDetail, PortError> {
        let id = uuid(grant.resource(), "account")?;
        let account = self.store.account_views(Some(id)).await.map_err(trouble)?.pop().ok_or_else(|| missing("account"))?;
        let current = Uuid::parse_str(&grant.principal().session).ok();
        let sessions = self.store.sessions_of(id, current).await.map_err(trouble)?;
        let tokens = self.store.api_tokens_of(id).await.map_err(trouble)?;
        self.looked(grant.principal(), &account.email);
        Ok(AccountDetail { account, sessions, tokens })
    }

    async fn invite(&self, grant: Grant<ChangeAccounts>, new: NewInvite) -> Result<MadeSecret, PortError> {
        links::invite(self, grant.principal(), new).await
    }

    async fn withdraw_invite(&self, grant: Grant<ChangeAccounts>, invite: &str) -> Result<(), PortError> {
        let id = uuid(invite, "invitation")?;
        let event = self.trail.draft("withdraw", "invitation", invite).by(grant.principal()).finish();
        if !self.store.withdraw_invite(id, event).await.map_err(trouble)? {
            return Err(missing("invitation"));
        }
        self.done(&[], None);
        Ok(())
    }

    async fn set_bindings(&self, grant: Grant<ChangeAccount>, bindings: Vec<Binding>) -> Result<(), PortError> {
        let account = self.existing(uuid(grant.resource(), "account")?).await?;
        let bindings = self.checked(bindings)?;
        if bindings == account.bindings {
            return Ok(());
        }
        let draft = self.trail.draft("change", "rights", &account.email).by(grant.principal());
        let event = draft.before(&json!({ "roles": words(&account.bindings) })).after(&json!({ "roles": words(&bindings) })).finish();
        if !self.store.set_bindings(account.id, bindings, event).await.map_err(trouble)? {
            return Err(missing("account"));
        }
        self.done(&[], Some(account.id));
        Ok(())
    }

    async fn set_disabled(&self, grant: Grant<ChangeAccount>, disabled: bool) -> Result<(), PortError> {
        let account = self.existing(uuid(grant.resource(), "account")?).await?;
        if disabled == account.disabled_at.is_some() {
            return Ok(());
        }
        let verb = if disabled { "disable" } else { "enable" };
        let before = json!({ "disabled": account.disabled_at.is_some() });
        let draft = self.trail.draft(verb, "account", &account.email).by(grant.principal()).before(&before);
        let event = draft.after(&json!({ "disabled": disabled })).finish();
        let ended = self.store.set_account_disabled(account.id, disabled, event).await.map_err(trouble)?;
        self.done(&ended.ok_or_else(|| missing("account"))?, disabled.then_some(account.id));
        Ok(())
    }

    async fn reset(&self, grant: Grant<ChangeAccount>) -> Result<MadeSecret, PortError> {
        let account = self.existing(uuid(grant.resource(), "account")?).await?;
        links::reset(self, grant.principal(), &account).await
    }

    async fn end_session(&self, grant: Grant<ChangeAccount>, session: &str) -> Result<(), PortError> {
        let account = self.existing(uuid(grant.resource(), "account")?).await?;
        self.end(grant.principal(), account.id, &account.email, session).await
    }

    async fn revoke_token(&self, grant: Grant<ChangeAccount>, token: &str) -> Result<(), PortError> {
        let account = self.existing(uuid(grant.resource(), "account")?).await?;
        self.revoke(grant.principal(), account.id, &account.email, token).await
    }

    async fn offer(&self, secret: &str, origin: &Origin) -> Result<InviteOffer, PortError> {
        links::offer(self, secret, origin).await
    }

    async fn accept(&self, secret: &str, acceptance: Acceptance, origin: &Origin) -> Result<String, PortError> {
        links::accept(self, secret, acceptance, origin).await
    }
}
