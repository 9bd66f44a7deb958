//! Words, figures and marks that all compliance pages share.

use crate::{components::Age, format, route::Page};
use leptos::prelude::*;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{ComplianceOverview, ControlState, Finding, FindingState, ScanState, Score, Severity},
};

/// Points of a score with one decimal. 100 and 0 are what they say: nothing is rounded to them.
#[must_use]
pub fn points(value: Option<f64>) -> String {
    match value.filter(|v| v.is_finite()) {
        None => format::UNKNOWN.into(),
        Some(v) => {
            let v = v.clamp(0.0, 100.0);
            let rounded = (v * 10.0).round() / 10.0;
            let shown = if rounded >= 100.0 && v < 100.0 {
                99.9
            } else if rounded <= 0.0 && v > 0.0 {
                0.1
            } else {
                rounded
            };
            format!("{shown:.1}")
        }
    }
}

/// A severity: shape, word and colour.
pub fn severity(severity: Severity) -> impl IntoView {
    view! { <span class="severity" data-severity=severity.word()><i class="glyph" aria-hidden="true"></i>{severity.word()}</span> }
}

/// Where a finding stands.
pub fn state(state: FindingState) -> impl IntoView {
    view! { <span class="life" data-life=state.word()>{state.word()}</span> }
}

/// The state of a control, by its word: shape, word and colour.
pub fn verdict(word: &str) -> impl IntoView + use<> {
    let word = word.to_owned();
    view! { <span class="verdict" data-verdict=word.clone()><i class="glyph" aria-hidden="true"></i>{verdict_words(&word).to_owned()}</span> }
}

/// The state of a control as people say it.
#[must_use]
pub fn verdict_words(word: &str) -> &str {
    match word {
        "not_applicable" => "not applicable",
        "not_assessed" => "not assessed",
        other => other,
    }
}

/// What is known of a control, with its reason.
pub fn verdict_of(state: &ControlState) -> impl IntoView + use<> {
    let (mark, reason) = (verdict(state.word()), state.reason().map(str::to_owned));
    let attested = match state {
        ControlState::Attested { by, at, expires } => {
            Some(format!("{by} says so since {}, until {}", format::moment(*at), format::moment(*expires)))
        }
        _ => None,
    };
    view! { <p class="verdict-line">{mark}{reason.or(attested).map(|r| view! { <span>{r}</span> })}</p> }
}

/// The score in one sentence, with all that keeps it from being more.
#[must_use]
pub fn sentence(overview: &ComplianceOverview) -> String {
    let scanned = overview.targets.iter().filter(|t| t.score.is_some()).count();
    let all = overview.targets.len();
    let over = match (scanned, all) {
        (_, 1) => String::new(),
        (s, a) if s == a => format!(" over all {a} targets"),
        (s, a) => format!(", and {} of {a} targets {} not scanned", a - s, if a - s == 1 { "is" } else { "are" }),
    };
    match overview.score.as_ref() {
        None => "Nothing has been scanned yet, so nothing is known.".into(),
        Some(score) if score.no_data() => "Nothing could be judged, so there is no score.".into(),
        Some(score) => {
            let (proven, upper) = (points(score.proven), points(score.upper));
            let unknown = format::plural(score.unknown as usize, "unknown control", "unknown controls");
            let more = match score.unknown {
                0 => "no control that was looked at is unknown".into(),
                _ if proven == upper => format!("it would be no more if the {unknown} passed"),
                _ => format!("{upper} if the {unknown} passed"),
            };
            let held = held(score).map(|held| format!(", {held}")).unwrap_or_default();
            format!("{proven} of 100 points are proven{over}{held}; {more}.")
        }
    }
}

/// At most this while a critical control fails; what is held higher is held by controls that fail on personal data.
const CRITICAL_LIMIT: f64 = 59.0;

/// What holds a score down to the figure that it shows, so that the figure is not read as a measurement. Names no control.
fn held(score: &Score) -> Option<String> {
    let cap = score.cap.as_ref().filter(|cap| score.uncapped.is_some_and(|by_the_rest| by_the_rest > cap.limit))?;
    let by = if cap.limit <= CRITICAL_LIMIT { "failing critical controls" } else { "high controls that fail on personal data" };
    Some(format!("held at {:.0} by {by}", cap.limit))
}

