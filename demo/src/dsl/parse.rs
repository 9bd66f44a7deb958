//! The parser: text of one file in, one [`Schema`] out, or the line that is wrong.

use std::collections::HashSet;

use super::{Column, ColumnKind, DslError, Schema, Table, Word};

/// Reads one `.tables` file.
///
/// # Errors
/// The first line that can't be read, with its number. Whether references point at something is checked later, when
/// all files are read.
pub fn parse_schema(name: &str, text: &str) -> Result<Schema, DslError> {
    let mut tables: Vec<Table> = Vec::new();
    let mut seen = HashSet::new();
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let at = |message: String| DslError { file: format!("{name}.tables"), line: number, message };
        let table = parse_table(name, line, number).map_err(at)?;
        if !seen.insert(table.name.clone()) {
            return Err(at(format!("the table {} is described twice", table.name)));
        }
        tables.push(table);
    }
    Ok(Schema { name: name.to_owned(), tables })
}

fn parse_table(schema: &str, line: &str, number: usize) -> Result<Table, String> {
    let (body, comment) = match line.split_once(" -- ") {
        Some((body, comment)) => (body, Some(comment.trim().to_owned())),
        None => (line, None),
    };
    let Some((head, rest)) = body.split_once(':') else {
        return Err("a table is written `name [rows]: columns`, but there is no colon".to_owned());
    };
    let mut head_words = head.split_whitespace();
    let name = identifier(head_words.next().unwrap_or_default())?;
    let rows = match head_words.next() {
        Some(text) => parse_rows(text)?,
        None => small_size(schema, &name),
    };
    if let Some(extra) = head_words.next() {
        return Err(format!("before the colon stand a name and a number of rows, nothing like `{extra}`"));
    }
    let mut columns: Vec<Column> = Vec::new();
    for text in rest.split(',') {
        let column = parse_column(schema, text.trim())?;
        if column.name == "id" || columns.iter().any(|other| other.name == column.name) {
            return Err(format!("the column {} is there twice (`id` comes by itself)", column.name));
        }
        columns.push(column);
    }
    let keys = columns.iter().filter(|column| column.key);
    if keys.clone().count() == 1 || keys.clone().count() > 2 || keys.clone().any(|column| column.target().is_none()) {
        return Err("a key of its own consists of exactly two references marked `#`".to_owned());
    }
    Ok(Table { schema: schema.to_owned(), name, rows, columns, comment, line: number })
}

fn parse_column(schema: &str, text: &str) -> Result<Column, String> {
    let Some((name, rest)) = text.split_once(' ') else {
        return Err(format!("a column is written `name word`, not `{text}`"));
    };
    let (name, key) = match name.strip_suffix('#') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let rest = rest.trim();
    let what = rest.trim_end_matches(['?', '!', '+']);
    let marks = &rest[what.len()..];
    let what = what.trim();
    let kind = if let Some(target) = what.strip_prefix("->") {
        let target = target.trim();
        let (target_schema, table) = target.split_once('.').unwrap_or((schema, target));
        ColumnKind::Reference { schema: identifier(target_schema)?, table: identifier(table)? }
    } else if let Some(list) = what.strip_prefix('(') {
        let Some(list) = list.strip_suffix(')') else {
            return Err(format!("the list of values of {name} has no closing bracket"));
        };
        let values: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
        if values.len() < 2 {
            return Err(format!("the list of values of {name} needs two or more values"));
        }
        if let Some(value) = values.iter().find(|value| !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
            return Err(format!("the value `{value}` of {name} may have letters, digits and underscores only"));
        }
        ColumnKind::OneOf(values)
    } else {
        ColumnKind::Plain(Word::parse(what).ok_or_else(|| format!("`{what}` is no type word; {name} needs one of {}", all_words()))?)
    };
    let column = Column {
        name: identifier(name)?,
        kind,
        nullable: marks.contains('?'),
        unique: marks.contains('!'),
        indexed: marks.contains('+'),
        key,
    };
    if column.indexed && (column.unique || column.target().is_some()) {
        return Err(format!("`+` on {name} would make a second index: unique columns and references have one"));
    }
    if column.key && (column.nullable || column.unique) {
        return Err(format!("the key column {name} can be neither `?` nor `!`"));
    }
    Ok(column)
}

