//! Ages and lengths of time, said alike by the server's render and by the browser that ticks them on.

/// A length of time in at most two units: `4 s`, `3 min`, `2 h 05 min`, `3 d 4 h`. Negative counts as 0.
///
/// Under two minutes in seconds, so that a live page moves; from there on in minutes, so that it is calm.
#[must_use]
pub fn span(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    match s {
        0..120 => format!("{s} s"),
        120..3600 => format!("{} min", s / 60),
        3600..86_400 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        86_400..8_640_000 => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// A length of time in one unit, for narrow columns: `4 s`, `3 min`, `21 h`, `12 d`.
#[must_use]
pub fn brief(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    match s {
        0..120 => format!("{s} s"),
        120..7200 => format!("{} min", s / 60),
        7200..172_800 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// How long ago: [`span`] with `ago`, or `now` within the first second.
#[must_use]
pub fn ago(ms: i64) -> String {
    if ms < 1000 { "now".into() } else { format!("{} ago", span(ms)) }
}

/// How far ahead: `in 5 h`, in one unit and no finer than minutes, so that what shows it changes once a minute at most.
#[must_use]
pub fn until(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    match minutes {
        0 => "within a minute".into(),
        1..120 => format!("in {minutes} min"),
        120..2_880 => format!("in {} h", minutes / 60),
        _ => format!("in {} d", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_at_most_two_units_and_never_rounds_up() {
        for (ms, text) in [
            (-5, "0 s"),
            (999, "0 s"),
            (59_999, "59 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (3_599_999, "59 min"),
            (3_600_000, "1 h 00 min"),
            (7_500_000, "2 h 05 min"),
            (86_399_999, "23 h 59 min"),
            (86_400_000, "1 d 0 h"),
            (8_640_000_000, "100 d"),
        ] {
            assert_eq!(span(ms), text);
        }
        assert_eq!(ago(0), "now");
        assert_eq!(ago(4200), "4 s ago");
    }

    #[test]
    fn what_is_ahead_has_one_unit_and_never_rounds_up() {
        for (ms, text) in [
            (-5, "within a minute"),
            (59_999, "within a minute"),
            (7_199_999, "in 119 min"),
            (7_200_000, "in 2 h"),
            (172_799_999, "in 47 h"),
            (172_800_000, "in 2 d"),
        ] {
            assert_eq!(until(ms), text);
        }
    }
}
