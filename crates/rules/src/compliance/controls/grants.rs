//! What everybody may do with objects, now and by default; extensions.

use crate::compliance::{
    control::{Control, EXCLUSIVE, NO_LOCK, Tally},
    look::Gap,
    sql::{dotted, ident, path, shown},
};

/// Extensions that reach out of the database or run code of users elsewhere.
const RISKY: [&str; 14] = [
    "adminpack",
    "dblink",
    "file_fdw",
    "http",
    "lo",
    "pg_background",
    "pg_cron",
    "pg_net",
    "pg_surgery",
    "pageinspect",
    "plpython3u",
    "plperlu",
    "plr",
    "plsh",
];

/// AUTHZ-06
pub const PUBLIC_CREATE: Control = Control {
    id: "AUTHZ-06",
    why: "Whoever may create in a schema on the search path can put a function or table where others' statements find it first.",
    evidence: &["schemas"],
    advice: "Revoke CREATE on these schemas from PUBLIC.",
    lock: NO_LOCK,
    judge: |t| {
        for (database, rows) in t.databases("schemas") {
            t.judged(rows.len() as u64);
            for row in rows.iter().filter(|r| r.yes("public_create")) {
                let schema = row.text("schema");
                t.object_in(
                    Some(database),
                    shown(schema),
                    format!("Every role may create objects in schema {}.", shown(schema)),
                    format!("REVOKE CREATE ON SCHEMA {} FROM PUBLIC;", ident(schema)),
                    format!("GRANT CREATE ON SCHEMA {} TO PUBLIC;", ident(schema)),
                );
            }
        }
        Ok(())
    },
};

/// AUTHZ-08
pub const PUBLIC_TABLES: Control = Control {
    id: "AUTHZ-08",
    why: "A right of PUBLIC is a right of every role that exists or will exist.",
    evidence: &["public_grants", "counts"],
    advice: "Revoke what PUBLIC was granted and grant it to the roles that need it.",
    lock: EXCLUSIVE,
    judge: |t| {
        t.judged_all("relations");
        for (database, rows) in t.databases("public_grants") {
            for row in rows {
                let (schema, relation, privileges) = (row.text("schema"), row.text("relation"), row.text("privileges"));
                let kind = if row.text("kind") == "S" { "SEQUENCE" } else { "TABLE" };
                let (object, on, granted) = match row.opt("column") {
                    None => (dotted(schema, relation), format!("{kind} {}", path(schema, relation)), privileges.to_owned()),
                    Some(column) => {
                        let each: Vec<String> = privileges.split(", ").map(|p| format!("{p} ({})", ident(column))).collect();
                        (
                            format!("{}.{}", dotted(schema, relation), shown(column)),
                            format!("TABLE {}", path(schema, relation)),
                            each.join(", "),
                        )
                    }
                };
                let sentence = format!("Every role has {privileges} on {object}.");
                let (fix, undo) = (format!("REVOKE {granted} ON {on} FROM PUBLIC;"), format!("GRANT {granted} ON {on} TO PUBLIC;"));
                t.object_in(Some(database), object, sentence, fix, undo);
            }
        }
        Ok(())
    },
};

/// AUTHZ-14
pub const DEFAULT_PRIVILEGES: Control = Control {
    id: "AUTHZ-14",
    why: "A default privilege of PUBLIC opens every object that will ever be made.",
    evidence: &["default_acl"],
    advice: "Take the default privileges of PUBLIC back.",
    lock: NO_LOCK,
    judge: |t| {
        for (database, rows) in t.databases("default_acl") {
            // That a database has none was read, and is what is wanted.
            t.judged((rows.len() as u64).max(1));
            for row in rows.iter().filter(|r| r.yes("public")) {
                let (objects, schema) = (row.text("objects"), row.opt("schema"));
                // Without a schema the list repeats what PostgreSQL grants anyway: that is no widening.
                if schema.is_none() && matches!(objects, "FUNCTIONS" | "TYPES") {
                    continue;
                }
                let place = schema.map_or_else(String::new, |s| format!(" IN SCHEMA {}", ident(s)));
                let role = row.text("role");
                let of = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{place}", ident(role));
                let privileges = row.text("privileges");
                t.object_in(
                    Some(database),
                    format!(
                        "{} of {}{}",
                        objects.to_lowercase(),
                        shown(role),
                        schema.map_or_else(String::new, |s| format!(" in {}", shown(s)))
                    ),
                    format!("What {} makes is granted {privileges} to every role ({}).", shown(role), objects.to_lowercase()),
                    format!("{of} REVOKE {privileges} ON {objects} FROM PUBLIC;"),
                    format!("{of} GRANT {privileges} ON {objects} TO PUBLIC;"),
                );
            }
        }
        Ok(())
    },
};

