//! The wasm entry: hydrates the islands that the server rendered, nothing else.

/// Called by the page's module script once the wasm has loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    // Referenced so that the islands' exports are linked in.
    use reeve_app as _;
    leptos::mount::hydrate_islands();
}
