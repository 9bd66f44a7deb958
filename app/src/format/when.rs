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

/// `2026-11-21 14:32:05 UTC`
#[must_use]
pub fn moment(at: UnixMs) -> String {
    let c = civil(at);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", c.year, c.month, c.day, c.hour, c.minute, c.second)
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
