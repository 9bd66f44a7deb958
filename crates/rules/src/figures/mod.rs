//! Figures: single numbers, each with where it comes from and what a limit makes of it (SPEC B2).
//!
//! A new figure is one file beside this one, its `mod` and one line in [`FIGURES`]. Its id is also the name of its series in
//! history, so it never changes.

mod collector_round_ms;
mod connections_active;
mod connections_idle;
mod connections_idle_in_transaction;
mod connections_longest_query_s;
mod connections_longest_transaction_s;
mod connections_total;
mod connections_used_ratio;
mod connections_waiting;
mod maintenance_dead_row_ratio;
mod maintenance_mxid_age;
mod maintenance_mxid_left_s;
mod maintenance_oldest_xmin_age;
mod maintenance_sequence_left_s;
mod maintenance_sequence_used_ratio;
mod maintenance_xid_age;
mod maintenance_xid_left_s;
mod maintenance_xid_used_ratio;
mod maintenance_xids_per_s;
mod performance_cache_hit_ratio;
mod performance_commits_per_s;
mod performance_deadlocks_per_s;
mod performance_mean_query_ms;
mod performance_p95_of_means_ms;
mod performance_p99_of_means_ms;
mod performance_rollback_ratio;
mod performance_rollbacks_per_s;
mod performance_statements_per_s;
mod performance_temp_bytes_per_s;
pub mod read;
mod replication_lag_bytes;
mod replication_lag_s;
mod replication_replay_backlog_bytes;
mod replication_replay_delay_s;
mod replication_slot_retained_bytes;
mod storage_databases;
mod storage_disk_free_bytes;
mod storage_disk_used_ratio;
mod storage_tables;
mod storage_total_bytes;
mod writes_checkpoints_requested_ratio;
mod writes_full_page_images;
mod writes_wal_bytes_per_s;

use crate::source::{STALE_INTERVALS, Source};
use crate::words;
use reeve_model::{Figure, FigureGroup, Reach, Status, Unit, UnixMs, snapshot::TargetSnapshot};

/// One figure: how it is called, read, exported and limited.
#[derive(Debug, Clone, Copy)]
pub struct FigureDef {
    /// Stable id; also the series name in history.
    pub id: &'static str,
    /// Shown name.
    pub title: &'static str,
    /// Group on the page.
    pub group: FigureGroup,
    /// What the number counts.
    pub unit: Unit,
    /// How to read it, where that is not plain.
    pub note: Option<fn(&TargetSnapshot) -> String>,
    /// Name of its Prometheus gauge (every figure is one: rates are made by Reeve, and counters of the server restart with its statistics).
    pub metric: &'static str,
    /// The gauge's help text.
    pub help: &'static str,
    /// The reading it comes from.
    pub source: Source,
    /// The last known value, however old.
    pub read: fn(&TargetSnapshot) -> Option<f64>,
    /// Why there is no value although the reading is good.
    pub absent: fn(&TargetSnapshot) -> String,
    /// The upper end of its scale.
    pub max: fn(&TargetSnapshot) -> Option<f64>,
    /// The limits that hold for it at present; none when it has none, or when too little was seen to judge it.
    pub limits: fn(&TargetSnapshot) -> Option<Limits>,
}

/// On which side of a limit the trouble lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Large values are bad.
    Above,
    /// Small values are bad.
    Below,
}

/// From where on a value needs attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Beyond this it is degraded.
    pub warn: f64,
    /// Beyond this it is critical.
    pub critical: Option<f64>,
    /// Which side "beyond" is.
    pub direction: Direction,
}

impl Limits {
    /// What the limits make of a value.
    #[must_use]
    pub fn judge(self, value: f64) -> Status {
        let beyond = |limit: f64| match self.direction {
            Direction::Above => value > limit,
            Direction::Below => value < limit,
        };
        if self.critical.is_some_and(beyond) {
            Status::Critical
        } else if beyond(self.warn) {
            Status::Degraded
        } else {
            Status::Healthy
        }
    }
}

