//! Light minifying of generated text. Compression does the rest; a real minifier would be a heavy dependency for a few hundred bytes.

/// Drops comments and needless white space from a style sheet, keeping strings and the spaces that mean something.
pub fn minify_css(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars().peekable();
    let mut space = false;
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'*') => {
                chars.next();
                let mut previous = ' ';
                for inner in chars.by_ref() {
                    if previous == '*' && inner == '/' {
                        break;
                    }
                    previous = inner;
                }
                space = true;
            }
            '"' | '\'' => {
                flush_space(&mut out, &mut space, c);
                out.push(c);
                copy_string(&mut out, &mut chars, c);
            }
            c if c.is_whitespace() => space = true,
            '}' => {
                space = false;
                while out.ends_with(';') {
                    out.pop();
                }
                out.push('}');
            }
            c => {
                flush_space(&mut out, &mut space, c);
                out.push(c);
            }
        }
    }
    out
}

/// A space is needed unless one of its neighbours is punctuation that never needs one.
fn flush_space(out: &mut String, space: &mut bool, next: char) {
    if *space && !out.is_empty() && !out.ends_with(['{', '}', ';', ',']) && !matches!(next, '{' | ';' | ',') {
        out.push(' ');
    }
    *space = false;
}

fn copy_string(out: &mut String, chars: &mut impl Iterator<Item = char>, quote: char) {
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '\\' {
            out.extend(chars.next());
        } else if c == quote {
            return;
        }
    }
}

/// Drops indentation, empty lines and whole-line comments from the glue that wasm-bindgen writes.
///
/// Only for that glue: it holds no template literal over several lines, in which indentation would mean something.
pub fn minify_glue(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut in_comment = false;
    for line in source.lines().map(str::trim) {
        let opens = line.starts_with("/*") && (line.ends_with("*/") || !line.contains("*/"));
        if in_comment || opens {
            in_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn css_loses_comments_and_spaces_but_keeps_meaning() {
        let source = "/* a */\n@layer base {\n  a > b, c d {\n    width: calc(1px + 2px);\n    margin: 0 auto;\n  }\n}\n";
        assert_eq!(minify_css(source), "@layer base{a > b,c d{width: calc(1px + 2px);margin: 0 auto}}");
    }

    #[test]
    fn css_strings_are_left_alone() {
        let source = "a::before { content: \"  /* not a comment */ \\\" }\" ; }";
        assert_eq!(minify_css(source), "a::before{content: \"  /* not a comment */ \\\" }\"}");
    }

    #[test]
    fn glue_loses_indentation_and_comments() {
        let source = "/**\n * doc\n */\nfunction a() {\n    // why\n    return 1; // kept\n}\n\n/* one */\nlet b;\n";
        assert_eq!(minify_glue(source), "function a() {\nreturn 1; // kept\n}\nlet b;\n");
    }
}
