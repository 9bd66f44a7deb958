//! Roles and scopes in words.

use leptos::prelude::*;
use reeve_model::{Binding, Environment, HealthOverview, Role, Scope};
use std::collections::BTreeSet;

/// A scope as people say it: `everything`, `environment prod`, `tag eu`, `target orders`.
#[must_use]
pub fn scope_words(scope: &Scope) -> String {
    match scope {
        Scope::Everything => "everything".into(),
        Scope::Environment(environment) => format!("environment {}", environment.word()),
        Scope::Tag(tag) => format!("tag {tag}"),
        Scope::Target(name) => format!("target {name}"),
    }
}

/// All roles, for a choice.
#[must_use]
pub fn role_options() -> Vec<(String, String)> {
    Role::ALL.map(|role| (role.word().to_owned(), role.title().to_owned())).to_vec()
}

/// The roles of an account, each with its scope.
#[component]
pub fn Rights(
    /// The roles.
    bindings: Vec<Binding>,
) -> impl IntoView {
    if bindings.is_empty() {
        return view! { <span class="muted">"no role"</span> }.into_any();
    }
    let one = |b: Binding| view! { <li>{b.role.title()}<span class="muted">{format!(" for {}", scope_words(&b.scope))}</span></li> };
    view! { <ul class="rights">{bindings.into_iter().map(one).collect_view()}</ul> }.into_any()
}

/// The scopes that the estate suggests, as a `<datalist>`: everything, environments, and the tags and targets there are.
#[component]
pub fn ScopeList(
    /// Id of the list.
    id: &'static str,
    /// The estate.
    overview: Option<HealthOverview>,
) -> impl IntoView {
    let targets = overview.map(|o| o.targets).unwrap_or_default();
    let tags: BTreeSet<&String> = targets.iter().flat_map(|t| &t.info.tags).collect();
    let mut scopes = vec![Scope::Everything];
    scopes.extend(Environment::ALL.map(Scope::Environment));
    scopes.extend(tags.into_iter().cloned().map(Scope::Tag));
    scopes.extend(targets.iter().map(|t| Scope::Target(t.info.name.clone())));
    let option = |scope: Scope| view! { <option value=scope.to_string()></option> };
    view! { <datalist id=id>{scopes.into_iter().map(option).collect_view()}</datalist> }
}
