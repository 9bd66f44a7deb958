//! Who may sign in from where, and how: `pg_hba.conf` and `pg_ident.conf`.

use super::edit;
use crate::compliance::{
    control::{Control, RELOAD, Tally},
    hba::{From, Net, Rule, unreadable},
    look::{Gap, Row},
    sql::shown,
};

const HBA: &[&str] = &["hba"];
/// The view shows the file, not what the server has loaded.
const FILE_NOT_LOADED: &str = "The view shows the file as it is now; whether it was loaded since can't be read.";

/// The rules; a line with an error makes them unsure, because after an error the server keeps the rules it had.
fn rules<'a>(t: &mut Tally<'a>) -> Result<Vec<Rule<'a>>, Gap> {
    let rows = t.server("hba")?;
    let wrong: Vec<String> = rows.iter().filter(|r| unreadable(r)).map(|r| format!("{}:{}", r.text("file"), r.text("line"))).collect();
    if !wrong.is_empty() {
        t.gap(format!("{} can't be read by the server, so the rules that are in force are not those of the file.", wrong.join(", ")));
    }
    if rows.is_empty() {
        t.gap("pg_hba.conf shows no rule at all.");
    }
    let rules = Rule::read(&rows);
    t.judged(rules.len() as u64);
    t.note(FILE_NOT_LOADED);
    Ok(rules)
}

/// Objects to each rule that the test finds.
fn each_rule(t: &mut Tally<'_>, wrong: impl Fn(&Rule<'_>) -> bool, why: &str, what: &str) -> Result<(), Gap> {
    for rule in rules(t)?.iter().filter(|r| wrong(r)) {
        let (fix, undo) = edit(&rule.place, what);
        t.object(rule.place.clone(), format!("{}: {why}.", rule.sentence()), fix, undo);
    }
    Ok(())
}

/// AUTH-01
pub const TRUST_NETWORK: Control = Control {
    id: "AUTH-01",
    why: "With trust, whoever reaches the port is whoever they say they are, superusers included.",
    evidence: HBA,
    advice: "Replace trust by scram-sha-256 or cert in every network rule and reload.",
    lock: RELOAD,
    judge: |t| each_rule(t, |r| r.network() && r.method == "trust", "nobody has to prove anything", "replace trust by scram-sha-256"),
};

/// AUTH-02
pub const TRUST_SOCKET: Control = Control {
    id: "AUTH-02",
    why: "With trust on the socket, every account of the machine is a superuser of the database.",
    evidence: HBA,
    advice: "Replace trust by peer or scram-sha-256 in every local rule and reload.",
    lock: RELOAD,
    judge: |t| {
        each_rule(
            t,
            |r| !r.network() && r.method == "trust",
            "every account of the machine may be any role",
            "replace trust by peer or scram-sha-256",
        )
    },
};

/// AUTH-03
pub const CLEARTEXT: Control = Control {
    id: "AUTH-03",
    why: "These methods send the password as it is, and ident believes the client's machine: without encryption both can be read or forged on the way.",
    evidence: HBA,
    advice: "Turn these rules into hostssl, or use scram-sha-256, cert or gss.",
    lock: RELOAD,
    judge: |t| {
        let open =
            |r: &Rule<'_>| r.remote() && !r.encrypted() && matches!(r.method, "password" | "ldap" | "radius" | "pam" | "bsd" | "ident");
        each_rule(t, open, "without encryption this can be read or forged on the way", "write hostssl, or use scram-sha-256")
    },
};

/// AUTH-07
pub const WHOLE_INTERNET: Control = Control {
    id: "AUTH-07",
    why: "A rule for the whole Internet leaves nothing between a stolen password and the data.",
    evidence: HBA,
    advice: "Narrow the addresses to the networks that clients really come from.",
    lock: RELOAD,
    judge: |t| {
        let agreed: Vec<Net> = t.look.context.policy.networks.iter().filter_map(|n| Net::read(n, "")).collect();
        let wide = |r: &Rule<'_>| match &r.from {
            _ if r.rejects() => false,
            From::Anywhere => true,
            From::Net(net) => net.everything() || (!net.private() && !agreed.iter().any(|a| a.holds(net))),
            _ => false,
        };
        each_rule(t, wide, "these are addresses of the Internet that nobody agreed to", "write the network that clients come from")
    },
};

/// AUTH-08
pub const ALL_ALL: Control = Control {
    id: "AUTH-08",
    why: "A rule for all roles and all databases also lets in what was forgotten.",
    evidence: HBA,
    advice: "Name databases and roles, or a group role, in remote rules.",
    lock: RELOAD,
    judge: |t| {
        let all = |r: &Rule<'_>| !r.rejects() && r.remote() && r.all_databases() && r.users.contains(&"all");
        each_rule(t, all, "it names neither a database nor a role", "name the databases and roles, or a +group")
    },
};

