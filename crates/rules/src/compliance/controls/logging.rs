//! What the server writes down, and who can switch it off.

use super::{alter, whom};
use crate::compliance::{
    control::{Control, RELOAD, RESTART, Tally},
    look::Gap,
};
use std::collections::BTreeSet;

const SETTINGS: &[&str] = &["settings"];
const AND_OVERRIDES: &[&str] = &["settings", "overrides"];

/// Objects to one setting unless it has one of these values; the first is the repair.
fn must_be(t: &mut Tally<'_>, name: &str, good: &[&str], restart: bool, sentence: &str) -> Result<(), Gap> {
    let value = t.look.setting(name)?;
    t.judged(1);
    if !good.contains(&value) {
        let (fix, undo) = alter(name, good.first().copied().unwrap_or_default(), value, restart);
        t.object(name, format!("{sentence} ({name} is {value})."), fix, undo);
    }
    Ok(())
}

/// LOG-01
pub const WRITTEN: Control = Control {
    id: "LOG-01",
    why: "Without a collector the log goes where the server was started from, and may be lost.",
    evidence: SETTINGS,
    advice: "Switch logging_collector on, or send the log to syslog.",
    lock: RESTART,
    judge: |t| {
        let kept = t.look.setting("logging_collector")? == "on";
        let elsewhere = t.look.list("log_destination")?.iter().any(|d| matches!(d.as_str(), "syslog" | "eventlog"));
        t.judged(1);
        if !kept && !elsewhere {
            let (fix, undo) = alter("logging_collector", "on", "off", true);
            t.object("logging_collector", "The server's log is neither collected nor sent to syslog.", fix, undo);
        }
        Ok(())
    },
};

/// LOG-02
pub const CONNECTIONS: Control = Control {
    id: "LOG-02",
    why: "Without a line per connection nobody can say who was there.",
    evidence: SETTINGS,
    advice: "Switch log_connections on.",
    lock: RELOAD,
    judge: |t| {
        let value = t.look.setting("log_connections")?.to_lowercase();
        t.judged(1);
        // From 18 on it is a list; the old words still work.
        let parts: Vec<&str> = value.split(',').map(str::trim).collect();
        let old = matches!(value.as_str(), "on" | "true" | "yes" | "1" | "all");
        let good = if t.look.major() >= 18 {
            old || (parts.contains(&"authentication") && parts.contains(&"authorization")) || parts.contains(&"all")
        } else {
            value == "on"
        };
        if !good {
            let wanted = if t.look.major() >= 18 { "receipt,authentication,authorization" } else { "on" };
            let (fix, undo) = alter("log_connections", wanted, &value, false);
            t.object("log_connections", "Connections are not logged with who signed in.", fix, undo);
        }
        Ok(())
    },
};

/// LOG-03
pub const DISCONNECTIONS: Control = Control {
    id: "LOG-03",
    why: "The end of a session says how long somebody was there.",
    evidence: SETTINGS,
    advice: "Switch log_disconnections on.",
    lock: RELOAD,
    judge: |t| must_be(t, "log_disconnections", &["on"], false, "Ends of sessions are not logged"),
};

/// LOG-04
pub const PREFIX: Control = Control {
    id: "LOG-04",
    why: "A line without time, role, database and client says what happened but not who did it.",
    evidence: SETTINGS,
    advice: "Put %m, %p, %u, %d and %h (or %r) into log_line_prefix.",
    lock: RELOAD,
    judge: |t| {
        let prefix = t.look.setting("log_line_prefix")?;
        let structured = t.look.list("log_destination")?.iter().any(|d| matches!(d.as_str(), "csvlog" | "jsonlog"));
        t.judged(5);
        let has = |letters: &[char]| letters.iter().any(|l| escapes(prefix).contains(l));
        let missing: Vec<&str> = [("%m", &['m', 'n', 't'][..]), ("%p", &['p', 'c']), ("%u", &['u']), ("%d", &['d']), ("%h", &['h', 'r'])]
            .into_iter()
            .filter(|(_, letters)| !has(letters))
            .map(|(word, _)| word)
            .collect();
        if !structured && !missing.is_empty() {
            let (fix, undo) = alter("log_line_prefix", "%m [%p] user=%u,db=%d,app=%a,client=%h ", prefix, false);
            t.object("log_line_prefix", format!("Log lines lack {}.", missing.join(", ")), fix, undo);
        }
        Ok(())
    },
};

