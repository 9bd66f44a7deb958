//! Backups, as Reeve's own list of them says. What other tools keep is not seen here, so without a repository nothing is known.

use crate::compliance::{
    control::{Control, NO_LOCK, Tally},
    look::{Gap, Row},
    sql::shown,
};
use reeve_model::UnixMs;

const HOUR_MS: i64 = 3_600_000;

/// The databases that the target has now. One that is only in old backups is no duty any more.
fn present<'a>(t: &mut Tally<'a>) -> Result<Vec<Row<'a>>, Gap> {
    let rows: Vec<_> = t.server("backups")?.into_iter().filter(|row| row.yes("there")).collect();
    if rows.is_empty() {
        return Err(Gap::NotApplicable(
            "No database of its own with tables is there; a standby's are backed up at their primary.".to_owned(),
        ));
    }
    Ok(rows)
}

/// How long ago, milliseconds; none: never.
fn age_ms(t: &Tally<'_>, row: &Row<'_>, column: &str) -> Option<i64> {
    row.number(column).map(|at| t.look.context.now.ms_since(UnixMs(at)))
}

/// `26 hours` or `3 days`, as a sentence says an age.
fn long(ms: i64) -> String {
    let hours = ms / HOUR_MS;
    if hours < 48 { format!("{hours} hours") } else { format!("{} days", hours / 24) }
}

/// BKP-01
pub const RECENT: Control = Control {
    id: "BKP-01",
    why: "What was written since the last good backup is lost with the server.",
    evidence: &["backups"],
    advice: "Back the named databases up, and give each a schedule.",
    lock: NO_LOCK,
    judge: |t| {
        let allowed = t.look.context.policy.backup_age_h.saturating_mul(HOUR_MS);
        for row in present(t)? {
            t.judged(1);
            let database = row.text("database");
            let why = match age_ms(t, &row, "last_good_ms") {
                None => format!("{} has no good backup.", shown(database)),
                Some(age) if age > allowed => {
                    format!("The last good backup of {} is {} old; {} are agreed.", shown(database), long(age), long(allowed))
                }
                Some(_) => continue,
            };
            t.object_in(Some(database), "backup", why, "Back it up now, on the page of backups or with reeve backup run.", "None.");
        }
        Ok(())
    },
};

/// BKP-03
pub const RESTORED: Control = Control {
    id: "BKP-03",
    why: "A backup that was never restored is a hope: only a restore that brought every row back shows that it can be used.",
    evidence: &["backups"],
    advice: "Drill the newest backup of the named databases.",
    lock: NO_LOCK,
    judge: |t| {
        let allowed = t.look.context.policy.drill_age_h.saturating_mul(HOUR_MS);
        for row in present(t)? {
            t.judged(1);
            let database = row.text("database");
            let why = match (row.opt("last_drill"), age_ms(t, &row, "proven_ms")) {
                (Some("failed"), _) => format!("The last drill of {} failed.", shown(database)),
                (Some("late"), _) => format!("The last restore of {} took longer than was agreed.", shown(database)),
                (_, None) => format!("No backup of {} was ever restored to prove it.", shown(database)),
                (_, Some(age)) if age > allowed => {
                    format!("A backup of {} was last proven by a restore {} ago; {} are agreed.", shown(database), long(age), long(allowed))
                }
                _ => continue,
            };
            t.object_in(Some(database), "drill", why, "Drill its newest backup, on its page or with reeve backup drill.", "None.");
        }
        Ok(())
    },
};

/// ENC-10
pub const ENCRYPTED: Control = Control {
    id: "ENC-10",
    why: "Whoever reads a backup that is not encrypted reads the whole database, with no server to ask for a password.",
    evidence: &["backups"],
    advice: "Name recipients under [backup] in reeve.toml, back the databases up anew, and remove the plain backups.",
    lock: NO_LOCK,
    judge: |t| {
        let rows = t.server("backups")?;
        let kept: Vec<_> = rows.into_iter().filter(|row| row.number("backups").is_some_and(|n| n > 0)).collect();
        if kept.is_empty() {
            return Err(Gap::NotApplicable("There is no backup that could be encrypted.".to_owned()));
        }
        for row in kept {
            t.judged(1);
            let (database, plain) = (row.text("database"), row.number("plain"));
            let why = match plain {
                Some(0) => continue,
                Some(1) => format!("One backup of {} is not encrypted.", shown(database)),
                Some(n) => format!("{n} backups of {} are not encrypted.", shown(database)),
                None => {
                    t.gap(format!("Whether the backups of {} are encrypted is not known.", shown(database)));
                    continue;
                }
            };
            let fix = "Add recipients = [\"age1…\"] under [backup] in reeve.toml, start Reeve again and back it up anew; the plain ones go when newer ones take their place.";
            t.object_in(Some(database), "encryption of backups", why, fix, "Take the recipients away again.");
        }
        Ok(())
    },
};
