//! Short names for what islands do with the document.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, Element, EventTarget, Window};

pub fn window() -> Option<Window> {
    web_sys::window()
}

pub fn document() -> Option<Document> {
    window()?.document()
}

/// All elements that match, in document order.
pub fn all(selector: &str) -> Vec<Element> {
    let Some(list) = document().and_then(|d| d.query_selector_all(selector).ok()) else { return Vec::new() };
    (0..list.length()).filter_map(|i| list.item(i)?.dyn_into().ok()).collect()
}

/// All elements inside another that match, in document order.
pub fn within(outer: &Element, selector: &str) -> Vec<Element> {
    let Ok(list) = outer.query_selector_all(selector) else { return Vec::new() };
    (0..list.length()).filter_map(|i| list.item(i)?.dyn_into().ok()).collect()
}

/// The first element that matches.
pub fn first(selector: &str) -> Option<Element> {
    document()?.query_selector(selector).ok()?
}

/// Listens for the rest of the page's life.
pub fn listen<E: JsCast + 'static>(target: &EventTarget, event: &str, mut run: impl FnMut(E) + 'static) {
    let closure = Closure::<dyn FnMut(JsValue)>::new(move |e: JsValue| {
        if let Ok(e) = e.dyn_into::<E>() {
            run(e);
        }
    });
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    // An island lives as long as its page.
    closure.forget();
}

/// Runs something again and again, each `ms` milliseconds.
pub fn every(ms: i32, run: impl FnMut() + 'static) {
    let closure = Closure::<dyn FnMut()>::new(run);
    if let Some(window) = window() {
        let _ = window.set_interval_with_callback_and_timeout_and_arguments_0(closure.as_ref().unchecked_ref(), ms);
    }
    closure.forget();
}

/// Runs something once, after `ms` milliseconds.
pub fn after(ms: i32, run: impl FnOnce() + 'static) {
    if let Some(window) = window() {
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&Closure::once_into_js(run).unchecked_into(), ms);
    }
}
