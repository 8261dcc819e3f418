//! Sizes as people type them.

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
    fn what_is_not_a_size_is_said_so() {
        for text in
            ["", "M", "-1", "10X", "1.2.3", "10MiBs", "ten", "10é", "NaN", "99999999E", "99999999999999999999999"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
