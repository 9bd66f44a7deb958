//! Numbers and moments as a sentence says them.

use reeve_model::UnixMs;

/// A counter as a float. Above 2^53 the last digits are lost, which no figure shows.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn float(value: i64) -> f64 {
    value as f64
}

/// `1.5 GB`, in powers of 1024, as PostgreSQL's own settings count.
#[must_use]
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if value.abs() < 1024.0 {
        return format!("{value:.0} bytes");
    }
    let mut scaled = value / 1024.0;
    let mut unit = 0;
    while scaled.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(scaled), UNITS[unit])
}

/// A duration from seconds: `350 ms`, `12 s`, `3 min`, `2 h 5 min`, `4 d 3 h`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn duration(seconds: f64) -> String {
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds.max(0.0) * 1000.0);
    }
    if seconds < 9.95 {
        return format!("{} s", short(seconds));
    }
    // Whole units from here on; a float beyond i64 saturates, which reads as "very long" all the same.
    let whole = seconds.round() as i64;
    match whole {
        ..120 => format!("{whole} s"),
        120..7_200 => format!("{} min", whole / 60),
        7_200..172_800 => two(whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => two(whole / 86_400, "d", whole % 86_400 / 3_600, "h"),
    }
}

/// A duration from milliseconds.
#[must_use]
pub fn milliseconds(value: f64) -> String {
    duration(value / 1000.0)
}

fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// A count: `999`, `12,345`, `1.6 billion`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn count(value: f64) -> String {
    if value.abs() >= 1e9 {
        return format!("{} billion", short(value / 1e9));
    }
    if value.abs() >= 1e6 {
        return format!("{} million", short(value / 1e6));
    }
    let whole = value.round() as i64;
    let digits = whole.abs().to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    if whole < 0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 session`, `3 sessions`.
#[must_use]
pub fn things(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(float(number)), if number == 1 { one } else { many })
}

/// A share of 1 as per cent: `96 %`; `99.7 %` where rounding would hide that something is left, `0.4 %` where it would hide that something is there.
#[must_use]
pub fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let near_end = (value > 99.0 && value < 100.0) || (value > 0.0 && value < 1.0);
    if near_end {
        // Cut, not rounded, towards the middle: 99.99 % must not read as 100 %.
        let cut = if value > 50.0 { (value * 10.0).floor() / 10.0 } else { (value * 10.0).ceil() / 10.0 };
        format!("{cut:.1} %")
    } else {
        format!("{value:.0} %")
    }
}

/// One decimal where it says something, none where it is zero.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// The clock time of a moment: `14:02:11 UTC`, with the date when it is not of the day of `now`.
#[must_use]
pub fn clock(at: UnixMs, now: UnixMs) -> String {
    let second = at.0.div_euclid(1000);
    let day = second.div_euclid(86_400);
    let within = second.rem_euclid(86_400);
    let time = format!("{:02}:{:02}:{:02} UTC", within / 3_600, within % 3_600 / 60, within % 60);
    if day == now.0.div_euclid(86_400_000) {
        return time;
    }
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02} {time}")
}

/// Year, month and day of a number of days since 1970-01-01: eras of 400 years that begin on the first of March, so that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A name as SQL needs it: quoted when it isn't a plain lower-case word. Keywords are quoted by nobody here, which at worst makes a statement fail, never do something else.
#[must_use]
pub fn ident(name: &str) -> String {
    let head = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    if head && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// A sentence without its full stop, to be continued.
#[must_use]
pub fn clause(sentence: &str) -> &str {
    sentence.trim().trim_end_matches('.')
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`: at most three names.
#[must_use]
pub fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, three, rest @ ..] => format!("{one}, {two}, {three} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_says_them() {
        for (value, text) in [(0.0, "0 bytes"), (1023.0, "1023 bytes"), (1536.0, "1.5 kB"), (2_147_483_648.0, "2 GB")] {
            assert_eq!(bytes(value), text);
        }
        for (value, text) in [
            (0.0, "0 ms"),
            (0.25, "250 ms"),
            (1.0, "1 s"),
            (5.25, "5.2 s"),
            (90.0, "90 s"),
            (180.0, "3 min"),
            (7_500.0, "2 h 5 min"),
            (7_200.0, "2 h"),
            (356_400.0, "4 d 3 h"),
        ] {
            assert_eq!(duration(value), text);
        }
        for (value, text) in
            [(0.0, "0"), (999.0, "999"), (12_345.0, "12,345"), (-1_000.0, "-1,000"), (1.6e9, "1.6 billion"), (2e6, "2 million")]
        {
            assert_eq!(count(value), text);
        }
        for (value, text) in [(0.0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (0.96, "96 %"), (0.9999, "99.9 %"), (1.0, "100 %")] {
            assert_eq!(percent(value), text);
        }
        assert_eq!(things(1, "session", "sessions"), "1 session");
        assert_eq!(things(0, "session", "sessions"), "0 sessions");
    }

    #[test]
    fn moments_carry_their_date_on_another_day() {
        let at = UnixMs(1_709_215_331_000);
        assert_eq!(clock(at, at.plus_ms(1_000)), "14:02:11 UTC");
        assert_eq!(clock(at, at.plus_ms(86_400_000)), "2024-02-29 14:02:11 UTC");
        assert_eq!(clock(UnixMs(0), at), "1970-01-01 00:00:00 UTC");
        assert_eq!(clock(UnixMs(-1_000), at), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn names_that_sql_would_misread_are_quoted() {
        assert_eq!(ident("orders"), "orders");
        assert_eq!(ident("Orders"), "\"Orders\"");
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(ident(""), "\"\"");
    }

    #[test]
    fn lists_name_three_at_most() {
        let names = |n: usize| (0..n).map(|i| format!("t{i}")).collect::<Vec<_>>();
        assert_eq!(list(&names(2)), "t0 and t1");
        assert_eq!(list(&names(3)), "t0, t1 and t2");
        assert_eq!(list(&names(7)), "t0, t1, t2 and 4 more");
    }
}
