//! The policy: one readable table.

use reeve_model::{Binding, Role};

use Role::{Admin, Operator, SecurityOfficer};

/// What a permission reaches, and so how a scope bounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The estate as far as the caller's scopes reach: the answer holds those targets and no trace of others.
    Estate,
    /// One target, which must be in scope; else it looks as if there were none.
    Target,
    /// Reeve itself: takes a role that is held for everything.
    Reeve,
    /// The caller's own account: everybody who is signed in.
    Own,
}

impl Over {
    /// The word in tables and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Estate => "estate",
            Self::Target => "target",
            Self::Reeve => "reeve",
            Self::Own => "own",
        }
    }
}

/// One permission: a verb on a noun, and who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What is done.
    pub verb: &'static str,
    /// To what.
    pub noun: &'static str,
    /// What it reaches.
    pub over: Over,
    /// The roles that hold it.
    pub roles: &'static [Role],
    /// In words, for people.
    pub does: &'static str,
}

const EVERYBODY: &[Role] = &Role::ALL;

const fn rule(verb: &'static str, noun: &'static str, over: Over, roles: &'static [Role], does: &'static str) -> Rule {
    Rule { verb, noun, over, roles, does }
}

/// The whole policy. What isn't here is denied.
pub const POLICY: &[Rule] = &[
    rule("view", "estate", Over::Estate, EVERYBODY, "See the verdict, the targets and their figures."),
    rule("view", "target", Over::Target, EVERYBODY, "See one target in detail."),
    rule("view", "tables", Over::Target, EVERYBODY, "See the tables of a target."),
    rule("view", "table", Over::Target, EVERYBODY, "See one table: columns, indexes, keys."),
    rule("view", "sessions", Over::Target, &[Admin, Operator], "See who is connected to a target and what their statements are."),
    rule("end", "session", Over::Target, &[Admin, Operator], "Cancel the statement of a session of a target, or end the session."),
    rule("read", "metrics", Over::Estate, EVERYBODY, "Scrape metrics and read their history."),
    rule("view", "registry", Over::Reeve, &[Admin], "See which targets are registered and where each stands."),
    rule("change", "registry", Over::Reeve, &[Admin], "Test targets, register and remove them."),
    rule("view", "pools", Over::Reeve, EVERYBODY, "See Reeve's own databases and pools."),
    rule("view", "policy", Over::Own, EVERYBODY, "See this table."),
    rule("view", "own account", Over::Own, EVERYBODY, "See the own account, its sessions and tokens."),
    rule("change", "own account", Over::Own, EVERYBODY, "Change the own password, end own sessions, make and revoke own tokens."),
    rule("view", "backups", Over::Estate, EVERYBODY, "See backups, what was proven of them, and jobs."),
    rule("run", "backup", Over::Target, &[Admin, Operator], "Back up, verify and restore databases of a target."),
    rule(
        "approve",
        "restore",
        Over::Target,
        &[Admin, Operator],
        "Agree that a backup takes the place of a database, when somebody else asked for it.",
    ),
    rule("view", "compliance", Over::Estate, EVERYBODY, "See compliance scores and counts, without the findings behind them."),
    rule("view", "findings", Over::Target, &[Admin, Operator, SecurityOfficer], "See findings, controls and the evidence behind them."),
    rule("scan", "target", Over::Target, &[Admin, SecurityOfficer], "Have a target scanned for findings now."),
    rule(
        "accept",
        "finding",
        Over::Target,
        &[SecurityOfficer],
        "Accept the risk of a finding for a time, with a reason, and take that back.",
    ),
    rule(
        "attest",
        "control",
        Over::Target,
        &[SecurityOfficer],
        "Vouch for a control that no database can show, for a time, and take that back.",
    ),
    rule("attest", "clause", Over::Reeve, &[SecurityOfficer], "Vouch for a clause of a law or standard, for a time, and take that back."),
    rule("view", "audit", Over::Reeve, &[Admin, SecurityOfficer], "Search the audit trail."),
    rule("export", "audit", Over::Reeve, &[SecurityOfficer], "Take the audit trail out of Reeve, with its proofs."),
    rule("view", "accounts", Over::Reeve, &[Admin, SecurityOfficer], "See accounts, their rights, sessions and tokens."),
    rule("change", "accounts", Over::Reeve, &[Admin], "Invite, change, disable and reset accounts, end their sessions."),
];

/// Rules whose duty must be apart from the first day, while what they allow is still to come: nothing asks for them yet.
pub const LATER: &[(&str, &str)] = &[];

