//! Who is connected to a target now, what they do, and who waits for whom.

use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// What a session is about, as far as its state tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It runs a statement.
    Active,
    /// It waits for its client inside a transaction; an aborted one included.
    IdleInTransaction,
    /// It waits for its client.
    Idle,
    /// The server tells no state: a process of its own, or one that this role may not see.
    Other,
}

impl SessionState {
    /// All of them, the busiest first.
    pub const ALL: [Self; 4] = [Self::Active, Self::IdleInTransaction, Self::Idle, Self::Other];

    /// The word on the wire and in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::IdleInTransaction => "idle_in_transaction",
            Self::Idle => "idle",
            Self::Other => "other",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Process id.
    pub pid: i32,
    /// When it connected: with the pid this is one session and no other, however often pids are used again.
    pub started_at: UnixMs,
    /// Role it is logged in as; none for a process of the server's own.
    pub user: Option<String>,
    /// Database; none for a process of the whole server.
    pub database: Option<String>,
    /// What its client calls itself; may be empty.
    pub application: String,
    /// Where it comes from; none: the machine's own socket.
    pub client: Option<String>,
    /// `client backend`, `autovacuum worker`, `walsender`, …
    pub kind: String,
    /// Its state.
    pub state: SessionState,
    /// What it waits for, as `Lock: transactionid`; none: nothing, or not told.
    pub wait: Option<String>,
    /// When its transaction began; none: none is open.
    pub transaction_at: Option<UnixMs>,
    /// When its statement, or its last one, began.
    pub statement_at: Option<UnixMs>,
    /// How long its transaction has been open, seconds.
    pub transaction_s: Option<f64>,
    /// How long its statement has been running, or ran last, seconds since its start.
    pub statement_s: Option<f64>,
    /// How long it has been in this state, seconds.
    pub state_s: Option<f64>,
    /// How far back the snapshot is that it holds, transactions: vacuum can't pass it.
    pub xmin_age: Option<i64>,
    /// Its statement, or its last one, at most 2,000 bytes; none: not told.
    pub statement: Option<String>,
    /// Those that keep it waiting.
    pub blocked_by: Vec<i32>,
    /// Its role is a superuser.
    pub superuser: bool,
    /// One of Reeve's own.
    pub own: bool,
    /// Reeve's role may not see what it is or does.
    pub hidden: bool,
}

impl SessionRow {
    /// It waits for a lock. Whom it waits for may not have been read.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.blocked_by.is_empty() || self.wait.as_deref().is_some_and(|wait| wait.starts_with("Lock: "))
    }

    /// What an order about it must name, so that it hits what was seen and not what came after: its statement for a cancel, its
    /// transaction for an end.
    #[must_use]
    pub fn seen(&self, signal: SessionSignal) -> Option<UnixMs> {
        match signal {
            SessionSignal::Cancel => self.statement_at,
            SessionSignal::Terminate => self.transaction_at,
        }
    }

    /// Why nobody may end it from here; none: it may be ended.
    #[must_use]
    pub fn protected(&self) -> Option<&'static str> {
        match () {
            () if self.hidden => Some("Reeve's role may not see what it does: grant pg_monitor to it."),
            () if self.own => Some("It is one of Reeve's own."),
            () if self.kind != "client backend" => Some("It is a process of the server's own."),
            () if self.superuser => Some("Its role is a superuser: end it as one, on the server."),
            () => None,
        }
    }
}

/// Maintenance under way, of whatever kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressRow {
    /// Process id.
    pub pid: i32,
    /// `VACUUM`, `ANALYZE`, `CREATE INDEX`, `CLUSTER`, `BASE BACKUP`, `COPY`.
    pub what: String,
    /// Database.
    pub database: Option<String>,
    /// Relation as `schema.name`, where its name could be read.
    pub relation: Option<String>,
    /// The phase as the server calls it.
    pub phase: String,
    /// How far, 0 to 1; none: the phase does not tell.
    pub done_ratio: Option<f64>,
}

