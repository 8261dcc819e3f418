//! Typed pointers on their way to the chunk of spans that they lead into.

use super::Offer;
use crate::types::TypeId;

/// A pointer to one value: what nearly all are, in half the room of a [`Parcel`].
#[derive(Clone, Copy, Debug)]
struct Letter {
    /// From the start of the chunk.
    offset: u32,
    ty: TypeId,
}

/// Any other pointer.
#[derive(Clone, Copy, Debug)]
struct Parcel {
    /// From the start of the chunk.
    offset: u64,
    ty: TypeId,
    /// Values of a row, as far as 31 bits can count, above [`Parcel::ROW`].
    count: u32,
}

impl Parcel {
    /// Set in the count of a row.
    const ROW: u32 = 1 << 31;

    fn new(offer: &Offer, offset: u64) -> Self {
        let row = if offer.many { Self::ROW } else { 0 };
        let count = offer.count.min(u64::from(Self::ROW - 1)) as u32;
        Self { offset, ty: offer.ty, count: row | count }
    }
}

/// Pointers into one chunk.
#[derive(Debug, Default)]
pub(super) struct Post {
    letters: Vec<Letter>,
    parcels: Vec<Parcel>,
}

impl Post {
    /// Adds a pointer from the heap into the chunk that starts at `start`.
    #[inline]
    pub(super) fn add(&mut self, offer: &Offer, start: u64) {
        let offset = offer.address.saturating_sub(start);
        match u32::try_from(offset) {
            Ok(offset) if !offer.many => self.letters.push(Letter { offset, ty: offer.ty }),
            _ => self.parcels.push(Parcel::new(offer, offset)),
        }
    }

    /// How much it is, in units of 8 bytes.
    #[inline]
    pub(super) fn weight(&self) -> usize {
        self.letters.len() + 2 * self.parcels.len()
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        self.letters.append(&mut other.letters);
        self.parcels.append(&mut other.parcels);
    }

    /// Calls `open` with all pointers, from place to place of the chunk that starts at `start`.
    pub(super) fn open(&self, start: u64, order: &mut Order, mut open: impl FnMut(&Offer)) {
        for index in order.of(self.letters.iter().map(|l| u64::from(l.offset))) {
            let Letter { offset, ty } = self.letters[*index as usize];
            open(&Offer { address: start + u64::from(offset), ty, many: false, count: 1, from: 0 });
        }
        for index in order.of(self.parcels.iter().map(|p| p.offset)) {
            let Parcel { offset, ty, count } = self.parcels[*index as usize];
            let (many, count) = (count & Parcel::ROW != 0, u64::from(count & !Parcel::ROW));
            open(&Offer { address: start + offset, ty, many, count, from: 0 });
        }
    }
}

/// Places that are told apart.
const PLACES: u64 = 1 << 10;
/// Fewer are not worth sorting.
const FEW: usize = 64;

/// Sorts by place. What is close together can come in any order.
#[derive(Default)]
pub(super) struct Order {
    order: Vec<u32>,
    /// Where each place begins.
    starts: Vec<u32>,
}

impl Order {
    /// The indices of `offsets` in the order of their places: sorted by counting, because comparing takes longer than what is
    /// then done with them.
    fn of(&mut self, offsets: impl ExactSizeIterator<Item = u64> + Clone) -> &[u32] {
        self.order.clear();
        if offsets.len() < FEW {
            self.order.extend(0..offsets.len() as u32);
            return &self.order;
        }
        let most = offsets.clone().max().unwrap_or(0);
        let shift = (most / PLACES).checked_ilog2().map_or(0, |bits| bits + 1);
        self.starts.clear();
        self.starts.resize(PLACES as usize + 1, 0);
        for offset in offsets.clone() {
            self.starts[(offset >> shift) as usize + 1] += 1;
        }
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
        self.order.resize(offsets.len(), 0);
        for (index, offset) in offsets.enumerate() {
            let at = &mut self.starts[(offset >> shift) as usize];
            self.order[*at as usize] = index as u32;
            *at += 1;
        }
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_offered_arrives_as_far_as_it_fits() {
        let start = 0xc000_0000;
        for (offset, many, count, kept, weight) in [
            (8, false, 1, 1, 1),
            (0, true, 0, 0, 2),
            (64, true, 12, 12, 2),
            (u32::MAX.into(), false, 1, 1, 1),
            (1 << 32, false, 1, 1, 2),
            (1 << 40, true, u64::MAX, (1 << 31) - 1, 2),
        ] {
            let mut post = Post::default();
            post.add(&Offer { address: start + offset, ty: TypeId(7), many, count, from: 0 }, start);
            assert_eq!(post.weight(), weight);
            let mut opened = Vec::new();
            post.open(start, &mut Order::default(), |o| opened.push((o.address, o.ty, o.many, o.count, o.from)));
            assert_eq!(opened, [(start + offset, TypeId(7), many, kept, 0)]);
        }
    }

    #[test]
    fn all_are_opened_from_place_to_place() {
        let mut order = Order::default();
        let many: Vec<u64> = (0..5000).map(|i| i * 7919 % 5003 * 64).collect();
        let far = (0..FEW as u64).map(|i| u64::MAX / (i + 1)).collect();
        for offsets in [vec![], vec![5], vec![0; FEW], far, many] {
            let sorted: Vec<u32> = order.of(offsets.iter().copied()).to_vec();
            let place = offsets.iter().max().unwrap_or(&0) / PLACES * 2 + 1;
            let at = |index: u32| offsets[index as usize];
            assert!(sorted.windows(2).all(|w| at(w[0]) <= at(w[1]).saturating_add(place)), "{sorted:?}");
            let mut all = sorted;
            all.sort_unstable();
            assert!(all.into_iter().eq(0..offsets.len() as u32));
        }
    }
}
