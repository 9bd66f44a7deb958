//! Tokens for programs: sign in, refresh, sign out, and the keys that verify them.

use super::{
    Web,
    api::{Answer, invalid},
};
use axum::{
    Extension, Json,
    extract::{State, rejection::JsonRejection},
};
use reeve_access::{Principal, Via};
use reeve_model::Origin;
use reeve_ports::SignedIn;
use serde::Deserialize;
use serde_json::json;

/// What `/api/auth/login` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    email: String,
    password: String,
}

/// What `/api/auth/refresh` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

/// E-mail and password for an access token and a refresh token.
pub async fn login(State(web): State<Web>, Extension(origin): Extension<Origin>, body: Result<Json<Login>, JsonRejection>) -> Answer {
    let Json(login) = body.map_err(|_| invalid("Send JSON with exactly the fields email and password."))?;
    Ok(pair(&web.ports.identity.sign_in(&login.email, &login.password, Via::Bearer, &origin).await?))
}

/// A refresh token for the next pair.
pub async fn refresh(State(web): State<Web>, Extension(origin): Extension<Origin>, body: Result<Json<Refresh>, JsonRejection>) -> Answer {
    let Json(refresh) = body.map_err(|_| invalid("Send JSON with exactly the field refresh_token."))?;
    Ok(pair(&web.ports.identity.refresh(&refresh.refresh_token, &origin).await?))
}

/// Ends the session of the access token, with its refresh tokens.
pub async fn logout(State(web): State<Web>, Extension(who): Extension<Principal>) -> Answer {
    web.ports.identity.sign_out(&who).await?;
    Ok(Json(json!({ "signed_out": true })))
}

/// The public keys that verify access tokens (RFC 7517).
pub async fn keys(State(web): State<Web>) -> Answer {
    Ok(Json(json!({ "keys": web.ports.identity.keys() })))
}

fn pair(signed: &SignedIn) -> Json<serde_json::Value> {
    Json(json!({
        "access_token": signed.access_token, "token_type": "Bearer", "expires_in": signed.expires_in_s,
        "refresh_token": signed.refresh_token,
    }))
}
