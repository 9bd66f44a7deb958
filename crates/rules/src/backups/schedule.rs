//! When a schedule is due: words or cron, in a time zone.
//!
//! A time of day that the clock leaves out in spring is due at the first moment after the gap; one that it shows twice in autumn is due the
//! first time only. Where the hours are `*`, what counts is the time that passes, so nothing is shifted and nothing left out.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    Timestamp, ToSpan,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use reeve_model::UnixMs;

/// The longest text of a schedule or a zone, bytes.
const LONGEST: usize = 100;
/// Days as forms and words name them, Sunday first, as cron counts.
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// What is said of a text that names no times.
const HOW: &str = "Write “daily at 02:30”, “weekly on Monday at 02:30”, “monthly on 1 at 02:30”, or five fields of cron (minute, hour, day, \
                   month, weekday) such as 30 2 * * 1-5.";

/// Moments that come again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    cron: Cron,
    text: String,
    zone: TimeZone,
}

impl Schedule {
    /// Reads words (`daily at 02:30`, `weekly on Monday at 02:30`, `monthly on 1 at 02:30`, `monthly on last at 02:30`) or the five fields of
    /// cron, and the name of a time zone.
    ///
    /// # Errors
    /// One sentence that says what to write.
    pub fn parse(when: &str, zone: &str) -> Result<Self, String> {
        let text = when.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!("When it is to run is missing or too long. {HOW}"));
        }
        let refused = |why: &str| format!("{text:?} {why}. {HOW}");
        let first = text.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        let text = match first.as_str() {
            "daily" | "weekly" | "monthly" => from_words(&text.to_ascii_lowercase())?,
            _ if text.split(' ').count() != 5 => return Err(refused("is no time to run at")),
            _ => text.clone(),
        };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&text).map_err(|_| refused("is no time to run at"))?;
        let this = Self { cron, text: text.clone(), zone: zone_of(zone)? };
        // Forty years hold every leap year's 29 February on each weekday.
        let begin = UnixMs(1_767_225_600_000);
        let soon = this.next(begin).is_some_and(|at| at.ms_since(begin) < 40 * 366 * 86_400_000);
        if soon { Ok(this) } else { Err(refused("names a day that never comes")) }
    }

    /// The five fields of cron.
    #[must_use]
    pub fn cron(&self) -> &str {
        &self.text
    }

    /// The zone's name, as the zone data write it.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// As a person says it: `daily at 02:30`; what no plain words fit is spelt out field by field.
    #[must_use]
    pub fn words(&self) -> String {
        let fields: Vec<&str> = self.text.split(' ').collect();
        let number = |text: &str, most: usize| text.parse::<usize>().ok().filter(|n| *n <= most);
        if let [minute, hour, day, "*", weekday] = fields[..]
            && let (Some(minute), Some(hour)) = (number(minute, 59), number(hour, 23))
        {
            let at = format!("at {hour:02}:{minute:02}");
            match (day, weekday) {
                ("*", "*") => return format!("daily {at}"),
                ("*", day) => {
                    if let Some(day) = number(day, 7) {
                        return format!("weekly on {} {at}", WEEKDAYS[day % 7]);
                    }
                }
                ("L", "*") => return format!("monthly on the last day {at}"),
                (day, "*") => {
                    if let Some(day) = number(day, 31) {
                        return format!("monthly on day {day} {at}");
                    }
                }
                _ => {}
            }
        }
        let spelt = self.cron.describe();
        let spelt = spelt.trim_end_matches('.');
        // "At every 2 minutes" says no more than "every 2 minutes".
        let mut chars = spelt.strip_prefix("At ").filter(|rest| rest.starts_with("every")).unwrap_or(spelt).chars();
        chars.next().map_or_else(String::new, |head| head.to_lowercase().chain(chars).collect())
    }

    /// The first moment after this one; none when there is none.
    #[must_use]
    pub fn next(&self, after: UnixMs) -> Option<UnixMs> {
        let from = Timestamp::from_millisecond(after.0).ok()?.to_zoned(self.zone.clone());
        if self.text.split(' ').nth(1).is_some_and(|hours| hours.contains('*')) {
            return self.cron.find_next_occurrence(&from, false).ok().map(|at| UnixMs(at.timestamp().as_millisecond()));
        }
        let mut civil = from.datetime();
        loop {
            civil = self.cron.find_next_occurrence(&civil, false).ok()?;
            let at = self.moment(civil)?;
            // In the second half of a repeated hour, moments of the first half are over.
            if at > after {
                return Some(at);
            }
        }
    }

    /// The last moment after `after` and not after `now`; none when none came in between. However many came, one is to be made up for.
    #[must_use]
    pub fn latest(&self, after: UnixMs, now: UnixMs) -> Option<UnixMs> {
        let mut latest = self.next(after).filter(|at| *at <= now)?;
        let mut end = now;
        while end.ms_since(latest) > 1 {
            let middle = latest.plus_ms(end.ms_since(latest) / 2);
            match self.next(middle) {
                Some(at) if at <= now => latest = at,
                _ => end = middle,
            }
        }
        Some(self.next(latest).filter(|at| *at <= now).unwrap_or(latest))
    }

    /// A moment by the zone's clock: `2026-11-27 02:30 Europe/Berlin`.
    #[must_use]
    pub fn local(&self, at: UnixMs) -> String {
        let zoned = Timestamp::from_millisecond(at.0).map(|at| at.to_zoned(self.zone.clone()));
        zoned.map_or_else(|_| String::new(), |zoned| format!("{} {}", zoned.strftime("%Y-%m-%d %H:%M"), self.zone()))
    }

    /// When the zone's clock first shows this; the end of the gap when it never does.
    fn moment(&self, civil: DateTime) -> Option<UnixMs> {
        let ambiguous = self.zone.to_ambiguous_zoned(civil);
        let gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let at = ambiguous.compatible().ok()?.timestamp();
        if !gap {
            return Some(UnixMs(at.as_millisecond()));
        }
        let begin = self.zone.preceding(at.checked_add(1.second()).ok()?).next()?;
        Some(UnixMs(begin.timestamp().as_millisecond()))
    }
}

