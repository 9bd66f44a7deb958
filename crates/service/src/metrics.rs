//! Prometheus text (exposition format 0.0.4) of Reeve and every target.
//!
//! A target that is down has `reeve_target_up 0` and no stale figures: an old value under a new scrape would be a lie.

use crate::{audit::Trail, hub::Hub, recorder::Recorder};
use reeve_adapter::RolePools;
use reeve_model::{
    Reach, Status, StoreState, TargetName, UnixMs,
    backup::{Cover, DatabaseCover},
    pool::Circuit,
};
use std::fmt::Write;

/// One metric family with its lines.
struct Family {
    name: String,
    help: String,
    kind: &'static str,
    lines: Vec<String>,
}

/// Collects families in the order they are first named; the format wants each family in one piece.
#[derive(Default)]
struct Text {
    families: Vec<Family>,
}

impl Text {
    fn add(&mut self, name: &str, kind: &'static str, help: &str, labels: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            return;
        }
        let mut line = String::from(name);
        if !labels.is_empty() {
            line.push('{');
            for (i, (key, value)) in labels.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                // Writing to a String can't fail.
                let _ = write!(line, "{comma}{key}=\"{}\"", escape(value));
            }
            line.push('}');
        }
        let _ = write!(line, " {value}");
        if let Some(family) = self.families.iter_mut().rev().find(|f| f.name == name) {
            family.lines.push(line);
        } else {
            self.families.push(Family { name: name.to_owned(), help: help.to_owned(), kind, lines: vec![line] });
        }
    }

    fn finish(self) -> String {
        let mut out = String::new();
        for family in self.families {
            let _ = writeln!(out, "# HELP {} {}", family.name, family.help.replace('\\', "\\\\").replace('\n', "\\n"));
            let _ = writeln!(out, "# TYPE {} {}", family.name, family.kind);
            for line in family.lines {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }
}

/// Escapes a label value: names of tables may hold anything.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out
}

/// What Reeve tells of itself.
pub struct Own<'o> {
    /// Its pools.
    pub pools: &'o RolePools,
    /// Its history.
    pub recorder: &'o Recorder,
    /// Its audit trail.
    pub audit: &'o Trail,
}

/// What `/metrics` tells of backups, when the repository was ever read.
fn backups(text: &mut Text, covers: &[DatabaseCover], now: UnixMs) {
    for cover in covers {
        let labels = [("target", cover.target.as_str()), ("database", cover.database.as_str())];
        if let Some(age) = reeve_rules::backups::at_risk_s(cover, now) {
            text.add(
                "reeve_backup_last_good_age_seconds",
                "gauge",
                "Since the snapshot of the newest backup that nothing speaks against.",
                &labels,
                age,
            );
        }
        if let Some(at) = cover.proven_at {
            let age = now.seconds_since(at);
            text.add(
                "reeve_backup_last_passed_drill_age_seconds",
                "gauge",
                "Since a restore last brought all rows back as they were.",
                &labels,
                age,
            );
        }
        for word in [Cover::Damaged, Cover::Missing, Cover::Unproven, Cover::Proven] {
            let labels = [labels[0], labels[1], ("cover", word.word())];
            text.add(
                "reeve_backup_cover",
                "gauge",
                "1 for how safe the database is now.",
                &labels,
                f64::from(u8::from(cover.cover == word)),
            );
        }
    }
}

/// The whole text: of Reeve itself if `own` is given, and of the targets that the caller may see.
#[must_use]
pub fn text(hub: &Hub, own: Option<Own<'_>>, backed: &[DatabaseCover], covers: impl Fn(&TargetName) -> bool, now: UnixMs) -> String {
    let mut text = Text::default();
    if let Some(own) = own {
        of_reeve(&mut text, hub, &own);
    }
    for info in hub.targets().iter().filter(|info| covers(&info.name)) {
        let Some(latest) = hub.latest(&info.name) else { continue };
        target(&mut text, info.name.as_str(), &latest, now);
    }
    backups(&mut text, backed, now);
    text.finish()
}

