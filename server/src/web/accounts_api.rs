//! Accounts for programs: the same ports as the pages.

use super::{
    Web,
    api::{Answer, invalid},
};
use axum::{
    Extension, Json,
    extract::{Path, State, rejection::JsonRejection},
};
use reeve_access::{
    Principal, authorize,
    permission::{ChangeAccount, ChangeAccounts, ChangeOwnAccount, ViewAccount, ViewAccounts, ViewOwnAccount, ViewPolicy},
    policy::{POLICY, SEPARATE},
};
use reeve_model::Binding;
use reeve_ports::{NewInvite, NewToken};
use serde::Deserialize;
use serde_json::{Value, json};

/// The caller's own account.
pub async fn own(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    let own = web.ports.accounts.own(authorize::<ViewOwnAccount>(&who, ())?).await?;
    Ok(Json(json!({ "account": own.account, "sessions": own.sessions, "tokens": own.tokens })))
}

/// Makes an API token of one's own; the only answer that holds it.
pub async fn make_token(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    body: Result<Json<NewToken>, JsonRejection>,
) -> Answer {
    let Json(new) =
        body.map_err(|_| invalid("Send JSON with exactly the fields name, scopes (a list like [\"read metrics\"]) and days."))?;
    let made = web.ports.accounts.make_token(authorize::<ChangeOwnAccount>(&who, ())?, new).await?;
    Ok(Json(json!({ "id": made.id, "token": made.secret, "expires_at": made.expires_at })))
}

/// Revokes an API token of one's own.
pub async fn revoke_own_token(State(web): State<Web>, Extension(who): Extension<Principal>, Path(token): Path<String>) -> Answer {
    web.ports.accounts.revoke_own_token(authorize::<ChangeOwnAccount>(&who, ())?, &token).await?;
    done()
}

/// Ends a session of one's own.
pub async fn end_own_session(State(web): State<Web>, Extension(who): Extension<Principal>, Path(session): Path<String>) -> Answer {
    web.ports.accounts.end_own_session(authorize::<ChangeOwnAccount>(&who, ())?, &session).await?;
    done()
}

/// All accounts and open invitations.
pub async fn list(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    let list = web.ports.accounts.accounts(authorize::<ViewAccounts>(&who, ())?).await?;
    Ok(Json(json!({ "items": list.accounts, "invites": list.invites, "next": null })))
}

/// One account with its sessions and tokens.
pub async fn one(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>) -> Answer {
    let detail = web.ports.accounts.account(authorize::<ViewAccount>(&who, id)?).await?;
    Ok(Json(json!({ "account": detail.account, "sessions": detail.sessions, "tokens": detail.tokens })))
}

/// Invites somebody; the only answer that holds the link.
pub async fn invite(State(web): State<Web>, Extension(who): Extension<Principal>, body: Result<Json<NewInvite>, JsonRejection>) -> Answer {
    let Json(new) =
        body.map_err(|_| invalid("Send JSON with exactly the fields email and bindings (a list like [\"operator@environment:prod\"])."))?;
    let made = web.ports.accounts.invite(authorize::<ChangeAccounts>(&who, ())?, new).await?;
    Ok(Json(json!({ "id": made.id, "path": made.secret, "expires_at": made.expires_at })))
}

/// Takes an invitation back.
pub async fn withdraw(State(web): State<Web>, Extension(who): Extension<Principal>, Path(invite): Path<String>) -> Answer {
    web.ports.accounts.withdraw_invite(authorize::<ChangeAccounts>(&who, ())?, &invite).await?;
    done()
}

/// What changes an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    bindings: Option<Vec<Binding>>,
    disabled: Option<bool>,
}

/// Changes an account's rights, or disables or enables it.
pub async fn change(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(id): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Answer {
    let hint = "Send JSON with bindings (a list like [\"operator@environment:prod\"]) or disabled (true or false).";
    let Json(change) = body.map_err(|_| invalid(hint))?;
    let grant = authorize::<ChangeAccount>(&who, id)?;
    match (change.bindings, change.disabled) {
        (Some(bindings), None) => web.ports.accounts.set_bindings(grant, bindings).await?,
        (None, Some(disabled)) => web.ports.accounts.set_disabled(grant, disabled).await?,
        _ => return Err(invalid(hint)),
    }
    done()
}

/// Makes a link to set a new password; the only answer that holds it.
pub async fn reset(State(web): State<Web>, Extension(who): Extension<Principal>, Path(id): Path<String>) -> Answer {
    let made = web.ports.accounts.reset(authorize::<ChangeAccount>(&who, id)?).await?;
    Ok(Json(json!({ "id": made.id, "path": made.secret, "expires_at": made.expires_at })))
}

/// Ends a session of an account.
pub async fn end_session(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path((id, session)): Path<(String, String)>,
) -> Answer {
    web.ports.accounts.end_session(authorize::<ChangeAccount>(&who, id)?, &session).await?;
    done()
}

/// Revokes a token of an account.
pub async fn revoke_token(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path((id, token)): Path<(String, String)>,
) -> Answer {
    web.ports.accounts.revoke_token(authorize::<ChangeAccount>(&who, id)?, &token).await?;
    done()
}

/// The policy.
pub async fn policy(Extension(who): Extension<Principal>) -> Answer {
    authorize::<ViewPolicy>(&who, ())?;
    let rules: Vec<Value> = POLICY
        .iter()
        .map(|rule| {
            let roles: Vec<&str> = rule.roles.iter().map(|role| role.word()).collect();
            json!({ "verb": rule.verb, "noun": rule.noun, "over": rule.over.word(), "roles": roles, "does": rule.does, "works": rule.works() })
        })
        .collect();
    let separate: Vec<Value> = SEPARATE.iter().map(|(v, n, ov, on)| json!([format!("{v} {n}"), format!("{ov} {on}")])).collect();
    Ok(Json(json!({ "items": rules, "separate": separate, "next": null })))
}

fn done() -> Answer {
    Ok(Json(json!({ "done": true })))
}
