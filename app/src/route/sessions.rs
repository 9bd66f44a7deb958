//! The address of the page of sessions.

use super::{pairs, query};
use reeve_model::{UnixMs, activity::SessionState};

/// Which sessions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// Those of clients, Reeve's own left out.
    #[default]
    Clients,
    /// Those of clients in one state.
    State(SessionState),
    /// Those that wait for a lock, whosever.
    Waiting,
    /// All: clients, Reeve's own and the server's processes.
    Everything,
}

impl Show {
    /// All that can be chosen, in the order shown.
    pub const ALL: [Self; 6] = [
        Self::Clients,
        Self::State(SessionState::Active),
        Self::State(SessionState::IdleInTransaction),
        Self::State(SessionState::Idle),
        Self::Waiting,
        Self::Everything,
    ];

    /// The word in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::State(state) => state.word(),
            Self::Waiting => "waiting",
            Self::Everything => "everything",
        }
    }

    /// The name on the page.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Clients => "All clients",
            Self::State(SessionState::Active) => "Active",
            Self::State(SessionState::IdleInTransaction) => "Idle in transaction",
            Self::State(SessionState::Idle) => "Idle",
            Self::State(SessionState::Other) => "Other",
            Self::Waiting => "Waiting for a lock",
            Self::Everything => "With the server's own",
        }
    }
}

/// What the page of sessions shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionsFilter {
    /// Which are listed.
    pub show: Show,
    /// The one that is looked at closely: its process and the moment it connected.
    pub chosen: Option<(i32, UnixMs)>,
    /// The same by its process alone, as a reason names it: whoever has that process when the page is read.
    pub process: Option<i32>,
}

impl SessionsFilter {
    /// Reads a query string. What can't be used counts as not given.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for (key, value) in pairs(text) {
            match key.as_str() {
                "show" => filter.show = Show::ALL.into_iter().find(|s| s.word() == value).unwrap_or_default(),
                "session" => {
                    filter.chosen = session(&value);
                    filter.process = value.parse().ok().filter(|pid| *pid > 0);
                }
                _ => {}
            }
        }
        filter
    }

    /// The same with one session looked at closely.
    #[must_use]
    pub fn of(&self, pid: i32, started_at: UnixMs) -> Self {
        Self { chosen: Some((pid, started_at)), process: None, ..self.clone() }
    }

    /// The shortest query string that parses to the same.
    #[must_use]
    pub fn query_string(&self) -> String {
        let session = self.chosen.map(|(pid, at)| format!("{pid}-{}", at.0)).or_else(|| Some(self.process?.to_string()));
        let mut pairs = Vec::new();
        if self.show != Show::default() {
            pairs.push(("show", self.show.word()));
        }
        if let Some(session) = &session {
            pairs.push(("session", session.as_str()));
        }
        query(&pairs)
    }
}

/// `4711-1690000000000`: pids are used again, so a process alone is no name for a session.
fn session(text: &str) -> Option<(i32, UnixMs)> {
    let (pid, at) = text.split_once('-')?;
    Some((pid.parse().ok().filter(|pid| *pid > 0)?, UnixMs(at.parse().ok()?)))
}
