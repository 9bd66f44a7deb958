//! Events that come with no change, counted for a moment: of a thousand refusals a second one entry remains, that says "1,000 times".

use reeve_model::audit::AuditEvent;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Different notes at once; more are counted in one that says so.
const MOST: usize = 2_000;

/// What makes two notes alike.
type Key = (String, String, String, String, &'static str, String);

/// Notes that were not written yet.
#[derive(Default)]
pub(super) struct Notes {
    waiting: Mutex<HashMap<Key, AuditEvent>>,
}

fn key(event: &AuditEvent) -> Key {
    (
        event.actor.clone(),
        event.verb.clone(),
        event.noun.clone(),
        event.resource.clone(),
        event.outcome.word(),
        event.origin.address.map(|a| a.to_string()).unwrap_or_default(),
    )
}

impl Notes {
    /// Takes one. Answers whether it is the first that waits.
    pub(super) fn take(&self, event: AuditEvent) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.is_empty();
        let full = waiting.len() >= MOST;
        let same = key(&event);
        if let Some(known) = waiting.get_mut(&same) {
            known.count = known.count.saturating_add(event.count);
        } else if full {
            // A flood of ever new names or addresses: what was done and how it ended is kept, who did it no more.
            let mut crowd = event;
            "many".clone_into(&mut crowd.actor);
            crowd.account = None;
            crowd.resource.clear();
            crowd.origin = reeve_model::Origin::default();
            let same = key(&crowd);
            waiting.entry(same).and_modify(|known| known.count = known.count.saturating_add(crowd.count)).or_insert(crowd);
        } else {
            waiting.insert(same, event);
        }
        first
    }

    /// All that wait, oldest first.
    pub(super) fn drain(&self) -> Vec<AuditEvent> {
        let mut events: Vec<AuditEvent> =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect();
        events.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        events
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, events: Vec<AuditEvent>) {
        for event in events {
            self.take(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Draft;
    use reeve_model::audit::Outcome;
    use uuid::Uuid;

    #[test]
    fn g3_a_flood_becomes_a_count_and_never_fills_the_memory() {
        let notes = Notes::default();
        let refusal = |who: &str| Draft::new(Uuid::nil(), "sign_in", "session", "").by_stranger(who).outcome(Outcome::Refused).finish();
        assert!(notes.take(refusal("ann")));
        assert!((0..999).all(|_| !notes.take(refusal("ann"))));
        for n in 0..3 * MOST {
            notes.take(refusal(&format!("robot {n}")));
        }
        let events = notes.drain();
        assert!(events.len() <= MOST + 1, "{}", events.len());
        assert_eq!(events.iter().find(|e| e.actor == "ann").expect("ann").count, 1000);
        let all: u64 = events.iter().map(|e| u64::from(e.count)).sum();
        assert_eq!(all, 1000 + 3 * MOST as u64, "none is lost");
        assert!(notes.drain().is_empty());
        notes.put_back(events);
        assert_eq!(notes.drain().iter().map(|e| u64::from(e.count)).sum::<u64>(), all);
    }
}
