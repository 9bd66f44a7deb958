//! From tables to rows: one `INSERT … SELECT … generate_series` per table, each column an expression that follows from
//! its word and name. Values are drawn from the session's `random()`, whose seed follows from the table's name.

use std::collections::HashMap;

use crate::ddl::has_identity;
use crate::dsl::{Column, ColumnKind, Table, Word};
use crate::fingerprint::fnv;
use crate::vocabulary::{ADJECTIVES, FIRST_NAMES, HEALTH_NOTES, LAST_NAMES, SENTENCES, array, quoted, range_for, words_for};

/// How far back the estate's history reaches: 18 months.
const HISTORY_DAYS: u32 = 540;

/// The statements that fill a table: the seed, then the insert. `rows` holds every table's size by `schema.table`.
pub fn insert(table: &Table, rows: &HashMap<String, u64>) -> String {
    let name = table.full_name();
    let mut columns: Vec<&str> = Vec::new();
    let mut values: Vec<String> = Vec::new();
    if has_identity(table) {
        columns.push("id");
        values.push("g".to_owned());
    }
    let mut times = 0;
    for column in &table.columns {
        let value = expression(table, column, rows, times);
        times += usize::from(column.word() == Some(Word::Time));
        columns.push(&column.name);
        values.push(if column.nullable { maybe(column, &value) } else { value });
    }
    let count = table.rows;
    // `at` goes from 18 months ago to now with the row number, so that history is in the order it happened in.
    format!(
        "SELECT setseed({seed});\nINSERT INTO {name} ({columns}) SELECT {values} FROM (SELECT g, now() \
         - interval '{HISTORY_DAYS} days' * (({count} - g)::float8 / {count}) - interval '8 hours' * random() AS at \
         FROM generate_series(1, {count}) AS g) AS s;\n",
        seed = seed(&name),
        columns = columns.join(", "),
        values = values.join(", "),
    )
}

/// Between 0 and 1, the same for the same table everywhere.
fn seed(name: &str) -> String {
    format!("0.{:06}", fnv(&[name]) % 1_000_000)
}

fn maybe(column: &Column, value: &str) -> String {
    // References are mostly there; other optional values are missing more often.
    let missing = if column.target().is_some() { "0.2" } else { "0.35" };
    format!("CASE WHEN random() < {missing} THEN NULL ELSE {value} END")
}

/// The value of a column in row `g` that happened `at`; `earlier_times` counts the moments to its left.
fn expression(table: &Table, column: &Column, rows: &HashMap<String, u64>, earlier_times: usize) -> String {
    match &column.kind {
        ColumnKind::OneOf(values) => {
            let words: Vec<&str> = values.iter().map(String::as_str).collect();
            // The first values are the common ones.
            format!("({})[1 + floor(power(random(), 1.7) * {})::int]", array(&words), words.len())
        }
        ColumnKind::Reference { schema, table: target } => {
            let count = rows.get(&format!("{schema}.{target}")).copied().unwrap_or(1);
            reference(table, column, count, rows)
        }
        ColumnKind::Plain(word) => plain(table, column, *word, earlier_times),
    }
}

fn reference(table: &Table, column: &Column, count: u64, rows: &HashMap<String, u64>) -> String {
    if column.unique {
        return "g".to_owned();
    }
    if column.key {
        return key_reference(table, column, count, rows);
    }
    if column.target() == Some(table.full_name()) {
        // A tree: parents come before children, so that it has roots and no circles.
        return format!("CASE WHEN g <= {roots} THEN NULL ELSE 1 + floor(random() * (g - 1))::bigint END", roots = (count / 8).max(1));
    }
    // A few targets are busy, most are not.
    format!("1 + floor(power(random(), 1.6) * {count})::bigint")
}

/// Pairs that never repeat: the first column counts through its targets; with each lap the second one steps on by a
/// prime, so that for a given first target all seconds differ.
fn key_reference(table: &Table, column: &Column, count: u64, rows: &HashMap<String, u64>) -> String {
    let first = table.references().find(|(other, _)| other.key);
    let first_count = first.as_ref().and_then(|(_, target)| rows.get(target)).copied().unwrap_or(1);
    if first.is_some_and(|(other, _)| other.name == column.name) {
        return format!("1 + (g - 1) % {first_count}");
    }
    let stride = [7919, 7907, 7901].into_iter().find(|prime| !count.is_multiple_of(*prime)).unwrap_or(1);
    format!("1 + ((g - 1) % {first_count} * 31 + (g - 1) / {first_count} * {stride} + 1) % {count}")
}