/// How much of the catalogue stands behind a score, and what does not.
#[must_use]
pub fn coverage(score: &Score, total: u32) -> String {
    let judged = format!("{} of {total} controls {} judged", score.assessed(), if score.assessed() == 1 { "is" } else { "are" });
    let rest = total.saturating_sub(score.assessed() + score.unknown + score.not_applicable + score.attested);
    let are = |n: u32, one: &str, many: &str| (n > 0).then(|| format!("{n} {}", if n == 1 { one } else { many }));
    let others = [
        are(score.unknown, "is unknown", "are unknown"),
        are(score.not_applicable, "does not apply", "do not apply"),
        are(score.attested, "rests on a person's word", "rest on a person's word"),
        are(rest, "is not assessed", "are not assessed"),
    ];
    let others: Vec<String> = others.into_iter().flatten().collect();
    if others.is_empty() { format!("{judged}.") } else { format!("{judged}; {}.", others.join(", ")) }
}

/// When the evidence was read that a page rests on, and from which targets; none before the first scan. Targets without evidence that
/// counts are named, too: what is said over all of them rests on nothing there.
#[must_use]
pub fn evidence_of<'a>(scans: impl IntoIterator<Item = &'a ScanState>) -> Option<String> {
    let (counts, not): (Vec<&ScanState>, Vec<&ScanState>) = scans.into_iter().partition(|s| s.scanned_at.is_some() && !s.stale);
    let names = |of: &[&ScanState]| {
        let mut names: Vec<&str> = of.iter().map(|s| s.target.as_str()).collect();
        names.sort_unstable();
        names.join(", ")
    };
    let moments = || counts.iter().filter_map(|s| s.scanned_at);
    let (from, to) = (moments().min()?, moments().max()?);
    let without = if not.is_empty() { String::new() } else { format!(" None that counts from {}.", names(&not)) };
    Some(format!("Evidence of {}, from {}.{without}", format::minutes(from, to), names(&counts)))
}

/// The rule that keeps a score low, in words.
#[must_use]
pub fn cap(score: &Score) -> Option<String> {
    let cap = score.cap.as_ref()?;
    let (fails, list) = match &cap.controls[..] {
        // Who may not see findings learns that there is a cap, and not of what.
        [] => ("fails", "a control that weighs heavily".to_owned()),
        [only] => ("fails", only.clone()),
        several => ("fail", several.join(", ")),
    };
    // A rule that holds nothing back is not worth a word.
    if score.uncapped.is_some_and(|by_the_rest| by_the_rest <= cap.limit) {
        return None;
    }
    Some(format!("Held at {}, because {list} {fails}; by the rest it would be {}.", points(Some(cap.limit)), points(score.uncapped)))
}

/// The controls that the rule names.
#[must_use]
pub fn cap_of(score: &Score) -> &[String] {
    score.cap.as_ref().map_or(&[], |cap| &cap.controls)
}

/// A sentence in which each of these controls, in the order in which it names them, leads to its page.
pub fn linked(sentence: String, controls: &[String]) -> AnyView {
    let (mut rest, mut parts) = (sentence.as_str(), Vec::new());
    for id in controls {
        let Some((before, after)) = rest.split_once(id.as_str()) else { continue };
        let href = Page::ControlOf(id.clone()).href();
        parts.push(view! { {before.to_owned()}<a href=href>{id.clone()}</a> }.into_any());
        rest = after;
    }
    view! { {parts}{rest.to_owned()} }.into_any()
}

/// Critical controls that nobody knows the state of.
#[must_use]
pub fn unknown_critical(score: &Score) -> Option<String> {
    let list = score.unknown_critical.join(", ");
    (!list.is_empty()).then(|| format!("Critical and unknown: {list}."))
}

/// `57 of 150`
#[must_use]
pub fn assessed(score: &Score, total: u32) -> String {
    format!("{} of {total}", score.assessed())
}

/// The address of a finding.
#[must_use]
pub fn finding_href(finding: &Finding) -> String {
    Page::FindingOf(finding.target.clone(), finding.fingerprint.clone()).href()
}

