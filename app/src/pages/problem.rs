//! The pages that say why there is no page.

use crate::AppError;
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_ports::PortError;

/// The heading, in a few words.
#[must_use]
pub fn title(error: &AppError, caller: Option<&Principal>) -> &'static str {
    match error.0 {
        PortError::Unauthenticated(_) => "You are not signed in",
        PortError::Denied(_) if without_role(caller) => "Your account has no role yet",
        PortError::Denied(_) => "You may not see this",
        PortError::NotFound(_) => "There is no such page",
        PortError::Invalid(_) => "This request can't be used",
        PortError::Unavailable(_) => "Reeve can't answer right now",
        PortError::TooMany(_) => "Too much at once",
    }
}

/// Signed in, and may do nothing.
fn without_role(caller: Option<&Principal>) -> bool {
    caller.is_some_and(|p| p.bindings.is_empty())
}

/// What happened and where to go from here.
pub fn view(error: &AppError, caller: Option<&Principal>) -> impl IntoView + use<> {
    let kind = match error.0 {
        PortError::Unauthenticated(_) | PortError::Denied(_) => "no-permission",
        PortError::Unavailable(_) => "unreachable",
        _ => "none",
    };
    let away = matches!(error.0, PortError::Unavailable(_));
    let out = matches!(error.0, PortError::Unauthenticated(_));
    let denied = matches!(error.0, PortError::Denied(_));
    let sentence = if denied && without_role(caller) {
        "You are signed in, but what Reeve shows takes a role. An admin can give you one; until then there is your own account.".to_owned()
    } else {
        error.to_string()
    };
    let estate = !out && caller.is_none_or(|p| p.may("view", "estate"));
    let account = caller.is_some() && (denied || !estate);
    view! {
        <section class="problem" data-empty=kind>
            <p class="problem-status mono">{error.status()}</p>
            <h1>{title(error, caller)}</h1>
            <p>{sentence}</p>
            <p class="problem-ways">
                {away.then(|| view! { <a class="button" href="">"Try again"</a> })}
                {out.then(|| view! { <a class="button" href="/sign-in">"Sign in"</a> })}
                {estate.then(|| view! { <a class="button" href="/admin/db-health">"Go to database health"</a> })}
                {account.then(|| view! { <a class="button" href="/admin/account">"Go to your account"</a> })}
            </p>
        </section>
    }
}
