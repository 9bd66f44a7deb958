//! `/admin/access`: the policy, as it is enforced: who may do what, and which of it the reader may.

use crate::{AppError, components::scope_words, functions};
use leptos::prelude::*;
use reeve_access::{
    Principal,
    policy::{Over, POLICY, Rule, SEPARATE},
};
use reeve_model::{Role, Scope};

/// Asks for the right to see the policy; the policy itself is part of Reeve.
///
/// # Errors
/// When nobody is signed in.
pub fn load() -> Result<(), AppError> {
    functions::policy()
}

const GROUPS: [(Over, &str, &str); 4] = [
    (Over::Estate, "The estate", "the targets in the role's scope, and no trace of others"),
    (Over::Target, "One target", "if it is in the role's scope; else it looks as if there were none"),
    (Over::Reeve, "Reeve itself", "takes a role that is held for everything"),
    (Over::Own, "One's own account", "everybody who is signed in"),
];

/// The page.
pub fn view(caller: Option<&Principal>) -> impl IntoView + use<> {
    let heads = Role::ALL.map(|role| head(role, caller)).into_iter().collect_view();
    let groups = GROUPS
        .into_iter()
        .map(|(over, title, reach)| {
            let rows = POLICY.iter().filter(|r| r.over == over).map(|r| row(r, caller)).collect_view();
            view! {
                <tbody>
                    <tr class="group"><th scope="rowgroup" colspan="5"><b>{title}</b><span class="muted">{reach}</span></th></tr>
                    {rows}
                </tbody>
            }
        })
        .collect_view();
    view! {
        <header class="page-head">
            <h1>"Access"</h1>
            <p class="muted">"Who may do what. What is not in this table is refused to everybody."</p>
        </header>
        <div class="table-frame" tabindex="0">
            <table class="table policy">
                <thead><tr><th scope="col">"Permission"</th>{heads}</tr></thead>
                {groups}
            </table>
        </div>
        <section class="section" aria-labelledby="separate">
            <header class="section-head">
                <h2 id="separate">"Kept apart"</h2>
                <p class="muted">"No account may hold both of a pair, whatever its roles and scopes."</p>
            </header>
            {separations()}
        </section>
    }
}

/// The separated duties, each in a sentence.
pub(crate) fn separations() -> impl IntoView {
    let one = |(verb, noun, other_verb, other_noun): &(&str, &str, &str, &str)| {
        view! { <li>"Who may "<b>{format!("{verb} {noun}")}</b>" must not also "<b>{format!("{other_verb} {other_noun}")}</b>"."</li> }
    };
    view! { <ul class="separations">{SEPARATE.iter().map(one).collect_view()}</ul> }
}

/// The scopes for which the caller holds a role.
fn scopes(role: Role, caller: Option<&Principal>) -> Vec<&Scope> {
    caller.map(|p| p.bindings.iter().filter(|b| b.role == role).map(|b| &b.scope).collect()).unwrap_or_default()
}

fn head(role: Role, caller: Option<&Principal>) -> impl IntoView + use<> {
    let scopes = scopes(role, caller);
    let held = !scopes.is_empty();
    let yours = held.then(|| {
        let words = scopes.iter().map(|s| scope_words(s)).collect::<Vec<_>>().join(", ");
        view! { <span class="yours">"yours"<span class="yours-for">", for "{words}</span></span> }
    });
    view! { <th scope="col" data-yours=held.to_string()>{role.title()}{yours}</th> }
}

fn row(rule: &'static Rule, caller: Option<&Principal>) -> impl IntoView + use<> {
    let cell = |role: Role| {
        let scopes = scopes(role, caller);
        let holds = rule.roles.contains(&role);
        // A role that is held for some targets gives nothing that reaches Reeve itself.
        let short = holds && rule.over == Over::Reeve && !scopes.is_empty() && !scopes.contains(&&Scope::Everything);
        let words = match (holds, short) {
            (true, true) => view! { <span class="muted">"not with your scope"</span> }.into_any(),
            (true, false) => view! { <span class="yes">"yes"</span> }.into_any(),
            (false, _) => view! { <span class="muted" aria-hidden="true">"—"</span><span class="visually-hidden">"no"</span> }.into_any(),
        };
        view! { <td data-yours=(!scopes.is_empty()).to_string()>{words}</td> }
    };
    view! {
        <tr>
            <th scope="row">
                <b>{format!("{} {}", rule.verb, rule.noun)}</b>
                {(!rule.works()).then(|| view! { <span class="mark-word" title="Reeve can't do this yet; that it is kept apart holds already">"to come"</span> })}
                <span class="about">{rule.does}</span>
            </th>
            {Role::ALL.map(cell).into_iter().collect_view()}
        </tr>
    }
}
