//! Keeps values by number, each set once: looking one up takes no lock and counts no reference.

use std::sync::OnceLock;

/// Numbers of the first part, as a power of two; each part has room for twice as many as the one before.
const FIRST: u32 = 6;

/// Values by number.
#[derive(Debug)]
pub(super) struct Slots<T> {
    parts: [OnceLock<Box<[OnceLock<T>]>>; (u32::BITS - FIRST) as usize + 1],
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| OnceLock::new()) }
    }
}

impl<T> Slots<T> {
    /// The value at a number; `None` when it was not set.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let (part, at) = place(number);
        self.parts[part].get()?[at].get()
    }

    /// Sets the value at a number, unless it was set before; returns the one that is there. There is room for as many
    /// values as the largest number that is set says, so numbers must be given out in turn.
    pub(super) fn set(&self, number: u32, value: T) -> &T {
        let (part, at) = place(number);
        let room = || (0..1usize << (FIRST as usize + part)).map(|_| OnceLock::new()).collect();
        self.parts[part].get_or_init(room)[at].get_or_init(|| value)
    }
}

/// The part that a number is in, and where in it.
#[inline]
fn place(number: u32) -> (usize, usize) {
    let number = u64::from(number) + (1 << FIRST);
    let part = number.ilog2() - FIRST;
    (part as usize, (number - (1 << (FIRST + part))) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_once_and_stays() {
        let slots = Slots::default();
        for number in 0..1000 {
            assert_eq!(slots.get(number), None);
            assert_eq!((*slots.set(number, number + 7), *slots.set(number, 0)), (number + 7, number + 7));
        }
        assert!((0..1000).all(|number| slots.get(number) == Some(&(number + 7))) && slots.get(1000).is_none());
        assert_eq!([0, 63, 64, 191, 192].map(place), [(0, 0), (0, 63), (1, 0), (1, 127), (2, 0)]);
        assert_eq!(place(u32::MAX).0, (u32::BITS - FIRST) as usize);
        assert!(slots.get(u32::MAX).is_none());
    }
}
