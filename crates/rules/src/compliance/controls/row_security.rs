//! Row-level security and the ways around it.

use crate::compliance::{
    control::{Control, EXCLUSIVE, NO_LOCK, Tally},
    look::Gap,
    sql::{dotted, ident, path},
};

const TABLES: &[&str] = &["rls_tables"];

/// RLS-01
pub const POLICY_OFF: Control = Control {
    id: "RLS-01",
    why: "Policies on a table whose row security is off look like protection and are none.",
    evidence: TABLES,
    advice: "Enable row security on these tables, or drop the policies.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("rls_tables") {
            for row in rows {
                t.judged(1);
                let (schema, table) = (row.text("schema"), row.text("table"));
                if !row.yes("enabled") && row.number("policies").is_none_or(|n| n > 0) {
                    t.object_in(
                        Some(database),
                        dotted(schema, table),
                        format!("{} has policies, but its row security is off.", dotted(schema, table)),
                        format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY;", path(schema, table)),
                        format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY;", path(schema, table)),
                    );
                }
            }
        }
        Ok(())
    },
};

/// RLS-03
pub const NO_POLICY: Control = Control {
    id: "RLS-03",
    why: "With row security on and no policy only the owner sees rows: safe, but perhaps not what was meant.",
    evidence: TABLES,
    advice: "Add policies, or note that nobody is meant to see these rows.",
    lock: NO_LOCK,
    judge: |t| {
        for (database, rows) in t.databases("rls_tables") {
            for row in rows.iter().filter(|r| r.yes("enabled")) {
                t.judged(1);
                let (schema, table) = (row.text("schema"), row.text("table"));
                if row.number("policies") == Some(0) {
                    t.object_in(
                        Some(database),
                        dotted(schema, table),
                        format!("{} has row security on and no policy.", dotted(schema, table)),
                        format!("CREATE POLICY <name> ON {} TO <role> USING (<condition>);", path(schema, table)),
                        format!("DROP POLICY <name> ON {};", path(schema, table)),
                    );
                }
            }
        }
        Ok(())
    },
};

/// An expression that is always true.
fn always(expression: Option<&str>) -> bool {
    let Some(text) = expression else { return false };
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect::<String>().to_lowercase();
    matches!(bare.as_str(), "true" | "nottrue=false" | "notfalse")
        || bare.split_once('=').is_some_and(|(a, b)| a == b && a.bytes().all(|c| c.is_ascii_digit()))
}

/// RLS-04
pub const ALWAYS_TRUE: Control = Control {
    id: "RLS-04",
    why: "A policy that is always true is no policy; permissive ones are joined by OR, so one is enough.",
    evidence: &["policies"],
    advice: "Give these policies a condition, or name the roles they are for.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("policies") {
            for row in rows.iter().filter(|r| r.yes("permissive")) {
                t.judged(1);
                let command = row.text("command");
                let (using, check) = (row.opt("using"), row.opt("check"));
                // What is written is checked by WITH CHECK, or else by USING.
                let reads = command != "INSERT" && always(using);
                let writes = command != "SELECT" && (always(check.or(using)) || (command != "INSERT" && always(using)));
                if !(writes || (reads && row.yes("public"))) {
                    continue;
                }
                let (schema, table, policy) = (row.text("schema"), row.text("table"), row.text("policy"));
                let to = row.parts("roles").join(", ");
                t.object_in(
                    Some(database),
                    format!("{} on {}", crate::compliance::sql::shown(policy), dotted(schema, table)),
                    format!("The policy {policy} lets {to} {command} every row of {}.", dotted(schema, table)),
                    format!("ALTER POLICY {} ON {} USING (<condition>);", ident(policy), path(schema, table)),
                    format!("ALTER POLICY {} ON {} USING (true);", ident(policy), path(schema, table)),
                );
            }
        }
        Ok(())
    },
};

/// RLS-05
pub const NOT_FORCED: Control = Control {
    id: "RLS-05",
    why: "A table's owner is not bound by its row security until it is forced.",
    evidence: TABLES,
    advice: "Force row security, or give the tables to a role that can't sign in.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("rls_tables") {
            for row in rows.iter().filter(|r| r.yes("enabled")) {
                t.judged(1);
                let (schema, table) = (row.text("schema"), row.text("table"));
                if !row.yes("forced") && row.yes("owner_login") && !row.yes("owner_bypasses") {
                    t.object_in(
                        Some(database),
                        dotted(schema, table),
                        format!("{} can sign in, owns {} and sees all its rows.", row.text("owner"), dotted(schema, table)),
                        format!("ALTER TABLE {} FORCE ROW LEVEL SECURITY;", path(schema, table)),
                        format!("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY;", path(schema, table)),
                    );
                }
            }
        }
        Ok(())
    },
};

/// RLS-06
pub const VIEWS: Control = Control {
    id: "RLS-06",
    why: "A view reads with its owner's rights, so that the rows that row security hides from the reader are shown through it.",
    evidence: &["rls_views"],
    advice: "Let these views run with their reader's rights (security_invoker, from 15 on).",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("rls_views") {
            for row in rows.iter().filter(|r| r.text("kind") == "v") {
                t.judged(1);
                if row.yes("invoker") {
                    continue;
                }
                let (schema, view) = (row.text("schema"), row.text("view"));
                let (fix, undo) = if t.look.major() >= 15 {
                    let alter = format!("ALTER VIEW {}", path(schema, view));
                    (format!("{alter} SET (security_invoker = true);"), format!("{alter} RESET (security_invoker);"))
                } else {
                    (
                        format!(
                            "REVOKE SELECT ON {} from its readers: before PostgreSQL 15 a view can't run with its reader's rights.",
                            path(schema, view)
                        ),
                        format!("GRANT SELECT ON {} to its former readers.", path(schema, view)),
                    )
                };
                let tables = row.parts("tables").join(", ");
                let sentence =
                    format!("The view {} shows rows of {tables} with the rights of {}.", dotted(schema, view), row.text("owner"));
                t.object_in(Some(database), dotted(schema, view), sentence, fix, undo);
            }
        }
        Ok(())
    },
};

