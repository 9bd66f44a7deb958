//! Text that people write and read.

/// Whether a character is not seen but changes what is seen: control characters, and the marks that turn the direction of writing or have
/// no width. In a name they make one thing look like another.
#[must_use]
pub fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn g4_what_is_not_seen_is_hidden_and_all_scripts_are_seen() {
        assert!(['\0', '\n', '\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}', '\u{85}'].into_iter().all(hidden));
        assert!(!"Ann Müller 山田 Σ محمد नमस्ते O'Neil 😀".chars().any(hidden));
    }
}
