//! Danger: says what will happen, shows the exact SQL where there is any, and asks for the name.

use super::{Code, Csrf};
use leptos::prelude::*;

/// A button that opens a question. Without script the question opens in place; with it, it is a modal dialog. Either
/// way the form posts, and the server checks the typed name again.
#[component]
pub fn Confirm(
    /// Unique on the page.
    id: &'static str,
    /// What is done, as the button says it: `Drop index`.
    verb: &'static str,
    /// The name that must be typed, exactly.
    #[prop(into)]
    name: String,
    /// What follows from it, in one sentence.
    #[prop(into)]
    consequence: String,
    /// The SQL that will run, if that is what is done.
    #[prop(optional, into)]
    sql: Option<String>,
    /// Where the form posts to; none where nothing is to be done, as in the gallery.
    #[prop(optional, into)]
    action: Option<String>,
    /// The token of the session.
    #[prop(optional, into)]
    csrf: Option<String>,
) -> impl IntoView {
    let title = format!("{verb} {name}?");
    let (title_id, text_id, field_id) = (format!("{id}-title"), format!("{id}-text"), format!("{id}-name"));
    let inert = action.is_none();
    let method = if inert { "dialog" } else { "post" };
    view! {
        <details class="confirm" id=id>
            <summary class="button danger">{verb}"…"</summary>
            <dialog class="dialog" open aria-labelledby=title_id.clone() aria-describedby=text_id.clone()>
                <form method=method action=action>
                    <Csrf token=csrf/>
                    <h2 id=title_id.clone()>{title}</h2>
                    <p id=text_id.clone()>{consequence}</p>
                    {sql.map(|text| view! { <Code text=text what="SQL"/> })}
                    <div class="field">
                        <label for=field_id.clone()>"Type "<b class="mono">{name.clone()}</b>" to confirm"</label>
                        <input type="text" class="mono" id=field_id name="confirm" required autocomplete="off" spellcheck="false"
                            pattern=literal(&name) title=format!("Type {name} exactly")/>
                    </div>
                    <p class="dialog-ways">
                        <button type="button" class="button" data-close="">"Cancel"</button>
                        <button class="button danger solid">{verb}</button>
                    </p>
                </form>
            </dialog>
        </details>
    }
}

/// A `pattern` that only this text matches.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if r"^$\.*+?()[]{}|/".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn a_pattern_matches_its_text_and_nothing_else() {
        assert_eq!(literal("ix_events_at"), "ix_events_at");
        assert_eq!(literal(r"a.b(c)\d-e"), r"a\.b\(c\)\\d-e");
    }
}
