//! The verdict on a target and on the estate (SPEC B1). `docs/HEALTH.md` explains the formula.

use crate::health::{CATEGORIES, Facts, Finding, Outcome};
use crate::words;
use reeve_model::{CategoryScore, Reach, Reason, Refusal, Status, TargetName, UnixMs, Verdict, snapshot::TargetSnapshot};

/// Version of the formula; raised with every change of weights, breakpoints, rules or caps.
pub const FORMULA: u32 = 7;
/// A critical reason caps the score here.
pub const CAP: f64 = 30.0;
/// From this score on it is healthy, if nothing else speaks against it.
pub const HEALTHY_FROM: f64 = 80.0;
/// Under this score it is critical.
pub const CRITICAL_BELOW: f64 = 50.0;
/// Share of the weights that must have been measured before anything is called healthy.
pub const MEASURED_FROM: f64 = 0.6;

/// Judges a target. `previous` is its verdict before this one: a status and a reason that still hold keep their moment.
#[must_use]
pub fn judge(snapshot: &TargetSnapshot, now: UnixMs, previous: Option<&Verdict>) -> Verdict {
    let facts = Facts { snapshot, now, previous };
    let mut reasons = Vec::new();
    let (categories, measured_ratio) = categories(&facts);
    for category in CATEGORIES {
        reasons.extend(category.findings(&facts).map(|(id, finding)| reason(id.to_owned(), finding, now, previous)));
    }
    match &snapshot.reach {
        Reach::Down { since, sentence, last_up, refusal } => {
            let finding = down(snapshot, now, *since, sentence, *last_up, *refusal);
            let mut gone = reason(DOWN.to_owned(), finding, now, previous);
            gone.since = Some(*since);
            let (categories, measured_ratio) = unanswered(categories, refusal.is_some());
            let lost = finish(
                now,
                previous,
                Draft {
                    status: Status::Critical,
                    score: Some(0.0),
                    measured_ratio,
                    reasons: vec![gone],
                    categories,
                    cap: Some(DOWN.into()),
                },
            );
            return Verdict { held: previous.map(held).unwrap_or_default(), ..lost };
        }
        Reach::Untried => {
            let finding = Finding {
                severity: Status::Unknown,
                sentence: format!("{} has not been reached yet, so nothing is known of it.", snapshot.target),
                next: "Wait for the first round.".into(),
            };
            let waiting = reason("availability.untried".into(), finding, now, previous);
            return finish(
                now,
                previous,
                Draft { status: Status::Unknown, score: None, measured_ratio, reasons: vec![waiting], categories, cap: None },
            );
        }
        Reach::Up { .. } => {}
    }
    let (mean, cap) = (weighted(&categories), reasons.iter().find(|r| r.severity == Status::Critical).map(|r| r.id.clone()));
    let score = match (mean, &cap) {
        (Some(mean), Some(_)) => Some(mean.min(CAP)),
        // What is proven bad counts even when nothing else was measured.
        (None, Some(_)) => Some(CAP),
        (mean, None) => mean,
    };
    if measured_ratio < MEASURED_FROM {
        reasons.push(reason("verdict.measured".into(), unmeasured(&categories, measured_ratio), now, previous));
    } else if let Some(finding) = score.filter(|_| cap.is_none()).and_then(|s| low(s, &categories)) {
        reasons.push(reason("verdict.score".into(), finding, now, previous));
    }
    reasons.extend(rights(snapshot).map(|finding| reason("verdict.rights".into(), finding, now, previous)));
    reasons.extend(out_of_sight(&categories, previous, &reasons));
    // What came last is what somebody who was just called looks for.
    reasons.sort_by_key(|r| std::cmp::Reverse((r.severity, r.since)));
    let status = reasons.iter().map(|r| r.severity).max().unwrap_or(Status::Healthy);
    finish(now, previous, Draft { status, score, measured_ratio, reasons, categories, cap })
}

