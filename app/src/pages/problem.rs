//! The pages that say why there is no page.

use crate::AppError;
use leptos::prelude::*;
use reeve_ports::PortError;

/// The heading, in a few words.
#[must_use]
pub fn title(error: &AppError) -> &'static str {
    match error.0 {
        PortError::Unauthenticated(_) => "You are not signed in",
        PortError::Denied(_) => "You may not see this",
        PortError::NotFound(_) => "There is no such page",
        PortError::Invalid(_) => "This request can't be used",
        PortError::Unavailable(_) => "Reeve can't answer right now",
        PortError::TooMany(_) => "Too much at once",
    }
}

/// What happened and where to go from here.
pub fn view(error: &AppError) -> impl IntoView + use<> {
    let kind = match error.0 {
        PortError::Unauthenticated(_) | PortError::Denied(_) => "no-permission",
        PortError::Unavailable(_) => "unreachable",
        _ => "none",
    };
    let away = matches!(error.0, PortError::Unavailable(_));
    let out = matches!(error.0, PortError::Unauthenticated(_));
    view! {
        <section class="problem" data-empty=kind>
            <p class="problem-status mono">{error.status()}</p>
            <h1>{title(error)}</h1>
            <p>{error.to_string()}</p>
            <p class="problem-ways">
                {away.then(|| view! { <a class="button" href="">"Try again"</a> })}
                {if out {
                    view! { <a class="button" href="/sign-in">"Sign in"</a> }
                } else {
                    view! { <a class="button" href="/admin/db-health">"Go to database health"</a> }
                }}
            </p>
        </section>
    }
}
