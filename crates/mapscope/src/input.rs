//! How much is read of each kind of file that a command line names, and for how long.

use std::path::Path;
use std::time::Duration;

use mapscope_memory::InputBounds;

/// Documents begin with a brace, cores do not. Editors and shells put white space in front, within reason.
const LEAD: usize = 64;

/// Bytes of a saved inspection: that of a process with four million maps.
const MAX_DOCUMENT: u64 = 2 << 30;
/// Bytes of a file with budgets: many pages of text.
const MAX_SETTINGS: u64 = 1 << 20;

/// A saved inspection. It takes as long as one takes to make and to pipe it here.
pub(crate) const DOCUMENT: InputBounds = InputBounds { most: document, ..InputBounds::ELF };
/// What can be compared: a core or a saved inspection.
pub(crate) const COMPARED: InputBounds =
    InputBounds { most: |start| document(start).or_else(|| (InputBounds::ELF.most)(start)), ..InputBounds::ELF };
/// Budgets.
pub(crate) const SETTINGS: InputBounds =
    InputBounds { most: |_| Some(MAX_SETTINGS), silence: Duration::from_secs(30), total: Duration::from_secs(60) };

fn document(start: &[u8]) -> Option<u64> {
    is_document(start).then_some(MAX_DOCUMENT)
}

/// Whether a document begins like this, and no core.
pub(crate) fn is_document(start: &[u8]) -> bool {
    let text = text(start);
    text.iter().take(LEAD).find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

/// A document without its byte order mark.
pub(crate) fn text(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Whether `path` means standard input.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// How views name what is at `path`, as [`mapscope_memory::Input::name`] does.
pub(crate) fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_by_a_brace() {
        for document in ["{}", "\u{feff}{", " \r\n\t{\"schema\":1}"] {
            assert_eq!((COMPARED.most)(document.as_bytes()), Some(MAX_DOCUMENT), "{document}");
        }
        for other in ["", " ", "\u{7f}ELF", "[]", "<html>", &format!("{:64}{{", "")] {
            assert!(!is_document(other.as_bytes()), "{other}");
        }
        assert!((COMPARED.most)(b"\x7fELF") > Some(MAX_DOCUMENT) && (COMPARED.most)(b"\0\0\0\0").is_none());
    }
}
