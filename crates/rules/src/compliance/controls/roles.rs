//! Who may become what: attributes of roles and memberships.

use crate::compliance::{
    control::{Control, NO_LOCK, Tally},
    look::{Gap, Row},
    sql::{ident, shown},
};
use std::collections::{BTreeMap, VecDeque};

/// Predefined roles that reach the machine itself.
const MACHINE: [&str; 3] = ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"];
/// Predefined roles that reach all rows.
const ALL_DATA: [&str; 2] = ["pg_read_all_data", "pg_write_all_data"];
/// What Reeve's own role may be a member of: it may read statistics and end sessions, and no rows.
const MONITORING: [&str; 5] = ["pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_signal_backend", "pg_stat_scan_tables"];

/// The attributes that count, as the evidence and as `ALTER ROLE` name them.
const ATTRIBUTES: [(&str, &str); 4] =
    [("createrole", "CREATEROLE"), ("createdb", "CREATEDB"), ("replication", "REPLICATION"), ("bypassrls", "BYPASSRLS")];

/// Everything a role can become or have, with the way there. Whoever may grant a role to others may grant it to themselves.
fn reached<'a>(edges: &[Row<'a>], from: &'a str, by_set_only: bool) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut ways = BTreeMap::from([(from, vec![from])]);
    let mut queue = VecDeque::from([from]);
    while let Some(role) = queue.pop_front() {
        let way = ways.get(role).cloned().unwrap_or_default();
        for edge in edges.iter().filter(|e| e.text("member") == role) {
            let open = edge.yes("set") || edge.yes("admin") || (!by_set_only && edge.yes("inherit"));
            let granted = edge.text("granted");
            if open && !ways.contains_key(granted) {
                let mut longer = way.clone();
                longer.push(granted);
                ways.insert(granted, longer);
                queue.push_back(granted);
            }
        }
    }
    ways.remove(from);
    ways
}

/// Objects to every ordinary role that reaches one of the targets and was not approved.
fn reaching(t: &mut Tally<'_>, targets: &[&str], by_set_only: bool, what: &str) -> Result<(), Gap> {
    let roles = t.server("roles")?;
    let edges = t.server("memberships")?;
    for row in roles.iter().filter(|r| !r.yes("super") && !r.yes("predefined")) {
        let role = row.text("role");
        t.judged(1);
        if t.look.context.policy.powerful.contains(role) {
            continue;
        }
        for (target, way) in reached(&edges, role, by_set_only).into_iter().filter(|(r, _)| targets.contains(r)) {
            let last = way.len().saturating_sub(2);
            let holder = way.get(last).copied().unwrap_or(role);
            let path = way.iter().map(|r| shown(r)).collect::<Vec<_>>().join(" → ");
            t.object(
                format!("{} → {}", shown(role), shown(target)),
                format!("{} {what} {} ({path}).", shown(role), shown(target)),
                format!("REVOKE {} FROM {};", ident(target), ident(holder)),
                format!("GRANT {} TO {};", ident(target), ident(holder)),
            );
        }
    }
    Ok(())
}

/// AUTHZ-01
pub const SUPERUSERS: Control = Control {
    id: "AUTHZ-01",
    why: "A superuser passes every check there is; each one more is one more password that opens everything.",
    evidence: &["roles"],
    advice: "Take SUPERUSER from roles that nobody approved.",
    lock: NO_LOCK,
    judge: |t| {
        let roles = t.server("roles")?;
        let approved = &t.look.context.policy.superusers;
        let supers: Vec<_> = roles.iter().filter(|r| r.yes("super")).collect();
        t.judged(supers.len() as u64);
        for row in supers.iter().filter(|r| !r.yes("bootstrap") && !approved.contains(r.text("role"))) {
            let role = row.text("role");
            t.object(
                shown(role),
                format!("{} is a superuser beside the one that the cluster was made with.", shown(role)),
                format!("ALTER ROLE {} NOSUPERUSER;", ident(role)),
                format!("ALTER ROLE {} SUPERUSER;", ident(role)),
            );
        }
        Ok(())
    },
};

/// AUTHZ-02
pub const PATH_TO_SUPERUSER: Control = Control {
    id: "AUTHZ-02",
    why: "A member of a superuser's role is a superuser one SET ROLE later, and no list of superusers shows it.",
    evidence: &["roles", "memberships"],
    advice: "Revoke the memberships that lead to a superuser.",
    lock: NO_LOCK,
    judge: |t| {
        let supers: Vec<&str> = t.server("roles")?.iter().filter(|r| r.yes("super")).map(|r| r.text("role")).collect();
        reaching(t, &supers, true, "can become the superuser")
    },
};

/// AUTHZ-03
pub const MACHINE_ROLES: Control = Control {
    id: "AUTHZ-03",
    why: "These roles read, write or run anything that the server's own account may: in effect a superuser, and more.",
    evidence: &["roles", "memberships"],
    advice: "Revoke the memberships in roles that reach the server's files and programs.",
    lock: NO_LOCK,
    judge: |t| reaching(t, &MACHINE, false, "reaches the machine through"),
};

/// AUTHZ-04
pub const ALL_DATA_ROLES: Control = Control {
    id: "AUTHZ-04",
    why: "These roles read or write every table of every database, those of tomorrow included.",
    evidence: &["roles", "memberships"],
    advice: "Revoke the memberships and grant the tables that are needed.",
    lock: NO_LOCK,
    judge: |t| {
        if t.look.major() < 14 {
            return Err(Gap::NotApplicable("These roles come with PostgreSQL 14.".to_owned()));
        }
        reaching(t, &ALL_DATA, false, "has all rows through")
    },
};

