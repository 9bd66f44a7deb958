//! What `reeve backup` says, to people and as JSON.

use super::table;
use crate::run::store::when as moment;
use reeve_app::format;
use reeve_backup::{Catalogue, EngineConfig, PruneReport, PutBackReport, SweepReport};
use reeve_model::backup::{
    AmcheckOutcome, Backup, BackupEntry, Drill, DrillOutcome, JobProgress, RestoreReport, TableDifference, Verification, VerificationLevel,
};
use serde_json::json;

/// Tables are named up to so many.
const NAMED: usize = 20;

/// How far a long phase is.
pub fn going_on(now: &JobProgress) -> String {
    let mut text = format!("{}: {}", now.phase.saying(), size(now.done_bytes));
    if let Some(total) = now.total_bytes {
        text.push_str(&format!(" of {}", size(total)));
    }
    if let Some(rate) = now.rate_bytes_per_s {
        text.push_str(&format!(", {}", written(rate, reeve_model::Unit::BytesPerSecond)));
    }
    if let Some(left) = now.left_s {
        text.push_str(&format!(", {left:.0} s left"));
    }
    text
}

/// A backup just made.
pub fn made(backup: &Backup, as_json: bool) -> String {
    if as_json {
        return format!("{:#}", json!(backup));
    }
    let mut lines = vec![
        format!("{} is made: {} of {} in {}.", backup.id, backup.database.name, backup.target, seconds(backup.duration_ms)),
        format!("{}, {}; read back from {}.", contents(backup), sizes(backup), location(backup)),
    ];
    lines.extend(backup.notes.iter().cloned());
    lines.join("\n")
}

/// All backups.
pub fn list(catalogue: &Catalogue, config: &EngineConfig, as_json: bool) -> String {
    if as_json {
        let entries: Vec<_> = catalogue.entries.iter().map(entry_json).collect();
        let damaged: Vec<_> = catalogue.damaged.iter().map(|(name, why)| json!({ "id": name, "why": why })).collect();
        return format!("{:#}", json!({ "repository": config.location.to_string(), "backups": entries, "damaged": damaged }));
    }
    if catalogue.entries.is_empty() {
        return format!("There are no backups in {}; `reeve backup run TARGET` makes one.", config.location);
    }
    let rows: Vec<Vec<String>> = catalogue
        .entries
        .iter()
        .map(|entry| {
            let b = &entry.backup;
            let what = if b.whole { b.tables.len().to_string() } else { format!("{} chosen", b.tables.len()) };
            vec![
                b.id.to_string(),
                b.target.to_string(),
                b.database.name.clone(),
                b.kind.word().to_owned(),
                moment(b.timestamp),
                size(b.size_bytes),
                what,
                entry.trust().word().to_owned(),
            ]
        })
        .collect();
    table(&["backup", "target", "database", "type", "taken", "size", "tables", "proven"], &rows)
}

/// One backup.
pub fn show(entry: &BackupEntry, as_json: bool) -> String {
    if as_json {
        return format!("{:#}", entry_json(entry));
    }
    let b = &entry.backup;
    let encrypted = if b.encrypted_to.is_empty() { "no".to_owned() } else { format!("to {}", b.encrypted_to.join(", ")) };
    let mut lines = vec![
        format!("{}  {} of {}, {}", b.id, b.database.name, b.target, b.kind.word()),
        format!("taken      {} in {}", moment(b.timestamp), seconds(b.duration_ms)),
        format!("holds      {}", contents(b)),
        format!("size       {}", sizes(b)),
        format!("checksum   {}", b.checksum),
        format!("encrypted  {encrypted}"),
        format!("server     PostgreSQL {}, dumped by {}", b.server_version, b.tool_version),
        format!("lies in    {}", location(b)),
        format!("proven     {}", entry.trust().word()),
    ];
    lines.extend(b.notes.iter().cloned());
    lines.extend(entry.verification.as_ref().map(|v| format!("\n{}", verification(v, false))));
    lines.extend(entry.drill.as_ref().map(|d| format!("\n{}", drill(d, false))));
    let mut tables: Vec<_> = b.tables.iter().collect();
    tables.sort_by_key(|t| std::cmp::Reverse(t.rows));
    let rows: Vec<_> = tables.iter().take(NAMED).map(|t| vec![t.title(), t.rows.map_or("—".to_owned(), |r| r.to_string())]).collect();
    lines.push(format!("\n{}", table(&["table", "rows"], &rows)));
    if tables.len() > NAMED {
        lines.push(format!("and {} smaller ones (all of them with --json)", tables.len() - NAMED));
    }
    lines.join("\n")
}

