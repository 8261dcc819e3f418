//! How a struct is laid out, what its padding costs, and the order of fields that has least.

use super::abi::Descriptor;
use super::table::TypeTable;
use super::{Kind, TypeId};
use crate::heap::Allocator;
use crate::maps::model::TypeSize;

/// Types looked into for one alignment; more is a type that nobody wrote.
const MAX_PARTS: usize = 1 << 14;

/// One field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Its name; of an embedded field, that of its type.
    pub name: String,
    /// Its type.
    pub type_name: String,
    /// Bytes from the start of the struct.
    pub offset: u64,
    /// Size and alignment, and whether it holds pointers.
    pub size: TypeSize,
}

/// A struct as the compiler lays it out, or in another order of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructLayout {
    /// Size and alignment of the whole, and whether it holds pointers.
    pub size: TypeSize,
    /// In the order of their offsets.
    pub fields: Vec<FieldLayout>,
}

impl StructLayout {
    /// Bytes of padding behind each field, in their order; that behind the last one ends the struct.
    pub fn holes(&self) -> Vec<u64> {
        let ends = self.fields.iter().map(|f| f.offset.saturating_add(f.size.size));
        let next = self.fields.iter().skip(1).map(|f| f.offset).chain([self.size.size]);
        next.zip(ends).map(|(next, end)| next.saturating_sub(end)).collect()
    }

    /// All bytes of padding.
    pub fn padding(&self) -> u64 {
        self.holes().iter().sum()
    }

    /// Bytes up to the end of the last field with pointers: the collector looks at no more.
    pub fn pointer_bytes(&self) -> u64 {
        let last = self.fields.iter().rev().find(|f| f.size.pointers);
        last.map_or(0, |f| f.offset.saturating_add(f.size.size))
    }

    /// Bytes of the slot in which a value is allocated alone.
    pub fn slot(&self, allocator: Allocator) -> u64 {
        allocator.slot(self.size.size, self.size.pointers)
    }

    /// The fields in the order with least padding: those that need most alignment first, and among them those with
    /// pointers, as they were otherwise. A field without size goes first, for behind the last one there is a byte of
    /// padding, so that its address stays inside (`CalcStructSize` in `cmd/compile/internal/types/size.go`). `None`
    /// when no order takes fewer bytes.
    #[must_use]
    pub fn best_order(&self) -> Option<Self> {
        let mut fields = self.fields.clone();
        fields.sort_by_key(|f| {
            let TypeSize { size, align, pointers } = f.size;
            (size > 0, std::cmp::Reverse(align), !pointers)
        });
        let mut end = 0u64;
        for field in &mut fields {
            field.offset = end.next_multiple_of(field.size.align.max(1));
            end = field.offset.saturating_add(field.size.size);
        }
        if end > 0 && fields.last().is_some_and(|f| f.size.size == 0) {
            end += 1;
        }
        let size = TypeSize { size: end.next_multiple_of(self.size.align.max(1)), ..self.size };
        (size.size < self.size.size).then_some(Self { size, fields })
    }
}

impl TypeTable<'_> {
    /// Size and alignment of a type, and whether it holds pointers.
    pub(crate) fn type_size(&self, id: TypeId) -> TypeSize {
        let size = self.get(id).size;
        let descriptor = self.get(id).descriptor;
        if descriptor != 0
            && let Ok(read) = Descriptor::read(self.memory(), descriptor)
            && read.align().is_power_of_two()
        {
            return TypeSize { size, align: read.align(), pointers: read.pointer_bytes > 0 };
        }
        let (mut align, mut pointers) = (1, false);
        // With each part, whether there is one: an array of none has the alignment of its elements, not their pointers.
        let mut pending = vec![(id, true)];
        for _ in 0..MAX_PARTS {
            let Some((part, there)) = pending.pop() else { break };
            let ty = self.get(part);
            match &ty.kind {
                Kind::Struct(fields) => pending.extend(fields.iter().map(|f| (f.ty, there))),
                Kind::Array { elem, len } => pending.push((*elem, there && *len > 0)),
                Kind::Opaque => align = align.max(scalar_align(&ty.name, ty.size)),
                _ => (align, pointers) = (8, pointers || there),
            }
        }
        TypeSize { size, align, pointers }
    }

    /// The fields of a struct; `None` for any other type, and where what is known of the fields makes no sense.
    pub(crate) fn struct_layout(&self, id: TypeId) -> Option<StructLayout> {
        let ty = self.get(id);
        let Kind::Struct(fields) = &ty.kind else { return None };
        let field = |f: &super::StructField| FieldLayout {
            name: f.name.clone(),
            type_name: self.get(f.ty).name.clone(),
            offset: f.offset,
            size: self.type_size(f.ty),
        };
        let mut fields: Vec<FieldLayout> = fields.iter().map(field).collect();
        fields.sort_by_key(|f| (f.offset, f.size.size));
        let whole = self.type_size(id);
        let apart = fields.windows(2).all(|f| f[0].offset.saturating_add(f[0].size.size) <= f[1].offset);
        let inside = fields.last().is_none_or(|f| f.offset.saturating_add(f.size.size) <= whole.size);
        (apart && inside).then_some(StructLayout { size: whole, fields })
    }
}

