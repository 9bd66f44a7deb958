//! Accounts as they are shown: never a hash, never a secret but one that was just made.

use crate::{Binding, UnixMs};
use serde::{Deserialize, Serialize};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Id (UUID).
    pub id: String,
    /// E-mail, lower case.
    pub email: String,
    /// Name as its owner wrote it.
    pub display_name: String,
    /// Roles and their scopes.
    pub bindings: Vec<Binding>,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it was disabled; none while it may sign in.
    pub disabled_at: Option<UnixMs>,
    /// When it was last used to sign in.
    pub last_sign_in: Option<UnixMs>,
    /// Sessions that are alive.
    pub sessions: u32,
    /// API tokens that still work.
    pub tokens: u32,
}

/// A sign-in that is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Id (UUID).
    pub id: String,
    /// `session` (a browser), `bearer` (a program) or `local`.
    pub via: String,
    /// When it began.
    pub created_at: UnixMs,
    /// When it was last used, to about a minute.
    pub last_seen: UnixMs,
    /// When it ends by itself at the latest.
    pub expires_at: UnixMs,
    /// Where it began; empty when unknown.
    pub address: String,
    /// What it began with (User-Agent); empty when unknown.
    pub agent: String,
    /// The one that asks.
    pub current: bool,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    /// Id (UUID).
    pub id: String,
    /// Name given by its owner.
    pub name: String,
    /// What it may do at most, each "verb noun" of the policy; its owner's rights bound it further.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it ends.
    pub expires_at: UnixMs,
    /// When it was last used, to about a minute.
    pub last_used: Option<UnixMs>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
}

/// An invitation, or a link to set a new password, that was not used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// Id (UUID).
    pub id: String,
    /// For whom.
    pub email: String,
    /// Roles that the new account will have; empty for a reset.
    pub bindings: Vec<Binding>,
    /// True when it sets a new password for an account that exists.
    pub reset: bool,
    /// Who made it (e-mail).
    pub made_by: String,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// What a person sees of themself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccount {
    /// The account.
    pub account: AccountView,
    /// Its live sessions, newest first.
    pub sessions: Vec<SessionView>,
    /// Its API tokens, newest first; those that ended are left out after a month.
    pub tokens: Vec<TokenView>,
    /// What a token of theirs may be given: "verb noun" and a sentence.
    pub grantable: Vec<(String, String)>,
}

/// What an admin sees of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDetail {
    /// The account.
    pub account: AccountView,
    /// Its live sessions, newest first.
    pub sessions: Vec<SessionView>,
    /// Its API tokens, newest first.
    pub tokens: Vec<TokenView>,
}

/// All accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountList {
    /// By e-mail, disabled ones last.
    pub accounts: Vec<AccountView>,
    /// Open invitations and resets, newest first.
    pub invites: Vec<InviteView>,
}

/// A secret that was just made and is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeSecret {
    /// Id of what it belongs to.
    pub id: String,
    /// The token, or the path of the link (`/accept/…`).
    pub secret: String,
    /// When it ends.
    pub expires_at: UnixMs,
}

// By hand: a secret belongs in no log.
impl std::fmt::Debug for MadeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeSecret").field("id", &self.id).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What whoever opens a link sees before using it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteOffer {
    /// For whom.
    pub email: String,
    /// True when it sets a new password for an account that exists.
    pub reset: bool,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// A public key that verifies access tokens (RFC 7517, RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Key type, `OKP`.
    pub kty: String,
    /// Curve, `Ed25519`.
    pub crv: String,
    /// Public key, base64url without padding.
    pub x: String,
    /// Key id.
    pub kid: String,
    /// Algorithm, `EdDSA`.
    pub alg: String,
    /// Use, `sig`.
    #[serde(rename = "use")]
    pub use_: String,
}
