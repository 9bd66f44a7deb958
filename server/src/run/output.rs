//! Words on standard output and standard error. Nobody may be listening: a pipe that was closed ends no server.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
};

/// One line on standard output.
pub fn say(line: impl Display) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// One line on standard error, with the program's name before it.
pub fn complain(sentence: impl Display) {
    let _ = writeln!(stderr().lock(), "reeve: {sentence}");
}
