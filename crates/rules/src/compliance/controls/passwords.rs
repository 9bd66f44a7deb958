//! How passwords are stored and guarded, and what listens.

use super::{alter, whom};
use crate::compliance::{
    control::{Control, NO_LOCK, RELOAD, RESTART, Tally},
    hba::Rule,
    look::Gap,
    sql::{ident, shown},
};

/// AUTH-04
pub const NO_MD5: Control = Control {
    id: "AUTH-04",
    why: "An md5 verifier is as good as the password itself to whoever reads it, and is going away in PostgreSQL.",
    evidence: &["verifiers", "hba"],
    advice: "Set these passwords anew while password_encryption is scram-sha-256, then write scram-sha-256 in pg_hba.conf.",
    lock: NO_LOCK,
    judge: no_md5,
};

fn no_md5(t: &mut Tally<'_>) -> Result<(), Gap> {
    let rows = t.server("verifiers")?;
    t.judged(rows.len() as u64);
    for row in rows.iter().filter(|r| r.text("method") == "md5") {
        let role = row.text("role");
        t.object(
            shown(role),
            format!("The password of {} is stored as md5.", shown(role)),
            format!("As the role's owner, in psql: \\password {}", ident(role)),
            "Set the former password again; it will be stored as scram-sha-256 all the same.",
        );
    }
    // A rule that says md5 accepts SCRAM verifiers too: a warning, no failure.
    match t.server("hba") {
        Ok(rows) => {
            let md5: Vec<String> = Rule::read(&rows).iter().filter(|r| r.method == "md5").map(|r| r.place.clone()).collect();
            if !md5.is_empty() {
                t.note(format!("{} still says md5, which also accepts SCRAM; write scram-sha-256.", md5.join(", ")));
            }
            Ok(())
        }
        Err(gap) => Err(gap),
    }
}

/// AUTH-05
pub const PASSWORD_ENCRYPTION: Control = Control {
    id: "AUTH-05",
    why: "It decides how every new password is stored; one override is enough to store one as md5.",
    evidence: &["settings", "overrides"],
    advice: "Set password_encryption to scram-sha-256 and take the overrides back.",
    lock: RELOAD,
    judge: password_encryption,
};

fn password_encryption(t: &mut Tally<'_>) -> Result<(), Gap> {
    for row in t.server("overrides")?.iter().filter(|r| r.text("name") == "password_encryption") {
        t.judged(1);
        if row.text("value") != "scram-sha-256" {
            let (sql, person) = whom(row.opt("role"), row.opt("database"));
            t.object(
                format!("password_encryption of {person}"),
                format!("password_encryption is {} for {person}.", row.text("value")),
                format!("ALTER {sql} RESET password_encryption;"),
                format!("ALTER {sql} SET password_encryption = '{}';", row.text("value")),
            );
        }
    }
    let value = t.look.setting("password_encryption")?;
    t.judged(1);
    if value != "scram-sha-256" {
        let (fix, undo) = alter("password_encryption", "scram-sha-256", value, false);
        t.object("password_encryption", format!("password_encryption is {value}."), fix, undo);
    }
    Ok(())
}

/// AUTH-06
pub const ITERATIONS: Control = Control {
    id: "AUTH-06",
    why: "The iterations decide how long guessing a password from its verifier takes.",
    evidence: &["verifiers"],
    advice: "Set these passwords anew with at least 4096 iterations.",
    lock: NO_LOCK,
    judge: |t| {
        let rows = t.server("verifiers")?;
        let scram: Vec<_> = rows.iter().filter(|r| r.text("method") == "scram-sha-256").collect();
        if scram.is_empty() {
            return Err(Gap::NotApplicable("No login has a SCRAM password.".to_owned()));
        }
        t.judged(scram.len() as u64);
        for row in scram {
            match row.number("iterations") {
                Some(n) if n >= 4096 => {}
                Some(n) => {
                    let role = row.text("role");
                    let fix = format!("As the role's owner, in psql: \\password {}", ident(role));
                    t.object(
                        shown(role),
                        format!("The password of {} has {n} iterations.", shown(role)),
                        fix,
                        "Set the former password again.",
                    );
                }
                None => t.gap(format!("The iterations of the password of {} are not shown.", shown(row.text("role")))),
            }
        }
        Ok(())
    },
};

