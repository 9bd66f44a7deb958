//! Reeve's pages.
//!
//! Every page is rendered on the server, whole, as plain HTML with real links and plain forms. What moves is a
//! small island: [`islands::LiveFeed`] keeps figures current, [`islands::Keys`] adds the keyboard. With the
//! feature `ssr` this crate renders ([`render`]); with `hydrate` it holds the islands alone, so that no page,
//! chart or figure formatting reaches the browser.
//!
//! The order of a page: [`route::Page`] says which, [`render::render`] loads its data through the server
//! functions in [`functions`], and the page's module in [`pages`] turns the data into markup. [`live`] makes the
//! same data into frames for the live stream, with the same [`format`] functions.

// A page is one deep view type.
#![recursion_limit = "256"]

pub mod age;
pub mod error;
pub mod functions;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod chart;
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod format;
#[cfg(feature = "ssr")]
pub mod live;
#[cfg(feature = "ssr")]
pub mod menu;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod render;
#[cfg(feature = "ssr")]
pub mod route;
#[cfg(feature = "ssr")]
pub mod shell;

pub use error::AppError;