#[allow(clippy::cast_precision_loss)] // counts of this size are exact
fn of_reeve(text: &mut Text, hub: &Hub, own: &Own<'_>) {
    let Own { pools, recorder, audit } = own;
    text.add("reeve_build_info", "gauge", "Version of Reeve.", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let up = f64::from(u8::from(hub.store_state() == StoreState::Up));
    text.add("reeve_store_up", "gauge", "Reeve's own database answers.", &[], up);
    text.add("reeve_live_viewers", "gauge", "Open live streams.", &[], hub.viewers() as f64);
    text.add("reeve_history_samples_total", "counter", "Samples written to history.", &[], recorder.written() as f64);
    text.add(
        "reeve_history_lost_rounds_total",
        "counter",
        "Rounds not kept because the store was away too long.",
        &[],
        recorder.lost() as f64,
    );
    let trail = audit.state();
    text.add("reeve_audit_sealed_entries", "gauge", "Newest place in the audit log.", &[], trail.head as f64);
    text.add("reeve_audit_waiting_events", "gauge", "Audit events that wait to be sealed.", &[], trail.waiting as f64);
    text.add("reeve_audit_stalled", "gauge", "1 while audit events can't be sealed.", &[], f64::from(u8::from(trail.stalled.is_some())));
    let report = pools.report();
    for pool in &report.pools {
        let role = pool.role.word();
        let help = "Connections of Reeve's own pools by state.";
        text.add("reeve_pool_connections", "gauge", help, &[("role", role), ("state", "idle")], f64::from(pool.idle));
        let used = f64::from(pool.total.saturating_sub(pool.idle));
        text.add("reeve_pool_connections", "gauge", help, &[("role", role), ("state", "used")], used);
        text.add("reeve_pool_waiting", "gauge", "Callers waiting for a connection.", &[("role", role)], f64::from(pool.waiting));
        text.add("reeve_pool_max_connections", "gauge", "Limit of the pool.", &[("role", role)], f64::from(pool.max));
        let open = f64::from(u8::from(pool.circuit != Circuit::Closed));
        text.add("reeve_pool_circuit_open", "gauge", "Calls are held back because the server was found dead.", &[("role", role)], open);
    }
}

#[allow(clippy::cast_precision_loss)]
fn target(text: &mut Text, name: &str, latest: &crate::hub::Latest, now: UnixMs) {
    let snapshot = &latest.snapshot;
    let label = [("target", name)];
    let up = matches!(snapshot.reach, Reach::Up { .. });
    text.add("reeve_target_up", "gauge", "The target answered the newest round.", &label, f64::from(u8::from(up)));
    for status in [Status::Healthy, Status::Unknown, Status::Degraded, Status::Critical] {
        let is = f64::from(u8::from(latest.verdict.status == status));
        text.add("reeve_target_status", "gauge", "1 for the present verdict.", &[("target", name), ("status", status.word())], is);
    }
    if let Some(score) = latest.verdict.score {
        text.add("reeve_target_score", "gauge", "Health score, 0 to 100 (docs/HEALTH.md).", &label, score);
    }
    text.add("reeve_target_measured_ratio", "gauge", "Share of the score that could be measured.", &label, latest.verdict.measured_ratio);
    let pace = snapshot.pace;
    text.add(
        "reeve_collector_load_ratio",
        "gauge",
        "What collecting would cost the target, as a share of one core.",
        &label,
        pace.load_ratio,
    );
    text.add("reeve_collector_budget_ratio", "gauge", "What it may cost.", &label, pace.budget_ratio);
    for (probes, stretch) in [("critical", pace.stretch_critical), ("other", pace.stretch_other)] {
        let labels = [("target", name), ("probes", probes)];
        text.add("reeve_collector_stretch_ratio", "gauge", "By how much intervals are stretched to keep to it.", &labels, stretch);
    }
    for run in &snapshot.probes {
        let labels = [("target", name), ("probe", run.id.as_str()), ("database", run.database.as_deref().unwrap_or_default())];
        text.add("reeve_probe_wall_seconds", "gauge", "Wall time of the newest run.", &labels, run.wall_ms / 1000.0);
        text.add("reeve_probe_rows", "gauge", "Rows of the newest run.", &labels, run.rows as f64);
        text.add("reeve_probe_runs_total", "counter", "Runs since Reeve started.", &labels, run.runs as f64);
        if let Some(ms) = run.server_ms {
            text.add("reeve_probe_server_seconds", "gauge", "Mean server time of one run.", &labels, ms / 1000.0);
        }
    }
    if !up {
        return;
    }
    for def in reeve_rules::FIGURES {
        let figure = def.figure(snapshot, now, 10_000);
        if let (Some(value), false) = (figure.value, figure.stale) {
            text.add(def.metric, "gauge", def.help, &label, def.exported(value));
        }
    }
    for (database, reading) in &snapshot.tables {
        let Some(tables) = reading.value() else { continue };
        for table in &tables.tables {
            let labels = [("target", name), ("database", database), ("schema", table.schema.as_str()), ("table", table.name.as_str())];
            if let (Some(bytes), false) = (table.total_bytes(), table.locked) {
                text.add("reeve_table_bytes", "gauge", "Heap, indexes and TOAST.", &labels, bytes as f64);
            }
            text.add("reeve_table_live_rows", "gauge", "Live rows by the server's statistics.", &labels, table.live_rows as f64);
            text.add("reeve_table_dead_rows", "gauge", "Dead rows by the server's statistics.", &labels, table.dead_rows as f64);
            text.add("reeve_table_seq_scans", "gauge", "Sequential scans since statistics began.", &labels, table.seq_scans as f64);
            text.add("reeve_table_index_scans", "gauge", "Index scans since statistics began.", &labels, table.index_scans as f64);
            let locked = f64::from(u8::from(table.locked));
            text.add("reeve_table_locked", "gauge", "ACCESS EXCLUSIVE is held or queued.", &labels, locked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b6_families_stay_together_and_hostile_names_are_text() {
        let mut text = Text::default();
        text.add("a", "gauge", "A.", &[("t", "\"><script>\n\\")], 1.0);
        text.add("b", "gauge", "B\nb.", &[], 2.5);
        text.add("a", "gauge", "A.", &[("t", "x")], f64::NAN);
        text.add("a", "gauge", "A.", &[("t", "y")], 3.0);
        let expected =
            "# HELP a A.\n# TYPE a gauge\na{t=\"\\\"><script>\\n\\\\\"} 1\na{t=\"y\"} 3\n# HELP b B\\nb.\n# TYPE b gauge\nb 2.5\n";
        assert_eq!(text.finish(), expected);
    }
}