/// The escapes of a prefix; `%%` is none, and a width may stand between.
fn escapes(prefix: &str) -> Vec<char> {
    let mut found = Vec::new();
    let mut rest = prefix.chars();
    while let Some(c) = rest.next() {
        if c == '%' {
            found.extend(rest.by_ref().find(|c| !c.is_ascii_digit() && *c != '-').filter(|c| *c != '%'));
        }
    }
    found
}

/// The classes that a value of `pgaudit.log` records.
fn classes(value: &str) -> BTreeSet<String> {
    let all = ["ddl", "function", "misc", "misc_set", "read", "role", "write"];
    let mut set = BTreeSet::new();
    for word in value.to_lowercase().split(',').map(str::trim) {
        match word.strip_prefix('-') {
            _ if word == "all" => set.extend(all.map(str::to_owned)),
            Some(class) => {
                set.remove(class);
            }
            None if all.contains(&word) => {
                set.insert(word.to_owned());
            }
            None => {}
        }
    }
    set
}

/// LOG-05
pub const DDL: Control = Control {
    id: "LOG-05",
    why: "Without a record of changes to tables and roles nobody can say who opened what.",
    evidence: AND_OVERRIDES,
    advice: "Set log_statement to ddl, or let pgaudit record ddl and role.",
    lock: RELOAD,
    judge: |t| {
        let statement = t.look.setting("log_statement")?;
        t.judged(1);
        let by_log = matches!(statement, "ddl" | "mod" | "all");
        let by_audit = if by_log { false } else { audits_changes(t)? };
        if !by_log && !by_audit {
            let (fix, undo) = alter("log_statement", "ddl", statement, false);
            t.object("log_statement", "Changes to tables and roles are not recorded.", fix, undo);
            return Ok(());
        }
        let name = if by_log { "log_statement" } else { "pgaudit.log" };
        for row in t.server("overrides")?.iter().filter(|r| r.text("name") == name) {
            let value = row.text("value");
            let off = if by_log { value == "none" } else { !["ddl", "role"].iter().all(|c| classes(value).contains(*c)) };
            if off {
                switched_off(t, name, value, row.opt("role"), row.opt("database"));
            }
        }
        Ok(())
    },
};

fn audits_changes(t: &Tally<'_>) -> Result<bool, Gap> {
    let audit = t.look.library_setting("pgaudit", "pgaudit.log")?;
    Ok(audit.is_some_and(|v| classes(v).contains("ddl") && classes(v).contains("role")))
}

fn switched_off(t: &mut Tally<'_>, name: &str, value: &str, role: Option<&str>, database: Option<&str>) {
    let (sql, person) = whom(role, database);
    t.object(
        format!("{name} of {person}"),
        format!("{name} is {value} for {person}, which records less than for others."),
        format!("ALTER {sql} RESET {name};"),
        format!("ALTER {sql} SET {name} = '{}';", value.replace('\'', "''")),
    );
}

/// LOG-06
pub const PGAUDIT: Control = Control {
    id: "LOG-06",
    why: "pgaudit records what was done to which object, where the log has only the text of statements.",
    evidence: SETTINGS,
    advice: "Install pgaudit and set pgaudit.log to at least ddl and role.",
    lock: RESTART,
    judge: |t| {
        t.note("pgaudit is not transactional and can't be relied on against superusers.");
        t.judged(1);
        let Some(value) = t.look.library_setting("pgaudit", "pgaudit.log")? else {
            t.object(
                "pgaudit",
                "pgaudit is not loaded.",
                "Add pgaudit to shared_preload_libraries and set pgaudit.log = 'ddl, role'. Then restart the server.",
                "Take pgaudit out again. Then restart the server.",
            );
            return Ok(());
        };
        let missing: Vec<String> = t.look.context.policy.audit_classes.difference(&classes(value)).cloned().collect();
        if !missing.is_empty() {
            let (fix, undo) = alter("pgaudit.log", "ddl, role", value, false);
            t.object("pgaudit.log", format!("pgaudit does not record {}.", missing.join(", ")), fix, undo);
        }
        Ok(())
    },
};

