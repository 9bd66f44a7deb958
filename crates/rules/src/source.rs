//! Which reading of a snapshot a number comes from, how old it may be, and why it is missing.

use reeve_model::{Fault, Reach, Reading, UnixMs, snapshot::TargetSnapshot};

/// A reading of a [`TargetSnapshot`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Sessions.
    Activity,
    /// Counters of the databases.
    Databases,
    /// Rates between the two newest rounds.
    Rates,
    /// Statements.
    Statements,
    /// Write-ahead log.
    Wal,
    /// Checkpoints.
    Checkpoints,
    /// Standbys and slots.
    Replication,
    /// Subscriptions.
    Subscriptions,
    /// Transaction ids.
    Wraparound,
    /// Locks.
    Locks,
    /// Sequences.
    Sequences,
    /// Filesystems.
    Disk,
    /// Settings.
    Settings,
    /// Tables of all databases.
    Tables,
    /// The round itself.
    Round,
}

/// How long a value may stand when no run of its probe says how often it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxAge {
    /// Read at every round: 15 minutes, three of the longest default intervals (SPEC B3).
    EveryRound,
    /// Read rarely, because it is dear: 3 hours.
    Rarely,
}

impl MaxAge {
    /// In milliseconds.
    #[must_use]
    pub fn ms(self) -> i64 {
        match self {
            Self::EveryRound => 15 * 60_000,
            Self::Rarely => 3 * 3_600_000,
        }
    }
}

/// A value is stale when it is older than this many intervals of its probe.
pub const STALE_INTERVALS: i64 = 3;

impl Source {
    /// All readings.
    pub const ALL: [Self; 15] = [
        Self::Activity,
        Self::Databases,
        Self::Rates,
        Self::Statements,
        Self::Wal,
        Self::Checkpoints,
        Self::Replication,
        Self::Subscriptions,
        Self::Wraparound,
        Self::Locks,
        Self::Sequences,
        Self::Disk,
        Self::Settings,
        Self::Tables,
        Self::Round,
    ];

    /// Id of the probe that reads it. Rates are made from the counters of the databases.
    #[must_use]
    pub fn probe(self) -> &'static str {
        match self {
            Self::Activity | Self::Round => "activity",
            Self::Databases | Self::Rates => "databases",
            Self::Statements => "statements",
            Self::Wal => "wal",
            Self::Checkpoints => "checkpoints",
            Self::Replication => "replication",
            Self::Subscriptions => "subscriptions",
            Self::Wraparound => "wraparound",
            Self::Locks => "locks",
            Self::Sequences => "sequences",
            Self::Disk => "disk",
            Self::Settings => "settings",
            Self::Tables => "tables",
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Activity => "sessions",
            Self::Databases => "database counters",
            Self::Rates => "rates",
            Self::Statements => "statements",
            Self::Wal => "write-ahead log",
            Self::Checkpoints => "checkpoints",
            Self::Replication => "replication",
            Self::Subscriptions => "subscriptions",
            Self::Wraparound => "transaction ids",
            Self::Locks => "locks",
            Self::Sequences => "sequences",
            Self::Disk => "disks",
            Self::Settings => "settings",
            Self::Tables => "tables",
            Self::Round => "rounds",
        }
    }

    /// How long a value may stand when its probe has not told its interval.
    #[must_use]
    pub fn max_age(self) -> MaxAge {
        match self {
            Self::Sequences | Self::Settings | Self::Tables => MaxAge::Rarely,
            _ => MaxAge::EveryRound,
        }
    }

    /// How often its probe runs, milliseconds; none before its first run.
    #[must_use]
    pub fn every_ms(self, snapshot: &TargetSnapshot) -> Option<i64> {
        snapshot.probes.iter().filter(|run| run.id == self.probe()).map(|run| run.every_ms).max().filter(|ms| *ms > 0)
    }

    /// The age at which a verdict stops believing a value, milliseconds.
    #[must_use]
    pub fn limit_ms(self, snapshot: &TargetSnapshot) -> i64 {
        // Half a minute at least: while somebody watches, probes run each second, and a hiccup must not turn a verdict.
        self.every_ms(snapshot).map_or_else(|| self.max_age().ms(), |every| every.saturating_mul(STALE_INTERVALS).max(30_000))
    }

    /// When it was last read (of the tables: the database read longest ago) and what is wrong with it now.
    #[must_use]
    pub fn state(self, snapshot: &TargetSnapshot) -> (Option<UnixMs>, Option<&Fault>) {
        fn of<T>(reading: &Reading<T>) -> (Option<UnixMs>, Option<&Fault>) {
            (reading.at(), reading.fault.as_ref())
        }
        match self {
            Self::Activity => of(&snapshot.activity),
            Self::Databases => of(&snapshot.databases),
            Self::Rates => of(&snapshot.rates),
            Self::Statements => of(&snapshot.statements),
            Self::Wal => of(&snapshot.wal),
            Self::Checkpoints => of(&snapshot.checkpoints),
            Self::Replication => of(&snapshot.replication),
            Self::Subscriptions => of(&snapshot.subscriptions),
            Self::Wraparound => of(&snapshot.wraparound),
            Self::Locks => of(&snapshot.locks),
            Self::Sequences => of(&snapshot.sequences),
            Self::Disk => of(&snapshot.disks),
            Self::Settings => of(&snapshot.settings),
            Self::Tables => {
                (snapshot.tables.values().filter_map(Reading::at).min(), snapshot.tables.values().find_map(|r| r.fault.as_ref()))
            }
            Self::Round => ((snapshot.round > 0).then_some(snapshot.at), None),
        }
    }

    /// Why it can't be believed now, or none when it can: never read, too old, or the target is down.
    #[must_use]
    pub fn missing(self, snapshot: &TargetSnapshot, now: UnixMs) -> Option<String> {
        if let Reach::Down { refusal: Some(_), .. } = snapshot.reach {
            return Some("the server refuses Reeve's sign-in".into());
        }
        if let Reach::Down { .. } = snapshot.reach {
            return Some("the server does not answer".into());
        }
        let (at, fault) = self.state(snapshot);
        // Several databases are read one by one: believe what was read as long as one of them is young.
        let newest = if self == Self::Tables { snapshot.tables.values().filter_map(Reading::at).max() } else { at };
        let because = fault.map(|f| crate::words::clause(&f.sentence).to_owned());
        match newest {
            None => Some(because.unwrap_or_else(|| format!("{} not read yet", self.title()))),
            Some(at) if now.ms_since(at) > self.limit_ms(snapshot) => {
                let old = format!("{} last read {} ago", self.title(), crate::words::duration(now.seconds_since(at)));
                Some(because.map_or(old.clone(), |why| format!("{old}: {why}")))
            }
            Some(_) => None,
        }
    }
}
