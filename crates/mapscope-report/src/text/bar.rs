//! Bars drawn with eighths of a block.

/// A bar of at most `width` columns for `part` of `whole`. Anything over nothing shows at least a sliver.
pub(crate) fn bar(part: u64, whole: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if part == 0 || whole == 0 {
        return String::new();
    }
    let share = (part as f64 / whole as f64).min(1.0);
    let eighths = ((share * width as f64 * 8.0).round() as usize).max(1);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0, 10, 10), "");
        assert_eq!(bar(1, 1_000_000, 10), "▏");
        assert_eq!(bar(5, 10, 10), "█████");
        assert_eq!(bar(51, 100, 10), "█████▏");
        assert_eq!(bar(20, 10, 4), "████");
        assert_eq!(bar(1, 0, 4), "");
    }
}
