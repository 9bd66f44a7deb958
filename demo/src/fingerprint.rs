//! A small stable hash: sizes, seeds and the marker of a loaded estate must be the same on every machine and in every
//! version of the compiler, which the standard library's hashers don't promise.

/// FNV-1a over the parts one after the other.
pub(crate) fn fnv(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // FNV leaves the low bits of short inputs uneven; one avalanche step makes `hash % n` fair.
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}