/// AUTH-12
pub const STRENGTH: Control = Control {
    id: "AUTH-12",
    why: "PostgreSQL takes any password unless a module or an outside service says no.",
    evidence: &["settings", "hba"],
    advice: "Load passwordcheck or credcheck, or let an outside service check who signs in.",
    lock: RESTART,
    judge: |t| {
        t.judged(1);
        if t.look.list("shared_preload_libraries")?.iter().any(|l| matches!(l.as_str(), "passwordcheck" | "credcheck")) {
            return Ok(());
        }
        let rows = t.server("hba")?;
        let rules = Rule::read(&rows);
        let outside =
            |r: &&Rule<'_>| !matches!(r.method, "gss" | "sspi" | "ldap" | "cert" | "oauth" | "peer" | "radius" | "pam" | "reject");
        if rules.iter().any(|r| outside(&r)) {
            t.object(
                "shared_preload_libraries",
                "No module checks how strong a new password is.",
                "Add passwordcheck to shared_preload_libraries with ALTER SYSTEM. Then restart the server.",
                "Take passwordcheck out again. Then restart the server.",
            );
        }
        Ok(())
    },
};

/// AUTH-13
pub const BRAKES: Control = Control {
    id: "AUTH-13",
    why: "Without a pause after a wrong password, guessing is only limited by the network.",
    evidence: &["settings"],
    advice: "Load auth_delay and keep authentication_timeout at 60 s or less.",
    lock: RESTART,
    judge: |t| {
        let timeout = t.look.setting("authentication_timeout")?;
        t.judged(2);
        if timeout.parse::<u64>().is_ok_and(|s| s > 60) {
            let (fix, undo) = alter("authentication_timeout", "60s", &format!("{timeout}s"), false);
            t.object("authentication_timeout", format!("A client may take {timeout} s to sign in."), fix, undo);
        }
        let delay = t.look.library_setting("auth_delay", "auth_delay.milliseconds")?;
        if delay.is_none_or(|d| d == "0") {
            t.object(
                "auth_delay",
                "Nothing slows down guessing of passwords.",
                "Add auth_delay to shared_preload_libraries and set auth_delay.milliseconds = 500. Then restart the server.",
                "Take auth_delay out again. Then restart the server.",
            );
        }
        Ok(())
    },
};

/// AUTH-14
pub const LISTEN: Control = Control {
    id: "AUTH-14",
    why: "A server that listens on every address also listens on those nobody thought of.",
    evidence: &["settings"],
    advice: "Name the addresses that clients use in listen_addresses.",
    lock: RESTART,
    judge: |t| {
        let value = t.look.setting("listen_addresses")?;
        t.judged(1);
        if value.split(',').any(|a| matches!(a.trim(), "*" | "0.0.0.0" | "::")) {
            let fix = "ALTER SYSTEM SET listen_addresses = '<the addresses that clients use>'; Then restart the server.";
            let (_, undo) = alter("listen_addresses", "", value, true);
            t.object("listen_addresses", format!("The server listens on every address ({value})."), fix, undo);
        }
        Ok(())
    },
};

/// AUTH-15
pub const CONNECTION_LIMITS: Control = Control {
    id: "AUTH-15",
    why: "One role without a limit can take all connections and shut the others out.",
    evidence: &["roles"],
    advice: "Give each login a connection limit.",
    lock: NO_LOCK,
    judge: |t| {
        let roles = t.server("roles")?;
        let logins: Vec<_> = roles.iter().filter(|r| r.yes("login") && !r.yes("super")).collect();
        if logins.is_empty() {
            return Err(Gap::NotApplicable("There are no logins beside superusers.".to_owned()));
        }
        t.judged(logins.len() as u64);
        for row in logins.iter().filter(|r| r.number("connection_limit").is_none_or(|n| n < 0)) {
            let role = row.text("role");
            t.object(
                shown(role),
                format!("{} may open any number of connections.", shown(role)),
                format!("ALTER ROLE {} CONNECTION LIMIT 20;", ident(role)),
                format!("ALTER ROLE {} CONNECTION LIMIT -1;", ident(role)),
            );
        }
        Ok(())
    },
};