fn pick(words: &[&str]) -> String {
    format!("({})[1 + floor(random() * {})::int]", array(words), words.len())
}

/// The n-th word for the n-th row; when the words run out, they come again with a number.
fn pick_unique(words: &[&str]) -> String {
    let count = words.len();
    format!("({list})[1 + (g - 1) % {count}] || CASE WHEN g > {count} THEN ' ' || g ELSE '' END", list = array(words))
}

/// `mortgage_quotes` → `Mortgage Quote`.
fn noun(table: &str) -> String {
    let last = table.rsplit('_').next().unwrap_or(table);
    let singular = match last {
        word if word.ends_with("ies") => format!("{}y", &word[..word.len() - 3]),
        word if word.ends_with("sses") || word.ends_with("xes") => word[..word.len() - 2].to_owned(),
        word if word.ends_with("ss") => word.to_owned(),
        word => word.trim_end_matches('s').to_owned(),
    };
    let mut letters = singular.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn plain(table: &Table, column: &Column, word: Word, earlier_times: usize) -> String {
    let name = column.name.as_str();
    match word {
        Word::Text if column.unique => pick_unique(words_for(&table.name, name)),
        Word::Text => pick(words_for(&table.name, name)),
        Word::Code => {
            let prefix: String = table.name.chars().filter(char::is_ascii_alphabetic).take(3).collect::<String>().to_uppercase();
            format!("'{prefix}-' || upper(substr(md5('{name}' || g), 1, 4)) || lpad((g % 1000000)::text, 6, '0')")
        }
        Word::Slug => format!("lower({}) || '-{}-' || g", pick(ADJECTIVES), noun(&table.name).to_lowercase()),
        Word::Title if column.unique => format!("{} || ' {} ' || g", pick(ADJECTIVES), noun(&table.name)),
        Word::Title => format!("{} || ' {}'", pick(ADJECTIVES), noun(&table.name)),
        Word::Prose => format!("{} || CASE WHEN random() < 0.5 THEN '' ELSE ' ' || {} END", pick(SENTENCES), pick(SENTENCES)),
        Word::Url => format!("'https://www.example.com/{}/' || (1 + floor(power(random(), 2) * {}))::int", table.name, table.rows),
        Word::Count | Word::Secs => {
            let (low, high) = range_for(name);
            format!("{low} + floor(power(random(), 2) * {})::int", high - low + 1)
        }
        Word::Money => "round((3 + exp(random() * 7))::numeric, 2)".to_owned(),
        Word::Rate => "round((random() * 90 + 1)::numeric, 4)".to_owned(),
        Word::Pct => "round((random() * 100)::numeric, 2)".to_owned(),
        Word::Score => "round(random()::numeric, 3)::real".to_owned(),
        Word::Bool => "random() < 0.3".to_owned(),
        Word::Time => moment(name, earlier_times),
        Word::Date => day(name),
        Word::Json => json(name),
        Word::Uuid => format!("md5('{}.{name}' || g)::uuid", table.name),
        Word::Hash => format!("md5('{}.{name}' || g)", table.name),
        Word::Tags => format!("ARRAY[{}, {}]", pick(words_for("", "trait")), pick(words_for("", "topic"))),
        Word::Geo if name == "latitude" => "round((random() * 130 - 60)::numeric, 5)".to_owned(),
        Word::Geo => "round((random() * 360 - 180)::numeric, 5)".to_owned(),
        // Angles instead of a subquery with random(): that would be run once for all rows.
        Word::Vector => "ARRAY(SELECT round(sin(g * 0.37 + n)::numeric, 4)::real FROM generate_series(1, 48) AS n)".to_owned(),
        _ => personal(word),
    }
}

/// Personal data that nobody can mistake for real: names kept for examples, numbers and ranges never issued.
fn personal(word: Word) -> String {
    match word {
        Word::Email => {
            let (first, last) = (array(FIRST_NAMES), array(LAST_NAMES));
            format!(
                "lower(({first})[1 + g % {}] || '.' || ({last})[1 + g % {}]) || g || '@example.com'",
                FIRST_NAMES.len(),
                LAST_NAMES.len()
            )
        }
        Word::Phone => "'+1-555-01' || lpad((floor(random() * 100))::int::text, 2, '0')".to_owned(),
        Word::Ssn => {
            "'000-' || lpad(floor(random() * 100)::int::text, 2, '0') || '-' || lpad(floor(random() * 10000)::int::text, 4, '0')".to_owned()
        }
        Word::Dob => "date '1945-01-01' + floor(random() * 22000)::int".to_owned(),
        Word::Address => format!("(1 + floor(random() * 180))::int || ' ' || {} || ', Exampleville'", pick(words_for("", "street"))),
        Word::HealthNote => pick(HEALTH_NOTES),
        Word::Ip => format!(
            "(({})[1 + floor(random() * 3)::int] || (1 + floor(random() * 254))::int)::inet",
            array(&["192.0.2.", "198.51.100.", "203.0.113."])
        ),
        Word::Passport => "'TEST' || lpad(floor(random() * 10000000)::int::text, 7, '0')".to_owned(),
        Word::Iban => "'XX00 TEST ' || lpad(g::text, 10, '0')".to_owned(),
        _ => format!("{} || ' ' || {}", pick(FIRST_NAMES), pick(LAST_NAMES)),
    }
}

/// The first moment of a row is when it happened; later ones follow it within days, and ends lie ahead.
fn moment(name: &str, earlier_times: usize) -> String {
    if name.starts_with("expires") {
        "at + interval '30 days' + random() * interval '120 days'".to_owned()
    } else if earlier_times == 0 {
        "at".to_owned()
    } else {
        format!("least(now(), at + random() * interval '{earlier_times} days')")
    }
}

fn day(name: &str) -> String {
    match name {
        "ends_on" | "period_end" | "due_on" | "next_due_on" | "departs_on" => "(at + interval '20 days')::date + floor(random() * 90)::int",
        "founded_on" | "launched_on" | "released_on" | "opened_on" | "installed_on" => "date '2002-01-01' + floor(random() * 8000)::int",
        _ => "at::date",
    }
    .to_owned()
}

fn json(name: &str) -> String {
    let kind = quoted(name);
    match name {
        "settings" | "value" | "condition" | "filters" | "parameters" => format!(
            "jsonb_build_object('mode', {}, 'limit', floor(random() * 500)::int, 'enabled', random() < 0.7)",
            pick(&["auto", "manual", "off"])
        ),
        "before" | "after" => {
            format!("jsonb_build_object('status', {}, 'revision', g % 90)", pick(&["active", "paused", "closed", "draft"]))
        }
        _ => format!(
            "jsonb_build_object('kind', {kind}, 'source', {}, 'amount', round((random() * 900)::numeric, 1), 'ref', substr(md5(g::text), 1, 10))",
            pick(&["web", "app", "partner", "import"])
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_titles_carry_the_noun_of_their_table() {
        for (table, expected) in
            [("mortgage_quotes", "Quote"), ("merchants", "Merchant"), ("categories", "Category"), ("courses", "Course")]
        {
            assert_eq!(noun(table), expected, "{table}");
        }
        assert_eq!([noun("user_addresses"), noun("access")], ["Address", "Access"]);
    }

    #[test]
    fn i1_a_pair_never_comes_twice() {
        // The same arithmetic as in the SQL, for awkward sizes (a target as big as the stride, one smaller than it).
        for (first, second) in [(12_u64, 80_u64), (60, 60), (1400, 7919), (7, 3)] {
            let stride = [7919, 7907, 7901].into_iter().find(|prime| !second.is_multiple_of(*prime)).unwrap_or(1);
            let pair = |g: u64| (1 + (g - 1) % first, 1 + ((g - 1) % first * 31 + (g - 1) / first * stride + 1) % second);
            let rows = (first * second).min(20_000);
            let distinct: std::collections::HashSet<_> = (1..=rows).map(pair).collect();
            assert_eq!(distinct.len() as u64, rows, "{first} × {second}");
        }
    }
}
