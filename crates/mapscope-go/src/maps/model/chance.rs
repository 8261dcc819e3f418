//! What hashes decide: how many parts of a map get more entries than they have room for.

/// Bytes, as exactly as they can be known without the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The mean over maps with hashes of their own; the figure itself when exact.
    pub expected: u64,
    /// All but one map in a million take at least this,
    pub low: u64,
    /// and at most this.
    pub high: u64,
    /// No hash has a part in it: every map takes exactly this.
    pub exact: bool,
}

impl Estimate {
    /// What every map takes.
    pub(super) fn exact(bytes: u64) -> Self {
        Self { expected: bytes, low: bytes, high: bytes, exact: true }
    }

    /// With as many bytes more that every map takes.
    pub(super) fn plus(self, bytes: u64) -> Self {
        Self {
            expected: self.expected.saturating_add(bytes),
            low: self.low.saturating_add(bytes),
            high: self.high.saturating_add(bytes),
            ..self
        }
    }

    /// The larger one, for the most that is used at one of two moments.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            expected: self.expected.max(other.expected),
            low: self.low.max(other.low),
            high: self.high.max(other.high),
            exact: self.exact && other.exact,
        }
    }
}

/// Natural logarithm of one in ten million: each end of the range of each count. A map has few counts that are neither
/// sure to be none nor sure to be all, so that together they stay below one in a million.
const RARE: f64 = -16.2;

/// How many of `cells` parts get more than they have room for, where each does with probability `p`.
///
/// The entries of one part are missing from the others, so the parts are negatively associated: the expectation is
/// that of independent parts, and the ends of the range are Chernoff's bounds, which hold for such parts too (Dubhashi
/// and Ranjan 1998).
#[derive(Clone, Copy, Debug)]
pub(super) struct Overfull {
    pub(super) cells: f64,
    pub(super) p: f64,
}

impl Overfull {
    /// Of `2^depth` parts, those with more than `room` of the `entries`.
    pub(super) fn new(entries: u64, depth: u32, room: u64) -> Self {
        Self { cells: (f64::from(depth)).exp2(), p: more_than(entries, depth, room) }
    }

    /// Hashes decide nothing.
    pub(super) fn is_sure(&self) -> bool {
        self.p <= 0.0 || self.p >= 1.0
    }

    pub(super) fn expected(&self) -> f64 {
        self.cells * self.p
    }

    pub(super) fn variance(&self) -> f64 {
        self.cells * self.p * (1.0 - self.p)
    }

    /// Fewer are rare.
    pub(super) fn low(&self) -> u64 {
        let (mut rare, mut usual) = (-1i64, self.expected().floor() as i64);
        // The bound grows with the distance from the expectation.
        while usual - rare > 1 {
            let middle = i64::midpoint(rare, usual);
            if self.bound(middle as f64) < RARE { rare = middle } else { usual = middle }
        }
        usual.max(0) as u64
    }

    /// More are rare.
    pub(super) fn high(&self) -> u64 {
        let (mut usual, mut rare) = (self.expected().ceil() as i64, self.cells as i64 + 1);
        while rare - usual > 1 {
            let middle = i64::midpoint(rare, usual);
            if self.bound(middle as f64) < RARE { rare = middle } else { usual = middle }
        }
        if self.bound(usual as f64) < RARE && usual > 0 { usual as u64 - 1 } else { usual as u64 }
    }

    /// The probability that none is, as an upper bound.
    pub(super) fn none(&self) -> f64 {
        if self.p >= 1.0 { 0.0 } else { (self.cells * (-self.p).ln_1p()).exp() }
    }

    /// Whether one of them at all is rare.
    pub(super) fn is_rare(&self) -> bool {
        self.expected() < RARE.exp()
    }

    /// Whether it is rare that there is none.
    pub(super) fn is_certain(&self) -> bool {
        self.none() < RARE.exp()
    }

    /// Chernoff's bound for `count` or a value beyond it, as a logarithm.
    fn bound(&self, count: f64) -> f64 {
        let (p, share) = (self.p, (count / self.cells).clamp(0.0, 1.0));
        let term = |a: f64, b: f64| match a {
            0.0 => 0.0,
            _ if b <= 0.0 => f64::INFINITY,
            _ => a * (a / b).ln(),
        };
        -self.cells * (term(share, p) + term(1.0 - share, 1.0 - p))
    }
}

