//! Who is asking.

use crate::Role;
use reeve_model::UnixMs;
use serde::{Deserialize, Serialize};

/// How the caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A browser session: a cookie, so changes need proof that they were not forged by another site.
    Session,
    /// A bearer token: sent on purpose, cookies ignored.
    Bearer,
    /// The command line on the machine that holds the data directory.
    Local,
}

/// One verified caller. Made from a verified token and the rights looked up for this request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Account id (`sub`).
    pub account: String,
    /// E-mail, as shown.
    pub email: String,
    /// Organisation the account belongs to.
    pub org: String,
    /// Session id (`sid`); ends with the session.
    pub session: String,
    /// Roles as looked up for this request.
    pub roles: Vec<Role>,
    /// How it was proved.
    pub via: Via,
    /// When the rights were last confirmed by the store. Older than the request when the store is down.
    pub confirmed_at: UnixMs,
    /// False while rights could not be confirmed: reading only.
    pub may_change: bool,
}
