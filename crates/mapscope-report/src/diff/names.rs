//! Names that mean the same in every inspection.

use std::borrow::Cow;

/// An owner or a holder without what is another each time: `goroutine 7 main.worker: seen` is `goroutine main.worker:
/// seen`, and a place that nothing covers (`0xc000012345.next`) is `0x….next`. Offsets (`bss+0x80`) belong to the program
/// and stay.
pub(super) fn comparable(name: &str) -> Cow<'_, str> {
    if let Some(rest) = of_goroutine(name) {
        return Cow::Owned(format!("goroutine {rest}"));
    }
    match name.strip_prefix("0x") {
        Some(digits) => Cow::Owned(format!("0x…{}", digits.trim_start_matches(|c: char| c.is_ascii_hexdigit()))),
        None => Cow::Borrowed(name),
    }
}

/// `main.worker: seen` of `goroutine 7 main.worker: seen`; `None` of what is not a numbered goroutine's.
pub(crate) fn of_goroutine(name: &str) -> Option<&str> {
    let (number, rest) = name.strip_prefix("goroutine ")?.split_once(' ')?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

/// The owner begins at an offset, for the binary or plugin (`part.so:bss+0x80`) has no names of variables.
pub(super) fn is_offset(name: &str) -> bool {
    let is_place = |place: &str| place.starts_with("bss+0x") || place.starts_with("data+0x");
    is_place(name) || name.split_once(':').is_some_and(|(_, place)| is_place(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_each_time_is_left_out() {
        let cases = [
            ("goroutine 7 main.worker: seen", "goroutine main.worker: seen"),
            ("goroutine 12345 main.worker", "goroutine main.worker"),
            ("goroutine main.worker", "goroutine main.worker"),
            ("0xc000012345.next[]", "0x….next[]"),
            ("bss+0x80.items", "bss+0x80.items"),
            ("main.goroutine 7", "main.goroutine 7"),
            ("goroutine x main.f", "goroutine x main.f"),
            ("", ""),
        ];
        for (name, want) in cases {
            assert_eq!(comparable(name), want);
        }
        assert!(is_offset("bss+0x80.items") && is_offset("part.so:data+0x8[]") && !is_offset("main.bss"));
    }
}
