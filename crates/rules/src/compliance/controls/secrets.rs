//! Secrets where others can read them. Only the place is known here; the text never left the server.

use super::whom;
use crate::compliance::{
    control::{Control, NO_LOCK, RELOAD, Tally},
    look::Gap,
    sql::{ident, shown},
};

/// AUTHZ-20
pub const IN_CATALOGUE: Control = Control {
    id: "AUTHZ-20",
    why: "Every login can read all settings of roles and databases, comments, and the text of functions and views.",
    evidence: &["overrides", "secrets", "counts"],
    advice: "Move these secrets to a vault, change them, and take them out of the catalogue.",
    lock: NO_LOCK,
    judge: in_catalogue,
};

fn in_catalogue(t: &mut Tally<'_>) -> Result<(), Gap> {
    override_secrets(t, |_| true)?;
    for (database, rows) in t.databases("secrets") {
        for row in rows {
            let (kind, object) = (row.text("kind"), row.text("object"));
            t.object_in(
                Some(database),
                format!("{kind} {object}"),
                format!("The text of the {kind} {object} looks like it holds a secret."),
                format!("Change the secret, then replace the {kind} {object} by one that reads it from elsewhere."),
                "None: a secret that was read stays known.",
            );
        }
    }
    t.judged_all("functions");
    t.judged_all("relations");
    Ok(())
}

/// Objects to settings of roles and databases that are secrets.
fn override_secrets(t: &mut Tally<'_>, wanted: impl Fn(&str) -> bool) -> Result<(), Gap> {
    let rows = t.server("overrides")?;
    t.judged(rows.len() as u64);
    for row in rows.iter().filter(|r| r.yes("secret") && wanted(r.text("name"))) {
        let (sql, person) = whom(row.opt("role"), row.opt("database"));
        let name = row.text("name");
        t.object(
            format!("{} of {person}", shown(name)),
            format!("The setting {name} of {person} holds a secret that every login can read."),
            format!("Change the secret, then: ALTER {sql} RESET {};", name.split('.').map(ident).collect::<Vec<_>>().join(".")),
            "None: a secret that was read stays known.",
        );
    }
    Ok(())
}

/// CFG-08
pub const IN_SETTINGS: Control = Control {
    id: "CFG-08",
    why: "Settings such as archive_command are shown to logins that have nothing to do with them.",
    evidence: &["setting_secrets"],
    advice: "Use a password file or the provider's own identity instead, and change the secrets.",
    lock: RELOAD,
    judge: |t| {
        let rows = t.server("setting_secrets")?;
        t.judged(rows.len() as u64);
        for row in rows.iter().filter(|r| r.yes("secret")) {
            let name = row.text("name");
            t.object(
                name,
                format!("The setting {name} holds what looks like a secret."),
                format!(
                    "Change the secret, put it into a password file, then ALTER SYSTEM SET {name} without it; SELECT pg_reload_conf();"
                ),
                "None: a secret that was read stays known.",
            );
        }
        // Only this row is hidden from those who may not read all settings.
        if !rows.iter().any(|r| r.text("name") == "ssl_passphrase_command") {
            t.gap("Some of these settings are not shown to this role; run GRANT pg_monitor to it.");
        }
        Ok(())
    },
};

/// AUTHZ-21
pub const REMOTE_CREDENTIALS: Control = Control {
    id: "AUTHZ-21",
    why: "A mapping of PUBLIC with a password lets every role be somebody on another server; without a required password a role can be the server itself.",
    evidence: &["remotes"],
    advice: "Give each role a mapping of its own and require passwords.",
    lock: NO_LOCK,
    judge: remote_credentials,
};

fn remote_credentials(t: &mut Tally<'_>) -> Result<(), Gap> {
    let all = t.databases("remotes");
    let any = all.iter().any(|(_, rows)| !rows.is_empty());
    for (database, rows) in all {
        t.judged(rows.len() as u64);
        for row in rows {
            let (kind, object) = (row.text("kind"), row.text("object"));
            let who = if row.yes("public") { "PUBLIC".to_owned() } else { shown(row.text("role")) };
            let named = format!("{kind} {} of {who}", shown(object));
            if !row.yes("visible") {
                t.gap(format!("The options of the {named} in {database} are shown to superusers only."));
                continue;
            }
            let user = if row.yes("public") { "PUBLIC".to_owned() } else { ident(row.text("role")) };
            if row.yes("public") && row.yes("password") {
                t.object_in(
                    Some(database),
                    named.clone(),
                    format!("Every role reaches the server {} with the password of a mapping of PUBLIC.", shown(object)),
                    format!("DROP USER MAPPING FOR PUBLIC SERVER {}; then create one per role.", ident(object)),
                    "Create the mapping again with its former options.",
                );
            }
            if row.yes("not_required") {
                let fix = match kind {
                    "subscription" => format!("ALTER SUBSCRIPTION {} SET (password_required = true);", ident(object)),
                    _ => format!("ALTER USER MAPPING FOR {user} SERVER {} OPTIONS (SET password_required 'true');", ident(object)),
                };
                let undo = fix.replace("true", "false");
                t.object_in(
                    Some(database),
                    format!("{named} without a password"),
                    format!("The {named} may be used without a password."),
                    fix,
                    undo,
                );
            }
        }
    }
    if !any && t.found_nothing() {
        return Err(Gap::NotApplicable("There are no mappings to foreign servers and no subscriptions.".to_owned()));
    }
    Ok(())
}

/// PRIV-08
pub const PSEUDONYM_SECRETS: Control = Control {
    id: "PRIV-08",
    why: "Whoever reads the salt of a pseudonym can undo it, and settings of roles and databases are read by every login.",
    evidence: &["overrides", "extensions"],
    advice: "Keep the salt outside of the catalogue, and make the pseudonyms anew with another one.",
    lock: NO_LOCK,
    judge: |t| {
        override_secrets(t, |name| name.starts_with("anon.") || name.contains("salt"))?;
        let used = t.databases("extensions").iter().any(|(_, rows)| rows.iter().any(|r| r.text("extension") == "anon"));
        if used {
            t.judged(1);
        }
        if !used && t.found_nothing() {
            return Err(Gap::NotApplicable(
                "Nothing pseudonymises here: the extension anon is not installed and no salt is set.".to_owned(),
            ));
        }
        Ok(())
    },
};
