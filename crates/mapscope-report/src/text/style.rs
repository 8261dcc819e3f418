//! Colours, and strings made safe to print.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Section titles.
pub(crate) const TITLE: Style = Style::new().bold();
/// Column heads, rules, what does not apply.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What the view is about.
pub(crate) const NAME: Style = Style::new().bold();
/// Ordinary bars.
pub(crate) const GOOD: Style = AnsiColor::Cyan.on_default();
/// Worth a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// Wrong, or wasted.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// No style at all.
pub(crate) const PLAIN: Style = Style::new();

/// `text` in a style.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    let text = text.to_string();
    if style == PLAIN || text.is_empty() {
        return text;
    }
    format!("{style}{text}{style:#}")
}

/// Adds a line to a view, indented as everything under a title is.
pub(crate) fn push_line(out: &mut String, text: impl Display) {
    // Writing into a string cannot fail.
    let _ = writeln!(out, "  {text}");
}

/// A string from the target, with what could steer a terminal or hide text written as an escape instead.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `text` in at most `width` columns; the middle gives way, for Go names say most at their ends.
pub(crate) fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let head = take(text.chars(), room / 2);
    let tail: String = take(text.chars().rev(), room - room / 2).chars().rev().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

fn take(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Parts with ` · ` between them, in lines of at most `width` columns; a line breaks between parts only.
pub(crate) fn join(parts: &[String], width: usize) -> Vec<String> {
    // Spaces inside a part must not break, so they travel as something that is not white space.
    let glued: Vec<String> = parts.iter().map(|part| part.replace(' ', "\u{1}")).collect();
    wrap(&glued.join("\u{1}· "), width).iter().map(|line| line.replace('\u{1}', " ")).collect()
}

/// `text` broken at spaces into lines of at most `width` columns.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_way_in_the_middle() {
        assert_eq!(shorten("main.sessions.byID", 18), "main.sessions.byID");
        assert_eq!(shorten("main.sessions.byID", 11), "main.….byID");
        assert_eq!(shorten("main.sessions.byID", 1), "…");
        assert_eq!(shorten("main.sessions.byID", 0), "");
        assert_eq!(shorten("main.世界世界世界", 9), "main…世界");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(safe("main.T\u{1b}[2J"), "main.T\\u{1b}[2J");
        assert_eq!(safe("a\u{202e}b\n"), "a\\u{202e}b\\n");
        assert_eq!(safe("map[string]世界"), "map[string]世界");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(join(&["a b".to_owned(), "c d".to_owned()], 6), ["a b ·", "c d"]);
        assert_eq!(join(&["a b".to_owned(), "c d".to_owned()], 9), ["a b · c d"]);
    }
}