impl FigureDef {
    /// When its reading was taken, and the fault that keeps it from being taken now.
    #[must_use]
    pub fn reading<'a>(&self, snapshot: &'a TargetSnapshot) -> (Option<UnixMs>, Option<&'a str>) {
        let (at, fault) = self.source.state(snapshot);
        (at, fault.map(|f| f.sentence.as_str()))
    }

    /// The value of its gauge: Prometheus counts time in seconds.
    #[must_use]
    pub fn exported(&self, value: f64) -> f64 {
        if self.unit == Unit::Milliseconds { value / 1000.0 } else { value }
    }

    /// The figure as a page shows it, without its trend.
    ///
    /// `cadence_ms` is the target's interval between rounds; it counts where the probe has not told its own.
    #[must_use]
    pub fn figure(&self, snapshot: &TargetSnapshot, now: UnixMs, cadence_ms: i64) -> Figure {
        let value = (self.read)(snapshot).filter(|v| v.is_finite());
        let (at, fault) = self.reading(snapshot);
        let interval = self.source.every_ms(snapshot).unwrap_or(cadence_ms).max(1);
        let old = at.filter(|at| now.ms_since(*at) > interval.saturating_mul(STALE_INTERVALS));
        let down = match &snapshot.reach {
            Reach::Down { sentence, refusal: Some(_), .. } => {
                Some(format!("The server refuses Reeve's sign-in: {}.", words::clause(sentence)))
            }
            Reach::Down { sentence, .. } => Some(format!("The server does not answer: {}.", words::clause(sentence))),
            _ => None,
        };
        let trouble = down.or_else(|| fault.map(str::to_owned)).or_else(|| {
            let due = words::milliseconds(words::float(interval));
            old.map(|at| format!("Read {} ago, though a reading is due every {due}.", words::duration(now.seconds_since(at))))
        });
        let stale = at.is_some() && trouble.is_some();
        let why = match (&trouble, value, at) {
            (Some(trouble), ..) => Some(trouble.clone()),
            (None, None, Some(_)) => Some((self.absent)(snapshot)),
            (None, None, None) => Some("Not read yet.".to_owned()),
            (None, Some(_), _) => None,
        };
        // A limit says nothing of a value that may no longer be true: unknown, not the last known judgement.
        let status = (self.limits)(snapshot).map(|limits| match value {
            Some(value) if !stale => limits.judge(value),
            _ => Status::Unknown,
        });
        Figure {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            group: self.group,
            unit: self.unit,
            value,
            at,
            stale,
            why,
            note: self.note.map(|note| note(snapshot)),
            status,
            max: (self.max)(snapshot),
            trend: Vec::new(),
        }
    }
}

/// All figures in the order of the page.
pub const FIGURES: &[FigureDef] = &[
    connections_active::FIGURE,
    connections_idle::FIGURE,
    connections_idle_in_transaction::FIGURE,
    connections_waiting::FIGURE,
    connections_total::FIGURE,
    connections_used_ratio::FIGURE,
    connections_longest_transaction_s::FIGURE,
    connections_longest_query_s::FIGURE,
    performance_commits_per_s::FIGURE,
    performance_rollbacks_per_s::FIGURE,
    performance_rollback_ratio::FIGURE,
    performance_statements_per_s::FIGURE,
    performance_mean_query_ms::FIGURE,
    performance_p95_of_means_ms::FIGURE,
    performance_p99_of_means_ms::FIGURE,
    performance_cache_hit_ratio::FIGURE,
    performance_temp_bytes_per_s::FIGURE,
    performance_deadlocks_per_s::FIGURE,
    storage_total_bytes::FIGURE,
    storage_tables::FIGURE,
    storage_databases::FIGURE,
    storage_disk_free_bytes::FIGURE,
    storage_disk_used_ratio::FIGURE,
    writes_wal_bytes_per_s::FIGURE,
    writes_checkpoints_requested_ratio::FIGURE,
    writes_full_page_images::FIGURE,
    replication_lag_bytes::FIGURE,
    replication_lag_s::FIGURE,
    replication_slot_retained_bytes::FIGURE,
    replication_replay_backlog_bytes::FIGURE,
    replication_replay_delay_s::FIGURE,
    maintenance_xid_age::FIGURE,
    maintenance_xid_used_ratio::FIGURE,
    maintenance_xids_per_s::FIGURE,
    maintenance_xid_left_s::FIGURE,
    maintenance_mxid_age::FIGURE,
    maintenance_mxid_left_s::FIGURE,
    maintenance_sequence_used_ratio::FIGURE,
    maintenance_sequence_left_s::FIGURE,
    maintenance_dead_row_ratio::FIGURE,
    maintenance_oldest_xmin_age::FIGURE,
    collector_round_ms::FIGURE,
];

/// Ids of the figures of the first screen, in the order shown.
pub const HEADLINE: &[&str] = &[
    "connections.used_ratio",
    "performance.statements_per_s",
    "performance.mean_query_ms",
    "performance.p95_of_means_ms",
    "performance.cache_hit_ratio",
    "performance.commits_per_s",
    "storage.total_bytes",
    "maintenance.xid_used_ratio",
];

/// The figure with this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static FigureDef> {
    FIGURES.iter().find(|f| f.id == id)
}

/// All figures of a target, without trends, in the order of [`FIGURES`].
#[must_use]
pub fn figures(snapshot: &TargetSnapshot, now: UnixMs, cadence_ms: i64) -> Vec<Figure> {
    FIGURES.iter().map(|def| def.figure(snapshot, now, cadence_ms)).collect()
}
