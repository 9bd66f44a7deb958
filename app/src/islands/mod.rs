//! The parts that move. Every one is an enhancement: without it the page is right, only still.

mod acts;
mod keys;
mod live_feed;

#[cfg(feature = "hydrate")]
mod dom;
#[cfg(feature = "hydrate")]
mod parts;

pub use acts::Acts;
pub use keys::Keys;
pub use live_feed::LiveFeed;
