//! Due moments in every kind of zone, on the days on which clocks change.

use super::*;
use proptest::prelude::*;

const DAY: i64 = 86_400_000;
/// One hour back and forth in either hemisphere, half an hour, and never.
const ZONES: [&str; 6] = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu"];

fn schedule(when: &str, zone: &str) -> Schedule {
    Schedule::parse(when, zone).unwrap_or_else(|sentence| panic!("{when}: {sentence}"))
}

fn at(text: &str) -> UnixMs {
    UnixMs(text.parse::<Timestamp>().expect("a moment").as_millisecond())
}

fn runs(s: &Schedule, from: &str, to: &str) -> Vec<String> {
    let (mut now, end, mut all) = (at(from), at(to), Vec::new());
    while let Some(next) = s.next(now).filter(|next| *next < end) {
        all.push(Timestamp::from_millisecond(next.0).expect("a moment").to_string());
        now = next;
    }
    all
}

#[test]
fn d1_words_become_cron_and_cron_becomes_words() {
    for (when, cron, words) in [
        ("daily at 02:30", "30 2 * * *", "daily at 02:30"),
        ("Weekly on  Monday at 2:05", "5 2 * * 1", "weekly on Monday at 02:05"),
        ("weekly on sunday at 23:59", "59 23 * * 0", "weekly on Sunday at 23:59"),
        ("monthly on 1 at 00:00", "0 0 1 * *", "monthly on day 1 at 00:00"),
        ("monthly on last at 04:00", "0 4 L * *", "monthly on the last day at 04:00"),
        ("30 2 * * *", "30 2 * * *", "daily at 02:30"),
        ("0 3 * * 7", "0 3 * * 7", "weekly on Sunday at 03:00"),
    ] {
        let s = schedule(when, "UTC");
        assert_eq!((s.cron(), s.words().as_str()), (cron, words), "{when}");
    }
    assert_eq!(schedule("*/2 * * * *", "UTC").words(), "every 2 minutes");
    let odd = schedule("*/15 8-17 * * mon-fri", "UTC").words();
    assert!(!odd.is_empty() && odd.chars().next().is_some_and(char::is_lowercase), "{odd}");
}

#[test]
fn d1_what_names_no_time_says_what_to_write() {
    for bad in [
        "",
        "daily",
        "daily at 25:00",
        "daily at 2",
        "daily at -1:30",
        "weekly on noday at 02:00",
        "weekly at 02:00",
        "hourly",
        "@daily",
        "* * * *",
        "* * * * * *",
        "61 2 * * *",
        "30 2 * * 9",
        "a b c d e",
        "30 2 32 * *",
        "‘; DROP",
        &"1".repeat(500),
    ] {
        let sentence = Schedule::parse(bad, "UTC").expect_err(bad);
        assert!(sentence.contains("daily at 02:30") && sentence.contains("30 2 * * 1-5"), "{bad}: {sentence}");
    }
    let never = Schedule::parse("0 0 30 2 *", "UTC").expect_err("30 February");
    assert!(never.contains("never comes"), "{never}");
    let day = Schedule::parse("monthly on 31 at 02:00", "UTC").expect_err("not in every month");
    assert!(day.contains("1 to 28"), "{day}");
    for bad in ["", "Berlin", "CET/X", "+02:00", "../etc/passwd"] {
        let sentence = Schedule::parse("daily at 02:30", bad).expect_err(bad);
        assert!(sentence.contains("Europe/Berlin"), "{bad}: {sentence}");
    }
    assert_eq!(schedule("daily at 02:30", "europe/berlin").zone(), "Europe/Berlin");
}