/// The probability that one part of `2^depth` gets more than `room` of `entries`: a tail of the binomial distribution.
fn more_than(entries: u64, depth: u32, room: u64) -> f64 {
    if entries <= room {
        return 0.0;
    }
    if depth == 0 {
        return 1.0;
    }
    let (n, q) = (entries as f64, (-f64::from(depth)).exp2());
    let odds = q / (1.0 - q);
    let first = room as f64 + 1.0;
    // The probability of exactly `first` entries.
    let chosen: f64 = (0..=room).map(|i| ((n - i as f64) / (i as f64 + 1.0)).ln()).sum();
    let at = (chosen + first * q.ln() + (n - first) * (-q).ln_1p()).exp();
    // The tail that is the shorter one is added up, away from the mean, until its terms count no more.
    if n * q <= first {
        let (mut sum, mut term, mut k) = (0.0, at, first);
        while term > sum * 1e-17 && k <= n {
            sum += term;
            term *= (n - k) / (k + 1.0) * odds;
            k += 1.0;
        }
        return sum.min(1.0);
    }
    let (mut sum, mut term, mut k) = (0.0, at, first);
    while k > 0.0 {
        term *= k / ((n - k + 1.0) * odds);
        k -= 1.0;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    (1.0 - sum).max(0.0)
}

/// The mean of what a normal distribution exceeds a limit by.
pub(super) fn excess(mean: f64, variance: f64, limit: f64) -> f64 {
    let (above, deviation) = (mean - limit, variance.sqrt());
    if deviation < 1e-9 || above.abs() > 8.0 * deviation {
        return above.max(0.0);
    }
    let z = above / deviation;
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    above * normal(z) + deviation * density
}

/// The normal distribution, to seven digits (Abramowitz and Stegun, 26.2.17).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let tail = series.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    let tail = tail * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_binomial_distribution() {
        // Four coins: more than two heads is five of sixteen.
        assert!((more_than(4, 1, 2) - 5.0 / 16.0).abs() < 1e-12);
        // Three entries in four parts: more than none in one part is 1 - (3/4)^3.
        assert!((more_than(3, 2, 0) - (1.0 - 27.0 / 64.0)).abs() < 1e-12);
        assert_eq!((more_than(8, 0, 8), more_than(9, 0, 8), more_than(8, 3, 8)), (0.0, 1.0, 0.0));
        // 6.5 entries for each of a million buckets: Poisson's distribution says 0.2084 have more than eight.
        assert!((more_than(13 << 19, 20, 8) - 0.2084).abs() < 1e-3);
        // Far from the mean on both sides.
        assert!(more_than(400 << 13, 13, 896) < 1e-80 && more_than(1400 << 13, 13, 896) > 1.0 - 1e-12);
    }

    #[test]
    fn ranges_are_five_to_six_deviations_wide() {
        let half = Overfull { cells: 16384.0, p: 0.5 };
        assert!((half.expected() - 8192.0).abs() < 1e-9);
        assert!((8192 - 370..8192 - 350).contains(&half.low()), "{}", half.low());
        assert_eq!(half.high() - 8192, 8192 - half.low());
        let (none, all) = (Overfull { cells: 64.0, p: 0.0 }, Overfull { cells: 64.0, p: 1.0 });
        assert_eq!((none.low(), none.high(), all.low(), all.high()), (0, 0, 64, 64));
        // Two coins can fall any way.
        let coins = Overfull { cells: 2.0, p: 0.5 };
        assert_eq!((coins.low(), coins.high()), (0, 2));
        let unlikely = Overfull { cells: 1000.0, p: 1e-15 };
        assert_eq!((unlikely.low(), unlikely.high()), (0, 0));
    }

    #[test]
    fn what_exceeds_a_limit() {
        assert!((excess(10.0, 4.0, 10.0) - 0.797_884_56).abs() < 1e-6);
        assert_eq!((excess(100.0, 4.0, 10.0), excess(0.0, 4.0, 100.0)), (90.0, 0.0));
    }
}
