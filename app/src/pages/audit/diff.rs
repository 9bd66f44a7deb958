//! What changed between two pieces of JSON, key by key.

use serde_json::Value;
use std::collections::BTreeMap;

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was not there.
    Added,
    /// It is gone.
    Removed,
    /// Its value is another.
    Changed,
    /// Nothing.
    Same,
}

/// One key with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The way to it, joined by points; empty for a value that is no object.
    pub key: String,
    /// What it was; none where it was not there.
    pub before: Option<String>,
    /// What it is; none where it is gone.
    pub after: Option<String>,
}

impl Line {
    /// What became of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match (&self.before, &self.after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            (before, after) if before == after => Kind::Same,
            _ => Kind::Changed,
        }
    }
}

/// All keys of both, in the order of their names. What is no JSON stands as one value.
#[must_use]
pub fn lines(before: Option<&str>, after: Option<&str>) -> Vec<Line> {
    let mut keys: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    for (key, value) in flat(before) {
        keys.entry(key).or_default().0 = Some(value);
    }
    for (key, value) in flat(after) {
        keys.entry(key).or_default().1 = Some(value);
    }
    keys.into_iter().map(|(key, (before, after))| Line { key, before, after }).collect()
}

fn flat(text: Option<&str>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    match text.map(|t| (t, serde_json::from_str::<Value>(t))) {
        None => {}
        Some((_, Ok(value))) => push(&mut out, String::new(), &value),
        Some((text, Err(_))) => out.push((String::new(), text.to_owned())),
    }
    out
}

fn push(out: &mut Vec<(String, String)>, key: String, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                push(out, if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value);
            }
        }
        _ => out.push((key, shown(value))),
    }
}

/// A value as people read it: text without quotes, lists of plain values with commas, nothing as words.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::String(text) if text.is_empty() => "empty".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_a_diff_names_what_came_went_changed_and_stayed() {
        let lines = lines(
            Some(r#"{"roles":["viewer@everything"],"name":"Ann","limits":{"days":30},"gone":true}"#),
            Some(r#"{"roles":["viewer@everything","operator@tag:eu"],"name":"Ann","limits":{"days":90},"new":null}"#),
        );
        let of = |key: &str| lines.iter().find(|l| l.key == key).map(|l| (l.kind(), l.before.as_deref(), l.after.as_deref()));
        assert_eq!(of("roles"), Some((Kind::Changed, Some("viewer@everything"), Some("viewer@everything, operator@tag:eu"))));
        assert_eq!(of("limits.days"), Some((Kind::Changed, Some("30"), Some("90"))));
        assert_eq!(of("name").map(|l| l.0), Some(Kind::Same));
        assert_eq!(of("gone"), Some((Kind::Removed, Some("yes"), None)));
        assert_eq!(of("new"), Some((Kind::Added, None, Some("nothing"))));
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn g3_what_is_no_json_is_shown_as_it_is() {
        assert_eq!(lines(None, Some("<b>{")), [Line { key: String::new(), before: None, after: Some("<b>{".into()) }]);
        assert_eq!(lines(None, None), []);
        assert_eq!(lines(Some("{}"), Some("[{\"a\":1}]"))[0].after.as_deref(), Some("[{\"a\":1}]"));
        // A hundred levels deep is text, too: nothing here can be made to overflow.
        let deep = "[".repeat(100_000);
        assert_eq!(lines(Some(&deep), None).len(), 1);
    }
}
