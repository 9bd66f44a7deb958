//! Words on standard output and standard error. Nobody may be listening: a pipe that was closed ends no server.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{Write, stderr, stdout},
};

/// One line on standard output.
pub fn say(line: impl Display) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{}", harmless(&line.to_string())).and_then(|()| out.flush());
}

/// A text that moves no cursor, changes no title and turns no line around: names in a database are whatever somebody called them, and
/// terminals obey. What would do so is written as JSON escapes it, so that JSON stays JSON.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(moves) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if moves(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters but those that part lines and columns, and those that change the direction of writing.
fn moves(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

/// One line on standard error, with the program's name before it.
pub fn complain(sentence: impl Display) {
    let _ = writeln!(stderr().lock(), "reeve: {}", harmless(&sentence.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_20_a_name_can_not_command_a_terminal_and_json_stays_json() {
        assert!(matches!(harmless("a\tb\nüñ 表 \u{1f600}"), Cow::Borrowed(_)));
        let hostile = "x\u{1b}[31mRED\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}txt\r";
        let shown = harmless(hostile);
        assert_eq!(shown, "x\\u001b[31mRED\\u001b]0;owned\\u0007\\u009b2J\\u202etxt\\u000d");
        assert!(!shown.contains(moves));
        // DEL, C1 and marks of direction are left alone by JSON's own escapes.
        let json = serde_json::to_string(&serde_json::json!({ "name": hostile })).expect("JSON");
        let back: serde_json::Value = serde_json::from_str(&harmless(&json)).expect("still JSON");
        assert_eq!(back["name"], hostile);
    }
}