/// Sessions whose state Reeve's login may not read: what they do can't be judged.
fn rights(snapshot: &TargetSnapshot) -> Option<Finding> {
    let hidden = snapshot.activity.value().map(|a| a.hidden).filter(|n| *n > 0)?;
    let user = snapshot.server.as_ref().map_or("reeve_monitor", |s| s.user.as_str());
    Some(Finding {
        severity: Status::Unknown,
        sentence: format!(
            "What {} do is hidden from {}, so long queries and waits of theirs are not seen.",
            words::things(hidden, "session", "sessions"),
            words::ident(user)
        ),
        next: format!("As a superuser: GRANT pg_monitor TO {}", words::ident(user)),
    })
}

/// What was wrong before and can't be measured now. It may be mended or worse; that nobody can see it is no reason to call
/// anything healthy.
fn out_of_sight(categories: &[CategoryScore], previous: Option<&Verdict>, now_seen: &[Reason]) -> Vec<Reason> {
    let blind = |id: &str| {
        let part = id.split('.').next().unwrap_or_default();
        categories.iter().any(|c| c.id == part && c.weight > 0.0 && c.score.is_none())
    };
    let lost = previous.into_iter().flat_map(|p| &p.reasons);
    lost.filter(|r| blind(&r.id) && !now_seen.iter().any(|n| n.id == r.id))
        .map(|r| {
            let sentence = r.sentence.strip_prefix(LAST_KNOWN).unwrap_or(&r.sentence);
            Reason { severity: Status::Unknown, sentence: format!("{LAST_KNOWN}{sentence}"), ..r.clone() }
        })
        .collect()
}

pub(crate) const LAST_KNOWN: &str = "Last known, and not measured now: ";
pub(crate) const DOWN: &str = "availability.down";

struct Draft {
    status: Status,
    score: Option<f64>,
    measured_ratio: f64,
    reasons: Vec<Reason>,
    categories: Vec<CategoryScore>,
    cap: Option<String>,
}

fn finish(now: UnixMs, previous: Option<&Verdict>, draft: Draft) -> Verdict {
    let since = previous.filter(|p| p.status == draft.status).map_or(now, |p| p.since);
    Verdict {
        status: draft.status,
        since,
        score: draft.score.map(|s| s.clamp(0.0, 100.0)),
        measured_ratio: draft.measured_ratio,
        reasons: draft.reasons,
        categories: draft.categories,
        cap: draft.cap,
        at: now,
        formula: FORMULA,
        held: Vec::new(),
    }
}

/// What spoke against a target, while it was reached and before.
fn held(previous: &Verdict) -> Vec<(String, UnixMs)> {
    let shown = previous.reasons.iter().filter(|r| r.id != DOWN).filter_map(|r| Some((r.id.clone(), r.since?)));
    shown.chain(previous.held.iter().cloned()).collect()
}

fn reason(id: String, finding: Finding, now: UnixMs, previous: Option<&Verdict>) -> Reason {
    let shown = previous.and_then(|p| p.reasons.iter().find(|r| r.id == id)).and_then(|r| r.since);
    let before = shown.or_else(|| previous?.held.iter().find(|(held, _)| *held == id).map(|(_, since)| *since));
    Reason { id, severity: finding.severity, sentence: finding.sentence, next: finding.next, since: Some(before.unwrap_or(now)) }
}

/// The parts of the score. What does not apply gets weight 0 and the rest shares its weight; what could not be measured keeps its
/// weight and has no score. The second value is the measured share.
fn categories(facts: &Facts<'_>) -> (Vec<CategoryScore>, f64) {
    let outcomes: Vec<_> = CATEGORIES.iter().map(|c| (c, c.assess(facts))).collect();
    let applies = |o: &Outcome| !matches!(o, Outcome::NotHere(_));
    let total: u32 = outcomes.iter().filter(|(_, o)| applies(o)).map(|(c, _)| c.weight).sum();
    let scores: Vec<CategoryScore> = outcomes
        .into_iter()
        .map(|(category, outcome)| {
            let weight = if applies(&outcome) && total > 0 { f64::from(category.weight) / f64::from(total) } else { 0.0 };
            let (score, detail) = match outcome {
                Outcome::Score(score, detail) => (Some(score), detail),
                Outcome::Unknown(detail) | Outcome::NotHere(detail) => (None, detail),
            };
            CategoryScore { id: category.id.to_owned(), title: category.title.to_owned(), weight, score, detail }
        })
        .collect();
    let measured = scores.iter().filter(|c| c.score.is_some()).map(|c| c.weight).sum::<f64>();
    (scores, exact(measured).clamp(0.0, 1.0))
}

