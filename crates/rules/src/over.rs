//! What was wrong and no longer is.

use crate::verdict::{DOWN, LAST_KNOWN};
use reeve_model::{Reach, Reason, Status, UnixMs, Verdict, health::Over};

/// How long that something is over is told, milliseconds.
pub const TOLD_MS: i64 = 3_600_000;
/// Most of one target.
const MOST: usize = 10;

/// What is over once `verdict` follows `previous`, of each rule the last time, newest first. `known` is what was over before. While a server
/// does not answer, nothing ends: that it can't be seen any more is not that it is over.
#[must_use]
pub fn after(known: &[Over], previous: &Verdict, verdict: &Verdict, reach: &Reach, now: UnixMs) -> Vec<Over> {
    let holds = |id: &str| verdict.reasons.iter().chain(&previous.reasons).any(|r| r.id == id);
    let mut all: Vec<Over> = Vec::new();
    if matches!(reach, Reach::Up { .. }) {
        // What follows from reasons, such as a low score, is no trouble of its own.
        let bad = previous.reasons.iter().filter(|r| was_wrong(r) && !r.id.starts_with("verdict."));
        let ended = bad.filter(|r| !verdict.reasons.iter().any(|still| still.id == r.id) && seen(verdict, &r.id));
        all.extend(
            ended.filter_map(|r| {
                Some(Over { id: r.id.clone(), severity: r.severity, sentence: last_words(r), since: r.since?, until: now })
            }),
        );
    }
    all.extend(known.iter().filter(|o| !holds(&o.id) && told(o, now)).cloned());
    all.truncate(MOST);
    all
}

/// Proven, or proven before it went out of sight.
fn was_wrong(reason: &Reason) -> bool {
    reason.severity >= Status::Degraded || reason.sentence.starts_with(LAST_KNOWN)
}

/// Whether the part that a rule belongs to is measured now: what does not apply any more, as on a primary that became a standby, is not over.
fn seen(verdict: &Verdict, id: &str) -> bool {
    let part = id.split('.').next().unwrap_or_default();
    verdict.categories.iter().find(|c| c.id == part).is_none_or(|c| c.weight > 0.0 && c.score.is_some())
}

/// Without what was true of an outage only while it lasted: since when, and how old the figures below it were.
fn last_words(reason: &Reason) -> String {
    match reason.sentence.split_once("; since ") {
        Some((fact, _)) if reason.id == DOWN => format!("{fact}."),
        _ => reason.sentence.strip_prefix(LAST_KNOWN).unwrap_or(&reason.sentence).to_owned(),
    }
}

/// Still worth telling.
#[must_use]
pub fn told(over: &Over, now: UnixMs) -> bool {
    now.ms_since(over.until) < TOLD_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::CategoryScore;

    const UP: Reach = Reach::Up { since: UnixMs(0) };

    fn verdict(at: i64, reasons: &[(&str, Status, i64)]) -> Verdict {
        let one = |(id, severity, since): &(&str, Status, i64)| Reason {
            id: (*id).to_owned(),
            severity: *severity,
            sentence: format!("{id} at {at}"),
            next: String::new(),
            since: Some(UnixMs(*since)),
        };
        Verdict { reasons: reasons.iter().map(one).collect(), ..Verdict::not_yet(UnixMs(at)) }
    }

    fn words(over: &[Over]) -> Vec<(&str, i64, i64)> {
        over.iter().map(|o| (o.id.as_str(), o.since.0, o.until.0)).collect()
    }

    #[test]
    fn b1_what_no_longer_holds_is_over_with_its_last_words() {
        let (sick, well) = (verdict(5, &[("locks.waiting", Status::Degraded, 2), ("verdict.score", Status::Degraded, 2)]), verdict(9, &[]));
        let over = after(&[], &sick, &well, &UP, UnixMs(9));
        assert_eq!(words(&over), [("locks.waiting", 2, 9)], "a low score is no trouble of its own");
        assert_eq!(over[0].sentence, "locks.waiting at 5");
        // It goes on being told, the newest first, until it came back or an hour has passed.
        let other = verdict(12, &[("vacuum.dead_rows", Status::Degraded, 10)]);
        let over = after(&over, &other, &verdict(20, &[]), &UP, UnixMs(20));
        assert_eq!(words(&over), [("vacuum.dead_rows", 10, 20), ("locks.waiting", 2, 9)]);
        let back = after(&over, &verdict(20, &[]), &verdict(30, &[("locks.waiting", Status::Critical, 30)]), &UP, UnixMs(30));
        assert_eq!(words(&back), [("vacuum.dead_rows", 10, 20)]);
        let again = after(&back, &verdict(30, &[("locks.waiting", Status::Critical, 30)]), &verdict(40, &[]), &UP, UnixMs(40));
        assert_eq!(words(&again), [("locks.waiting", 30, 40), ("vacuum.dead_rows", 10, 20)]);
        let late = UnixMs(20 + TOLD_MS);
        assert_eq!(words(&after(&again, &verdict(40, &[]), &verdict(50, &[]), &UP, late)), [("locks.waiting", 30, 40)]);
    }

    #[test]
    fn b1_what_can_not_be_seen_any_more_is_not_over() {
        let sick = verdict(5, &[("locks.waiting", Status::Degraded, 2)]);
        let down = Reach::Down { since: UnixMs(6), sentence: String::new(), last_up: None, refusal: None };
        let gone = verdict(6, &[("availability.down", Status::Critical, 6)]);
        assert_eq!(after(&[], &sick, &gone, &down, UnixMs(6)), []);
        // And the outage itself ends when the server is back.
        let mut gone = gone;
        gone.reasons[0].sentence = "shop does not answer: refused; since 12:00 (3 s). Figures below are the last known.".to_owned();
        let over = after(&[], &gone, &verdict(9, &[]), &UP, UnixMs(9));
        assert_eq!((words(&over), over[0].sentence.as_str()), (vec![("availability.down", 6, 9)], "shop does not answer: refused."));
        // What was only unknown was never known to be wrong.
        let unknown = verdict(5, &[("locks.waiting", Status::Unknown, 2)]);
        assert_eq!(after(&[], &unknown, &verdict(9, &[]), &UP, UnixMs(9)), []);
        // What was wrong before it went out of sight is over when it is seen again and well, and not before.
        let mut carried = unknown;
        carried.reasons[0].sentence = format!("{LAST_KNOWN}6 sessions wait.");
        let part = |score: Option<f64>, weight: f64| CategoryScore {
            id: "locks".into(),
            title: "Locks".into(),
            weight,
            score,
            detail: String::new(),
        };
        let well = |score, weight| Verdict { categories: vec![part(score, weight)], ..verdict(9, &[]) };
        assert_eq!(after(&[], &carried, &well(Some(100.0), 0.1), &UP, UnixMs(9))[0].sentence, "6 sessions wait.");
        assert_eq!(after(&[], &carried, &well(None, 0.1), &UP, UnixMs(9)), [], "still out of sight");
        assert_eq!(after(&[], &sick, &well(None, 0.0), &UP, UnixMs(9)), [], "it does not apply any more");
    }
}
