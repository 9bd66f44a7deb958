//! `replication.replay_delay_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// On a standby that is behind: seconds since the last replayed transaction.
pub const FIGURE: FigureDef = FigureDef {
    id: "replication.replay_delay_s",
    title: "Replay delay",
    group: FigureGroup::Replication,
    unit: Unit::Seconds,
    note: None,
    metric: "reeve_target_replay_delay_seconds",
    help: "On a standby that is behind: seconds since the last replayed transaction.",
    source: Source::Replication,
    read: |s| s.replication.value()?.replay_delay_s,
    absent: |s| match s.replication.value().and_then(|r| r.receiving) {
        None => "This server is not a standby.".into(),
        Some(true) => "It has replayed all that it received.".into(),
        Some(false) => {
            "It has replayed all that it received, and it receives nothing: how far behind it is only its primary could tell.".into()
        }
    },
    max: |_| None,
    limits: |_| None,
};
