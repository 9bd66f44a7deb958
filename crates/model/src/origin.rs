//! Where a request came from.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Where a request came from, as the audit trail keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The caller's address; none on the command line.
    pub address: Option<IpAddr>,
    /// What the caller's program calls itself (`User-Agent`): at most 200 characters, none of them a control character.
    pub agent: String,
    /// The id of the request, which its answer carries in `x-request-id`.
    pub request: String,
}
