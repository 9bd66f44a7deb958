//! Form fields in all their states.

use crate::render::Kept;
use leptos::prelude::*;

/// The token that proves that a form came from a page of this session.
#[component]
pub fn Csrf(
    /// The token; none where nobody is signed in.
    token: Option<String>,
) -> impl IntoView {
    token.map(|token| view! { <input type="hidden" name="csrf" value=token/> })
}

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
    /// Id of a `<datalist>` with suggestions.
    #[prop(optional)]
    list: Option<&'static str>,
    /// The least number of characters.
    #[prop(optional)]
    least: Option<u32>,
    /// The most characters.
    #[prop(optional)]
    most: Option<u32>,
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
    // After a refusal nothing that was typed is lost, passwords apart.
    let kept = (kind != "password").then(|| use_context::<Kept>()?.get(name)).flatten();
    let value = kept.or(value);
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let parts = [hint.as_ref().map(|_| hint_id.clone()), error.as_ref().map(|_| error_id.clone()), described];
    let described = parts.into_iter().flatten().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            {hint.map(|h| view! { <p class="field-hint" id=hint_id>{h}</p> })}
            <input type=kind id=id name=name value=value autocomplete=autocomplete required=required disabled=disabled autofocus=autofocus
                list=list minlength=least maxlength=most
                aria-invalid=error.as_ref().map(|_| "true") aria-describedby=(!described.is_empty()).then_some(described)/>
            {error.map(|e| view! { <p class="field-error" id=error_id>{e}</p> })}
        </div>
    }
}

/// A field for several lines, with its label and hint.
#[component]
pub fn TextArea(
    /// Shown name.
    label: &'static str,
    /// Name in the form; also the id.
    name: &'static str,
    /// What to type, said before it is typed.
    hint: &'static str,
    /// The least number of characters.
    least: u32,
    /// The most characters.
    most: u32,
) -> impl IntoView {
    let hint_id = format!("{name}-hint");
    let kept = use_context::<Kept>().and_then(|kept| kept.get(name)).unwrap_or_default();
    // What stands in this element is not escaped by the render, as in a script; without this, typed text could end it.
    let kept = kept.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <p class="field-hint" id=hint_id.clone()>{hint}</p>
            <textarea id=name name=name rows="3" required minlength=least maxlength=most aria-describedby=hint_id.clone()>{kept}</textarea>
        </div>
    }
}

/// A choice of one.
#[component]
pub fn Choice(
    /// Shown name.
    label: &'static str,
    /// Name in the form; also the id.
    name: &'static str,
    /// Value and shown words of each.
    options: Vec<(String, String)>,
    /// The value chosen at first.
    #[prop(optional, into)]
    chosen: Option<String>,
) -> impl IntoView {
    let chosen = use_context::<Kept>().and_then(|kept| kept.get(name)).or(chosen);
    let option = |(value, words): (String, String)| {
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{words}</option> }
    };
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <select id=name name=name>{options.into_iter().map(option).collect_view()}</select>
        </div>
    }
}