/// Numbers are aligned to their size, complex ones to that of their parts.
fn scalar_align(name: &str, size: u64) -> u64 {
    let align = if name == "complex64" { 4 } else { 8 };
    if size == 0 { 1 } else { (1 << size.trailing_zeros().min(3)).min(align) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(fields: &[(&str, u64, u64, u64, bool)], size: u64) -> StructLayout {
        let field = |(name, offset, size, align, pointers): &(&str, u64, u64, u64, bool)| FieldLayout {
            name: (*name).to_owned(),
            type_name: String::new(),
            offset: *offset,
            size: TypeSize { size: *size, align: *align, pointers: *pointers },
        };
        let fields: Vec<_> = fields.iter().map(field).collect();
        let align = fields.iter().map(|f| f.size.align).max().unwrap_or(1);
        let pointers = fields.iter().any(|f| f.size.pointers);
        StructLayout { size: TypeSize { size, align, pointers }, fields }
    }

    fn order(layout: &StructLayout) -> Vec<&str> {
        layout.fields.iter().map(|f| f.name.as_str()).collect()
    }

    #[test]
    fn holes_lie_behind_fields() {
        let struct_ = layout(&[("a", 0, 1, 1, false), ("b", 8, 8, 8, true), ("c", 16, 2, 2, false)], 24);
        assert_eq!((struct_.holes(), struct_.padding(), struct_.pointer_bytes()), (vec![7, 0, 6], 13, 16));
        let best = struct_.best_order().expect("it can be smaller");
        assert_eq!((order(&best), best.size.size, best.padding()), (vec!["b", "c", "a"], 16, 5));
        assert!(best.best_order().is_none());
    }

    #[test]
    fn pointers_come_first_among_equals() {
        let struct_ =
            layout(&[("a", 0, 1, 1, false), ("n", 8, 8, 8, false), ("b", 16, 1, 1, false), ("p", 24, 8, 8, true)], 32);
        let best = struct_.best_order().expect("it can be smaller");
        assert_eq!((order(&best), best.size.size, best.pointer_bytes()), (vec!["p", "n", "a", "b"], 24, 8));
    }

    #[test]
    fn a_last_field_without_size_costs_a_byte() {
        let struct_ = layout(&[("n", 0, 8, 8, false), ("mark", 8, 0, 1, false)], 16);
        assert_eq!(struct_.padding(), 8);
        let best = struct_.best_order().expect("it can be smaller");
        assert_eq!((order(&best), best.size.size, best.padding()), (vec!["mark", "n"], 8, 0));
        // Nothing but fields without size.
        assert!(layout(&[("mark", 0, 0, 1, false)], 0).best_order().is_none());
    }

    #[test]
    fn numbers_are_aligned_to_their_size() {
        let cases = [("bool", 1, 1), ("int16", 2, 2), ("main.ID", 8, 8), ("complex64", 8, 4), ("complex128", 16, 8)];
        assert!(cases.iter().all(|(name, size, align)| scalar_align(name, *size) == *align));
        assert_eq!(scalar_align("struct {}", 0), 1);
    }
}
