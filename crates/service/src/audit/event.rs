//! Making an event: who, what, to what, from where, and what came of it.

use reeve_access::Principal;
use reeve_model::{
    Origin, UnixMs,
    audit::{AuditEvent, Outcome},
};
use uuid::Uuid;

/// The actor of what Reeve does by itself.
const REEVE: &str = "reeve";
/// Longest text of one field, characters: what callers type must not fill the log.
const LONGEST: usize = 300;

/// An event in the making.
#[derive(Debug, Clone)]
pub struct Draft {
    event: AuditEvent,
}

impl Draft {
    /// An event of Reeve itself that was done now; the methods below say otherwise.
    #[must_use]
    pub fn new(org: Uuid, verb: &str, noun: &str, resource: &str) -> Self {
        Self {
            event: AuditEvent {
                id: Uuid::new_v4().to_string(),
                org: org.to_string(),
                at: UnixMs::now(),
                account: None,
                actor: REEVE.to_owned(),
                via: String::new(),
                verb: verb.to_owned(),
                noun: noun.to_owned(),
                resource: clean(resource),
                outcome: Outcome::Done,
                origin: Origin::default(),
                before: None,
                after: None,
                count: 1,
            },
        }
    }

    /// By this caller, from where they called.
    #[must_use]
    pub fn by(mut self, principal: &Principal) -> Self {
        self.event.account = Some(principal.account.clone());
        self.event.actor.clone_from(&principal.email);
        self.event.via = principal.via.word().to_owned();
        self.from(&principal.origin)
    }

    /// By an account that has no principal yet.
    #[must_use]
    pub fn by_account(mut self, account: Uuid, email: &str, via: &str) -> Self {
        self.event.account = Some(account.to_string());
        self.event.actor = clean(email);
        self.event.via = via.to_owned();
        self
    }

    /// By somebody on the command line of Reeve's own machine.
    #[must_use]
    pub fn by_local(mut self, user: &str) -> Self {
        self.event.actor = clean(&format!("{user} (command line)"));
        self.event.via = "local".to_owned();
        self
    }

    /// By somebody who only says who they are.
    #[must_use]
    pub fn by_stranger(mut self, said: &str) -> Self {
        self.event.account = None;
        self.event.actor = if said.trim().is_empty() { "anonymous".to_owned() } else { clean(said) };
        self
    }

    /// From there.
    #[must_use]
    pub fn from(mut self, origin: &Origin) -> Self {
        self.event.origin = origin.clone();
        self
    }

    /// With this outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.event.outcome = outcome;
        self
    }

    /// It was this before. Secrets must not be in it.
    #[must_use]
    pub fn before(mut self, value: &serde_json::Value) -> Self {
        self.event.before = Some(value.to_string());
        self
    }

    /// It is this now. Secrets must not be in it.
    #[must_use]
    pub fn after(mut self, value: &serde_json::Value) -> Self {
        self.event.after = Some(value.to_string());
        self
    }

    /// The event.
    #[must_use]
    pub fn finish(self) -> AuditEvent {
        self.event
    }
}

/// Text that somebody typed, fit for a log: no zero bytes, which PostgreSQL can't hold, no line breaks that fake entries, and no more than
/// a line of it. Marks that turn the direction of writing go too: they make a name read as another (AT-42).
fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    text.trim().chars().filter(|c| !turns(*c)).map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_42_what_was_typed_can_t_fake_entries() {
        let event = Draft::new(Uuid::nil(), "sign_in", "session", "x\r\n2026 done\u{1b}[2J").by_stranger("a\0b\u{202e}c").finish();
        assert_eq!(event.resource, "x\u{fffd}\u{fffd}2026 done\u{fffd}[2J");
        assert_eq!(event.actor, "a\u{fffd}bc");
        let long = Draft::new(Uuid::nil(), "v", "n", &"ä".repeat(10_000)).finish();
        assert_eq!(long.resource.chars().count(), LONGEST);
    }
}
