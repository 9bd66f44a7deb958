//! Settings that keep the server honest, and its versions.

use super::{alter, whom};
use crate::compliance::{
    control::{Control, EXCLUSIVE, RELOAD, RESTART, Tally},
    look::Gap,
    sql::{ident, shown},
};
use reeve_model::UnixMs;

/// CFG-01
pub const PENDING: Control = Control {
    id: "CFG-01",
    why: "What waits for a restart does not hold yet, whatever the file says.",
    evidence: &["pending_restart", "files", "settings"],
    advice: "Restart the server, or correct the files.",
    lock: RESTART,
    judge: |t| {
        let pending = t.server("pending_restart")?;
        for row in &pending {
            let name = row.text("name");
            t.object(
                name,
                format!("{name} was changed and waits for a restart."),
                "Restart the server.",
                format!("ALTER SYSTEM RESET {};", name.split('.').map(ident).collect::<Vec<_>>().join(".")),
            );
        }
        t.judged(1);
        // Hidden settings may wait too.
        t.look.setting("shared_preload_libraries")?;
        for row in t.server("files")? {
            if pending.iter().any(|p| p.text("name") == row.text("name")) {
                continue;
            }
            let place = format!("{}:{}", row.text("file"), row.text("line"));
            let (fix, undo) = super::edit(&place, "correct the line");
            t.object(place.clone(), format!("{place} can't be used: {}.", row.text("error").trim_end_matches('.')), fix, undo);
        }
        Ok(())
    },
};

/// CFG-02
pub const LIBRARIES: Control = Control {
    id: "CFG-02",
    why: "A preloaded library runs inside every session with all rights.",
    evidence: &["settings", "overrides"],
    advice: "Take out the libraries that nobody agreed to.",
    lock: RESTART,
    judge: |t| {
        let mut lists: Vec<(String, String)> = Vec::new();
        for name in ["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"] {
            lists.push((name.to_owned(), t.look.setting(name)?.to_owned()));
        }
        for row in t.server("overrides")?.iter().filter(|r| r.text("name").ends_with("_preload_libraries")) {
            let (_, person) = whom(row.opt("role"), row.opt("database"));
            lists.push((format!("{} of {person}", row.text("name")), row.text("value").to_owned()));
        }
        // That nothing is loaded is what is wanted, too.
        if lists.iter().all(|(_, list)| list.trim().is_empty()) {
            t.judged(1);
        }
        for (place, list) in lists {
            for word in list.split(',').map(|w| w.trim().trim_matches('"')).filter(|w| !w.is_empty()) {
                t.judged(1);
                let library = word.trim_start_matches("$libdir/").trim_start_matches("plugins/").trim_end_matches(".so");
                if !t.look.context.policy.libraries.contains(library) {
                    t.object(
                        format!("{word} in {place}"),
                        format!("{place} loads {word}, which nobody agreed to."),
                        format!("Take {word} out of {place}. Then restart the server."),
                        format!("Put {word} back into {place}. Then restart the server."),
                    );
                }
            }
        }
        Ok(())
    },
};

/// CFG-03
pub const DURABLE: Control = Control {
    id: "CFG-03",
    why: "With fsync or full_page_writes off, a crash can leave a cluster that is beyond repair.",
    evidence: &["settings"],
    advice: "Switch fsync and full_page_writes on.",
    lock: RELOAD,
    judge: |t| {
        for name in ["fsync", "full_page_writes"] {
            let value = t.look.setting(name)?;
            t.judged(1);
            if value != "on" {
                let (fix, undo) = alter(name, "on", value, false);
                t.object(name, format!("{name} is {value}: a crash can destroy the cluster."), fix, undo);
            }
        }
        Ok(())
    },
};

