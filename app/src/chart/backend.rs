//! A plotters backend that writes SVG with classes instead of colours.
//!
//! plotters speaks in colours; the style sheet wants roles. So colours are used as names: red says the role,
//! blue the series. [`role`] makes such a colour, and the backend turns it back into a class. Nothing here knows
//! a real colour, so both themes and forced colours work without drawing again.

use super::metrics;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, text_anchor};
use std::{convert::Infallible, fmt::Write as _};

/// What a shape is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A line of data; the number picks its colour.
    Line(u8),
    /// The area under a line.
    Area(u8),
    /// Grid lines.
    Grid,
    /// Axis lines and ticks.
    Axis,
    /// Text.
    Text,
}

/// The colour that names a role.
pub fn role(role: Role) -> plotters::style::RGBColor {
    let (red, blue) = match role {
        Role::Line(n) => (1, n),
        Role::Area(n) => (2, n),
        Role::Grid => (3, 0),
        Role::Axis => (4, 0),
        Role::Text => (5, 0),
    };
    plotters::style::RGBColor(red, 0, blue)
}

fn class(color: BackendColor) -> String {
    match color.rgb.0 {
        1 => format!("line s{}", color.rgb.2),
        2 => format!("area s{}", color.rgb.2),
        3 => "grid".into(),
        4 => "axis".into(),
        _ => "text".into(),
    }
}

/// Collects the shapes of one chart.
pub struct Svg<'a> {
    width: u32,
    height: u32,
    body: &'a mut String,
}

impl<'a> Svg<'a> {
    /// Draws into `body`.
    pub fn new(body: &'a mut String, width: u32, height: u32) -> Self {
        Self { width, height, body }
    }

    fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
        let mut d = String::new();
        for (i, (x, y)) in path.into_iter().enumerate() {
            // Writing to a String can't fail.
            let _ = write!(d, "{}{x} {y}", if i == 0 { "M" } else { "L" });
        }
        d
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    // Everything drawn here is a line, an area or a text; single pixels have no meaning in SVG.
    fn draw_pixel(&mut self, _point: BackendCoord, _color: BackendColor) -> Drawn {
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        if style.color().alpha > 0.0 {
            let class = class(style.color());
            // Half a pixel puts a hairline on the pixel grid.
            let ((x1, y1), (x2, y2)) = (from, to);
            let _ = write!(self.body, r#"<path class="{class}" d="M{x1}.5 {y1}.5L{x2}.5 {y2}.5"/>"#);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        // plotters borders an area with a transparent line.
        if style.color().alpha > 0.0 {
            let _ = write!(self.body, r#"<path class="{}" d="{}"/>"#, class(style.color()), Self::points(path));
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, vert: I, style: &S) -> Drawn {
        let _ = write!(self.body, r#"<path class="{}" d="{}Z"/>"#, class(style.color()), Self::points(vert));
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Drawn {
        use text_anchor::{HPos, VPos};
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // From the top, middle or bottom of the letters to their base line.
        let drop = match style.anchor().v_pos {
            VPos::Top => style.size() * 0.76,
            VPos::Center => style.size() * 0.36,
            VPos::Bottom => -style.size() * 0.24,
        };
        let y = f64::from(y) + drop;
        let _ = write!(self.body, r#"<text class="text" x="{x}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escape(text));
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn estimate_text_size<T: BackendTextStyle>(&self, text: &str, style: &T) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((metrics::width(text, style.size()).ceil() as u32, style.size().ceil() as u32))
    }
}

/// Text that can't become markup.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters are no valid XML.
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
