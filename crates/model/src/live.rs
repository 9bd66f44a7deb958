//! What one event of the live stream carries.

use crate::{Status, UnixMs};
use serde::{Deserialize, Serialize};

/// Changes to nodes of a page since the previous event. Keys name nodes by their `data-live` attribute.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LiveFrame {
    /// When it was put together.
    pub at: UnixMs,
    /// The nodes that changed.
    pub set: Vec<LiveNode>,
}

/// The new state of one node. Text only: nothing in it is ever parsed as markup.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LiveNode {
    /// Value of the node's `data-live` attribute.
    pub k: String,
    /// New text content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t: Option<String>,
    /// New `data-status` attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s: Option<Status>,
    /// New `d` attribute of an SVG path (sparklines).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub d: Option<String>,
    /// New `data-stale` attribute: `true` greys the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
    /// New moment for a node that shows an age (`data-at`, milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixMs>,
}
