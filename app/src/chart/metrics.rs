//! Text widths. Charts are laid out on the server, where no font is at hand; these are the advance widths of the
//! common sans-serif system fonts (they agree within a few per cent) in hundredths of an em.

/// The width of a text at a font size, in pixels.
#[must_use]
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| f64::from(advance(c))).sum::<f64>() * size / 100.0
}

fn advance(c: char) -> u16 {
    match c {
        '0'..='9' | '$' | '<' | '>' | '+' | '=' | '~' | '\u{2212}' => 57,
        'i' | 'j' | 'l' | '\'' | '|' => 23,
        '.' | ',' | ':' | ';' | ' ' | '\u{a0}' | '/' | 'I' | 'f' | 't' | '!' => 28,
        '(' | ')' | '[' | ']' | '-' | 'r' => 34,
        'm' | 'M' => 84,
        'w' | 'W' => 80,
        '%' | '@' | '—' => 92,
        'A'..='Z' => 67,
        c if c.is_ascii() => 54,
        // Wide scripts take a whole em.
        '\u{1100}'.. => 100,
        _ => 60,
    }
}
