//! Names and literals as SQL writes them, for repairs that a person copies.

/// A name as SQL writes it, always quoted.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name to read: quoted only where it must be.
pub(super) fn shown(name: &str) -> String {
    let plain = name.bytes().enumerate().all(|(i, b)| b.is_ascii_lowercase() || b == b'_' || (i > 0 && b.is_ascii_digit()));
    if plain && !name.is_empty() { name.to_owned() } else { ident(name) }
}

/// `schema.name` to read.
pub(super) fn dotted(schema: &str, name: &str) -> String {
    format!("{}.{}", shown(schema), shown(name))
}

/// `"schema"."name"` for a statement.
pub(super) fn path(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// A text literal.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_hostile_names_stay_names() {
        assert_eq!(ident("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
        assert_eq!(dotted("public", "orders"), "public.orders");
        assert_eq!(dotted("Public", "1x"), "\"Public\".\"1x\"");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(literal("it's \\n"), "E'it''s \\\\n'");
    }
}
