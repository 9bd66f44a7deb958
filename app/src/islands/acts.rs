//! What a click does beyond following a link: copies a block of code, opens and closes dialogs, says so in a toast.
//!
//! It listens on the document, so that it also serves the parts of a page that the live feed draws anew.

use leptos::prelude::*;

/// Listens; shows nothing itself. `<html data-acts>` tells the style sheet that the buttons it serves may be shown.
#[island]
pub fn Acts() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(browser::start);
    view! { <span hidden></span> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::dom;
    use wasm_bindgen::{JsCast, JsValue, closure::Closure};
    use web_sys::{Element, Event, HtmlDialogElement};

    /// How long a toast stays, milliseconds.
    const TOAST_MS: i32 = 4000;

    pub fn start() {
        let Some(document) = dom::document() else { return };
        if let Some(root) = document.document_element() {
            let _ = root.set_attribute("data-acts", "");
        }
        dom::listen(&document, "click", |e: Event| {
            let Some(at) = e.target().and_then(|t| t.dyn_into::<Element>().ok()) else { return };
            if let Ok(Some(button)) = at.closest("[data-copy]") {
                copy(&button);
            } else if let Ok(Some(summary)) = at.closest(".confirm > summary") {
                e.prevent_default();
                if let Some(dialog) = summary.next_element_sibling().and_then(|d| d.dyn_into::<HtmlDialogElement>().ok()) {
                    ask(&dialog);
                }
            } else if let Ok(Some(dialog)) = at.closest("dialog:modal")
                && (at.is_same_node(Some(&dialog)) || at.has_attribute("data-close"))
                && let Ok(dialog) = dialog.dyn_into::<HtmlDialogElement>()
            {
                // A click on the dialog's own box, not on what is in it, is one on its backdrop.
                dialog.close();
            }
        });
    }

    fn copy(button: &Element) {
        let text = button.parent_element().and_then(|p| p.query_selector("pre").ok().flatten()).and_then(|pre| pre.text_content());
        let (Some(text), Some(window)) = (text, dom::window()) else { return };
        // Browsers give the clipboard to secure origins only; elsewhere the text is selected, ready for ctrl-C.
        if !window.is_secure_context() {
            select(button);
            return toast("Selected: press ctrl-C to copy");
        }
        let copied = Closure::<dyn FnMut(JsValue)>::new(|_| toast("Copied"));
        let button = button.clone();
        let refused = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            select(&button);
            toast("Selected: press ctrl-C to copy");
        });
        let _ = window.navigator().clipboard().write_text(&text).then2(&copied, &refused);
        // Only one of them is ever called, so neither can free itself.
        copied.forget();
        refused.forget();
    }

    fn select(button: &Element) {
        let pre = button.parent_element().and_then(|p| p.query_selector("pre").ok().flatten());
        if let (Some(pre), Some(Ok(Some(selection)))) = (pre, dom::window().map(|w| w.get_selection())) {
            let _ = selection.select_all_children(&pre);
        }
    }

    /// Opens the question of a `<details class="confirm">` as a modal dialog.
    fn ask(dialog: &HtmlDialogElement) {
        let Some(details) = dialog.parent_element() else { return };
        let _ = details.set_attribute("open", "");
        // Not `close()`: that would tell the listener below that the question is over.
        dialog.set_open(false);
        if dialog.show_modal().is_err() {
            return;
        }
        if let Ok(Some(field)) = dialog.query_selector("input:not([type=hidden])")
            && let Ok(field) = field.dyn_into::<web_sys::HtmlInputElement>()
        {
            field.set_value("");
            let _ = field.focus();
        }
        let over = Closure::once_into_js(move || {
            let _ = details.remove_attribute("open");
        });
        dialog.set_onclose(Some(over.unchecked_ref()));
    }

    /// Says something in passing. A newer toast takes the place of the older.
    fn toast(text: &str) {
        let (Some(place), Some(document)) = (dom::first("#toasts"), dom::document()) else { return };
        let Ok(toast) = document.create_element("p") else { return };
        toast.set_class_name("toast");
        toast.set_text_content(Some(text));
        place.replace_children_with_node_1(&toast);
        dom::after(TOAST_MS, move || toast.remove());
    }
}