/// AUTHZ-16
pub const PARAMETER_GRANTS: Control = Control {
    id: "AUTHZ-16",
    why: "Whoever may change these settings can silence the log, load code, or send the WAL elsewhere.",
    evidence: &["parameter_acl"],
    advice: "Revoke the rights on these settings.",
    lock: NO_LOCK,
    judge: |t| {
        if t.look.major() < 15 {
            return Err(Gap::NotApplicable("Rights on settings come with PostgreSQL 15.".to_owned()));
        }
        let rows = t.server("parameter_acl")?;
        t.judged((rows.len() as u64).max(1));
        let beginnings = ["log_", "logging_", "pgaudit.", "archive_", "debug_", "ssl", "wal_"];
        let exactly = [
            "session_preload_libraries",
            "shared_preload_libraries",
            "local_preload_libraries",
            "row_security",
            "session_replication_role",
            "password_encryption",
            "dynamic_library_path",
            "fsync",
            "full_page_writes",
            "zero_damaged_pages",
            "ignore_system_indexes",
            "ignore_checksum_failure",
            "allow_system_table_mods",
            "track_activities",
            "primary_conninfo",
            "restore_command",
        ];
        for row in &rows {
            let (name, grantee, privileges) = (row.text("name"), row.text("grantee"), row.text("privileges"));
            if !beginnings.iter().any(|b| name.starts_with(b)) && !exactly.contains(&name) {
                continue;
            }
            let to = if row.yes("public") { "PUBLIC".to_owned() } else { ident(grantee) };
            t.object(
                format!("{name} to {}", if row.yes("public") { "PUBLIC".to_owned() } else { shown(grantee) }),
                format!("{to} has {privileges} on the setting {name}."),
                format!("REVOKE {privileges} ON PARAMETER {name} FROM {to};"),
                format!("GRANT {privileges} ON PARAMETER {name} TO {to};"),
            );
        }
        Ok(())
    },
};

/// AUTHZ-18
pub const RISKY_EXTENSIONS: Control = Control {
    id: "AUTHZ-18",
    why: "These extensions reach files, other servers or programs, or change pages by hand.",
    evidence: &["extensions"],
    advice: "Drop the extensions that nobody approved.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("extensions") {
            t.judged(rows.len() as u64);
            for row in &rows {
                let name = row.text("extension");
                if RISKY.contains(&name) && !t.look.context.policy.extensions.contains(name) {
                    let fix = format!("DROP EXTENSION {};", ident(name));
                    let undo = format!("CREATE EXTENSION {} SCHEMA {};", ident(name), ident(row.text("schema")));
                    t.object_in(Some(database), shown(name), format!("The extension {name} is installed and was not approved."), fix, undo);
                }
            }
        }
        Ok(())
    },
};

/// AUTHZ-19
pub const EXTENSIONS_IN_PUBLIC: Control = Control {
    id: "AUTHZ-19",
    why: "An extension's functions in schema public stand where everybody's names are looked up.",
    evidence: &["extensions"],
    advice: "Move the extensions to a schema of their own.",
    lock: EXCLUSIVE,
    judge: |t: &mut Tally<'_>| {
        for (database, rows) in t.databases("extensions") {
            t.judged(rows.len() as u64);
            for row in rows.iter().filter(|r| r.text("schema") == "public") {
                let name = row.text("extension");
                // Everybody may use public; a new schema is open to its owner alone, and whoever calls the extension would lose it.
                let place = "CREATE SCHEMA IF NOT EXISTS extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC;";
                let fix = if row.yes("relocatable") {
                    format!("{place} ALTER EXTENSION {} SET SCHEMA extensions;", ident(name))
                } else {
                    format!("{place} DROP EXTENSION {0}; CREATE EXTENSION {0} SCHEMA extensions; -- it can't be moved", ident(name))
                };
                let undo = format!("ALTER EXTENSION {} SET SCHEMA public;", ident(name));
                t.object_in(Some(database), shown(name), format!("The extension {name} is installed in schema public."), fix, undo);
            }
        }
        Ok(())
    },
};
