//! The reasons of a verdict: the fact, and what to do next.

use super::{Age, StatusGlyph};
use crate::route::{Page, SessionsFilter, Show, TablesView};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{Reason, TargetName, UnixMs, Verdict, activity::SessionState, table::TableSort};

/// Reasons, worst first.
#[component]
pub fn Reasons(
    /// The reasons.
    reasons: Vec<Reason>,
    /// Whose they are: reasons about sessions then lead to them, for those who may see them.
    #[prop(optional_no_strip)]
    target: Option<TargetName>,
    /// Of an estate's reasons, each of which stands for a target: the targets, and the reason of each that comes first. They lead there.
    #[prop(optional)]
    firsts: Vec<(TargetName, String)>,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    let sees = |about: &About, name: &TargetName| use_context::<Principal>().is_some_and(|p| p.may_for("view", about.noun(), name));
    let one = move |r: Reason| {
        let of = firsts.iter().find(|(name, _)| target.is_none() && r.id == format!("target.{name}"));
        let about = of.map(|(name, first)| (name, first)).or_else(|| Some((target.as_ref()?, &r.id)));
        let cause = about.and_then(|(name, reason)| match About::of(reason).filter(|about| sees(about, name))? {
            About::Sessions(show) => {
                let process = (show == Show::Waiting).then(|| root_of(&r.sentence)).flatten();
                let href = Page::Sessions(name.clone(), Box::new(SessionsFilter { show, process, ..SessionsFilter::default() })).href();
                let href = if process.is_some() { format!("{href}#chosen") } else { href };
                Some(view! { " "<a href=href>"See the sessions"</a> }.into_any())
            }
            About::Holders => {
                let href = format!("{}#holders-title", Page::Sessions(name.clone(), Box::default()).href());
                Some(view! { " "<a href=href>"See what holds it back"</a> }.into_any())
            }
            About::DeadRows => {
                let href = Page::Tables(name.clone(), Box::new(TablesView::by(TableSort::Dead))).href();
                Some(view! { " "<a href=href>"See the tables"</a> }.into_any())
            }
            About::Part(part, words) => {
                let href = format!("{}#{part}", Page::Target(name.clone()).href());
                Some(view! { " "<a href=href>{words}</a> }.into_any())
            }
        });
        // An estate's reason may have others behind it.
        let whole = of.map(|(name, _)| view! { " "<a href=Page::Target(name.clone()).href()>"See "{name.to_string()}</a> });
        view! {
            <li class="reason" data-status=r.severity.word()>
                <StatusGlyph status=r.severity/>
                <div>
                    <p class="reason-fact"><span class="visually-hidden">{r.severity.word()}": "</span>{r.sentence}</p>
                    {(!r.next.is_empty()).then(|| view! { <p class="reason-next">{r.next}{cause}{whole}</p> })}
                </div>
                {r.since.map(|at| view! { <span class="reason-age">"for " <Age at=at now=now span=true/></span> })}
            </li>
        }
    };
    (!reasons.is_empty()).then(|| view! { <ol class="reasons">{reasons.into_iter().map(one).collect_view()}</ol> })
}

/// The process at the root of a lock chain, as the rule `locks.waiting` names it; none where its sentence names none.
fn root_of(sentence: &str) -> Option<i32> {
    let (_, rest) = sentence.split_once("; process ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What on another page shows a reason's cause.
enum About {
    /// Some of the sessions.
    Sessions(Show),
    /// What holds vacuum back, and with it the ids that nothing can freeze.
    Holders,
    /// The tables, those with most dead rows first.
    DeadRows,
    /// A part of the target's page, and how the link to it reads.
    Part(&'static str, &'static str),
}

impl About {
    /// What one must be allowed to view there.
    fn noun(&self) -> &'static str {
        match self {
            Self::Sessions(_) | Self::Holders => "sessions",
            Self::DeadRows => "tables",
            Self::Part(..) => "target",
        }
    }

    /// None where the cause is not seen there.
    fn of(reason: &str) -> Option<Self> {
        Some(match reason {
            "locks.waiting" => Self::Sessions(Show::Waiting),
            "sessions.idle_in_transaction" => Self::Sessions(Show::State(SessionState::IdleInTransaction)),
            "sessions.long_query" | "queries.slow" => Self::Sessions(Show::State(SessionState::Active)),
            "sessions.old_transaction" | "connections.saturation" => Self::Sessions(Show::Clients),
            "vacuum.horizon" | "wraparound.age" => Self::Holders,
            "vacuum.dead_rows" => Self::DeadRows,
            "sequences.fullness" | "sequences.ending" => Self::Part("sequences", "See the sequences"),
            "replication.lag"
            | "replication.not_receiving"
            | "replication.standby_away"
            | "replication.slot_retains"
            | "replication.slot_lost"
            | "replication.subscription" => Self::Part("replication", "See the replication"),
            _ => return None,
        })
    }
}

/// Changes whenever the list of reasons must be drawn anew.
#[must_use]
pub fn reasons_shape(verdict: &Verdict) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for r in &verdict.reasons {
        (&r.id, r.severity, &r.sentence, &r.next, r.since).hash(&mut hasher);
    }
    (verdict.status, &verdict.cap).hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_the_root_of_a_lock_chain_is_read_from_its_reason() {
        // As crates/rules/src/health/locks.rs says it.
        let said =
            |root: &str| format!("6 sessions wait for a lock, the longest for 45 s on orders{root}: whatever queues behind waits as well.");
        assert_eq!(root_of(&said("; process 4711 (idle in transaction) stands at the root")), Some(4711));
        assert_eq!(root_of(&said("; process 10 stands at the root")), Some(10));
        assert_eq!(root_of(&said("; a prepared transaction stands at the root")), None);
        assert_eq!(root_of(&said("")), None);
    }
}
