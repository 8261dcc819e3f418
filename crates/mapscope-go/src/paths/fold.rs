//! Steps that are repeated, written once.

/// Steps that can be repeated together: ways through lists in lists, of which each step is a step of its own.
const MAX_SPAN: usize = 8;

/// A step that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    /// Where it is among all steps: the last time when it is repeated.
    pub(super) index: usize,
    /// It and those before it, `span` in all, are taken so many times.
    pub(super) times: u64,
    pub(super) span: u64,
}

/// Folds repetitions. Steps are the same when their names are.
pub(super) fn fold<N: PartialEq, O>(steps: &[(N, O)]) -> Vec<Folded> {
    let mut folded = Vec::new();
    let mut at = 0;
    while at < steps.len() {
        // The shortest repetition that covers most: `a a a a` is four times one, not twice two.
        let mut best = (1, 1);
        for span in 1..=MAX_SPAN.min((steps.len() - at) / 2) {
            let repeated = (at + span..steps.len()).take_while(|i| steps[*i].0 == steps[*i - span].0).count();
            let times = repeated / span + 1;
            if times > 1 && times * span > best.0 * best.1 {
                best = (span, times);
            }
        }
        let (span, times) = best;
        let last = at + span * (times - 1);
        for index in last..last + span {
            let closes = index + 1 == last + span && times > 1;
            let (times, span) = if closes { (times as u64, span as u64) } else { (1, 1) };
            folded.push(Folded { index, times, span });
        }
        at += span * times;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(steps: &str) -> String {
        let steps: Vec<(char, ())> = steps.chars().map(|c| (c, ())).collect();
        let parts = fold(&steps).into_iter().map(|f| match f.times {
            1 => steps[f.index].0.to_string(),
            n => format!("{}<{}x{n}>", steps[f.index].0, f.span),
        });
        parts.collect()
    }

    #[test]
    fn repetitions_of_one_and_of_several() {
        assert_eq!(folded(""), "");
        assert_eq!(folded("abc"), "abc");
        assert_eq!(folded("aaaa"), "a<1x4>");
        assert_eq!(folded("xababab"), "xab<2x3>");
        assert_eq!(folded("xababa"), "xab<2x2>a");
        assert_eq!(folded("aabaab"), "aab<3x2>");
        assert_eq!(folded("nnnvmmm"), "n<1x3>vm<1x3>");
    }

    #[test]
    fn the_object_is_the_last_one() {
        let steps: Vec<(char, u32)> = "xnnn".chars().zip(10..).collect();
        assert_eq!(fold(&steps).iter().map(|f| steps[f.index].1).collect::<Vec<_>>(), [10, 13]);
    }
}
