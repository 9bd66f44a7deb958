//! The keyboard: ⌘K or ctrl-K opens the palette, `/` goes to the search field or, on a page without one, opens the palette, `g` and a
//! letter go to a page, `j` and `k` move through the rows of the page's main table, Enter follows or opens the one they are at. All of it
//! can also be clicked.

use leptos::prelude::*;

/// Listens; shows nothing itself. The palette is the page's own `<dialog id="palette">`.
#[island]
pub fn Keys() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(browser::start);
    view! { <span hidden></span> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::dom;
    use std::{cell::Cell, rc::Rc};
    use wasm_bindgen::JsCast;
    use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent};

    const ROWS: &str = "table[data-rows] tbody [data-row]";

    pub fn start() {
        let Some(document) = dom::document() else { return };
        let after_g = Rc::new(Cell::new(false));
        dom::listen(&document, "keydown", move |e: KeyboardEvent| {
            let key = e.key();
            if (e.meta_key() || e.ctrl_key()) && key.eq_ignore_ascii_case("k") {
                e.prevent_default();
                return open();
            }
            if e.meta_key() || e.ctrl_key() || e.alt_key() || typing(&e) {
                return;
            }
            let was_g = after_g.replace(key == "g");
            match key.as_str() {
                letter if was_g && go(letter) => e.prevent_default(),
                "/" => {
                    // Wherever it leads, the slash itself is not typed there.
                    e.prevent_default();
                    match dom::first("[data-search]").and_then(|f| f.dyn_into::<HtmlInputElement>().ok()) {
                        Some(field) => {
                            let _ = field.focus();
                            field.select();
                        }
                        None => open(),
                    }
                }
                "j" => step(1),
                "k" => step(-1),
                _ => {}
            }
        });
        if let Some(field) = dom::first("#palette input") {
            dom::listen(&field, "input", |_: Event| filter());
            dom::listen(&field, "keydown", |e: KeyboardEvent| {
                let step = match e.key().as_str() {
                    "ArrowDown" => 1,
                    "ArrowUp" => -1,
                    "Enter" => {
                        e.prevent_default();
                        if let Some(link) = chosen().and_then(|l| l.dyn_into::<HtmlElement>().ok()) {
                            link.click();
                        }
                        return;
                    }
                    _ => return,
                };
                e.prevent_default();
                choose(step);
            });
        }
        for button in dom::all("[data-palette]") {
            let _ = button.remove_attribute("hidden");
            dom::listen(&button, "click", |_: Event| open());
        }
    }

    fn typing(e: &KeyboardEvent) -> bool {
        e.target().and_then(|t| t.dyn_into::<Element>().ok()).is_some_and(|t| t.matches("input,select,textarea,dialog *").unwrap_or(false))
    }

    fn go(letter: &str) -> bool {
        let link = dom::all("a[data-go]").into_iter().find(|a| a.get_attribute("data-go").as_deref() == Some(letter));
        link.and_then(|a| a.dyn_into::<HtmlElement>().ok()).map(|a| a.click()).is_some()
    }

    fn step(by: i32) {
        let rows = dom::all(ROWS);
        let active = dom::document().and_then(|d| d.active_element());
        let at = rows.iter().position(|r| Some(r) == active.as_ref());
        let next = match (at, by) {
            (None, _) => 0,
            (Some(i), 1) => (i + 1).min(rows.len().saturating_sub(1)),
            (Some(i), _) => i.saturating_sub(1),
        };
        if let Some(row) = rows.get(next).and_then(|r| r.dyn_ref::<HtmlElement>()) {
            let _ = row.focus();
        }
    }

    fn open() {
        let Some(dialog) = dom::first("#palette").and_then(|d| d.dyn_into::<HtmlDialogElement>().ok()) else { return };
        if dialog.open() {
            return dialog.close();
        }
        if let Some(field) = dom::first("#palette input").and_then(|f| f.dyn_into::<HtmlInputElement>().ok()) {
            field.set_value("");
        }
        filter();
        let _ = dialog.show_modal();
    }

    fn items() -> Vec<Element> {
        dom::all("#palette li:not([hidden]) a")
    }

    fn chosen() -> Option<Element> {
        dom::first("#palette a[aria-current='true']")
    }

    fn mark(link: Option<&Element>) {
        if let Some(old) = chosen() {
            let _ = old.remove_attribute("aria-current");
        }
        if let Some(link) = link {
            let _ = link.set_attribute("aria-current", "true");
            link.scroll_into_view_with_bool(false);
        }
    }

    /// Shows the entries that hold every word typed.
    fn filter() {
        let typed = dom::first("#palette input").and_then(|f| f.dyn_into::<HtmlInputElement>().ok()).map(|f| f.value().to_lowercase());
        let typed = typed.unwrap_or_default();
        for item in dom::all("#palette li") {
            let text = item.text_content().unwrap_or_default().to_lowercase();
            let shown = typed.split_whitespace().all(|word| text.contains(word));
            let _ = if shown { item.remove_attribute("hidden") } else { item.set_attribute("hidden", "") };
        }
        let found = items();
        if let Some(none) = dom::first("#palette .palette-none") {
            let _ = if found.is_empty() { none.remove_attribute("hidden") } else { none.set_attribute("hidden", "") };
        }
        mark(found.first());
    }

    fn choose(by: i32) {
        let items = items();
        let at = chosen().and_then(|c| items.iter().position(|i| *i == c));
        let next = match (at, by) {
            (None, _) => 0,
            (Some(i), 1) => (i + 1) % items.len().max(1),
            (Some(i), _) => (i + items.len() - 1) % items.len().max(1),
        };
        mark(items.get(next));
    }
}
