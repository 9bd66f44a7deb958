//! Sealing, and everything that must not open.

use super::*;
use proptest::prelude::*;
use secrecy::SecretString;

const ORG: Uuid = Uuid::from_u128(1);

fn key() -> VaultKey {
    VaultKey::parse(&VaultKey::generate().expect("randomness")).expect("a key")
}

fn vault(keys: &[&VaultKey]) -> Vault {
    Vault::new(keys.iter().map(|key| (*key).clone()).collect()).expect("a vault")
}

fn text(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[test]
fn g4_a_secret_opens_in_its_own_place_and_nowhere_else() {
    let vault = vault(&[&key()]);
    let sealed = vault.seal(ORG, "target", "orders", b"postgres://u:p@h/d").expect("sealed");
    assert_eq!(vault.open(ORG, "target", "orders", &sealed).expect("open").expose_secret(), b"postgres://u:p@h/d");
    assert_ne!(sealed, vault.seal(ORG, "target", "orders", b"postgres://u:p@h/d").expect("again"), "the nonce is fresh");
    for (org, kind, name) in [
        (Uuid::from_u128(2), "target", "orders"),
        (ORG, "target", "order"),
        (ORG, "smtp", "orders"),
        (ORG, "targeto", "rders"),
        (ORG, "", "targetorders"),
    ] {
        assert_eq!(vault.open(org, kind, name, &sealed).expect_err("another place"), VaultError::Forged, "{org} {kind} {name}");
    }
}

#[test]
fn g4_the_first_key_seals_and_old_ones_still_open() {
    let (old, new) = (key(), key());
    let before = vault(&[&old]).seal(ORG, "target", "a", b"x").expect("sealed");
    let both = vault(&[&new, &old]);
    assert_eq!(both.open(ORG, "target", "a", &before).expect("open").expose_secret(), b"x");
    let after = both.seal(ORG, "target", "a", b"x").expect("sealed");
    assert_eq!((key_id(&before), key_id(&after), both.sealing_key()), (Some(old.id()), Some(new.id()), new.id()));
    assert_eq!(vault(&[&new]).open(ORG, "target", "a", &before).expect_err("gone"), VaultError::UnknownKey(old.id()));
    assert!(Vault::new(Vec::new()).is_err());
}

#[test]
fn at_40_nothing_shows_the_key_or_the_secret() {
    let written = VaultKey::generate().expect("randomness");
    let key = VaultKey::parse(&written).expect("a key");
    let vault = vault(&[&key]);
    let sealed = vault.seal(ORG, "target", "a", b"hunter2secret").expect("sealed");
    let opened = vault.open(ORG, "target", "a", &sealed).expect("open");
    let shown = format!("{key:?} {vault:?} {opened:?} {:?} {}", key.id(), key.id());
    assert!(!shown.contains("hunter2secret") && !shown.contains(written.expose_secret()), "{shown}");
    assert!(!sealed.windows(8).any(|w| b"hunter2secret".windows(8).any(|s| s == w)));
    assert!(shown.contains(&key.id().to_string()));
}

#[test]
fn g4_keys_are_read_from_hex_and_base64_and_nothing_else() {
    let bytes: Vec<u8> = (0..32).collect();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let id = VaultKey::parse(&text(&hex)).expect("hex").id();
    for same in [hex.to_uppercase(), base64.to_owned(), format!(" {base64}\n"), base64.trim_end_matches('=').to_owned()] {
        assert_eq!(VaultKey::parse(&text(&same)).expect("the same key").id(), id, "{same}");
    }
    let zeros = "0".repeat(64);
    for bad in ["", "x", "change-me", &hex[..62], &base64[..40], zeros.as_str(), &format!("{hex}00"), "ü".repeat(32).as_str()] {
        let error = VaultKey::parse(&text(bad)).expect_err("no key");
        assert_eq!(error, VaultError::NotAKey, "{bad}");
        assert!(bad.is_empty() || bad == "x" || !error.to_string().contains(bad));
    }
}

proptest! {
    #[test]
    fn at_40_a_change_of_any_bit_is_found(secret in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let vault = vault(&[&key()]);
        let sealed = vault.seal(ORG, "target", "a", &secret).expect("sealed");
        let opened = vault.open(ORG, "target", "a", &sealed).expect("open");
        prop_assert_eq!(opened.expose_secret(), secret.as_slice());
        let mut changed = sealed.clone();
        changed[at.index(sealed.len())] ^= 1_u8 << bit;
        prop_assert!(vault.open(ORG, "target", "a", &changed).is_err());
        prop_assert!(vault.open(ORG, "target", "a", &sealed[..at.index(sealed.len())]).is_err());
    }

    #[test]
    fn at_40_no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(vault(&[&key()]).open(ORG, "k", "n", &bytes).is_err());
    }
}
