//! A command as it is typed into a shell, in words.

use anyhow::{Result, bail};

/// The words of a command: separated by space, with `'…'`, `"…"` and `\` as in a shell. Nothing is expanded.
pub(crate) fn split(command: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => quoted(&mut letters, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut letters, '"', word.get_or_insert_default())?,
            '\\' => match letters.next() {
                Some(letter) => word.get_or_insert_default().push(letter),
                None => bail!("`{command}` ends in a backslash"),
            },
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' => bail!(
                "`{command}`: {letter} means something to a shell, which this is none: quote it, or run sh -c '...'"
            ),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(letters: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Result<()> {
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter == quote => return Ok(()),
            '\\' if quote == '"' => match letters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            letter => word.push(letter),
        }
    }
    bail!("the quote {quote} is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        let cases: [(&str, &[&str]); 7] = [
            ("./svc.test -test.run Leak", &["./svc.test", "-test.run", "Leak"]),
            ("  a   b\t", &["a", "b"]),
            ("a '' \"\"", &["a", "", ""]),
            ("-run='^Leak$' x\"y z\"", &["-run=^Leak$", "xy z"]),
            ("a\\ b \"c\\\"d\\e\" 'f\\g'", &["a b", "c\"d\\e", "f\\g"]),
            ("sh -c 'a | b && $c'", &["sh", "-c", "a | b && $c"]),
            ("", &[]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text).expect(text), want, "{text}");
        }
        for text in ["'a", "a \"b", "a\\", "a | b", "a > b", "$HOME/x", "a; b"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
