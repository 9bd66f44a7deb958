//! Which server it is, and of which other one it is a copy.

use crate::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// `server_version_num`, for example 150018.
    pub version_num: u32,
    /// As shown, for example `PostgreSQL 15.18`.
    pub version: String,
    /// In recovery: a standby.
    pub standby: bool,
    /// When the postmaster started.
    pub started_at: UnixMs,
    /// The role Reeve signs in with.
    pub user: String,
    /// Reeve's own connection is encrypted.
    pub tls: bool,
    /// It leads through a connection pooler, a transaction at a time.
    #[serde(default)]
    pub pooled: bool,
    /// `system_identifier`: physical copies share it. None: not known.
    #[serde(default)]
    pub system: Option<String>,
    /// The timeline that it writes or follows. Copies that were promoted each have another one. None: not known.
    #[serde(default)]
    pub timeline: Option<i32>,
}

impl ServerIdentity {
    /// Whether this standby holds what one of these servers holds: it has the same system identifier and follows the timeline that a primary
    /// among them writes. Two primaries of which both hold (copies that were promoted at the same timeline) leave open whose it is, and then
    /// it counts as nobody's; so does what is not known.
    #[must_use]
    pub fn follows_one_of<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> bool {
        if !self.standby || self.system.is_none() || self.timeline.is_none() {
            return false;
        }
        let primaries = others.into_iter().filter(|o| !o.standby && (&o.system, o.timeline) == (&self.system, self.timeline));
        // One server that is watched under two names is still one.
        primaries.map(|o| o.started_at).collect::<BTreeSet<_>>().len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(standby: bool, started: i64, system: Option<&str>, timeline: Option<i32>) -> ServerIdentity {
        ServerIdentity {
            version_num: 150_000,
            version: String::new(),
            standby,
            started_at: UnixMs(started),
            user: String::new(),
            tls: false,
            pooled: false,
            system: system.map(str::to_owned),
            timeline,
        }
    }

    #[test]
    fn d4_a_standby_is_that_of_one_primary_or_of_none() {
        let standby = server(true, 9, Some("7"), Some(2));
        let primary = server(false, 1, Some("7"), Some(2));
        assert!(standby.follows_one_of([&primary]));
        assert!(standby.follows_one_of([&primary, &primary.clone(), &server(false, 3, Some("8"), Some(2))]), "the same one twice");
        assert!(!primary.follows_one_of([&primary]), "a primary follows nobody");
        assert!(!standby.follows_one_of([&standby]), "a standby is nobody's source");
        for (others, why) in [
            (vec![], "nobody is there"),
            (vec![server(false, 1, Some("8"), Some(2))], "another system"),
            (vec![server(false, 1, Some("7"), Some(3))], "a copy that was promoted"),
            (vec![server(false, 1, None, Some(2))], "its system is not known"),
            (vec![server(false, 1, Some("7"), None)], "its timeline is not known"),
            (vec![primary.clone(), server(false, 2, Some("7"), Some(2))], "two of which both hold"),
        ] {
            assert!(!standby.follows_one_of(&others), "{why}");
        }
        let unknown = server(true, 9, None, None);
        assert!(!unknown.follows_one_of([&server(false, 1, None, None)]), "unknown is never the same");
    }
}
