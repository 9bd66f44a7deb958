//! The figures of the throttle.

/// Limits of failed sign-ins. The defaults are what Reeve uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottleRules {
    /// Failures of one address at one account from which on it backs off.
    pub pair_failures: u32,
    /// Failures of one address at any accounts, within [`Self::address_window_ms`], from which on it backs off.
    pub address_failures: u32,
    /// Milliseconds over which an address's failures are counted.
    pub address_window_ms: i64,
    /// Failures of everybody at one account, within [`Self::account_window_ms`], from which on strangers take turns.
    pub account_failures: u32,
    /// Milliseconds over which an account's failures are counted.
    pub account_window_ms: i64,
    /// Milliseconds between two turns of strangers.
    pub turn_ms: i64,
    /// Milliseconds between two turns of newcomers: strangers with fewer failures than [`Self::newcomer_failures`].
    pub newcomer_turn_ms: i64,
    /// Failures of one address at one account from which on it is no newcomer there any more. Not one: people mistype.
    pub newcomer_failures: u32,
    /// Milliseconds after which a stranger who waited is let try, whoever else waits.
    pub patience_ms: i64,
    /// The first wait of a back-off, milliseconds; each further failure doubles it.
    pub first_wait_ms: i64,
    /// The longest wait, milliseconds.
    pub longest_wait_ms: i64,
    /// Milliseconds without a failure after which a back-off is forgotten.
    pub calm_ms: i64,
    /// Attempts in flight of one address: each costs a core for a while.
    pub at_once_per_address: usize,
    /// Attempts in flight of all addresses.
    pub at_once: usize,
    /// Of these, so many are only for addresses that signed in to the account before.
    pub kept_for_known: usize,
    /// Entries kept of each count.
    pub entries: usize,
}

impl Default for ThrottleRules {
    fn default() -> Self {
        Self {
            pair_failures: 5,
            address_failures: 20,
            address_window_ms: 5 * 60_000,
            account_failures: 50,
            account_window_ms: 15 * 60_000,
            turn_ms: 5_000,
            newcomer_turn_ms: 1_000,
            newcomer_failures: 3,
            patience_ms: 60_000,
            first_wait_ms: 1_000,
            longest_wait_ms: 15 * 60_000,
            calm_ms: 60 * 60_000,
            at_once_per_address: 2,
            at_once: 32,
            kept_for_known: 8,
            entries: 100_000,
        }
    }
}

impl ThrottleRules {
    /// The wait after the `over`-th failure beyond the limit (0: the one that reached it), milliseconds.
    pub(super) fn back_off_ms(&self, over: u32) -> i64 {
        // 2^20 s is beyond any sensible longest wait, and can't overflow.
        self.first_wait_ms.saturating_mul(1 << over.min(20)).min(self.longest_wait_ms)
    }
}
