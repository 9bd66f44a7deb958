//! Where a request came from.

use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// Where a request came from, as the audit trail keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// Address of the caller; none on the command line.
    pub address: Option<IpAddr>,
    /// What the caller says it is (User-Agent), at most 200 characters, without control characters.
    pub agent: String,
    /// Id of the request, as answered in `x-request-id`.
    pub request: String,
}
