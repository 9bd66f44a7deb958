//! Keeps the figures of a page current.
//!
//! One `EventSource` per tab asks `/admin/live?page=<path and query>`. Each message is a
//! [`reeve_model::live::LiveFrame`]; its nodes are found by their `data-live` attribute. Where the structure of a
//! part changed (a reason came or went), the frame names the part's new shape under `shape:<id>`: the page is
//! then fetched once and the parts whose `data-shape` differs are taken from it.

use leptos::prelude::*;

/// The state of the connection, as text. Announced politely when it changes, never at a tick.
#[island]
pub fn LiveFeed() -> impl IntoView {
    let state = RwSignal::new("");
    #[cfg(feature = "hydrate")]
    Effect::new(move || browser::start(state));
    view! {
        <span class="live" role="status" data-state=move || state.get()>
            {move || match state.get() {
                "live" => "Live",
                "paused" => "Paused",
                "waiting" => "Reconnecting",
                "ended" => "Signed out",
                _ => "",
            }}
        </span>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::{dom, parts};
    use js_sys::{Array, Date, JSON, Reflect};
    use leptos::prelude::{GetUntracked, RwSignal, Set};
    use std::{cell::RefCell, rc::Rc};
    use wasm_bindgen::JsValue;
    use web_sys::{Element, Event, EventSource, MessageEvent, VisibilityState, XmlHttpRequest, XmlHttpRequestResponseType};

    /// Longest wait between two attempts to connect, milliseconds.
    const LONGEST_WAIT_MS: i32 = 30_000;

    struct Feed {
        state: RwSignal<&'static str>,
        source: Option<EventSource>,
        /// The next wait after a failure, milliseconds.
        wait_ms: i32,
        ended: bool,
        /// The page is being fetched for new shapes.
        fetching: bool,
        /// A new shape was announced and has not been taken yet.
        stale: bool,
        /// Ticks until it is tried again, while somebody is where it would come.
        rest: u32,
        /// How far the server's clock is ahead of this one, milliseconds.
        ahead_ms: f64,
    }

    type Shared = Rc<RefCell<Feed>>;

    pub fn start(state: RwSignal<&'static str>) {
        let Some(document) = dom::document() else { return };
        at_own_address();
        let feed = Rc::new(RefCell::new(Feed {
            state,
            source: None,
            wait_ms: 1000,
            ended: false,
            fetching: false,
            stale: false,
            rest: 0,
            ahead_ms: 0.0,
        }));
        if let Some(at) = dom::first("[data-now]").and_then(|e| e.get_attribute("data-now")?.parse::<f64>().ok()) {
            feed.borrow_mut().ahead_ms = at - Date::now();
        }
        let for_visibility = feed.clone();
        dom::listen(
            &document,
            "visibilitychange",
            move |_: Event| {
                if hidden() { pause(&for_visibility) } else { connect(&for_visibility) }
            },
        );
        let for_ticks = feed.clone();
        dom::every(1000, move || {
            if !hidden() {
                tick(for_ticks.borrow().ahead_ms);
                // What was announced while the page was fetched, or stood where somebody was: no further frame may come.
                let rests = {
                    let mut feed = for_ticks.borrow_mut();
                    feed.rest = feed.rest.saturating_sub(1);
                    feed.rest > 0
                };
                if !rests {
                    fetch_if_stale(&for_ticks);
                }
            }
        });
        if !hidden() {
            connect(&feed);
        }
    }

    /// What answers a refused form stands at the form's address, which nothing can be asked of again: neither a stream nor a reload.
    fn at_own_address() {
        let Some(page) = dom::first("body[data-page]").and_then(|e| e.get_attribute("data-page")) else { return };
        let Some(window) = dom::window() else { return };
        let Ok(path) = window.location().pathname() else { return };
        let own = page.split(['?', '#']).next().unwrap_or_default();
        if path != own
            && let Ok(history) = window.history()
        {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&page));
        }
    }

    fn hidden() -> bool {
        dom::document().is_some_and(|d| d.visibility_state() == VisibilityState::Hidden)
    }

    fn say(feed: &Shared, word: &'static str) {
        let state = feed.borrow().state;
        if state.get_untracked() != word {
            state.set(word);
        }
    }

    fn pause(feed: &Shared) {
        let source = feed.borrow_mut().source.take();
        if let Some(source) = source {
            source.close();
            say(feed, "paused");
        }
    }

    fn connect(feed: &Shared) {
        {
            let feed = feed.borrow();
            if feed.ended || feed.source.is_some() {
                return;
            }
        }
        let Some(here) = dom::window().map(|w| w.location()) else { return };
        let page = format!("{}{}", here.pathname().unwrap_or_default(), here.search().unwrap_or_default());
        let url = format!("/admin/live?page={}", String::from(js_sys::encode_uri_component(&page)));
        let Ok(source) = EventSource::new(&url) else { return };
        let on_message = feed.clone();
        dom::listen(&source, "message", move |e: MessageEvent| {
            on_message.borrow_mut().wait_ms = 1000;
            say(&on_message, "live");
            if let Some(text) = e.data().as_string() {
                apply(&on_message, &text);
            }
        });
        let on_bye = feed.clone();
        dom::listen(&source, "bye", move |_: Event| end(&on_bye));
        let on_error = feed.clone();
        // The browser's own retry has no back-off and gives up on an answer that is no stream: retry by hand.
        dom::listen(&source, "error", move |_: Event| {
            let Some(source) = on_error.borrow_mut().source.take() else { return };
            // Closed by the browser: the answer was no stream. It does not tell which, so that is asked.
            if source.ready_state() == EventSource::CLOSED {
                end_if_signed_out(&on_error);
            }
            source.close();
            say(&on_error, "waiting");
            let wait = on_error.borrow().wait_ms;
            on_error.borrow_mut().wait_ms = (wait * 2).min(LONGEST_WAIT_MS);
            let again = on_error.clone();
            dom::after(wait + (js_sys::Math::random() * 500.0) as i32, move || {
                if !hidden() {
                    connect(&again);
                }
            });
        });
        feed.borrow_mut().source = Some(source);
    }

    /// The session has ended: says so and asks no more.
    fn end(feed: &Shared) {
        let source = feed.borrow_mut().source.take();
        if let Some(source) = source {
            source.close();
        }
        feed.borrow_mut().ended = true;
        say(feed, "ended");
        if let Some(banner) = dom::first("#signed-out") {
            let _ = banner.remove_attribute("hidden");
        }
    }

    /// A stream that was refused: for good when nobody is signed in any more, else it is tried again.
    fn end_if_signed_out(feed: &Shared) {
        let Ok(request) = XmlHttpRequest::new() else { return };
        if request.open("GET", "/api/fn/pool_stats").is_err() {
            return;
        }
        let (refused, answer) = (feed.clone(), request.clone());
        dom::listen(&request, "loadend", move |_: Event| {
            if answer.status() == Ok(401) {
                end(&refused);
            }
        });
        let _ = request.send();
    }

    fn field(node: &JsValue, key: &str) -> Option<JsValue> {
        Reflect::get(node, &JsValue::from_str(key)).ok().filter(|v| !v.is_undefined() && !v.is_null())
    }

    fn apply(feed: &Shared, text: &str) {
        let Ok(frame) = JSON::parse(text) else { return };
        if let Some(at) = field(&frame, "at").and_then(|v| v.as_f64()) {
            feed.borrow_mut().ahead_ms = at - Date::now();
        }
        let Some(nodes) = field(&frame, "set") else { return };
        let mut reshaped = false;
        for node in Array::from(&nodes).iter() {
            let Some(key) = field(&node, "k").and_then(|v| v.as_string()) else { continue };
            let text = field(&node, "t").and_then(|v| v.as_string());
            if let Some(id) = key.strip_prefix("shape:") {
                let part = dom::document().and_then(|d| d.get_element_by_id(id));
                reshaped |= part.is_some_and(|p| p.get_attribute("data-shape") != text);
                continue;
            }
            // The key is quoted by the browser's own rule for strings in selectors.
            let selector = format!("[data-live={}]", String::from(JSON::stringify(&JsValue::from_str(&key)).unwrap_or_default()));
            for element in dom::all(&selector) {
                set(&element, &node, text.as_deref());
            }
        }
        tick(feed.borrow().ahead_ms);
        feed.borrow_mut().stale |= reshaped;
        fetch_if_stale(feed);
    }

    fn fetch_if_stale(feed: &Shared) {
        let due = { feed.borrow().stale && !feed.borrow().fetching && !feed.borrow().ended };
        if due {
            fetch_shapes(feed);
        }
    }

    fn set(element: &Element, node: &JsValue, text: Option<&str>) {
        if let Some(text) = text
            && element.text_content().as_deref() != Some(text)
        {
            element.set_text_content(Some(text));
        }
        for (key, attribute) in [("s", "data-status"), ("d", "d"), ("stale", "data-stale"), ("at", "data-at")] {
            if let Some(value) = field(node, key) {
                let value =
                    value.as_string().or_else(|| value.as_f64().map(|n| n.to_string())).unwrap_or_else(|| value.is_truthy().to_string());
                let _ = element.set_attribute(attribute, &value);
            }
        }
    }

    /// Writes the ages anew.
    fn tick(ahead_ms: f64) {
        let now = Date::now() + ahead_ms;
        for element in dom::all("[data-at]") {
            let Some(at) = element.get_attribute("data-at").and_then(|v| v.parse::<f64>().ok()) else { continue };
            let passed = (now - at) as i64;
            let text = if element.has_attribute("data-span") { crate::age::span(passed) } else { crate::age::ago(passed) };
            if element.text_content().as_deref() != Some(&text) {
                element.set_text_content(Some(&text));
            }
        }
    }

    /// Fetches this page and takes from it the parts whose shape changed. Whoever is in one finds themselves at the same place of the new
    /// one; where there is no such place, it waits until they leave.
    fn fetch_shapes(feed: &Shared) {
        let (Ok(request), Some(here)) = (XmlHttpRequest::new(), dom::window().and_then(|w| w.location().href().ok())) else { return };
        if request.open("GET", &here).is_err() {
            return;
        }
        request.set_response_type(XmlHttpRequestResponseType::Document);
        {
            let mut feed = feed.borrow_mut();
            (feed.fetching, feed.stale) = (true, false);
        }
        let (done, answer) = (feed.clone(), request.clone());
        dom::listen(&request, "loadend", move |_: Event| {
            done.borrow_mut().fetching = false;
            let (Some(fresh), Some(document)) = (answer.response_xml().ok().flatten(), dom::document()) else { return };
            let mut waits = false;
            for old in dom::all("[data-shape][id]") {
                let Some(new) = fresh.get_element_by_id(&old.id()) else { continue };
                if new.get_attribute("data-shape") == old.get_attribute("data-shape") {
                    continue;
                }
                let active = document.active_element().filter(|a| old.contains(Some(a)));
                match active.map(|a| parts::twin(&a, &new)) {
                    Some(None) => waits = true,
                    Some(Some(twin)) => parts::exchange(&old, &new, Some(&twin)),
                    None => parts::exchange(&old, &new, None),
                }
            }
            if waits {
                let mut feed = done.borrow_mut();
                (feed.stale, feed.rest) = (true, 5);
            }
        });
        let _ = request.send();
    }
}