/// A verification.
pub fn verification(v: &Verification, as_json: bool) -> String {
    if as_json {
        return format!("{:#}", json!({ "passed": v.passed(), "verification": v }));
    }
    let what = match v.level {
        VerificationLevel::Digests => "lengths and digests",
        VerificationLevel::Full => "digests, decryption, decompression, and every row read by pg_restore",
    };
    let word = if v.passed() { "is good" } else { "is DAMAGED" };
    let mut lines = vec![format!("{} {word}, verified {}: {what}.", v.backup, moment(v.at))];
    lines.push(format!("{} objects, {}, in {}.", v.objects, size(v.bytes), seconds(v.duration_ms)));
    lines.extend(v.faults.iter().map(|fault| format!("  {}: {}", fault.object, fault.sentence)));
    lines.join("\n")
}

/// A drill.
pub fn drill(d: &Drill, as_json: bool) -> String {
    if as_json {
        return format!("{:#}", json!(d));
    }
    let mut lines = vec![format!("The drill of {} {}, {}, in {}.", d.backup, d.outcome.word(), moment(d.at), seconds(d.duration_ms))];
    if let Some(rto) = d.rto {
        let word = if rto.met() { "within" } else { "OVER" };
        lines.push(format!("Restored in {}, {word} the target of {}.", seconds(rto.measured_ms), seconds(rto.target_ms)));
    }
    lines.extend(d.failure.as_ref().map(|why| format!("It failed: {why}.")));
    if d.tables_compared > 0 {
        lines.push(compared(d.tables_compared, d.rows_compared, &d.differences));
    }
    lines.push(match &d.amcheck {
        AmcheckOutcome::Passed => "pg_amcheck: every heap and B-tree index is sound.".to_owned(),
        AmcheckOutcome::Failed { said } => format!("pg_amcheck found corruption: {said}"),
        AmcheckOutcome::Skipped { sentence } => format!("pg_amcheck was not run. {sentence}"),
    });
    if d.outcome != DrillOutcome::Failed {
        lines.push("Not compared: large objects, materialized views, foreign tables and sequences.".to_owned());
    }
    lines.extend(d.differences.iter().map(difference));
    lines.extend(d.notes.iter().cloned());
    lines.join("\n")
}

/// A restore.
pub fn restored(r: &RestoreReport, as_json: bool) -> String {
    if as_json {
        return format!("{:#}", json!(r));
    }
    let mut lines = vec![format!("{} is restored into the database {} in {}.", r.backup, r.database, seconds(r.duration_ms))];
    lines.push(compared(r.tables_compared, r.rows_compared, &r.differences));
    lines.extend(
        r.kept_as.as_ref().map(|name| format!("The database before it is kept as {name}; drop it when it is not needed any more.")),
    );
    lines.extend(r.differences.iter().map(difference));
    lines.extend(r.notes.iter().cloned());
    lines.join("\n")
}

/// A table that was put back.
pub fn put_back(r: &PutBackReport, table: &str, as_json: bool) -> String {
    if as_json {
        return format!(
            "{:#}",
            json!({ "database": r.database, "table": table, "rows": r.rows, "difference": r.difference, "keys": r.keys,
                    "keys_missing": r.keys_missing, "views_missing": r.views_missing })
        );
    }
    let mut lines = vec![format!("{table} is back in {}, with {} rows.", r.database, r.rows)];
    match &r.difference {
        None => lines.push("Every row is as it was backed up.".to_owned()),
        Some(it) => lines.push(difference(it)),
    }
    if r.keys > 0 {
        lines.push(format!("Foreign keys of other tables that point to it again: {}.", r.keys));
    }
    lines.extend(r.keys_missing.iter().map(|key| format!("A foreign key is not as before: {key}.")));
    lines.extend(
        r.views_missing.iter().map(|view| format!("The view {view} is still missing: make it again as it is in the restored database.")),
    );
    lines.join("\n")
}