/// LOG-08
pub const OVERRIDDEN: Control = Control {
    id: "LOG-08",
    why: "A setting of one role or database switches recording off where it matters most, and nobody sees it in the file.",
    evidence: AND_OVERRIDES,
    advice: "Reset the settings that record less than the server's own.",
    lock: "locks nothing; new sessions take it over",
    judge: |t| {
        // That there is none was read, and is what is wanted.
        t.judged(1);
        for row in t.server("overrides")? {
            let (name, value) = (row.text("name"), row.text("value"));
            if !(name.starts_with("log_") || name.starts_with("pgaudit.") || name == "session_preload_libraries") {
                continue;
            }
            t.judged(1);
            let general = match t.look.setting(name) {
                Ok(general) => general,
                Err(Gap::Unknown(why) | Gap::NotApplicable(why)) => {
                    t.gap(why);
                    continue;
                }
            };
            if weaker(name, value, general) {
                switched_off(t, name, value, row.opt("role"), row.opt("database"));
            }
        }
        Ok(())
    },
};

/// Whether a value records less than the general one.
fn weaker(name: &str, value: &str, general: &str) -> bool {
    let place = |words: &[&str], value: &str| words.iter().position(|w| *w == value);
    let levels = ["panic", "fatal", "log", "error", "warning", "notice", "info", "debug", "debug1", "debug2", "debug3", "debug4", "debug5"];
    let on = |value: &str| matches!(value, "on" | "true" | "yes" | "1");
    match name {
        "log_statement" => place(&["none", "ddl", "mod", "all"], value) < place(&["none", "ddl", "mod", "all"], general),
        "log_min_messages" | "log_min_error_statement" => place(&levels, value) < place(&levels, general),
        "log_error_verbosity" => place(&["terse", "default", "verbose"], value) < place(&["terse", "default", "verbose"], general),
        "pgaudit.log" => !classes(value).is_superset(&classes(general)),
        "pgaudit.role" => value != general && !general.is_empty(),
        "session_preload_libraries" => general.split(',').map(str::trim).filter(|l| !l.is_empty()).any(|l| !value.contains(l)),
        _ => on(general) && !on(value) && !value.is_empty(),
    }
}

/// LOG-09
pub const PRIVATE: Control = Control {
    id: "LOG-09",
    why: "Log files hold statements, and these hold data.",
    evidence: SETTINGS,
    advice: "Set log_file_mode to 0600 or 0640.",
    lock: RELOAD,
    judge: |t| {
        let value = t.look.setting("log_file_mode")?;
        if t.look.setting("logging_collector")? != "on" {
            return Err(Gap::Unknown(
                "The server does not make its log files itself (logging_collector is off): who may read them is not seen from here."
                    .to_owned(),
            ));
        }
        t.judged(1);
        if u32::from_str_radix(value, 8).map_or(true, |mode| mode & 0o137 != 0) {
            let (fix, undo) = alter("log_file_mode", "0600", value, false);
            t.object("log_file_mode", format!("Log files are made with mode {value}."), fix, undo);
        }
        Ok(())
    },
};

/// LOG-10
pub const TIME_ZONE: Control = Control {
    id: "LOG-10",
    why: "Local time repeats an hour each autumn, and lines from several servers can't be put in order.",
    evidence: SETTINGS,
    advice: "Set log_timezone to UTC.",
    lock: RELOAD,
    judge: |t| {
        let good = ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"];
        must_be(t, "log_timezone", &good, false, "Log lines have a local time")
    },
};