/// Something that keeps vacuum from removing rows that died since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XminHolder {
    /// `session`, `replication slot`, `prepared transaction` or `standby`.
    pub kind: String,
    /// Role and application, or the name of the slot, the transaction or the standby.
    pub name: String,
    /// Its process, where it has one.
    pub pid: Option<i32>,
    /// How far back it holds, transactions.
    pub age: i64,
}

/// One look at the sessions of a target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sessions {
    /// Those that do something or wait first, then by the age of their transaction; at most 500.
    pub rows: Vec<SessionRow>,
    /// How many there are in all.
    pub total: u64,
    /// Those whose state this role may not see.
    pub hidden: u64,
    /// What holds vacuum back, the oldest first; at most 5.
    pub holders: Vec<XminHolder>,
    /// Maintenance under way.
    pub progress: Vec<ProgressRow>,
}

/// A session in a tree of waiting ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its process.
    pub pid: i32,
    /// How deep: 0 is a root, which waits for nobody.
    pub depth: usize,
    /// How many wait for it, directly or not.
    pub waiters: usize,
}

impl Sessions {
    /// Who waits for whom: each waiting session with all that it waits for. Process 0 is a prepared transaction.
    fn waits(&self) -> Vec<(i32, Vec<i32>)> {
        let one = |r: &SessionRow| {
            let mut by = r.blocked_by.clone();
            by.sort_unstable();
            by.dedup();
            by.retain(|pid| *pid != r.pid);
            (!by.is_empty()).then_some((r.pid, by))
        };
        self.rows.iter().filter_map(one).collect()
    }

    /// The sessions that wait and those they wait for, each root followed by its waiters. A session that waits for several stands under the
    /// first of them; the others are roots of their own, or stand where they wait themselves. A ring (a deadlock that is not broken yet)
    /// begins at its lowest pid. Process 0 is a prepared transaction.
    #[must_use]
    pub fn lock_tree(&self) -> Vec<Branch> {
        let waits = self.waits();
        let waiting = |pid: i32| waits.iter().any(|(who, _)| *who == pid);
        let mut tree = Vec::new();
        for root in waits.iter().flat_map(|(_, by)| by.iter().copied()).filter(|by| !waiting(*by)) {
            grow(root, 0, &waits, &mut tree);
        }
        // What no root leads to goes round in a ring, or waits for one.
        for (who, _) in &waits {
            if !tree.iter().any(|b| b.pid == *who) {
                grow(ring_of(*who, &waits), 0, &waits, &mut tree);
            }
        }
        tree
    }

    /// Whether ending any root lets all that stand below it go on: no session waits for more than one.
    #[must_use]
    pub fn one_blocker_each(&self) -> bool {
        self.waits().iter().all(|(_, by)| by.len() == 1)
    }
}

/// The lowest pid of the ring that a session ends in.
fn ring_of(pid: i32, waits: &[(i32, Vec<i32>)]) -> i32 {
    let (mut at, mut seen) = (pid, vec![pid]);
    while let Some(next) = waits.iter().find(|(who, _)| *who == at).and_then(|(_, by)| by.first().copied()) {
        if let Some(begin) = seen.iter().position(|known| *known == next) {
            return seen[begin..].iter().copied().min().unwrap_or(next);
        }
        seen.push(next);
        at = next;
    }
    at
}

/// Adds a session and all that wait for it and have no place yet.
fn grow(pid: i32, depth: usize, waits: &[(i32, Vec<i32>)], tree: &mut Vec<Branch>) {
    if tree.iter().any(|b| b.pid == pid) {
        return;
    }
    tree.push(Branch { pid, depth, waiters: behind(pid, waits) });
    for (who, _) in waits.iter().filter(|(_, by)| by.contains(&pid)) {
        grow(*who, depth + 1, waits, tree);
    }
}

