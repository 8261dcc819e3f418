//! Moments as documents write them (RFC 3339).

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp, Unit};

/// `2026-11-21T20:30:00.125Z`; `None` for a time that no calendar has.
pub fn rfc3339(moment: SystemTime) -> Option<String> {
    let moment = Timestamp::try_from(moment).ok()?.round(Unit::Millisecond).ok()?;
    Some(moment.to_string())
}

/// Seconds since 1970; `None` for a text that is no moment.
pub fn seconds(text: &str) -> Option<f64> {
    Some(text.parse::<Timestamp>().ok()?.as_millisecond() as f64 / 1000.0)
}

/// `2026-11-21 20:30:00 UTC`.
pub(crate) fn readable(text: &str) -> Option<String> {
    let moment = text.parse::<Timestamp>().ok()?;
    Some(moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Milliseconds from one moment to a later one.
pub(crate) fn between(earlier: &str, later: &str) -> Option<u64> {
    let earlier: Timestamp = earlier.parse().ok()?;
    let span: SignedDuration = later.parse::<Timestamp>().ok()?.duration_since(earlier);
    u64::try_from(span.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        let moment = UNIX_EPOCH + Duration::from_micros(1_795_293_000_125_400);
        assert_eq!(rfc3339(moment).as_deref(), Some("2026-11-21T20:30:00.125Z"));
        assert_eq!(seconds("2026-11-21T20:30:00.125Z"), Some(1_795_293_000.125));
        assert_eq!(seconds("2026-11-21T21:30:00.125+01:00"), Some(1_795_293_000.125));
        assert_eq!(readable("2026-11-21T20:30:00.125Z").as_deref(), Some("2026-11-21 20:30:00 UTC"));
        assert_eq!(between("2026-11-21T20:30:00Z", "2026-11-21T20:30:01.5Z"), Some(1500));
        assert_eq!(between("2026-11-21T20:30:01Z", "2026-11-21T20:30:00Z"), None);
        for none in ["", "yesterday", "2026-13-21T20:30:00Z", "99999999999"] {
            assert_eq!((seconds(none), readable(none)), (None, None), "{none}");
        }
    }
}