/// LOG-11
pub const LEVELS: Control = Control {
    id: "LOG-11",
    why: "Too high a level hides warnings and the statements behind errors.",
    evidence: SETTINGS,
    advice: "Set log_min_messages to warning and log_min_error_statement to error, and log_error_verbosity to at least default.",
    lock: RELOAD,
    judge: |t| {
        let detailed = ["debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error"];
        let messages: Vec<&str> = ["warning"].into_iter().chain(detailed[..7].iter().copied()).collect();
        let statements: Vec<&str> = ["error"].into_iter().chain(detailed[..8].iter().copied()).collect();
        must_be(t, "log_min_messages", &messages, false, "Warnings are not logged")?;
        must_be(t, "log_min_error_statement", &statements, false, "Statements behind errors are not logged")?;
        must_be(t, "log_error_verbosity", &["default", "verbose"], false, "Errors are logged without detail")
    },
};

/// LOG-12
pub const DEBUG: Control = Control {
    id: "LOG-12",
    why: "These print every statement with its values into the log.",
    evidence: SETTINGS,
    advice: "Switch the debug_print settings off.",
    lock: RELOAD,
    judge: |t| {
        for name in ["debug_print_parse", "debug_print_rewritten", "debug_print_plan"] {
            must_be(t, name, &["off"], false, "Statements are printed in full into the log")?;
        }
        Ok(())
    },
};

/// LOG-13
pub const REPLICATION: Control = Control {
    id: "LOG-13",
    why: "A copy of the whole cluster leaves through replication commands.",
    evidence: SETTINGS,
    advice: "Switch log_replication_commands on.",
    lock: RELOAD,
    judge: |t| must_be(t, "log_replication_commands", &["on"], false, "Replication commands are not logged"),
};

/// LOG-14
pub const SPILLED: Control = Control {
    id: "LOG-14",
    why: "pg_stat_statements keeps the text of statements such as ALTER ROLE … PASSWORD, and many may read it.",
    evidence: &["statements", "settings"],
    advice: "Reset the recorded statements, change the secrets, and send verifiers instead of passwords.",
    lock: "locks nothing; recorded statistics are lost",
    judge: |t| {
        let mut asked = false;
        for database in &t.look.set.databases {
            let Some(answer) = t.look.find("statements", Some(&database.name)) else { continue };
            let table = match answer {
                Ok(table) => table,
                Err(Gap::Unknown(why) | Gap::NotApplicable(why)) => {
                    t.gap(why);
                    continue;
                }
            };
            let Some(row) = table.rows().next() else { continue };
            // The view shows the statements of all databases, wherever it is installed.
            if std::mem::replace(&mut asked, true) {
                continue;
            }
            t.judged(row.number("statements").and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
            if row.number("secrets").is_none_or(|n| n > 0) {
                t.object_in(
                    Some(&database.name),
                    "pg_stat_statements",
                    "Recorded statements look like they hold a secret.",
                    "Change the secrets, then: SELECT pg_stat_statements_reset();",
                    "None: a secret that was read stays known.",
                );
            }
        }
        Err(Gap::Unknown("Reeve does not read the server's log, so what stands there is not known.".to_owned()))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_prefixes_classes_and_overrides_are_read_as_the_server_reads_them() {
        assert_eq!(escapes("%m [%p] %q%-10u@%d %%h "), ['m', 'p', 'q', 'u', 'd']);
        assert!(classes("all, -misc").contains("ddl") && !classes("all, -misc").contains("misc"));
        assert!(classes("none").is_empty() && classes("DDL,Role").len() == 2);
        assert!(weaker("log_statement", "none", "ddl") && !weaker("log_statement", "all", "ddl"));
        assert!(weaker("log_connections", "off", "on") && !weaker("log_connections", "on", "off"));
        assert!(weaker("log_min_messages", "panic", "warning") && !weaker("log_min_messages", "debug1", "warning"));
        assert!(weaker("pgaudit.log", "ddl", "ddl, role") && !weaker("pgaudit.log", "all", "ddl, role"));
    }
}
