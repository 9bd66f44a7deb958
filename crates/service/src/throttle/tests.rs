//! What the throttle promises, by example and over made-up schedules.

use super::*;
use proptest::prelude::*;

const VICTIM: &str = "ada@example.com";

fn throttle() -> Throttle {
    Throttle::new(ThrottleRules::default())
}

/// Address number `n` of a large crowd.
fn at(n: u32) -> Option<IpAddr> {
    Some(IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
}

fn s(seconds: i64) -> UnixMs {
    UnixMs(1_700_000_000_000 + seconds * 1_000)
}

/// One wrong attempt when it is admitted; how long to wait when not.
fn wrong(throttle: &Throttle, account: &str, address: Option<IpAddr>, now: UnixMs) -> Option<Duration> {
    match throttle.admit(account, address, now) {
        Ok(attempt) => {
            attempt.failed(now);
            None
        }
        Err(wait) => Some(wait),
    }
}

/// So many wrong attempts from as many addresses; after fifty failures strangers to the account take turns.
fn press(throttle: &Throttle, account: &str, failures: u32, now: UnixMs) {
    for n in 0..failures {
        assert_eq!(wrong(throttle, account, at(1_000 + n), now), None);
    }
}

#[test]
fn at_16_one_guesser_backs_off_and_is_forgotten_after_an_hour() {
    let (throttle, mut now) = (throttle(), s(0));
    let mut waits = Vec::new();
    for _ in 0..16 {
        assert_eq!(wrong(&throttle, VICTIM, at(1), now), None);
        let wait = throttle.admit(VICTIM, at(1), now).err().unwrap_or_default();
        waits.push(wait.as_secs());
        now = now.plus_ms(i64::try_from(wait.as_millis()).expect("small"));
    }
    assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    assert!(throttle.admit("someone@example.com", at(1), now).is_ok(), "other accounts are another count");
    assert!(throttle.admit(VICTIM, at(2), now).is_ok(), "so are other addresses");
    assert_eq!(wrong(&throttle, "  ADA@example.com ", at(1), now), None, "spelling makes no other account");
    assert!(throttle.admit(VICTIM, at(1), now).is_err());
    now = now.plus_ms(3_600_001);
    for _ in 0..5 {
        assert_eq!(wrong(&throttle, VICTIM, at(1), now), None, "an hour of calm forgets");
    }
    assert!(throttle.admit(VICTIM, at(1), now).is_err());
}

#[test]
fn at_16_a_success_forgets_the_failures_before_it() {
    let throttle = throttle();
    for round in 0..10 {
        for _ in 0..4 {
            // Ten minutes apart, so that the count by address stays out of this.
            assert_eq!(wrong(&throttle, VICTIM, at(1), s(round * 600)), None);
        }
        throttle.admit(VICTIM, at(1), s(round * 600)).expect("admitted").succeeded(s(round * 600));
    }
}

#[test]
fn at_16_spraying_one_password_over_many_accounts_backs_off() {
    let throttle = throttle();
    for n in 0..20 {
        assert_eq!(wrong(&throttle, &format!("user{n}@example.com"), at(1), s(n)), None);
    }
    assert_eq!(throttle.admit("fresh@example.com", at(1), s(19)).err(), Some(Duration::from_secs(1)));
    // A success of the guesser's own account doesn't wash the count away.
    throttle.admit("mallory@example.com", at(1), s(20)).expect("its time is over").succeeded(s(20));
    assert_eq!(wrong(&throttle, "another@example.com", at(1), s(20)), None);
    assert_eq!(throttle.admit("fresh@example.com", at(1), s(20)).err(), Some(Duration::from_secs(2)));
    // Who signed in from there before is held back by nothing but what is done to that very account.
    assert!(throttle.admit("mallory@example.com", at(1), s(20)).is_ok());
    // IPv6: a whole /64 is one address, and a mapped IPv4 address is that address.
    let v6 = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
    for n in 0..20 {
        assert_eq!(wrong(&throttle, &format!("user{n}@example.com"), v6(&format!("2001:db8:0:1::{n}")), s(0)), None);
    }
    assert!(throttle.admit("fresh@example.com", v6("2001:db8:0:1:ffff::1"), s(0)).is_err());
    assert!(throttle.admit("fresh@example.com", v6("2001:db8:0:2::1"), s(0)).is_ok());
    assert!(throttle.admit("fresh@example.com", v6("::ffff:10.0.0.1"), s(20)).is_err());
}

#[test]
fn at_16_slow_failures_of_one_address_are_no_spraying() {
    let throttle = throttle();
    for n in 0..200 {
        assert_eq!(wrong(&throttle, &format!("user{n}@example.com"), at(1), s(n * 20)), None, "one in 20 s is an office on a Monday");
    }
}

#[test]
fn at_16_strangers_to_a_pressed_account_take_turns_and_known_addresses_do_not() {
    let throttle = throttle();
    throttle.remember(VICTIM, at(7));
    // These have failed thrice: no newcomers, but not backing off either.
    for n in 1..=5 {
        for _ in 0..3 {
            assert_eq!(wrong(&throttle, VICTIM, at(n), s(-1)), None);
        }
    }
    press(&throttle, VICTIM, 35, s(0));
    assert_eq!(wrong(&throttle, VICTIM, at(1), s(0)), None, "the first turn");
    assert_eq!(throttle.admit(VICTIM, at(2), s(1)).err(), Some(Duration::from_secs(4)));
    assert!(throttle.admit(VICTIM, at(7), s(1)).is_ok(), "a known address");
    assert!(throttle.admit("other@example.com", at(2), s(1)).is_ok(), "another account");
    // An attempt that came to nothing gives its turn back.
    drop(throttle.admit(VICTIM, at(3), s(5)).expect("the next turn"));
    let right = throttle.admit(VICTIM, at(4), s(5)).expect("still free");
    right.succeeded(s(5));
    assert!(throttle.admit(VICTIM, at(5), s(6)).is_err());
    assert!(throttle.admit(VICTIM, at(4), s(6)).is_ok(), "whoever signed in is known from then on");
    // The pressure ends by itself.
    assert!(throttle.admit(VICTIM, at(5), s(1_801)).is_ok());
    assert!(throttle.admit(VICTIM, at(6), s(1_801)).is_ok());
}

#[test]
fn at_16_newcomers_to_a_pressed_account_have_a_clock_that_guessers_cannot_use_up() {
    let throttle = throttle();
    for n in 0..16 {
        for _ in 0..3 {
            assert_eq!(wrong(&throttle, VICTIM, at(1_000 + n), s(-1)), None);
        }
    }
    press(&throttle, VICTIM, 2, s(0));
    // The guessers are always first, second for second; a newcomer comes every third second and is never sent away.
    for second in 1..30 {
        for n in 0..16 {
            wrong(&throttle, VICTIM, at(1_000 + n), s(second));
        }
        if second % 3 == 0 {
            let newcomer = throttle.admit(VICTIM, at(u32::try_from(second).expect("small")), s(second));
            newcomer.expect("a newcomer's turn").succeeded(s(second));
        }
    }
    // Newcomers too are one a second, so that a crowd of fresh addresses is no faster than that; what came to nothing costs no turn.
    drop(throttle.admit(VICTIM, at(50), s(31)).expect("a turn"));
    let strangers = |second| (100..200).filter(|n| wrong(&throttle, VICTIM, at(*n), s(second)).is_none()).count();
    assert_eq!(strangers(31), 2, "one turn of strangers, one of newcomers");
    assert_eq!(throttle.admit(VICTIM, at(51), s(31)).err(), Some(Duration::from_secs(1)));
    assert_eq!((32..42).map(strangers).sum::<usize>(), 12);
    // Mistyping twice leaves one a newcomer; the third time does not.
    for second in 50..53 {
        assert_eq!(wrong(&throttle, VICTIM, at(60), s(second)), None);
    }
    assert_eq!(throttle.admit(VICTIM, at(60), s(53)).err(), Some(Duration::from_secs(2)));
    assert!(throttle.admit(VICTIM, at(61), s(53)).is_ok());
}

#[test]
fn at_18_attempts_in_flight_are_few() {
    let throttle = throttle();
    throttle.remember(VICTIM, at(7));
    let one = (throttle.admit("a", at(1), s(0)), throttle.admit("b", at(1), s(0)));
    assert_eq!(throttle.admit("c", at(1), s(0)).err(), Some(Duration::from_secs(1)));
    drop(one);
    let all: Vec<_> = (0..200).map_while(|n| throttle.admit("a", at(100 + n), s(0)).ok()).collect();
    assert_eq!(all.len(), 24);
    let known = (throttle.admit(VICTIM, at(7), s(0)), throttle.admit(VICTIM, at(7), s(0)));
    assert!(known.0.is_ok() && known.1.is_ok(), "places are kept for known addresses");
    drop((all, known));
    assert_eq!(throttle.held()[4], 0, "every place is given back");
    assert_eq!(throttle.held()[..3], [0, 0, 0], "and nothing was counted");
}

#[test]
fn at_16_a_flood_of_names_does_not_wash_a_back_off_away() {
    let throttle = Throttle::new(ThrottleRules { entries: 1_000, ..ThrottleRules::default() });
    for n in 0..8 {
        let now = s(200 * n);
        assert_eq!(wrong(&throttle, VICTIM, at(1), now), None);
    }
    press(&throttle, "bob@example.com", 50, s(1_400));
    assert_eq!(wrong(&throttle, "bob@example.com", at(3), s(1_400)), None, "the first turn");
    for n in 0..20_000 {
        assert_eq!(wrong(&throttle, &format!("made-up-{n}@example.com"), at(10_000 + n), s(1_401)), None);
    }
    assert_eq!(throttle.admit(VICTIM, at(1), s(1_401)).err(), Some(Duration::from_secs(7)));
    assert_eq!(wrong(&throttle, "bob@example.com", at(4), s(1_401)), None, "a newcomer's turn");
    assert!(throttle.admit("bob@example.com", at(5), s(1_401)).is_err());
}

#[derive(Debug, Clone)]
struct Act {
    after_ms: i64,
    address: u32,
    account: u8,
    ends: u8,
}

fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = (0_i64..20_000, 0_u32..40, 0_u8..3, 0_u8..8);
    proptest::collection::vec(act.prop_map(|(after_ms, address, account, ends)| Act { after_ms, address, account, ends }), 0..most)
}

