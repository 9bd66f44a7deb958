//! Taking out what only a hydrating script would need.
//!
//! Leptos parts pieces of text by `<!>`, so that a script that takes the page over finds each of them. Nothing but the islands is taken
//! over here, and with views whose types are erased there is such a mark behind nearly every piece: a fifth of a page.

/// What holds no markup, so that a `<` in it begins no tag.
const RAW: [&str; 2] = ["script", "style"];
/// What a script takes over: left as it is.
const ISLAND: &str = "leptos-island";
const MARK: &str = "<!>";

/// The same document without marks outside of islands. What stands in attributes is a value, whatever it looks like.
pub(super) fn without(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix(MARK) {
            rest = after;
            continue;
        }
        let begins = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
        let tag = &rest[..if begins { tag_length(rest) } else { 1 }];
        let name: &str = tag[1..].split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next().unwrap_or("");
        let whole = if name == ISLAND || RAW.contains(&name) {
            let close = format!("</{name}>");
            rest[tag.len()..].find(&close).map_or(rest.len(), |at| tag.len() + at + close.len())
        } else {
            tag.len()
        };
        let (element, after) = rest.split_at(whole);
        if RAW.contains(&name) {
            // Its text is one piece: a mark can only stand at the end.
            let close = format!("{MARK}</{name}>");
            match element.strip_suffix(&close) {
                Some(text) => out.extend([text, "</", name, ">"]),
                None => out.push_str(element),
            }
        } else {
            out.push_str(element);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How long the tag or comment is that the text begins with: a tag to its `>`, past those in values.
fn tag_length(text: &str) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(text.len(), |at| at + 3);
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn marks_go_and_values_islands_and_scripts_stay() {
        for (given, left) in [
            ("<!DOCTYPE html><title>a<!> · b<!></title>", "<!DOCTYPE html><title>a · b</title>"),
            ("<p title=\"<!> it's\">x<!>y<!></p><!>", "<p title=\"<!> it's\">xy</p>"),
            ("<a b='>\"<!>'>t<!></a>", "<a b='>\"<!>'>t</a>"),
            (
                "<leptos-island data-component=\"Keys\"><b>x<!></b><!></leptos-island><!>z",
                "<leptos-island data-component=\"Keys\"><b>x<!></b><!></leptos-island>z",
            ),
            ("<script nonce=\"n\">if(a<b)\"<!>\"<!></script><i>1<!></i>", "<script nonce=\"n\">if(a<b)\"<!>\"</script><i>1</i>"),
            ("a < b<!>, &lt;!&gt; <!>é", "a < b, &lt;!&gt; é"),
            ("<!-- it's <!> -->x<!>", "<!-- it's <!> -->x"),
            ("no tags at all", "no tags at all"),
        ] {
            assert_eq!(without(given), left);
        }
    }
}
