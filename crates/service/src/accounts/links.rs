//! Single-use links: invitations, and new passwords.

use super::{Accounts, own, trouble};
use crate::{audit::Trail, identity::secret, passwords::judge_new};
use reeve_access::Principal;
use reeve_model::{
    Origin, UnixMs,
    account::{InviteOffer, MadeSecret},
    audit::Outcome,
    hidden,
};
use reeve_ports::{Acceptance, NewInvite, PortError};
use reeve_store::{
    Store,
    accounts::{Account, checked_email, normal_email},
    invites::{Choice, NewInvite as Link, OpenInvite, Purpose, UseOutcome},
};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

/// An invitation is good for three days, milliseconds.
const INVITE_MS: i64 = 3 * 86_400_000;
/// A link to set a new password for one day, milliseconds.
const RESET_MS: i64 = 86_400_000;
/// Longest shown name, characters.
const LONGEST_NAME: usize = 120;

const GONE: &str = "This link is not good: it was used or withdrawn, or its time is over. Ask an admin for a new one.";

/// Makes an invitation.
pub(super) async fn invite(accounts: &Accounts, principal: &Principal, new: NewInvite) -> Result<MadeSecret, PortError> {
    let email = checked_email(&new.email).map_err(trouble)?;
    let bindings = accounts.checked(new.bindings)?;
    if bindings.is_empty() {
        return Err(PortError::Invalid("Choose at least one role for the new account.".to_owned()));
    }
    if accounts.store.account_by_email(&email).await.map_err(trouble)?.is_some() {
        return Err(PortError::Invalid(format!("There is an account for {email} already.")));
    }
    let roles: Vec<String> = bindings.iter().map(ToString::to_string).collect();
    let after = json!({ "roles": roles });
    make(accounts, principal, &email, Purpose::Join(bindings), INVITE_MS, ("invite", after)).await
}

/// Makes a link to set a new password.
pub(super) async fn reset(accounts: &Accounts, principal: &Principal, account: &Account) -> Result<MadeSecret, PortError> {
    if account.disabled_at.is_some() {
        return Err(PortError::Invalid("The account is disabled; enable it first.".to_owned()));
    }
    make(accounts, principal, &account.email, Purpose::Reset(account.id), RESET_MS, ("reset", json!({}))).await
}

/// Makes a link to set a new password for whoever has the machine: the way back in when nobody can sign in any more.
///
/// # Errors
/// One sentence.
pub async fn local_reset(store: &Store, trail: &Trail, email: &str, user: &str) -> Result<MadeSecret, String> {
    let email = normal_email(email);
    let account =
        store.account_by_email(&email).await.map_err(|e| e.to_string())?.ok_or_else(|| format!("There is no account for {email}."))?;
    if account.disabled_at.is_some() {
        return Err("The account is disabled, so a new password would be of no use.".to_owned());
    }
    let (id, secret) = (Uuid::new_v4(), secret::random()?);
    let expires_at = UnixMs::now().plus_ms(RESET_MS);
    let event = trail.draft("reset", "account", &email).by_local(user).finish();
    let digest = secret::digest(&secret);
    let link = Link { id, org: store.org(), digest, email, purpose: Purpose::Reset(account.id), made_by: account.id, expires_at };
    store.make_invite(link, event).await.map_err(|e| e.to_string())?;
    Ok(MadeSecret { id: id.to_string(), secret: format!("/accept/{secret}"), expires_at })
}

async fn make(
    accounts: &Accounts,
    principal: &Principal,
    email: &str,
    purpose: Purpose,
    lives_ms: i64,
    (verb, after): (&str, serde_json::Value),
) -> Result<MadeSecret, PortError> {
    let (id, secret) = (Uuid::new_v4(), secret::random().map_err(PortError::Unavailable)?);
    let expires_at = UnixMs::now().plus_ms(lives_ms);
    let event = accounts.trail.draft(verb, "account", email).by(principal).after(&after).finish();
    let link = Link {
        id,
        org: accounts.store.org(),
        digest: secret::digest(&secret),
        email: email.to_owned(),
        purpose,
        made_by: own(principal)?,
        expires_at,
    };
    accounts.store.make_invite(link, event).await.map_err(trouble)?;
    accounts.done(&[], None);
    Ok(MadeSecret { id: id.to_string(), secret: format!("/accept/{secret}"), expires_at })
}

async fn open(accounts: &Accounts, secret: &str, origin: &Origin) -> Result<OpenInvite, PortError> {
    let found = if secret.len() <= 128 { accounts.store.offered_invite(secret::digest(secret)).await.map_err(trouble)? } else { None };
    found.ok_or_else(|| {
        let draft = accounts.trail.draft("use", "link", "").by_stranger("").from(origin).outcome(Outcome::Refused);
        accounts.trail.note(draft.finish());
        PortError::NotFound(GONE.to_owned())
    })
}

/// What a link offers.
pub(super) async fn offer(accounts: &Accounts, secret: &str, origin: &Origin) -> Result<InviteOffer, PortError> {
    let open = open(accounts, secret, origin).await?;
    Ok(InviteOffer { reset: matches!(open.purpose, Purpose::Reset(_)), email: open.email, expires_at: open.expires_at })
}

/// Uses a link.
pub(super) async fn accept(accounts: &Accounts, secret: &str, chosen: Acceptance, origin: &Origin) -> Result<String, PortError> {
    // Looked at before anything costs: a hash is made for those only who hold a good link.
    let open = open(accounts, secret, origin).await?;
    let reset = matches!(open.purpose, Purpose::Reset(_));
    let name = chosen.display_name.trim().to_owned();
    if !reset && (!(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(hidden)) {
        return Err(PortError::Invalid(format!("Give your name, in 1 to {LONGEST_NAME} characters.")));
    }
    judge_new(&chosen.password, &[&open.email, &name]).map_err(PortError::Invalid)?;
    let hash = accounts.passwords.hash(SecretString::from(chosen.password)).await;
    let password_hash = hash.map_err(|error| PortError::Unavailable(error.to_string()))?;
    let account = match open.purpose {
        Purpose::Reset(account) => account,
        Purpose::Join(_) => Uuid::new_v4(),
    };
    let (verb, noun) = if reset { ("reset", "password") } else { ("accept", "invitation") };
    let mut draft = accounts.trail.draft(verb, noun, &open.email).by_account(account, &open.email, "link").from(origin);
    if let Purpose::Join(bindings) = &open.purpose {
        let roles: Vec<String> = bindings.iter().map(ToString::to_string).collect();
        draft = draft.after(&json!({ "name": name, "roles": roles }));
    }
    let choice = Choice { account, display_name: name, password_hash };
    match accounts.store.use_invite(secret::digest(secret), choice, draft.finish()).await.map_err(trouble)? {
        UseOutcome::Made { email, .. } => {
            accounts.done(&[], None);
            Ok(email)
        }
        UseOutcome::Reset { email, ended, .. } => {
            accounts.done(&ended, None);
            Ok(email)
        }
        UseOutcome::Taken => {
            Err(PortError::Invalid(format!("There is an account for {} already; sign in, or ask for a reset.", open.email)))
        }
        UseOutcome::Gone => Err(PortError::NotFound(GONE.to_owned())),
    }
}
