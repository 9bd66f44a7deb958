use super::*;
use proptest::prelude::*;
use reeve_model::UnixMs;

fn b(v: f64) -> String {
    text(Some(v), Unit::Bytes).replace('\u{a0}', " ")
}

#[test]
fn b2_bytes_are_exact_and_never_reach_the_next_unit() {
    for (v, t) in [
        (0.0, "0 B"),
        (1.0, "1 B"),
        (1023.0, "1023 B"),
        (1023.6, "1.00 KB"),
        (1024.0, "1.00 KB"),
        (8192.0, "8.00 KB"),
        (10_234.0, "9.99 KB"),
        (102_296.0, "99.9 KB"),
        (102_349.0, "100 KB"),
        (1_047_961.0, "1,023 KB"),
        (1_048_570.0, "1.00 MB"),
        (157_286_400.0, "150 MB"),
        (1e18, "888 PB"),
        (-8192.0, "\u{2212}8.00 KB"),
        (-0.0, "0 B"),
        (-0.2, "0 B"),
    ] {
        assert_eq!(b(v), t, "{v}");
    }
}

#[test]
fn b1_unknown_is_a_dash_and_never_zero() {
    for unit in [Unit::Count, Unit::Bytes, Unit::Ratio, Unit::Milliseconds, Unit::Seconds, Unit::PerSecond, Unit::Transactions] {
        for v in [None, Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)] {
            assert_eq!(text(v, unit), UNKNOWN);
            assert_eq!(Scale::of(unit, [Some(5.0)]).show(v), UNKNOWN);
        }
    }
    assert_eq!(whole(None), UNKNOWN);
    assert_eq!(growth(None), UNKNOWN);
}

#[test]
fn b2_a_share_is_never_rounded_to_all_or_nothing() {
    for (v, t) in [(0.0, "0.0"), (0.0002, "<0.1"), (0.999_9, "99.9"), (1.0, "100.0"), (0.9543, "95.4"), (-0.000_01, "0.0")] {
        assert_eq!(figure(Some(v), Unit::Ratio).text, t);
    }
}

#[test]
fn b2_times_counts_and_rates() {
    for (v, unit, t) in [
        (0.004, Unit::Milliseconds, "<0.01 ms"),
        (1.234, Unit::Milliseconds, "1.23 ms"),
        (999.6, Unit::Milliseconds, "1.00 s"),
        (119.4, Unit::Seconds, "119 s"),
        (125.0, Unit::Seconds, "2 min"),
        (7500.0, Unit::Seconds, "2 h 05 min"),
        (9_999_999.0, Unit::Count, "9,999,999"),
        (12_345_678.0, Unit::Count, "12.3 M"),
        (999_600_000.0, Unit::Count, "1.00 G"),
        (1_200_000_000.0, Unit::Transactions, "1.20 G"),
        (0.0, Unit::PerSecond, "0 /s"),
        (12.34, Unit::PerSecond, "12.3 /s"),
        (12_345.0, Unit::PerSecond, "12,345 /s"),
        (2048.0, Unit::BytesPerSecond, "2.00 KB/s"),
    ] {
        assert_eq!(text(Some(v), unit).replace('\u{a0}', " "), t, "{v}");
    }
}

#[test]
fn c1_a_column_has_one_unit_and_its_small_values_stay_visible() {
    let scale = Scale::of(Unit::Bytes, [Some(21_390_950.0), Some(8192.0), None]);
    assert_eq!(scale.label, "MB");
    assert_eq!(scale.show(Some(21_390_950.0)), "20.40");
    assert_eq!(scale.show(Some(4096.0)), "<0.01");
    assert_eq!(scale.show(Some(0.0)), "0.00");
    assert_eq!(scale.change(Some(-1_048_576)), "\u{2212}1.00");
    assert_eq!(scale.change(Some(1_048_576)), "+1.00");
    assert_eq!(scale.change(Some(0)), "0");
    assert_eq!(Scale::of(Unit::Bytes, [Some(1000.0 * 1024.0)]).label, "MB", "no four digits before the point");
    assert_eq!(Scale::of(Unit::Count, [Some(1e6)]).whole(Some(1_234_567)), "1,234,567");
}

#[test]
fn moments_are_written_in_utc() {
    for (ms, t) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (951_782_400_000, "2000-02-29 00:00:00 UTC"),
        (1_795_226_400_000, "2026-11-21 02:00:00 UTC"),
        (-1000, "1969-12-31 23:59:59 UTC"),
    ] {
        assert_eq!(moment(UnixMs(ms)), t);
    }
    assert_eq!(iso(UnixMs(1_795_226_400_000)), "2026-11-21T02:00:00Z");
    assert_eq!(clock(UnixMs(1_795_226_400_000)), "02:00");
}

proptest! {
    #[test]
    fn b2_no_figure_is_minus_zero_or_wider_than_its_column(v in -1e15f64..1e15, u in 0usize..8) {
        let unit = [Unit::Count, Unit::Bytes, Unit::BytesPerSecond, Unit::PerSecond, Unit::Milliseconds, Unit::Seconds, Unit::Ratio, Unit::Transactions][u];
        let shown = figure(Some(v), unit);
        let digits = shown.text.trim_start_matches('\u{2212}');
        prop_assert!(!(shown.text.starts_with('\u{2212}') && digits.bytes().all(|c| c == b'0' || c == b'.')), "{}", shown.text);
        prop_assert!(!shown.text.contains('-'));
        if !matches!(unit, Unit::Ratio | Unit::PerSecond) {
            prop_assert!(shown.text.chars().count() <= 14, "{}", shown.text);
        }
    }

    #[test]
    fn b2_bytes_stay_below_their_unit(v in 0f64..1e17) {
        let shown = figure(Some(v), Unit::Bytes);
        let n: f64 = shown.text.replace(',', "").parse().expect("digits");
        prop_assert!(n < 1024.0, "{} {}", shown.text, shown.unit);
        let power = BYTE_UNITS.iter().position(|u| *u == shown.unit).expect("a unit");
        let back = n * 1024f64.powi(i32::try_from(power).expect("small"));
        prop_assert!((back - v).abs() <= (v * 0.006).max(0.5), "{v} shown as {} {}", shown.text, shown.unit);
    }

    #[test]
    fn b2_what_is_not_zero_is_not_shown_as_zero(v in 1e-9f64..1e12, u in 0usize..4) {
        let unit = [Unit::PerSecond, Unit::Milliseconds, Unit::Seconds, Unit::Ratio][u];
        prop_assert!(figure(Some(v), unit).text.bytes().any(|c| c.is_ascii_digit() && c != b'0'), "{v}");
        prop_assert!(Scale::of(unit, [Some(1e6)]).show(Some(v)).bytes().any(|c| c.is_ascii_digit() && c != b'0'), "{v}");
    }
}