/// Of a server that is down its absence is all that can be measured.
fn unanswered(mut categories: Vec<CategoryScore>, refused: bool) -> (Vec<CategoryScore>, f64) {
    let mut measured = 0.0;
    if let Some(first) = categories.iter_mut().find(|c| c.id == "availability") {
        first.score = Some(0.0);
        first.detail = if refused { "Refuses Reeve's sign-in." } else { "Does not answer." }.to_owned();
        measured = first.weight;
    }
    (categories, measured)
}

/// Cuts the noise of adding floats, so that a score of exactly 80 and a share of exactly 60 % are on the right side of their lines.
fn exact(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The weighted mean of what was measured.
fn weighted(categories: &[CategoryScore]) -> Option<f64> {
    let (sum, weight) = categories
        .iter()
        .filter_map(|c| Some((c.score?, c.weight)))
        .fold((0.0, 0.0), |(sum, all), (score, weight)| (sum + score * weight, all + weight));
    (weight > 0.0).then(|| exact(sum / weight))
}

fn down(
    snapshot: &TargetSnapshot,
    now: UnixMs,
    since: UnixMs,
    sentence: &str,
    last_up: Option<UnixMs>,
    refusal: Option<Refusal>,
) -> Finding {
    let (what, never) = match refusal {
        None => ("does not answer", "It has not answered since Reeve started"),
        Some(_) => ("refuses Reeve's sign-in", "It has let nobody in since Reeve started"),
    };
    let rest = last_up.map_or_else(
        || format!("{never}, so there are no figures."),
        |at| format!("Figures below are the last known, from {}.", words::clock(at, now)),
    );
    let lasted = now.seconds_since(since);
    let lasting = if lasted >= 1.0 { format!(" ({})", words::duration(lasted)) } else { String::new() };
    let sentence = format!("{} {what}: {}; since {}{lasting}. {rest}", snapshot.target, words::clause(sentence), words::clock(since, now));
    Finding::critical(sentence, way_back(refusal))
}

/// What to do about a target that is down. One that answers needs nobody to see whether it runs.
fn way_back(refusal: Option<Refusal>) -> &'static str {
    match refusal {
        None => {
            "See whether the server runs and the way to it is open: pg_isready with its host and port, then the server's log. One that runs and says nothing waits for its machine: load, memory, disk. Reeve keeps trying."
        }
        Some(Refusal::Password) => {
            "The server answers. Give Reeve the role's password, or set it anew as a superuser: \\password ROLE in psql; a role that isn't there has to be created. Reeve keeps trying."
        }
        Some(Refusal::Rules) => {
            "The server answers. See that the role exists and may sign in (ALTER ROLE … LOGIN) and that pg_hba.conf has a line for it, its database and Reeve's address; then SELECT pg_reload_conf(). Reeve keeps trying."
        }
        Some(Refusal::Database) => {
            "The server answers. Correct the name of the database in the target's address, or create the database. Reeve keeps trying."
        }
        Some(Refusal::Right) => {
            "The server answers. As the database's owner or a superuser: GRANT CONNECT ON DATABASE … TO Reeve's role. Reeve keeps trying."
        }
        Some(Refusal::Limit) => {
            "The server answers. Raise the limit that it names, or see as a superuser what holds the connections: SELECT usename, datname, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC. Reeve keeps trying."
        }
    }
}

fn unmeasured(categories: &[CategoryScore], measured: f64) -> Finding {
    let missing: Vec<String> = categories.iter().filter(|c| c.score.is_none() && c.weight > 0.0).map(|c| c.title.to_lowercase()).collect();
    Finding {
        severity: Status::Unknown,
        sentence: format!("Only {} of what a verdict rests on could be measured; missing: {}.", words::percent(measured), missing.join(", ")),
        next: "See each part's line for what is missing: most often a right (GRANT pg_monitor TO Reeve's role) or an extension (pg_stat_statements).".into(),
    }
}

