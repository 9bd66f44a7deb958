//! Takes a fresh part of a page for the one that stands there, and leaves a person where they are.

use crate::islands::dom;
use js_sys::{JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

/// The element of a fresh part that is what this one is in the old part: of the same id, or the same link, or the same field of the same
/// form; or the summary of the same details.
pub fn twin(element: &Element, new: &Element) -> Option<Element> {
    let quoted = |text: &str| String::from(JSON::stringify(&JsValue::from_str(text)).unwrap_or_default());
    let find = |selector: String| new.query_selector(&selector).ok().flatten();
    let tag = element.tag_name().to_lowercase();
    if !element.id().is_empty() {
        return find(format!("[id={}]", quoted(&element.id())));
    }
    if let Some(href) = element.get_attribute("href") {
        return find(format!("{tag}[href={}]", quoted(&href)));
    }
    if tag == "summary" {
        let details = element.parent_element()?.id();
        return find(format!("details[id={}] > summary", quoted(&details))).filter(|_| !details.is_empty());
    }
    let form = element.closest("form").ok().flatten()?.get_attribute("action")?;
    let which: String = ["name", "value", "type"]
        .iter()
        // What is typed is not in the attribute; a button and a box are told apart by it.
        .filter_map(|key| Some(format!("[{key}={}]", quoted(&element.get_attribute(key)?))))
        .collect();
    find(format!("form[action={}] {tag}{which}", quoted(&form)))
}

/// Puts the fresh part in the old one's place: what was opened stays open, what was typed stays typed, what was scrolled to stays in view,
/// and the focus goes to `focus`.
pub fn exchange(old: &Element, new: &Element, focus: Option<&Element>) {
    for open in dom::within(old, "details[open][id]") {
        if let Some(same) = dom::within(new, "details[id]").into_iter().find(|d| d.id() == open.id()) {
            let _ = same.set_attribute("open", "");
        }
    }
    for field in dom::within(old, "input, select, textarea") {
        if is_changed(&field)
            && let Some(same) = twin(&field, new)
        {
            for key in ["value", "checked"] {
                let value = Reflect::get(&field, &key.into()).unwrap_or_default();
                if !value.is_undefined() {
                    let _ = Reflect::set(&same, &key.into(), &value);
                }
            }
        }
    }
    let places: Vec<_> = dom::within(old, ".table-frame").iter().map(|f| (f.scroll_top(), f.scroll_left())).collect();
    if old.replace_with_with_node_1(new).is_err() {
        return;
    }
    for (frame, (top, left)) in dom::within(new, ".table-frame").iter().zip(places) {
        frame.set_scroll_top(top);
        frame.set_scroll_left(left);
    }
    if let Some(focus) = focus.and_then(|f| f.dyn_ref::<HtmlElement>()) {
        let _ = focus.focus();
    }
}

/// Somebody typed, ticked or chose in it.
fn is_changed(field: &Element) -> bool {
    let differs = |key: &str, default: &str| {
        let get = |key: &str| Reflect::get(field, &key.into()).unwrap_or_default();
        !get(default).is_undefined() && !js_sys::Object::is(&get(key), &get(default))
    };
    // A choice does not know what it was; carried along it is at worst what it was.
    field.tag_name().eq_ignore_ascii_case("select") || differs("value", "defaultValue") || differs("checked", "defaultChecked")
}