fn all_words() -> String {
    Word::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Lower-case letters and underscores: never needs quoting, and no name carries a number.
fn identifier(text: &str) -> Result<String, String> {
    let good =
        text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(|c| c.is_ascii_lowercase() || c == '_') && text.len() <= 48;
    if good { Ok(text.to_owned()) } else { Err(format!("`{text}` is no name: up to 48 lower-case letters and underscores")) }
}

/// `120` or `9k`.
fn parse_rows(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1000),
        None => (text, 1),
    };
    match digits.parse::<u64>().ok().and_then(|count| count.checked_mul(factor)) {
        Some(rows) if (1..=1_000_000).contains(&rows) => Ok(rows),
        _ => Err(format!("`{text}` is no number of rows; write for example 120 or 9k, at most 1000k")),
    }
}

/// A size for tables that don't ask for one: most have some dozen rows, a few have a thousand (a power law), and the
/// same name has the same size on every machine.
fn small_size(schema: &str, name: &str) -> u64 {
    let hash = crate::fingerprint::fnv(&[schema, ".", name]);
    // 1..=1000 without a floating point, so that it is the same everywhere.
    let position = hash % 1000 + 1;
    (24_000 / position).clamp(30, 1100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fails(text: &str) -> DslError {
        parse_schema("sample", text).expect_err("this text is wrong on purpose")
    }

    #[test]
    fn i1_a_line_becomes_a_table() {
        let text = "# heading\n\nvisits 2k: user_id -> core.users?, page slug!, kind (web app), seen_at time+ -- Who came";
        let schema = parse_schema("sample", text).unwrap();
        let table = &schema.tables[0];
        assert_eq!((table.full_name().as_str(), table.rows, table.line), ("sample.visits", 2000, 3));
        assert_eq!(table.comment.as_deref(), Some("Who came"));
        assert!(table.has_id());
        assert_eq!(table.columns[0].target().as_deref(), Some("core.users"));
        assert!(table.columns[0].nullable && table.columns[1].unique && table.columns[3].indexed);
        assert_eq!(table.columns[2].kind, ColumnKind::OneOf(vec!["web".to_owned(), "app".to_owned()]));
        assert_eq!(table.columns[3].word(), Some(Word::Time));
    }

    #[test]
    fn i1_two_marked_references_are_the_key() {
        let schema = parse_schema("sample", "members: team_id# -> teams, user_id# -> users, since date").unwrap();
        assert!(!schema.tables[0].has_id());
        assert_eq!(schema.tables[0].columns[0].target().as_deref(), Some("sample.teams"));
    }

    #[test]
    fn i1_a_bad_line_is_named_with_its_number() {
        for (text, line, part) in [
            ("users: name text\norders 9x: note text", 2, "9x"),
            ("users name text", 1, "colon"),
            ("users: name\n", 1, "`name word`"),
            ("\n\nusers: name txt", 3, "`txt` is no type word"),
            ("users: kind (a b", 1, "closing bracket"),
            ("users: kind (a)", 1, "two or more"),
            ("users: kind (a b;c)", 1, "b;c"),
            ("Users: name text", 1, "`Users` is no name"),
            ("users: name text, name text", 1, "there twice"),
            ("users: id uuid", 1, "`id` comes by itself"),
            ("users: name text\nusers: name text", 2, "described twice"),
            ("members: team_id# -> teams, since date", 1, "exactly two"),
            ("members: team_id# text, user_id# -> users", 1, "exactly two"),
            ("users: name text!+", 1, "second index"),
            ("users: org_id -> orgs+", 1, "second index"),
            ("users 1 2: name text", 1, "nothing like `2`"),
            ("users 0: name text", 1, "no number of rows"),
        ] {
            let error = fails(text);
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.to_string().contains(part), "{text}: {error}");
            assert!(error.to_string().starts_with("sample.tables line "), "{error}");
        }
    }
}