/// A zone of the data inside.
fn zone_of(name: &str) -> Result<TimeZone, String> {
    let name = name.trim();
    let unknown = || format!("{name:?} is no time zone. Write the name of one, such as UTC or Europe/Berlin.");
    if name.is_empty() || name.len() > LONGEST {
        return Err(unknown());
    }
    TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some()).ok_or_else(unknown)
}

/// The five fields for words, all lower case.
fn from_words(text: &str) -> Result<String, String> {
    let refused = || format!("{text:?} is no time to run at. {HOW}");
    let words: Vec<&str> = text.split(' ').collect();
    let (which, time) = match words[..] {
        ["daily", "at", time] => (("*".to_owned(), "*".to_owned()), time),
        ["weekly", "on", day, "at", time] => {
            let number = WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(day)).ok_or_else(refused)?;
            (("*".to_owned(), number.to_string()), time)
        }
        ["monthly", "on", "last", "at", time] => (("L".to_owned(), "*".to_owned()), time),
        ["monthly", "on", day, "at", time] => {
            let day: u8 = day.parse().map_err(|_| refused())?;
            if !(1..=28).contains(&day) {
                return Err("Choose a day from 1 to 28, or the last one: not every month has the others.".to_owned());
            }
            ((day.to_string(), "*".to_owned()), time)
        }
        _ => return Err(refused()),
    };
    let digits = |text: &str, most: u8| {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u8>().ok().filter(|n| plain && *n <= most)
    };
    let (hour, minute) = time.split_once(':').ok_or_else(refused)?;
    let (hour, minute) = digits(hour, 23).zip(digits(minute, 59)).ok_or_else(refused)?;
    let (day, weekday) = which;
    Ok(format!("{minute} {hour} {day} * {weekday}"))
}

#[cfg(test)]
mod tests;