/// What is said before a role loses the right to stream.
const STREAMS: &str = "-- See pg_stat_replication first: a standby or a backup that signs in with this role can't come back after this.\n";

/// AUTHZ-05
pub const ROLE_ATTRIBUTES: Control = Control {
    id: "AUTHZ-05",
    why: "Each of these attributes leads around a check: new roles, new databases, a copy of all bytes, all rows. Before 16, CREATEROLE could grant itself most roles.",
    evidence: &["roles"],
    advice: "Take the attributes from roles that nobody approved.",
    lock: NO_LOCK,
    judge: |t| {
        let roles = t.server("roles")?;
        for row in roles.iter().filter(|r| !r.yes("super") && !r.yes("predefined")) {
            let role = row.text("role");
            t.judged(1);
            let held: Vec<&str> = ATTRIBUTES.iter().filter(|(column, _)| row.yes(column)).map(|(_, word)| *word).collect();
            if held.is_empty() || t.look.context.policy.attributes.contains(role) {
                continue;
            }
            let taken: Vec<String> = held.iter().map(|a| format!("NO{a}")).collect();
            t.object(
                shown(role),
                format!("{} has {}.", shown(role), held.join(", ")),
                format!("{}ALTER ROLE {} {};", if row.yes("replication") { STREAMS } else { "" }, ident(role), taken.join(" ")),
                format!("ALTER ROLE {} {};", ident(role), held.join(" ")),
            );
        }
        Ok(())
    },
};

/// AUTHZ-15
pub const GRANT_OPTIONS: Control = Control {
    id: "AUTHZ-15",
    why: "Whoever may pass a right on decides who has it, and nobody else learns of it.",
    evidence: &["roles", "memberships", "grantable", "counts"],
    advice: "Take GRANT OPTION and ADMIN OPTION from roles that do not administer.",
    lock: NO_LOCK,
    judge: grant_options,
};

fn grant_options(t: &mut Tally<'_>) -> Result<(), Gap> {
    let roles = t.server("roles")?;
    let admins: Vec<&str> = roles.iter().filter(|r| r.yes("super") || r.yes("createrole")).map(|r| r.text("role")).collect();
    let edges = t.server("memberships")?;
    t.judged(edges.len() as u64);
    for edge in edges.iter().filter(|e| e.yes("admin") && !admins.contains(&e.text("member"))) {
        let (member, granted) = (edge.text("member"), edge.text("granted"));
        t.object(
            format!("{} → {}", shown(member), shown(granted)),
            format!("{} may grant {} to others.", shown(member), shown(granted)),
            format!("REVOKE ADMIN OPTION FOR {} FROM {};", ident(granted), ident(member)),
            format!("GRANT {} TO {} WITH ADMIN OPTION;", ident(granted), ident(member)),
        );
    }
    for (database, rows) in t.databases("grantable") {
        for row in rows {
            let (schema, grantee) = (row.text("schema"), row.text("grantee"));
            let (read, path) = match row.opt("object") {
                Some(object) => (crate::compliance::sql::dotted(schema, object), crate::compliance::sql::path(schema, object)),
                None => (shown(schema), ident(schema)),
            };
            let (privileges, on) = (row.text("privileges"), format!("{} {path}", row.text("kind")));
            t.object_in(
                Some(database),
                format!("{read} to {}", shown(grantee)),
                format!("{} may pass on {privileges} on {read}.", shown(grantee)),
                format!("REVOKE GRANT OPTION FOR {privileges} ON {on} FROM {};", ident(grantee)),
                format!("GRANT {privileges} ON {on} TO {} WITH GRANT OPTION;", ident(grantee)),
            );
        }
    }
    t.judged_all("relations");
    Ok(())
}

/// AUTHZ-22
pub const OWN_ROLE: Control = Control {
    id: "AUTHZ-22",
    why: "A monitor that may do everything is the best place to break in.",
    evidence: &["own_role", "memberships"],
    advice: "Give Reeve a role of its own with pg_monitor and the grants of docs/COMPLIANCE.md, and nothing else.",
    lock: NO_LOCK,
    judge: own_role,
};

fn own_role(t: &mut Tally<'_>) -> Result<(), Gap> {
    let rows = t.server("own_role")?;
    let edges = t.server("memberships")?;
    let Some(row) = rows.first() else { return Err(Gap::Unknown("Reeve's own role is not among the roles.".to_owned())) };
    let role = row.text("role");
    t.judged(1);
    let mut too_much = Vec::new();
    if row.yes("super") {
        too_much.push("is a superuser".to_owned());
    }
    too_much.extend(ATTRIBUTES.iter().filter(|(column, _)| row.yes(column) && !row.yes("super")).map(|(_, word)| format!("has {word}")));
    let groups = reached(&edges, role, false);
    let others: Vec<String> = groups.keys().filter(|g| !MONITORING.contains(g)).map(|g| shown(g)).collect();
    if !others.is_empty() && !row.yes("super") {
        too_much.push(format!("is a member of {}", others.join(", ")));
    }
    match row.number("owned") {
        Some(0) => {}
        Some(n) if !row.yes("super") => too_much.push(format!("owns {n} objects")),
        Some(_) => {}
        None => t.gap("How much Reeve's own role owns is not shown."),
    }
    if !too_much.is_empty() {
        t.object(
            shown(role),
            format!("Reeve's own role {} {}.", shown(role), too_much.join(", ")),
            format!("CREATE ROLE reeve_monitor LOGIN PASSWORD '<one of its own>' CONNECTION LIMIT 10; GRANT pg_monitor TO reeve_monitor; -- then let Reeve sign in as reeve_monitor instead of {}", shown(role)),
            "Let Reeve sign in with the former role.",
        );
    }
    Ok(())
}