#[test]
fn d1_a_time_that_the_clock_leaves_out_is_due_once_after_the_gap() {
    // Berlin, 29 March 2026: after 01:59 comes 03:00.
    let s = schedule("daily at 02:30", "Europe/Berlin");
    let due = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(runs(&s, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"), due);
    assert_eq!(s.local(at("2026-03-29T01:00:00Z")), "2026-03-29 03:00 Europe/Berlin");
    // Several in one gap are one run; and one among other hours is not lost.
    let several = schedule("0,20,40 2,14 * * *", "Europe/Berlin");
    let due = runs(&several, "2026-03-29T00:00:00Z", "2026-03-29T20:00:00Z");
    assert_eq!(due, ["2026-03-29T01:00:00Z", "2026-03-29T12:00:00Z", "2026-03-29T12:20:00Z", "2026-03-29T12:40:00Z"]);
    // The hours that pass are counted as they pass.
    let hourly = schedule("0 * * * *", "Europe/Berlin");
    assert_eq!(runs(&hourly, "2026-03-29T00:30:00Z", "2026-03-29T03:30:00Z").len(), 3);
}

#[test]
fn d1_a_time_that_the_clock_shows_twice_is_due_once() {
    // Berlin, 25 October 2026: after 02:59 comes 02:00 again.
    let due = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(runs(&schedule("daily at 02:30", "Europe/Berlin"), "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z"), due);
    let several = schedule("30 2,14 * * *", "Europe/Berlin");
    assert_eq!(runs(&several, "2026-10-25T00:00:00Z", "2026-10-25T22:00:00Z"), ["2026-10-25T00:30:00Z", "2026-10-25T13:30:00Z"]);
    let hourly = schedule("0 * * * *", "Europe/Berlin");
    assert_eq!(runs(&hourly, "2026-10-24T23:30:00Z", "2026-10-25T03:30:00Z").len(), 4);
}

#[test]
fn d1_however_long_it_was_missed_one_is_made_up_for() {
    let s = schedule("daily at 02:30", "UTC");
    let (set, now) = (at("2026-01-01T00:00:00Z"), at("2026-11-26T17:00:00Z"));
    assert_eq!(s.latest(set, now), Some(at("2026-11-26T02:30:00Z")));
    assert_eq!(s.latest(at("2026-11-26T02:30:00Z"), now), None, "done");
    assert_eq!(s.latest(at("2026-11-26T02:29:59Z"), at("2026-11-26T02:30:00Z")), Some(at("2026-11-26T02:30:00Z")), "on the dot");
    let minutely = schedule("* * * * *", "UTC");
    assert_eq!(minutely.latest(set, now), Some(now));
}

fn some() -> impl Strategy<Value = Schedule> {
    let when = prop_oneof![
        (0..24_u8, 0..60_u8).prop_map(|(h, m)| format!("daily at {h:02}:{m:02}")),
        (0..7_usize, 0..24_u8, 0..60_u8).prop_map(|(d, h, m)| format!("weekly on {} at {h}:{m:02}", WEEKDAYS[d])),
        (1..29_u8, 0..24_u8, 0..60_u8).prop_map(|(d, h, m)| format!("monthly on {d} at {h}:{m:02}")),
        (1..60_u8).prop_map(|m| format!("*/{m} * * * *")),
        (0..60_u8, 0..12_u8, 12..24_u8).prop_map(|(m, a, b)| format!("{m} {a}-{b} * * *")),
    ];
    (when, 0..ZONES.len()).prop_map(|(when, zone)| schedule(&when, ZONES[zone]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn d1_the_next_is_always_after_now_and_nothing_lies_between(s in some(), day in 0..9_000_i64, within in 0..DAY) {
        let now = UnixMs(at("2020-01-01T00:00:00Z").0 + day * DAY + within);
        let next = s.next(now).expect("it comes");
        prop_assert!(next > now);
        let between = now.plus_ms(next.ms_since(now) / 2);
        prop_assert_eq!(s.next(between), Some(next));
        prop_assert!(s.next(next).is_some_and(|after| after > next));
        prop_assert_eq!(s.latest(now, next), Some(next));
        prop_assert_eq!(s.latest(now, next.plus_ms(-1)), None);
        prop_assert!(!s.local(next).is_empty());
    }

    #[test]
    fn d1_daily_is_once_on_every_day_of_a_year_in_every_zone(hour in 0..24_u8, minute in 0..60_u8, zone in 0..ZONES.len()) {
        let s = schedule(&format!("daily at {hour}:{minute:02}"), ZONES[zone]);
        let mut now = at("2026-01-01T12:00:00Z");
        let mut days = std::collections::BTreeSet::new();
        for _ in 0..365 {
            now = s.next(now).expect("it comes");
            prop_assert!(days.insert(s.local(now)[..10].to_owned()), "twice on {}", s.local(now));
        }
        prop_assert_eq!(days.len(), 365);
        let span: i64 = 364;
        let first: jiff::civil::Date = days.first().expect("days").parse().expect("a day");
        let last: jiff::civil::Date = days.last().expect("days").parse().expect("a day");
        prop_assert_eq!(i64::from((last - first).get_days()), span, "and on each");
    }
}