/// What a schedule does: mostly wrong attempts, some given up, some of other accounts, some that stay in flight.
fn play(throttle: &Throttle, act: &Act, now: UnixMs, open: &mut Vec<Attempt>) -> Option<Duration> {
    let account = if act.account == 0 { "other@example.com" } else { VICTIM };
    match throttle.admit(account, at(act.address), now) {
        Err(wait) => return Some(wait),
        Ok(attempt) if act.ends == 0 => drop(attempt),
        Ok(attempt) if act.ends == 1 => open.push(attempt),
        Ok(attempt) => attempt.failed(now),
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever strangers do, an address that signed in before never waits.
    #[test]
    fn at_16_no_schedule_of_others_makes_a_known_address_wait(acts in acts(300)) {
        let (throttle, mut now, mut open) = (throttle(), s(0), Vec::new());
        throttle.remember(VICTIM, at(99));
        for act in &acts {
            now = now.plus_ms(act.after_ms);
            play(&throttle, act, now, &mut open);
            prop_assert!(throttle.admit(VICTIM, at(99), now).is_ok());
        }
    }

    /// Whatever strangers do, a person at a new address who waits as told gets in within a minute.
    #[test]
    fn at_16_a_patient_stranger_gets_in_within_a_minute(acts in acts(200), crowd in 1_u32..100, eager in any::<bool>()) {
        let (throttle, mut now) = (throttle(), s(0));
        press(&throttle, VICTIM, 50, now);
        for act in &acts {
            now = now.plus_ms(act.after_ms / 20);
            play(&throttle, &Act { ends: 7, ..act.clone() }, now, &mut Vec::new());
        }
        let begun = now;
        loop {
            // The crowd is always a moment faster.
            for n in 0..crowd {
                wrong(&throttle, VICTIM, at(5_000 + n), now);
            }
            match throttle.admit(VICTIM, at(99), now) {
                Ok(attempt) => {
                    attempt.succeeded(now);
                    break;
                }
                Err(wait) => {
                    let wait = i64::try_from(wait.as_millis()).expect("small");
                    prop_assert!(wait > 0);
                    // Some ask sooner than told; that neither helps nor harms.
                    now = now.plus_ms(if eager { (wait / 2).max(200).min(wait) } else { wait });
                }
            }
            prop_assert!(now.ms_since(begun) <= 60_000, "{} ms", now.ms_since(begun));
        }
    }

    /// No wait is longer than the longest, even when the clock jumps.
    #[test]
    fn at_16_no_wait_exceeds_a_quarter_of_an_hour(acts in acts(300), jumps in proptest::collection::vec(-4_000_000_i64..4_000_000, 1..20)) {
        let (throttle, mut now, mut open) = (throttle(), s(0), Vec::new());
        for (index, act) in acts.iter().enumerate() {
            let jump = if index % 17 == 0 { jumps[index % jumps.len()] } else { 0 };
            now = now.plus_ms(act.after_ms / 10 + jump);
            let act = Act { address: act.address % 3, ..act.clone() };
            if let Some(wait) = play(&throttle, &act, now, &mut open) {
                prop_assert!(wait > Duration::ZERO && wait <= Duration::from_secs(900), "{wait:?}");
            }
        }
    }

    /// Memory stays bounded whatever names and addresses come.
    #[test]
    fn at_16_memory_is_bounded(seed in any::<u32>(), most in 1_usize..64) {
        let throttle = Throttle::new(ThrottleRules { entries: most, ..ThrottleRules::default() });
        for n in 0..2_000_u32 {
            let mixed = n.wrapping_mul(2_654_435_761) ^ seed;
            let (account, address) = (format!("{}@example.com", mixed % 977), at(mixed % 1_511));
            let now = s(i64::from(n / 10));
            match throttle.admit(&account, address, now) {
                Ok(attempt) if mixed % 7 == 0 => attempt.succeeded(now),
                Ok(attempt) => attempt.failed(now),
                Err(_) => {}
            }
            throttle.remember(&account, at(mixed % 31));
            prop_assert!(throttle.held().iter().all(|held| *held <= most), "{:?} of {most}", throttle.held());
        }
    }
}