impl Rule {
    /// Whether Reeve can do yet what the rule allows.
    #[must_use]
    pub fn works(&self) -> bool {
        !LATER.contains(&(self.verb, self.noun))
    }
}

/// Pairs that no role, and no account by all its roles together, may hold: who does the one must not judge or hide it with the other.
pub const SEPARATE: &[(&str, &str, &str, &str)] = &[
    ("run", "backup", "accept", "finding"),
    ("change", "accounts", "accept", "finding"),
    ("change", "accounts", "export", "audit"),
    ("run", "backup", "attest", "control"),
];

/// The rule of a permission.
#[must_use]
pub fn rule_of(verb: &str, noun: &str) -> Option<&'static Rule> {
    POLICY.iter().find(|r| r.verb == verb && r.noun == noun)
}

/// Why these roles must not be held together, if they must not.
#[must_use]
pub fn conflict(bindings: &[Binding]) -> Option<String> {
    let holds = |verb: &str, noun: &str| rule_of(verb, noun).and_then(|r| bindings.iter().find(|b| r.roles.contains(&b.role)));
    SEPARATE.iter().find_map(|(verb, noun, other_verb, other_noun)| {
        let (one, other) = (holds(verb, noun)?, holds(other_verb, other_noun)?);
        let (one, other) = (one.role.title(), other.role.title());
        Some(format!(
            "One person can't be {one} and {other}: who may {verb} {noun} must not also {other_verb} {other_noun}. Take {one} away first, or give {other} to somebody else."
        ))
    })
}

/// The table as text: a line for each permission, a column for each role.
#[must_use]
pub fn matrix() -> String {
    let mut out = format!("{:<22} {:<8}", "permission", "over");
    for role in Role::ALL {
        out.push_str(&format!(" {:>16}", role.word()));
    }
    out.push('\n');
    for rule in POLICY {
        out.push_str(&format!("{:<22} {:<8}", format!("{} {}", rule.verb, rule.noun), rule.over.word()));
        for role in Role::ALL {
            out.push_str(&format!(" {:>16}", if rule.roles.contains(&role) { "yes" } else { "-" }));
        }
        out.push_str(if rule.works() { "\n" } else { "  (to come)\n" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::Viewer;
    use reeve_model::Scope;

    #[test]
    fn g2_every_rule_stands_once_and_says_what_it_does() {
        for (i, rule) in POLICY.iter().enumerate() {
            assert!(!rule.roles.is_empty() && rule.does.ends_with('.'), "{} {}", rule.verb, rule.noun);
            assert!(!POLICY[..i].iter().any(|r| r.verb == rule.verb && r.noun == rule.noun), "{} {} stands twice", rule.verb, rule.noun);
        }
        for (verb, noun, other_verb, other_noun) in SEPARATE {
            assert!(
                rule_of(verb, noun).is_some() && rule_of(other_verb, other_noun).is_some(),
                "{verb} {noun} / {other_verb} {other_noun}"
            );
        }
    }

    #[test]
    fn g2_duties_are_separate_for_each_role_and_for_each_account() {
        for role in Role::ALL {
            assert_eq!(conflict(&[Binding::everywhere(role)]), None, "{}", role.word());
        }
        let may = |role, verb, noun| rule_of(verb, noun).is_some_and(|r| r.roles.contains(&role));
        assert!(may(SecurityOfficer, "accept", "finding") && !may(SecurityOfficer, "run", "backup"));
        assert!(may(Operator, "run", "backup") && !may(Operator, "accept", "finding"));
        assert!(!may(Admin, "accept", "finding") && !may(Admin, "export", "audit"));
        assert!(Role::ALL.iter().all(|r| *r == Admin || !may(*r, "change", "accounts")), "only admins change accounts");
        let scoped = Binding { role: Operator, scope: Scope::Tag("eu".into()) };
        assert!(conflict(&[scoped, Binding::everywhere(SecurityOfficer)]).is_some(), "scopes don't make it better");
        assert!(conflict(&[Binding::everywhere(Admin), Binding::everywhere(SecurityOfficer)]).is_some());
        assert_eq!(conflict(&[Binding::everywhere(Admin), Binding::everywhere(Operator), Binding::everywhere(Viewer)]), None);
    }

    #[test]
    fn g2_a_viewer_changes_nothing_but_their_own() {
        for rule in POLICY.iter().filter(|r| r.roles.contains(&Viewer)) {
            assert!(matches!(rule.verb, "view" | "read") || rule.over == Over::Own, "{} {}", rule.verb, rule.noun);
        }
    }
}