/// A score under the line needs a sentence even when no single rule was broken.
fn low(score: f64, categories: &[CategoryScore]) -> Option<Finding> {
    if score >= HEALTHY_FROM {
        return None;
    }
    let mut losses: Vec<_> =
        categories.iter().filter_map(|c| Some((c, (100.0 - c.score?) * c.weight))).filter(|(_, loss)| *loss > 0.0).collect();
    losses.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named: Vec<String> =
        losses.iter().take(3).map(|(c, _)| format!("{} ({:.0})", c.title.to_lowercase(), c.score.unwrap_or_default())).collect();
    let sentence = format!("The score is {score:.0} of 100: most of what is missing is lost in {}.", words::list(&named));
    Some(Finding::graded(score < CRITICAL_BELOW, sentence, "Begin with the first of these; its line says which value costs how much."))
}

/// Judges the estate: the worst of its targets, with a reason for each that is not healthy.
#[must_use]
pub fn estate(targets: &[(TargetName, Verdict)], now: UnixMs, previous: Option<&Verdict>) -> Verdict {
    if targets.is_empty() {
        let finding = Finding {
            severity: Status::Unknown,
            sentence: "No database server is registered, so there is nothing to judge.".into(),
            next: "Add a [[target]] to reeve.toml, or set REEVE_TARGET_<NAME>_URL, and start Reeve again.".into(),
        };
        let empty = reason("estate.empty".into(), finding, now, previous);
        return finish(
            now,
            previous,
            Draft { status: Status::Unknown, score: None, measured_ratio: 0.0, reasons: vec![empty], categories: Vec::new(), cap: None },
        );
    }
    let share = 1.0 / words::float(i64::try_from(targets.len()).unwrap_or(i64::MAX));
    let mut reasons: Vec<Reason> = targets.iter().filter(|(_, v)| v.status > Status::Healthy).map(|(name, v)| of_target(name, v)).collect();
    reasons.sort_by(|a, b| (b.severity, b.since).cmp(&(a.severity, a.since)).then_with(|| a.id.cmp(&b.id)));
    let worst = targets.iter().filter(|(_, v)| v.score.is_some()).min_by(|(_, a), (_, b)| {
        let key = |v: &Verdict| v.score.unwrap_or(100.0);
        key(a).total_cmp(&key(b))
    });
    let draft = Draft {
        status: targets.iter().map(|(_, v)| v.status).max().unwrap_or(Status::Unknown),
        score: worst.and_then(|(_, v)| v.score),
        measured_ratio: exact(targets.iter().map(|(_, v)| v.measured_ratio).sum::<f64>() * share),
        reasons,
        categories: targets
            .iter()
            .map(|(name, v)| CategoryScore {
                id: name.to_string(),
                title: name.to_string(),
                weight: share,
                score: v.score,
                detail: format!("{}.", v.status.word()),
            })
            .collect(),
        cap: worst.and_then(|(_, v)| v.cap.clone()),
    };
    finish(now, previous, draft)
}

fn of_target(name: &TargetName, verdict: &Verdict) -> Reason {
    let first = verdict.reasons.first();
    let more = match verdict.reasons.len() {
        0 | 1 => String::new(),
        2 => " 1 more reason.".into(),
        n => format!(" {} more reasons.", n - 1),
    };
    let cause = first.map_or_else(|| "Nothing is known of it yet.".to_owned(), |r| r.sentence.clone());
    // Some causes begin with the target's name already.
    let lead = if cause.starts_with(&format!("{name} ")) { String::new() } else { format!("{name} is {}: ", verdict.status.word()) };
    Reason {
        id: format!("target.{name}"),
        severity: verdict.status,
        sentence: format!("{lead}{cause}{more}"),
        next: first.map_or_else(|| "Wait for its first round.".to_owned(), |r| r.next.clone()),
        // Since when that is so: the target may have been unwell for longer, by something else.
        since: first.and_then(|r| r.since).or(Some(verdict.since)),
    }
}