/// The address of the findings of a target.
#[must_use]
pub fn findings_href(target: &TargetName, severity: Option<Severity>, state: Option<FindingState>) -> String {
    let mut view = crate::route::FindingsView::default();
    view.query.target = Some(target.clone());
    view.query.severity = severity;
    view.query.state = state;
    Page::Compliance(Box::new(view)).href() + "#findings"
}

/// The address of the controls of a target.
#[must_use]
pub fn controls_href(target: Option<&TargetName>, state: Option<&str>) -> String {
    let mut view = crate::route::ControlsView::default();
    view.query.target = target.cloned();
    view.query.state = state.map(str::to_owned);
    Page::Controls(Box::new(view)).href()
}

/// Where an object is: its database, or the whole server.
#[must_use]
pub fn place(database: Option<&str>) -> String {
    database.map_or_else(|| "the server".into(), |d| format!("database {d}"))
}

/// How old the newest scan is, and why there is none that is newer.
pub fn scanned(scan: &ScanState, now: UnixMs) -> AnyView {
    let going = scan.scanning.then_some(if scan.scanned_at.is_some() { ", a new scan runs" } else { "the first scan runs" });
    match scan.scanned_at {
        Some(at) => view! { <span><Age at=at now=now/>{going}</span> }.into_any(),
        None => view! { <span class="muted">{going.unwrap_or("never")}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::compliance::Cap;

    #[test]
    fn e2_a_score_that_is_held_says_so_and_by_what_it_is_backed() {
        let cap = Cap { limit: 59.0, controls: Vec::new(), sentence: String::new() };
        let mut score = Score { uncapped: Some(71.4), cap: Some(cap), passed: 44, failed: 4, unknown: 9, ..Score::default() };
        assert_eq!(held(&score).as_deref(), Some("held at 59 by failing critical controls"));
        assert_eq!(coverage(&score, 150), "48 of 150 controls are judged; 9 are unknown, 93 are not assessed.");
        score.uncapped = Some(40.0);
        assert_eq!(held(&score), None, "a rule that holds nothing back is not worth a word");
        (score.unknown, score.not_applicable, score.attested) = (0, 1, 1);
        assert_eq!(coverage(&score, 50), "48 of 50 controls are judged; 1 does not apply, 1 rests on a person's word.");
    }

    #[test]
    fn e3_evidence_has_absolute_moments_and_its_targets() {
        let at = 1_768_468_320_000; // 2026-01-15 09:12 UTC
        let scan = |target: &str, scanned_at: Option<i64>, stale| ScanState {
            target: TargetName::new(target).expect("a name"),
            scanned_at: scanned_at.map(UnixMs),
            server: None,
            version: None,
            role: None,
            hash: None,
            stale,
            fault: None,
            scanning: false,
        };
        let (one, other) = (scan("systems", Some(at), false), scan("findawise", Some(at + 17 * 60_000), false));
        assert_eq!(evidence_of([&one, &other]).as_deref(), Some("Evidence of 2026-01-15 09:12 to 09:29 UTC, from findawise, systems."));
        assert_eq!(evidence_of([&one]).as_deref(), Some("Evidence of 2026-01-15 09:12 UTC, from systems."));
        let (old, never) = (scan("old", Some(at), true), scan("new", None, false));
        let told = evidence_of([&one, &old, &never]);
        assert_eq!(told.as_deref(), Some("Evidence of 2026-01-15 09:12 UTC, from systems. None that counts from new, old."));
        assert_eq!(evidence_of([&old, &never]), None);
        let days = format::minutes(UnixMs(at), UnixMs(at + 86_400_000));
        assert_eq!(days, "2026-01-15 09:12 to 2026-01-16 09:12 UTC");
    }

    #[test]
    fn e2_no_score_is_rounded_to_all_or_nothing() {
        let shown = [None, Some(f64::NAN), Some(0.0), Some(0.01), Some(75.0), Some(90.625), Some(99.97), Some(100.0)].map(points);
        assert_eq!(shown, ["—", "—", "0.0", "0.1", "75.0", "90.6", "99.9", "100.0"]);
    }
}
