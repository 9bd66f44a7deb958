//! SQL that a person takes with them.

use leptos::prelude::*;

/// A block of code with a button that copies it. Without script the button stays hidden: there the text is selected by hand.
#[component]
pub fn Code(
    /// The code.
    #[prop(into)]
    text: String,
    /// What it is, for the button's name: `statement`.
    what: &'static str,
) -> impl IntoView {
    view! {
        <div class="code">
            <pre>{text}</pre>
            <button type="button" class="button copy" data-copy="" aria-label=format!("Copy {what}")>"Copy"</button>
        </div>
    }
}
