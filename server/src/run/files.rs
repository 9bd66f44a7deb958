//! How many files and connections this process may have open at once.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What Linux allows a process by default.
const USUAL: u64 = 1_024;
/// As many as are of use to Reeve.
const WANTED: u64 = 16_384;
/// Connections of clients at most, however many files may be open.
const MOST: u64 = 4_096;

/// Raises the limit as far as the system lets an ordinary process; answers how many files may be open then.
pub fn raise() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL };
    let wanted = WANTED.min(hard);
    if wanted <= soft {
        return soft;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            soft
        }
    }
}

/// Connections of clients at once, of so many files: half of them. The rest is for databases, tools and what is written.
pub fn connections(files: u64) -> usize {
    usize::try_from((files / 2).clamp(1, MOST)).unwrap_or(usize::MAX)
}

/// Live streams at once, of so many connections: three quarters. Whatever looks on, a page, a scrape and a probe still get in.
pub fn streams(connections: usize) -> usize {
    (connections * 3 / 4).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_a_part_of_all_connections_is_kept_from_live_streams() {
        let of = |files| (connections(files), streams(connections(files)));
        assert_eq!((of(USUAL), of(WANTED), of(u64::MAX)), ((512, 384), (4_096, 3_072), (4_096, 3_072)));
        assert_eq!(of(0), (1, 1));
    }
}