/// CFG-04
pub const CHECKSUMS: Control = Control {
    id: "CFG-04",
    why: "Without checksums a page that the disk has changed is served as if it were right.",
    evidence: &["settings", "databases"],
    advice: "Enable checksums with pg_checksums while the server is stopped, and restore damaged pages.",
    lock: "needs the server to be stopped for as long as it takes to read all files",
    judge: |t| {
        let value = t.look.setting("data_checksums")?;
        t.judged(1);
        if value != "on" {
            t.object(
                "data_checksums",
                "Pages have no checksums.",
                "With the server stopped: pg_checksums --enable --progress -D <data directory>",
                "With the server stopped: pg_checksums --disable -D <data directory>",
            );
        }
        for row in t.server("databases")? {
            t.judged(1);
            let database = row.text("database");
            match row.number("checksum_failures") {
                Some(0) => {}
                Some(n) => t.object_in(
                    Some(database),
                    "checksum failures",
                    format!("{n} pages of {} did not match their checksums.", shown(database)),
                    "Find the pages with pg_amcheck and restore them from a backup.",
                    "None.",
                ),
                None => t.gap(format!("Checksum failures of {} are not shown.", shown(database))),
            }
        }
        Ok(())
    },
};

/// CFG-05
pub const DEVELOPER: Control = Control {
    id: "CFG-05",
    why: "These settings let a session break the catalogue or look away from damage.",
    evidence: &["settings", "overrides"],
    advice: "Switch these settings off.",
    lock: RELOAD,
    judge: |t| {
        let names = ["allow_system_table_mods", "ignore_system_indexes", "zero_damaged_pages", "ignore_checksum_failure"];
        for row in t.server("overrides")?.iter().filter(|r| names.contains(&r.text("name")) && r.text("value") != "off") {
            let (name, value) = (row.text("name"), row.text("value"));
            let (sql, person) = whom(row.opt("role"), row.opt("database"));
            t.object(
                format!("{name} of {person}"),
                format!("{name} is {value} for {person}."),
                format!("ALTER {sql} RESET {name};"),
                format!("ALTER {sql} SET {name} = '{}';", value.replace('\'', "''")),
            );
        }
        for name in names {
            let value = t.look.setting(name)?;
            t.judged(1);
            if value != "off" {
                let (fix, undo) = alter(name, "off", value, false);
                t.object(name, format!("{name} is {value}."), fix, undo);
            }
        }
        Ok(())
    },
};

/// CFG-07
pub const SOCKET: Control = Control {
    id: "CFG-07",
    why: "A socket that everybody may open lets every account of the machine try to sign in.",
    evidence: &["settings"],
    advice: "Set unix_socket_permissions to 0770 or less.",
    lock: RESTART,
    judge: |t| {
        let value = t.look.setting("unix_socket_permissions")?;
        t.judged(1);
        if u32::from_str_radix(value, 8).map_or(true, |mode| mode & 0o007 != 0) {
            let (fix, undo) = alter("unix_socket_permissions", "0770", value, true);
            t.object("unix_socket_permissions", format!("Every account of the machine may open the socket ({value})."), fix, undo);
        }
        Ok(())
    },
};

/// Date of the two tables below; after 90 days nobody can rely on them.
const TABLE_DATE: UnixMs = UnixMs(1_795_132_800_000);
/// The day as written in sentences.
const TABLE_DAY: &str = "2026-11-20";
const DAY_MS: i64 = 86_400_000;

/// Major version, the last day it is supported, and the moment after that day.
const SUPPORT: [(u32, &str, UnixMs); 6] = [
    (13, "2025-11-13", UnixMs(1_763_078_400_000)),
    (14, "2026-11-12", UnixMs(1_794_528_000_000)),
    (15, "2027-11-11", UnixMs(1_825_977_600_000)),
    (16, "2028-11-09", UnixMs(1_857_427_200_000)),
    (17, "2029-11-08", UnixMs(1_888_876_800_000)),
    (18, "2030-11-14", UnixMs(1_920_931_200_000)),
];
/// The oldest minor release of each major without a known hole of score 7.0 or more.
const FLOOR: [(u32, u32); 5] = [(14, 25), (15, 20), (16, 16), (17, 12), (18, 7)];