/// RLS-07
pub const COPIES: Control = Control {
    id: "RLS-07",
    why: "A materialized view is a copy without row security: whoever may read it reads all of it.",
    evidence: &["rls_views"],
    advice: "Revoke the rights on these materialized views, or filter what they copy.",
    lock: EXCLUSIVE,
    judge: |t| {
        t.note("Copies that a program makes elsewhere can't be seen in the catalogue.");
        for (database, rows) in t.databases("rls_views") {
            for row in rows.iter().filter(|r| r.text("kind") == "m") {
                t.judged(1);
                let Some(readers) = row.opt("readers") else { continue };
                let (schema, view) = (row.text("schema"), row.text("view"));
                t.object_in(
                    Some(database),
                    dotted(schema, view),
                    format!("{readers} may read {}, a copy of rows of {}.", dotted(schema, view), row.parts("tables").join(", ")),
                    format!("REVOKE SELECT ON {} FROM {readers};", path(schema, view)),
                    format!("GRANT SELECT ON {} TO {readers};", path(schema, view)),
                );
            }
        }
        Ok(())
    },
};

/// RLS-08
pub const WRITABLE_INPUT: Control = Control {
    id: "RLS-08",
    why: "A policy that asks a setting or a claim that the user can write asks the user for permission.",
    evidence: &["policies"],
    advice: "Let policies depend on the role or on a claim that only the server writes, and guard settings that may be missing.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("policies") {
            for row in rows {
                t.judged(1);
                let why = if row.yes("user_claims") {
                    "claims that the user can write"
                } else if row.yes("unguarded") {
                    "a setting without a guard for when it is missing"
                } else {
                    continue;
                };
                let (schema, table, policy) = (row.text("schema"), row.text("table"), row.text("policy"));
                t.object_in(
                    Some(database),
                    format!("{} on {}", crate::compliance::sql::shown(policy), dotted(schema, table)),
                    format!("The policy {policy} of {} depends on {why}.", dotted(schema, table)),
                    format!(
                        "ALTER POLICY {} ON {} USING (<condition on the role, or current_setting(name, true)>);",
                        ident(policy),
                        path(schema, table)
                    ),
                    format!("ALTER POLICY {} ON {} USING (<the former condition>);", ident(policy), path(schema, table)),
                );
            }
        }
        Ok(())
    },
};

/// RLS-09
pub const CHILDREN: Control = Control {
    id: "RLS-09",
    why: "Row security of a parent does not hold for those who read the partition itself.",
    evidence: &["rls_children"],
    advice: "Revoke the rights on the partitions; rights on the parent are enough.",
    lock: EXCLUSIVE,
    judge: |t| {
        for (database, rows) in t.databases("rls_children") {
            for row in rows {
                t.judged(1);
                let Some(grantees) = row.opt("grantees").filter(|_| !row.yes("enabled")) else { continue };
                let (schema, table) = (row.text("schema"), row.text("table"));
                t.object_in(
                    Some(database),
                    dotted(schema, table),
                    format!("{grantees} may reach {} directly, past the row security of {}.", dotted(schema, table), row.text("parent")),
                    format!("REVOKE ALL ON {} FROM {grantees};", path(schema, table)),
                    format!("GRANT <the former rights> ON {} TO {grantees};", path(schema, table)),
                );
            }
        }
        Ok(())
    },
};

/// RLS-10
pub const OVERLAPPING: Control = Control {
    id: "RLS-10",
    why: "Several permissive policies for one role and command show what any of them shows.",
    evidence: &["policies"],
    advice: "Merge them, or make one of them RESTRICTIVE.",
    lock: NO_LOCK,
    judge: overlapping,
};

fn overlapping(t: &mut Tally<'_>) -> Result<(), Gap> {
    for (database, rows) in t.databases("policies") {
        let permissive: Vec<_> = rows.iter().filter(|r| r.yes("permissive")).collect();
        let key = |i: usize| {
            (permissive[i].text("schema"), permissive[i].text("table"), permissive[i].text("roles"), permissive[i].text("command"))
        };
        for i in 0..permissive.len() {
            t.judged(1);
            let same: Vec<usize> = (0..permissive.len()).filter(|j| key(*j) == key(i)).collect();
            if same.len() > 1 && same[0] == i {
                let (schema, table, _, command) = key(i);
                let names = same.iter().map(|j| permissive[*j].text("policy")).collect::<Vec<_>>().join(", ");
                t.object_in(
                    Some(database),
                    format!("{} for {command}", dotted(schema, table)),
                    format!(
                        "{names} of {} are permissive for the same roles and {command}: each widens the others.",
                        dotted(schema, table)
                    ),
                    format!("Merge the policies {names}, or create one of them again AS RESTRICTIVE."),
                    "Create the former policies again.",
                );
            }
        }
    }
    Ok(())
}
