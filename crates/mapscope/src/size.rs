//! Sizes and counts as people type them.

use anyhow::{Result, bail};

/// Bytes of `10MiB`, `10M`, `512k`, `1.5G`, `4096`. Units are powers of 1024; `kB`, `MB`, ... are powers of 1000.
pub(crate) fn parse_size(text: &str) -> Result<u64> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let bytes_per_unit = unit_bytes(unit.trim());
    let (Some(scale), Ok(value)) = (bytes_per_unit, number.parse::<f64>()) else {
        bail!("`{text}` is not a size; try 10MiB, 10M, 512k or 4096");
    };
    // Whole numbers stay exact; a fraction is only as exact as a float, which is enough for a threshold.
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(scale),
        Err(_) => Some(value * scale as f64).filter(|bytes| *bytes < u64::MAX as f64).map(|bytes| bytes.round() as u64),
    };
    match bytes {
        Some(bytes) => Ok(bytes),
        None => bail!("`{text}` is more than can be counted; try a size below 16 EiB"),
    }
}

/// A number of things: `10M`, `250k`, `1.5G`, `10_000`, `4096`. Units are powers of 1000.
pub(crate) fn parse_count(text: &str) -> Result<u64> {
    let plain = text.trim().replace(['_', ','], "");
    let (number, scale) = match plain.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => {
            let power = "kmgt".find(unit.to_ascii_lowercase());
            (&plain[..at], power.map(|p| 1000_u64.pow(p as u32 + 1)))
        }
        _ => (plain.as_str(), Some(1)),
    };
    let whole = || number.parse::<u64>().ok()?.checked_mul(scale?);
    let fraction = || {
        let value = number.parse::<f64>().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?;
        let count = value * scale? as f64;
        (count < u64::MAX as f64 && scale? > 1).then_some(count.round() as u64)
    };
    whole().or_else(fraction).ok_or_else(|| anyhow::anyhow!("`{text}` is not a number; try 10M, 250k or 4096"))
}

fn unit_bytes(unit: &str) -> Option<u64> {
    let unit = unit.to_ascii_lowercase();
    if matches!(unit.as_str(), "" | "b") {
        return Some(1);
    }
    let prefix = unit.chars().next()?;
    let power = "kmgtpe".find(prefix)? as u32 + 1;
    match &unit[1..] {
        "" | "i" | "ib" => Some(1024_u64.pow(power)),
        "b" => Some(1000_u64.pow(power)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let cases = [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("10k", 10 << 10),
            ("10K", 10 << 10),
            ("10M", 10 << 20),
            ("10 MiB", 10 << 20),
            ("10mib", 10 << 20),
            ("10MB", 10_000_000),
            ("1.5G", 3 << 29),
            ("1E", 1 << 60),
        ];
        for (text, want) in cases {
            assert_eq!(parse_size(text).expect(text), want, "{text}");
        }
    }

    #[test]
    fn counts_are_in_thousands() {
        let cases = [("0", 0), ("4096", 4096), ("10k", 10_000), ("10M", 10_000_000), ("1.5M", 1_500_000)];
        for (text, want) in cases.into_iter().chain([("10_000", 10_000), ("2G", 2_000_000_000)]) {
            assert_eq!(parse_count(text).expect(text), want, "{text}");
        }
        for text in ["", "M", "-1", "10MiB", "1.5", "ten", "99999999T", "1e3", "10é"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_size_is_said_so() {
        for text in
            ["", "M", "-1", "10X", "1.2.3", "10MiBs", "ten", "10é", "NaN", "99999999E", "99999999999999999999999"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
