//! Numbers as people read them.

/// A size in binary units with three significant digits: `512 B`, `1.34 GiB`, `41.2 MiB`, `118 KiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    // 1023.5 would be printed as 1024; it reads better as 1.00 of the next unit.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A count with thousands separators: `14,680,064`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A change of a size: `+1.20 MiB`, `-512 B`, `0 B`.
pub(crate) fn signed_bytes(change: i64) -> String {
    format!("{}{}", sign(change), bytes(change.unsigned_abs()))
}

/// A change of a number: `+1,200`, `-3`, `0`.
pub(crate) fn signed_count(change: i64) -> String {
    format!("{}{}", sign(change), count(change.unsigned_abs()))
}

fn sign(change: i64) -> &'static str {
    match change {
        0 => "",
        1.. => "+",
        _ => "-",
    }
}

/// A change in percent of what it was before: `+12.5%`, `-99.9%`, `+1,200%`; nothing is no percentage of nothing.
pub(crate) fn signed_percent(before: u64, change: i64) -> Option<String> {
    let percent = change as f64 * 100.0 / before as f64;
    match percent.abs() {
        _ if before == 0 || change == 0 => None,
        p if p < 0.05 => Some(format!("{}<0.1%", sign(change))),
        p if p < 999.95 => Some(format!("{}{p:.1}%", sign(change))),
        p => Some(format!("{}{}%", sign(change), count(p.round() as u64))),
    }
}

/// `1 map`, `2 maps`.
pub(crate) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A share with one decimal. Only nothing is `0%` and only everything is `100%`: what lies between says so.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match share {
        _ if part == 0 => "0%".to_owned(),
        _ if part == whole => "100%".to_owned(),
        s if s < 0.05 => "<0.1%".to_owned(),
        s if (99.95..100.0).contains(&s) => ">99.9%".to_owned(),
        s => format!("{s:.1}%"),
    }
}

/// A duration given in milliseconds: `0.4 ms`, `18 ms`, `2.1 s`, `3 min 20 s`.
pub(crate) fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 99_950.0 => format!("{:.1} s", ms / 1000.0),
        ms => {
            let seconds = (ms / 1000.0).round() as u64;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

/// A time that somebody has waited, given in milliseconds: `0.4 s`, `18 s`, `3 min`, `2 h 5 min`, `4 d 3 h`.
pub(crate) fn time(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match seconds {
        0..10 => format!("{:.1} s", (ms / 100) as f64 / 10.0),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_three_digits() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (10 * 1024 - 1, "10.0 KiB"),
            (100 * 1024, "100 KiB"),
            (1024 * 1024 - 1, "1.00 MiB"),
            (1_438_814_044, "1.34 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (n, want) in cases {
            assert_eq!(bytes(n), want, "{n}");
        }
    }

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(14_680_064), "14,680,064");
    }

    #[test]
    fn shares_do_not_round_to_nothing_or_everything() {
        assert_eq!(percent(0, 10), "0%");
        assert_eq!(percent(1, 1_000_000), "<0.1%");
        assert_eq!(percent(999_999, 1_000_000), ">99.9%");
        assert_eq!(percent(10, 10), "100%");
        assert_eq!(percent(1, 0), "–");
    }

    #[test]
    fn times_are_rounded_down() {
        let cases = [(0, "0.0 s"), (9_999, "9.9 s"), (59_999, "59 s"), (3_599_999, "59 min")];
        for (ms, want) in cases.into_iter().chain([(7_500_000, "2 h 5 min"), (356_400_000, "4 d 3 h")]) {
            assert_eq!(time(ms), want, "{ms}");
        }
    }

    #[test]
    fn changes_have_a_sign() {
        assert_eq!(
            (signed_bytes(1536), signed_bytes(-512), signed_bytes(0)),
            ("+1.50 KiB".into(), "-512 B".into(), "0 B".into())
        );
        assert_eq!((signed_count(1200), signed_count(-3)), ("+1,200".into(), "-3".into()));
        assert_eq!(signed_count(i64::MIN), "-9,223,372,036,854,775,808");
        let percent = |before, change| signed_percent(before, change).unwrap_or_default();
        assert_eq!(
            (percent(200, 25), percent(1000, -999), percent(10, 120)),
            ("+12.5%".into(), "-99.9%".into(), "+1,200%".into())
        );
        assert_eq!(
            (percent(1_000_000, 1), percent(0, 5), percent(5, 0)),
            ("+<0.1%".into(), String::new(), String::new())
        );
    }

    #[test]
    fn durations_change_units() {
        assert_eq!(duration(0.42), "0.4 ms");
        assert_eq!(duration(18.2), "18 ms");
        assert_eq!(duration(2100.0), "2.1 s");
        assert_eq!(duration(200_000.0), "3 min 20 s");
    }
}
