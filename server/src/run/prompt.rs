//! A secret from whoever runs the command: piped in, or typed without being shown.

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};
use std::io::{IsTerminal, Read, Write, stderr, stdin};

/// Reads a secret from standard input: all of it when it is piped in, one line when it is typed. A line break at its end doesn't count.
/// `most` is its longest length in bytes.
///
/// # Errors
/// One sentence.
pub async fn secret(question: &str, most: usize) -> Result<SecretString, String> {
    let typed = stdin().is_terminal();
    // Dropped with this future, also when the command is told to stop while somebody types.
    let _quiet = if typed { Some(Quiet::start()?) } else { None };
    answer(question, typed, most).await
}

/// Reads what is no secret, in the same way; what is typed is shown.
///
/// # Errors
/// One sentence.
pub async fn plain(question: &str, most: usize) -> Result<String, String> {
    let said = answer(question, stdin().is_terminal(), most).await?;
    Ok(said.expose_secret().to_owned())
}

async fn answer(question: &str, typed: bool, most: usize) -> Result<SecretString, String> {
    if typed {
        let mut out = stderr().lock();
        let _ = write!(out, "{question}: ").and_then(|()| out.flush());
    }
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(3);
        let done = if typed { line(&mut bytes, limit) } else { stdin().lock().take(limit).read_to_end(&mut bytes).map(|_| ()) };
        done.map(|()| bytes)
    });
    let trouble = |why: String| format!("The value can't be read from standard input ({why}).");
    let bytes = read.await.map_err(|e| trouble(e.to_string()))?.map_err(|e| trouble(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| trouble("it is not valid UTF-8".to_owned()))?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    match value.len() {
        0 => Err("No value was given; write it to standard input, or type it when asked.".to_owned()),
        length if length > most => Err(format!("The value is longer than {most} bytes.")),
        _ => Ok(SecretString::from(value.to_owned())),
    }
}

fn line(bytes: &mut Vec<u8>, limit: u64) -> std::io::Result<()> {
    let input = stdin().lock();
    std::io::BufRead::read_until(&mut input.take(limit), b'\n', bytes).map(|_| ())
}

/// A terminal that doesn't show what is typed, until dropped.
struct Quiet(Termios);

impl Quiet {
    fn start() -> Result<Self, String> {
        let trouble = |error: nix::Error| format!("The terminal can't be kept from showing what is typed ({error}); pipe the value in.");
        let before = tcgetattr(stdin()).map_err(trouble)?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        quiet.local_flags.insert(LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(stdin(), SetArg::TCSAFLUSH, &quiet).map_err(trouble)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing more can be done about a terminal that is gone.
        let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.0);
    }
}
