//! Form fields in all their states.

use leptos::prelude::*;

/// A text field with its label, hint and, after a refusal, what is wrong with it.
#[component]
pub fn Field(
    /// Shown name.
    label: &'static str,
    /// Name in the form; also the id.
    name: &'static str,
    /// `text`, `email`, `password`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What stands in it.
    #[prop(optional, into)]
    value: Option<String>,
    /// What to type, said before it is typed.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Why it was refused.
    #[prop(optional, into)]
    error: Option<String>,
    /// Ids of further descriptions, where several fields share one error.
    #[prop(optional, into)]
    described: Option<String>,
    /// The browser's own store of values.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    /// Must be given.
    #[prop(optional)]
    required: bool,
    /// Can't be changed now.
    #[prop(optional)]
    disabled: bool,
    /// Takes the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
    /// Makes ids unique where a form stands on a page twice.
    #[prop(optional)]
    scope: &'static str,
) -> impl IntoView {
    let id = format!("{scope}{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let parts = [hint.as_ref().map(|_| hint_id.clone()), error.as_ref().map(|_| error_id.clone()), described];
    let described = parts.into_iter().flatten().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            {hint.map(|h| view! { <p class="field-hint" id=hint_id>{h}</p> })}
            <input type=kind id=id name=name value=value autocomplete=autocomplete required=required disabled=disabled autofocus=autofocus
                aria-invalid=error.as_ref().map(|_| "true") aria-describedby=(!described.is_empty()).then_some(described)/>
            {error.map(|e| view! { <p class="field-error" id=error_id>{e}</p> })}
        </div>
    }
}
