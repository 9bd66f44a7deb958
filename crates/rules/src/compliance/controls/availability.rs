//! Copies, archives, and what could stop the server.

use crate::compliance::{
    control::{Control, EXCLUSIVE, NO_LOCK, RESTART},
    look::Gap,
    sql::{ident, literal, shown},
};

/// Transactions after which wraparound is too near.
const OLD_XIDS: i64 = 1_000_000_000;

/// BKP-02
pub const ARCHIVING: Control = Control {
    id: "BKP-02",
    why: "Without archived WAL a restore ends at the last backup, and everything after it is gone.",
    evidence: &["settings", "archiver"],
    advice: "Switch archive_mode on, or accept the risk with the reason that logical backups are enough.",
    lock: RESTART,
    judge: |t| {
        let mode = t.look.setting("archive_mode")?;
        if t.look.set.standby && mode != "always" {
            return Err(Gap::NotApplicable("This is a standby; its source archives.".to_owned()));
        }
        let rows = t.server("archiver")?;
        t.judged(1);
        if mode == "off" {
            t.object(
                "archive_mode",
                "WAL is not archived (archive_mode is off).",
                "ALTER SYSTEM SET archive_mode = 'on'; and set archive_command or archive_library. Then restart the server.",
                "ALTER SYSTEM SET archive_mode = 'off'; Then restart the server.",
            );
            return Ok(());
        }
        let Some(row) = rows.first() else { return Err(Gap::Unknown("The archiver shows no counters.".to_owned())) };
        let (good, bad) = (row.number("last_archived_s"), row.number("last_failed_s"));
        let allowed = i64::try_from(t.look.context.policy.archive_age_s).unwrap_or(i64::MAX);
        let why = match (good, bad) {
            (None, None) => return Err(Gap::Unknown("Nothing has been archived yet, and nothing has failed.".to_owned())),
            (None, Some(_)) => "Archiving has failed and never worked".to_owned(),
            (Some(good), Some(bad)) if bad <= good => {
                format!("Archiving fails: the last failure was {bad} s ago, the last success {good} s")
            }
            (Some(good), _) if good > allowed => format!("The last WAL segment was archived {good} s ago"),
            _ => return Ok(()),
        };
        t.object("archiver", format!("{why}."), "Look for the archiver's error in the server's log and repair archive_command.", "None.");
        Ok(())
    },
};

/// AVL-01
pub const STANDBYS: Control = Control {
    id: "AVL-01",
    why: "A standby that lags or has stopped is none when it is needed.",
    evidence: &["replication"],
    advice: "Repair the standbys that lag or do not stream.",
    lock: NO_LOCK,
    judge: |t| {
        let rows = t.server("replication")?;
        if rows.is_empty() {
            return Err(Gap::NotApplicable("No standby is connected; one that is missing shows as an idle slot in AVL-02.".to_owned()));
        }
        let most = i64::try_from(t.look.context.policy.lag_bytes).unwrap_or(i64::MAX);
        for row in &rows {
            t.judged(1);
            let name = shown(row.text("name"));
            let (state, lag) = (row.text("state"), row.number("lag_bytes"));
            let why = match lag {
                _ if state != "streaming" => format!("{name} is in state {state}"),
                Some(lag) if lag > most => format!("{name} lags {lag} bytes behind"),
                Some(_) => continue,
                None => {
                    t.gap(format!("How far {name} lags is not shown."));
                    continue;
                }
            };
            t.object(
                format!("standby {name}"),
                format!("{why}."),
                format!("Look at the log of {name} and at its disk and network."),
                "None.",
            );
        }
        Ok(())
    },
};

/// AVL-02
pub const OUTAGES: Control = Control {
    id: "AVL-02",
    why: "A lost slot ends a standby, an idle one fills the disk, and transaction ids that run out stop all writing.",
    evidence: &["slots", "databases"],
    advice: "Drop the slots that nobody uses and vacuum the old databases.",
    lock: EXCLUSIVE,
    judge: |t| {
        for row in t.server("slots")? {
            t.judged(1);
            let slot = row.text("slot");
            let status = row.opt("wal_status");
            let lost = matches!(status, Some("lost" | "unreserved")) || row.opt("invalid").is_some();
            if lost {
                t.object(
                    format!("slot {}", shown(slot)),
                    format!("The replication slot {} has lost WAL or is about to ({}).", shown(slot), status.unwrap_or("invalid")),
                    format!("SELECT pg_drop_replication_slot({}); then build its standby anew.", literal(slot)),
                    "None: the WAL is gone.",
                );
            }
        }
        for row in t.server("databases")? {
            t.judged(1);
            let database = row.text("database");
            if row.number("xid_age").is_none_or(|age| age >= OLD_XIDS) {
                t.object_in(
                    Some(database),
                    "transaction ids",
                    format!("{} is {} transactions old.", shown(database), row.text("xid_age")),
                    format!("VACUUM (FREEZE, VERBOSE); in {}", ident(database)),
                    "None.",
                );
            }
        }
        Ok(())
    },
};