/// How many wait for a session, directly or not.
fn behind(pid: i32, waits: &[(i32, Vec<i32>)]) -> usize {
    let mut held = vec![pid];
    let mut at = 0;
    while let Some(by) = held.get(at).copied() {
        held.extend(waits.iter().filter(|(who, all)| all.contains(&by) && !held.contains(who)).map(|(who, _)| *who).collect::<Vec<_>>());
        at += 1;
    }
    held.len() - 1
}

/// What may be done to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionSignal {
    /// End its statement; the session and its transaction's locks stay until its client ends them.
    Cancel,
    /// End the session; what its transaction did is rolled back.
    Terminate,
}

impl SessionSignal {
    /// The word on the wire and in events.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
        }
    }
}

/// Which session is to be ended, and how far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOrder {
    /// Its process.
    pub pid: i32,
    /// The moment it connected.
    pub started_at: UnixMs,
    /// The statement (for a cancel) or transaction (for an end) that was seen, by the moment it began; none: none was open.
    pub seen: Option<UnixMs>,
    /// What is done to it.
    pub signal: SessionSignal,
    /// For an end: the pid as somebody typed it.
    pub typed: String,
}

/// The sessions of a target as pages show them: the newest look that was answered, and why the one after it was not.
pub type SessionsView = crate::Reading<Sessions>;

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, blocked_by: &[i32]) -> SessionRow {
        SessionRow {
            pid,
            started_at: UnixMs(0),
            user: Some("app".into()),
            database: None,
            application: String::new(),
            client: None,
            kind: "client backend".into(),
            state: SessionState::Active,
            wait: None,
            transaction_at: None,
            statement_at: None,
            transaction_s: None,
            statement_s: None,
            state_s: None,
            xmin_age: None,
            statement: None,
            blocked_by: blocked_by.to_vec(),
            superuser: false,
            own: false,
            hidden: false,
        }
    }

    fn tree(rows: Vec<SessionRow>) -> Vec<(i32, usize, usize)> {
        let sessions = Sessions { rows, ..Sessions::default() };
        sessions.lock_tree().into_iter().map(|b| (b.pid, b.depth, b.waiters)).collect()
    }

    #[test]
    fn b5_each_root_is_followed_by_its_waiters() {
        let rows = vec![session(1, &[]), session(2, &[1]), session(3, &[2]), session(4, &[1]), session(9, &[])];
        assert_eq!(tree(rows), [(1, 0, 3), (2, 1, 1), (3, 2, 0), (4, 1, 0)]);
        assert!(tree(vec![session(1, &[]), session(2, &[])]).is_empty());
    }

    #[test]
    fn b5_a_ring_is_shown_once_and_ends() {
        assert_eq!(tree(vec![session(8, &[9]), session(9, &[8])]), [(8, 0, 1), (9, 1, 1)]);
        // Its victim is no part of the ring.
        assert_eq!(tree(vec![session(1, &[8]), session(8, &[9]), session(9, &[8])]), [(8, 0, 2), (1, 1, 0), (9, 1, 2)]);
    }

    #[test]
    fn b5_whoever_waits_for_several_leaves_each_of_them_a_root() {
        let rows = vec![session(1, &[]), session(2, &[]), session(9, &[1, 2]), session(10, &[9])];
        assert_eq!(tree(rows.clone()), [(1, 0, 2), (9, 1, 1), (10, 2, 0), (2, 0, 2)]);
        assert!(!Sessions { rows, ..Sessions::default() }.one_blocker_each());
        assert_eq!(tree(vec![session(5, &[0])]), [(0, 0, 1), (5, 1, 0)], "a prepared transaction is process 0");
    }

    #[test]
    fn b5_own_ones_superusers_and_the_servers_are_protected() {
        let with = |change: fn(&mut SessionRow)| {
            let mut row = session(1, &[]);
            change(&mut row);
            row.protected().is_some()
        };
        assert!(!with(|_| ()));
        assert!(with(|r| r.own = true) && with(|r| r.superuser = true) && with(|r| r.kind = "walsender".into()));
    }
}