/// AUTH-09
pub const SUPERUSER_REMOTE: Control = Control {
    id: "AUTH-09",
    why: "A superuser who can sign in from the network turns one stolen password into the whole server.",
    evidence: &["hba", "roles", "memberships"],
    advice: "Reject superusers from the network above all other rules, and let administrators use the socket or SET ROLE.",
    lock: RELOAD,
    judge: superuser_remote,
};

fn superuser_remote(t: &mut Tally<'_>) -> Result<(), Gap> {
    let rules = rules(t)?;
    let roles = t.server("roles")?;
    let edges = t.server("memberships")?;
    for role in roles.iter().filter(|r| r.yes("super") && r.yes("login")) {
        let name = role.text("role");
        // A rule for `+group` means members of members too.
        let mut groups = vec![name];
        let mut next = 0;
        while let Some(member) = groups.get(next).copied() {
            let more = edges.iter().filter(|e| e.text("member") == member).map(|e| e.text("granted"));
            let fresh: Vec<&str> = more.filter(|g| !groups.contains(g)).collect();
            groups.extend(fresh);
            next += 1;
        }
        for (place, rule) in rules.iter().enumerate() {
            let open = !rule.rejects() && rule.remote() && rule.could_match(name, &groups);
            if !open || rules[..place].iter().any(|before| before.shadows(rule, name)) {
                continue;
            }
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            let what = format!("put the line `host all {quoted} all reject` above it");
            let (fix, undo) = edit(&rule.place, &what);
            let sentence = format!("{}, and {} is a superuser.", rule.sentence(), shown(name));
            t.object(format!("{} by {}", shown(name), rule.place), sentence, fix, undo);
            break;
        }
    }
    Ok(())
}

/// AUTH-10
pub const FILES_PARSE: Control = Control {
    id: "AUTH-10",
    why: "After an error in a file the server keeps the rules it had, so that what the file says is not what holds.",
    evidence: &["hba", "ident", "files"],
    advice: "Correct the lines and reload.",
    lock: RELOAD,
    judge: files_parse,
};

fn files_parse(t: &mut Tally<'_>) -> Result<(), Gap> {
    t.note(FILE_NOT_LOADED);
    let mut missing = None;
    for id in ["hba", "ident", "files"] {
        if id == "ident" && t.look.major() < 15 {
            t.note("Before PostgreSQL 15 no view shows pg_ident.conf.");
            continue;
        }
        match t.server(id) {
            Ok(rows) => {
                // A changed setting that waits for a restart reads as an error too; CFG-01 has it.
                let waits = |r: &Row<'_>| id == "files" && r.yes("restart");
                for row in rows.iter().filter(|r| unreadable(r) && !waits(r)) {
                    let place = format!("{}:{}", row.text("file"), row.text("line"));
                    let (fix, undo) = edit(&place, "correct the line");
                    t.object(place.clone(), format!("{place} can't be used: {}.", row.text("error").trim_end_matches('.')), fix, undo);
                }
                t.judged(rows.len() as u64);
            }
            Err(gap) => missing = Some(gap),
        }
    }
    missing.map_or(Ok(()), Err)
}

/// AUTH-11
pub const IDENT_MAPS: Control = Control {
    id: "AUTH-11",
    why: "A map with a pattern that ends at a superuser lets many outside names become superuser.",
    evidence: &["ident", "roles"],
    advice: "Name each outside name that may become a superuser, or let the map end at another role.",
    lock: RELOAD,
    judge: ident_maps,
};

fn ident_maps(t: &mut Tally<'_>) -> Result<(), Gap> {
    if t.look.major() < 15 {
        return Err(Gap::Unknown("Before PostgreSQL 15 no view shows pg_ident.conf; a person has to look at it.".to_owned()));
    }
    let maps = t.server("ident")?;
    let roles = t.server("roles")?;
    let supers: Vec<&str> = roles.iter().filter(|r| r.yes("super")).map(|r| r.text("role")).collect();
    t.judged(maps.len() as u64);
    t.note(FILE_NOT_LOADED);
    for map in &maps {
        let place = format!("{}:{}", map.text("file"), map.text("line"));
        if map.opt("error").is_some() {
            t.gap(format!("{place} can't be read by the server."));
            continue;
        }
        let (outside, role) = (map.text("outside"), map.text("role"));
        // `\1` takes the role from the outside name; from 16 on `all`, `+group` and `/pattern` may stand there.
        let many = outside.starts_with('/') || outside == "all";
        let reaches = supers.contains(&role) || role == "all" || role.starts_with(['+', '/']) || role.contains("\\1");
        if many && reaches {
            let (fix, undo) = edit(&place, "name the outside names one by one, or another role");
            t.object(
                place.clone(),
                format!("{place} lets every outside name like {outside} become {role}, which can be a superuser."),
                fix,
                undo,
            );
        }
    }
    Ok(())
}
