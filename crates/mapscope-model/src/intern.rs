//! Values by number, each kept once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Gives each value a number, in the order in which they come.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new() }
    }
}

impl<T: Hash + Eq + Clone + Default> Interner<T> {
    /// The number of `value`, which is copied when it is new.
    pub(crate) fn number<Q>(&mut self, value: &Q) -> u32
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(value.to_owned(), number);
        number
    }

    /// The values by number.
    pub(crate) fn into_values(self) -> Box<[T]> {
        let mut values = vec![T::default(); self.numbers.len()];
        for (value, number) in self.numbers {
            if let Some(place) = values.get_mut(number as usize) {
                *place = value;
            }
        }
        values.into_boxed_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut names: Interner<String> = Interner::default();
        let numbers: Vec<u32> = ["b", "a", "b", "c", "a"].iter().map(|name| names.number(*name)).collect();
        assert_eq!(numbers, [0, 1, 0, 2, 1]);
        assert_eq!(*names.into_values(), ["b", "a", "c"]);
    }
}