/// Major and minor version as the server says them.
fn version(t: &mut Tally<'_>) -> Result<(u32, u32), Gap> {
    let rows = t.server("server")?;
    let number = rows.first().and_then(|r| r.number("version_num")).and_then(|n| u32::try_from(n).ok());
    number.map(|n| (n / 10_000, n % 10_000)).ok_or_else(|| Gap::Unknown("The server's version was not read.".to_owned()))
}

fn tables_are_young(t: &Tally<'_>) -> Result<(), Gap> {
    if t.look.context.now.ms_since(TABLE_DATE) > 90 * DAY_MS {
        return Err(Gap::Unknown(format!("Reeve's table of PostgreSQL releases is of {TABLE_DAY} and too old; update Reeve.")));
    }
    Ok(())
}

/// PATCH-01
pub const SUPPORTED: Control = Control {
    id: "PATCH-01",
    why: "A version that is no longer supported gets no repairs of holes that everybody knows.",
    evidence: &["server"],
    advice: "Upgrade to a supported major version.",
    lock: "needs downtime, minutes with pg_upgrade --link",
    judge: |t| {
        let (major, _) = version(t)?;
        tables_are_young(t)?;
        t.judged(1);
        let Some((_, day, end)) = SUPPORT.iter().find(|(m, _, _)| *m == major) else {
            return Err(Gap::Unknown(format!("Reeve's table of {TABLE_DAY} does not know PostgreSQL {major}.")));
        };
        if t.look.context.now > *end {
            t.object(
                format!("PostgreSQL {major}"),
                format!("PostgreSQL {major} has not been supported since {day}."),
                "Upgrade to a supported major version with pg_upgrade or logical replication.",
                "Keep the former cluster until the new one is proven.",
            );
        }
        Ok(())
    },
};

/// PATCH-02
pub const MINOR: Control = Control {
    id: "PATCH-02",
    why: "Minor releases close holes that are described in public on the same day.",
    evidence: &["server"],
    advice: "Install the newest minor release and restart.",
    lock: RESTART,
    judge: |t| {
        let (major, minor) = version(t)?;
        tables_are_young(t)?;
        t.judged(1);
        let Some((_, floor)) = FLOOR.iter().find(|(m, _)| *m == major) else {
            if major == 13 {
                t.object(
                    "PostgreSQL 13",
                    "PostgreSQL 13 gets no repairs any more.",
                    "Upgrade to a supported major version.",
                    "Keep the former cluster.",
                );
                return Ok(());
            }
            return Err(Gap::Unknown(format!("Reeve's table of {TABLE_DAY} does not know PostgreSQL {major}.")));
        };
        if minor < *floor {
            t.object(
                format!("PostgreSQL {major}.{minor}"),
                format!("PostgreSQL {major}.{minor} has known holes that {major}.{floor} closes (table of {TABLE_DAY})."),
                format!("Install PostgreSQL {major}.{floor} or newer from your distribution and restart the server."),
                "Install the former package and restart the server.",
            );
        }
        Ok(())
    },
};

/// PATCH-03
pub const EXTENSIONS: Control = Control {
    id: "PATCH-03",
    why: "An extension keeps its old definitions, holes included, until it is updated in each database.",
    evidence: &["extensions"],
    advice: "Update the extensions to the version that is installed on the machine.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("extensions") {
            for row in rows {
                t.judged(1);
                let (name, version) = (row.text("extension"), row.text("version"));
                let Some(newest) = row.opt("default_version") else {
                    t.gap(format!("The files of the extension {} of {database} are not on the machine.", shown(name)));
                    continue;
                };
                if newest != version {
                    t.object_in(
                        Some(database),
                        shown(name),
                        format!("The extension {name} is {version} here, and {newest} is installed on the machine."),
                        format!("ALTER EXTENSION {} UPDATE;", ident(name)),
                        format!(
                            "ALTER EXTENSION {} UPDATE TO {}; -- where the extension has a way back",
                            ident(name),
                            crate::compliance::sql::literal(version)
                        ),
                    );
                }
            }
        }
        Ok(())
    },
};