/// What was removed.
pub fn pruned(report: &PruneReport, swept: &SweepReport, dry: bool, as_json: bool) -> String {
    if as_json {
        let ids: Vec<_> = report.removed.iter().map(|b| &b.id).collect();
        return format!(
            "{:#}",
            json!({ "dry_run": dry, "removed": ids, "in_use": report.in_use, "kept": report.kept, "unverified": report.unverified,
                    "swept": swept.removed, "swept_bytes": swept.bytes })
        );
    }
    let word = if dry { "would be removed" } else { "removed" };
    let mut lines: Vec<String> = report.removed.iter().map(|b| format!("{} of {}/{} {word}.", b.id, b.target, b.database.name)).collect();
    lines.extend(report.in_use.iter().map(|id| format!("{id} is being read just now, and stays.")));
    lines.extend(
        report
            .unverified
            .iter()
            .map(|name| format!("{name}: no backup is verified yet, so all stay; `reeve backup verify` or `reeve backup drill` one.")),
    );
    lines.extend(swept.removed.iter().map(|id| format!("{id} was broken off; what it left is cleared away.")));
    lines.push(format!("{} backups {word}, {} kept.", report.removed.len(), report.kept));
    lines.join("\n")
}

fn entry_json(entry: &BackupEntry) -> serde_json::Value {
    let mut value = json!(entry);
    value["proven"] = json!(entry.trust());
    value
}

fn contents(b: &Backup) -> String {
    let rows = b.rows().map_or_else(|| "uncounted rows".to_owned(), |rows| format!("{rows} rows"));
    let chosen = if b.whole { "" } else { " chosen" };
    format!("{}{chosen} tables, {rows}", b.tables.len())
}

fn sizes(b: &Backup) -> String {
    format!("{} stored, {} as a dump, {} on the server", size(b.size_bytes), size(b.plain_bytes), size(b.database.size_bytes))
}

fn location(b: &Backup) -> String {
    b.copies.iter().map(|copy| copy.location.as_str()).collect::<Vec<_>>().join(", ")
}

fn compared(tables: u64, rows: u64, differences: &[TableDifference]) -> String {
    if differences.is_empty() {
        return format!("{tables} tables with {rows} rows compared: all are as they were.");
    }
    format!("{tables} tables with {rows} rows compared: {} are NOT as they were.", differences.len())
}

fn difference(d: &TableDifference) -> String {
    format!("  {}.{}: {}", d.schema, d.name, d.sentence)
}

#[allow(clippy::cast_precision_loss)] // for people
fn size(bytes: u64) -> String {
    written(bytes as f64, reeve_model::Unit::Bytes)
}

/// As the pages write it, so that one backup has one size; a terminal has no need of a space that does not break.
fn written(value: f64, unit: reeve_model::Unit) -> String {
    format::text(Some(value), unit).replace('\u{a0}', " ")
}

#[allow(clippy::cast_precision_loss)] // for people
fn seconds(ms: u64) -> String {
    match ms {
        0..100_000 => format!("{:.1} s", ms as f64 / 1e3),
        _ => format!("{:.1} min", ms as f64 / 60e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_well_and_as_on_the_pages() {
        let sizes = [999, 1_500, 2_500_000, 3_500_000_000];
        assert_eq!(sizes.map(size), ["999 B", "1.46 KB", "2.38 MB", "3.26 GB"]);
        for bytes in sizes {
            assert_eq!(size(bytes), format::size(i64::try_from(bytes).ok()).replace('\u{a0}', " "));
        }
        assert_eq!([1_500, 120_000].map(seconds), ["1.5 s", "2.0 min"]);
    }
}
