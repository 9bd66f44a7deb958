//! Moments as text, in UTC.

use reeve_model::UnixMs;

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// The civil date of a moment (proleptic Gregorian, UTC), by counting 400-year cycles from 1 March of year 0.
fn civil(at: UnixMs) -> Civil {
    let seconds = at.0.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (cycle, day_of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
    Civil { year, month, day, hour: rest / 3600, minute: rest % 3600 / 60, second: rest % 60 }
}

/// `2026-11-21 14:32:05`, where a heading says that it is UTC.
#[must_use]
pub fn stamp(at: UnixMs) -> String {
    let c = civil(at);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// `2026-11-21 14:32 to 14:49 UTC`; with both dates where they differ, and one moment where both are the same minute.
#[must_use]
pub fn minutes(from: UnixMs, to: UnixMs) -> String {
    let minute = |at: UnixMs| stamp(at).chars().take("2026-11-21 14:32".len()).collect::<String>();
    let (first, last) = (minute(from), minute(to));
    if first == last {
        return format!("{first} UTC");
    }
    // The date is not said twice.
    let (one, other) = (civil(from), civil(to));
    let last = if (one.year, one.month, one.day) == (other.year, other.month, other.day) { clock(to) } else { last };
    format!("{first} to {last} UTC")
}

/// `2026-11-21 14:32:05 UTC`
#[must_use]
pub fn moment(at: UnixMs) -> String {
    format!("{} UTC", stamp(at))
}

/// `2026-11-21T14:32`, as `<input type="datetime-local">` takes it; seconds and their parts where they are not zero.
#[must_use]
pub fn local(at: UnixMs) -> String {
    let (c, ms) = (civil(at), at.0.rem_euclid(1000));
    let minutes = format!("{:04}-{:02}-{:02}T{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute);
    match (c.second, ms) {
        (0, 0) => minutes,
        (s, 0) => format!("{minutes}:{s:02}"),
        (s, ms) => format!("{minutes}:{s:02}.{ms:03}"),
    }
}

/// The moment that [`local`] wrote, or that a person chose in such a field; none when it is no moment.
#[must_use]
pub fn from_local(text: &str) -> Option<UnixMs> {
    let number =
        |t: &str, digits: usize| (t.len() == digits && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse::<i64>().ok()).flatten();
    let (date, time) = text.split_once('T')?;
    let (mut date, mut time) = (date.split('-'), time.split(':'));
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    let (hour, minute) = (number(time.next()?, 2)?, number(time.next()?, 2)?);
    let (second, parts) = time.next().map_or(("00", "0"), |s| s.split_once('.').unwrap_or((s, "0")));
    let (second, ms) = (number(second, 2)?, number(&format!("{parts:0<3}"), 3)?);
    let whole = date.next().is_none() && time.next().is_none();
    if !whole || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (cycle, year_of_cycle) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = cycle * 146_097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - 719_468;
    let at = UnixMs(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms);
    let back = civil(at);
    // A day that its month doesn't have falls into the next one.
    ((back.month, back.day) == (month, day)).then_some(at)
}

/// `2026-11-21T14:32:05Z`, for `<time datetime>`.
#[must_use]
pub fn iso(at: UnixMs) -> String {
    let c = civil(at);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// `14:32`, for the axis of a chart.
#[must_use]
pub fn clock(at: UnixMs) -> String {
    let c = civil(at);
    format!("{:02}:{:02}", c.hour, c.minute)
}
