//! Functions and views that run with somebody else's rights.

use crate::compliance::{
    control::{Control, EXCLUSIVE, NO_LOCK, Tally},
    look::{Gap, Row},
    sql::{dotted, ident, path, shown},
};

const FUNCTIONS: &[&str] = &["functions"];

/// Objects to each function that the test finds; `fix` and `undo` take the function's kind and name.
fn each_function(
    t: &mut Tally<'_>,
    judged: impl Fn(&Row<'_>) -> bool,
    wrong: impl Fn(&Row<'_>) -> bool,
    say: impl Fn(&Row<'_>) -> (String, String, String),
) -> Result<(), Gap> {
    for (database, rows) in t.databases("functions") {
        for row in rows.iter().filter(|r| judged(r)) {
            t.judged(1);
            if wrong(row) {
                let (sentence, fix, undo) = say(row);
                t.object_in(Some(database), row.text("function"), sentence, fix, undo);
            }
        }
    }
    Ok(())
}

/// `FUNCTION "s"."f"(integer)`.
fn named(row: &Row<'_>) -> String {
    format!("{} {}", row.text("kind"), row.text("function"))
}

/// AUTHZ-11
pub const DEFINER_PUBLIC: Control = Control {
    id: "AUTHZ-11",
    why: "A SECURITY DEFINER function lends its owner's rights to whoever calls it, and a new function may be called by everybody.",
    evidence: FUNCTIONS,
    advice: "Revoke EXECUTE on these functions from PUBLIC and grant it to their callers.",
    lock: NO_LOCK,
    judge: |t| {
        each_function(
            t,
            |r| r.yes("definer"),
            |r| r.yes("public_execute"),
            |r| {
                (
                    format!("Every role may run {} with the rights of {}.", r.text("function"), shown(r.text("owner"))),
                    format!("REVOKE EXECUTE ON {} FROM PUBLIC; -- then GRANT EXECUTE to the roles that call it", named(r)),
                    format!("GRANT EXECUTE ON {} TO PUBLIC;", named(r)),
                )
            },
        )
    },
};

/// AUTHZ-12
pub const DEFINER_PATH: Control = Control {
    id: "AUTHZ-12",
    why: "Without a search_path of its own, a SECURITY DEFINER function looks names up where its caller says, and can be made to run the caller's code.",
    evidence: FUNCTIONS,
    advice: "Set search_path on these functions.",
    lock: NO_LOCK,
    judge: |t| {
        t.note("Functions that run with their caller's rights are not judged here.");
        each_function(
            t,
            |r| r.yes("definer"),
            |r| !r.yes("pinned"),
            |r| {
                (
                    format!("{} runs with the rights of {} and the caller's search_path.", r.text("function"), shown(r.text("owner"))),
                    format!("ALTER {} SET search_path = pg_catalog, {}, pg_temp;", named(r), ident(r.text("schema"))),
                    format!("ALTER {} RESET search_path;", named(r)),
                )
            },
        )
    },
};

/// AUTHZ-13
pub const DEFINER_SUPERUSER: Control = Control {
    id: "AUTHZ-13",
    why: "Any mistake in a function or view that runs as a superuser is a mistake of a superuser.",
    evidence: &["functions", "superuser_views"],
    advice: "Give these functions and views to a role that has only what they need.",
    lock: EXCLUSIVE,
    judge: |t| {
        each_function(
            t,
            |r| r.yes("definer"),
            |r| r.yes("owner_super"),
            |r| {
                (
                    format!("{} runs with the rights of the superuser {}.", r.text("function"), shown(r.text("owner"))),
                    format!("ALTER {} OWNER TO <a role without SUPERUSER>;", named(r)),
                    format!("ALTER {} OWNER TO {};", named(r), ident(r.text("owner"))),
                )
            },
        )?;
        for (database, rows) in t.databases("superuser_views") {
            t.judged(rows.len() as u64);
            for row in rows {
                let (schema, view) = (row.text("schema"), row.text("view"));
                t.object_in(
                    Some(database),
                    dotted(schema, view),
                    format!(
                        "The view {} reads with the rights of the superuser {} for {}.",
                        dotted(schema, view),
                        shown(row.text("owner")),
                        row.text("readers")
                    ),
                    format!("ALTER VIEW {} OWNER TO <a role without SUPERUSER>;", path(schema, view)),
                    format!("ALTER VIEW {} OWNER TO {};", path(schema, view), ident(row.text("owner"))),
                );
            }
        }
        Ok(())
    },
};

/// AUTHZ-17
pub const UNTRUSTED: Control = Control {
    id: "AUTHZ-17",
    why: "A function in an untrusted language does what the server's own account may, whoever calls it.",
    evidence: &["functions", "counts"],
    advice: "Drop these functions or write them in a trusted language.",
    lock: NO_LOCK,
    judge: |t| {
        t.judged_all("functions");
        each_function(
            t,
            |r| !r.yes("trusted"),
            |_| true,
            |r| {
                (
                    format!("{} is written in {}, which PostgreSQL does not trust.", r.text("function"), r.text("language")),
                    format!("DROP {};", named(r)),
                    "Create it again from your sources.".to_owned(),
                )
            },
        )
    },
};

/// RLS-11
pub const LEAKPROOF: Control = Control {
    id: "RLS-11",
    why: "A function that claims to leak nothing is called before row security has filtered; if the claim is wrong, it sees every row.",
    evidence: &["functions", "counts"],
    advice: "Take LEAKPROOF from functions that nobody reviewed.",
    lock: NO_LOCK,
    judge: |t| {
        t.judged_all("functions");
        each_function(
            t,
            |r| r.yes("leakproof"),
            |_| true,
            |r| {
                (
                    format!("{} claims to be LEAKPROOF.", r.text("function")),
                    format!("ALTER {} NOT LEAKPROOF;", named(r)),
                    format!("ALTER {} LEAKPROOF;", named(r)),
                )
            },
        )
    },
};
