//! The captured variables of function values: the debug information of the function names them.

use std::sync::RwLock;

use rustc_hash::FxHashMap;

use super::abi::MAX_TYPE_SIZE;
use super::table::TypeTable;
use super::{Kind, StructField, TypeId};
use crate::dwarf::Local;
use crate::runtime::FunctionTable;

/// Closure types by the address of their function.
#[derive(Default)]
pub(crate) struct ClosureTypes {
    known: RwLock<FxHashMap<u64, TypeId>>,
}

impl ClosureTypes {
    /// The type of the closure whose first word is `code`; unknown when nothing is known of its variables.
    pub(crate) fn of(&self, types: &TypeTable<'_>, functions: &[FunctionTable], code: u64) -> TypeId {
        if let Some(id) = self.known.read().ok().and_then(|k| k.get(&code).copied()) {
            return id;
        }
        let id = resolve(types, functions, code).unwrap_or_default();
        if let Ok(mut known) = self.known.write() {
            known.insert(code, id);
        }
        id
    }
}

fn resolve(types: &TypeTable<'_>, functions: &[FunctionTable], code: u64) -> Option<TypeId> {
    let (table, function) = functions.iter().find_map(|t| Some((t, t.find(code)?)))?;
    if function.entry != code {
        return None;
    }
    let name = table.name(&function).to_owned();
    let fields = match name.strip_suffix("-fm") {
        Some(method) => vec![receiver(types, method)?],
        // What it captures may not be known; which function it is, its code says.
        None => captured(types, code).unwrap_or_default(),
    };
    let end = fields.iter().map(|f| f.offset.saturating_add(types.get(f.ty).size)).max();
    let size = end.unwrap_or(8).min(MAX_TYPE_SIZE);
    Some(types.closure(code, &name, size.next_multiple_of(8), fields))
}

/// A method value holds its receiver: `main.(*Cfg).Get` a `*main.Cfg`, `main.Cfg.Get` a `main.Cfg`.
fn receiver(types: &TypeTable<'_>, method: &str) -> Option<StructField> {
    let (ty, _) = method.rsplit_once('.')?;
    let id = match ty.split_once("(*").and_then(|(package, rest)| Some((package, rest.strip_suffix(')')?))) {
        Some((package, rest)) => types.pointer_named(&format!("{package}{rest}"))?,
        None => types.struct_named(ty)?,
    };
    Some(StructField { name: "R".to_owned(), offset: 8, ty: id })
}

/// Type of the first parameter of the function at `code`.
pub(crate) fn first_parameter(types: &TypeTable<'_>, code: u64) -> Option<TypeId> {
    let (dwarf, index) = types.debug?;
    let subprogram = index.subprogram(code).filter(|s| s.low == code)?;
    let locals = dwarf.locals(subprogram.offset, code).ok()?;
    locals.iter().find(|l| l.parameter).map(|l| types.debug(l.type_offset))
}

fn captured(types: &TypeTable<'_>, code: u64) -> Option<Vec<StructField>> {
    let (dwarf, index) = types.debug?;
    let subprogram = index.subprogram(code).filter(|s| s.low == code)?;
    let locals = dwarf.locals(subprogram.offset, code).ok()?;
    let field = |l: &Local<'_>, offset| StructField { name: l.name.to_owned(), offset, ty: types.debug(l.type_offset) };
    let told: Vec<_> = locals.iter().filter_map(|l| Some(field(l, l.closure_offset?))).collect();
    if !told.is_empty() || types.minor >= 23 {
        return (!told.is_empty()).then_some(told);
    }
    // Before 1.23 the offsets are not told. Captured variables are those declared before the function's body, or, in
    // optimised code, on the line of the function itself; they are in the order in which the closure holds them.
    let line = dwarf.entry(subprogram.offset).ok()?.number(gimli::DW_AT_decl_line)?;
    let mut at = 8u64;
    let mut fields = Vec::new();
    for local in locals.iter().filter(|l| l.line.is_some_and(|l| l <= line) && !l.parameter) {
        let ty = types.debug(local.type_offset);
        at = at.checked_next_multiple_of(types.alignment(ty))?;
        fields.push(field(local, at));
        at = at.saturating_add(types.get(ty).size);
    }
    (!fields.is_empty()).then_some(fields)
}

impl TypeTable<'_> {
    /// The struct type with this name in the debug information.
    pub(super) fn struct_named(&self, name: &str) -> Option<TypeId> {
        self.named(name).or_else(|| Some(self.debug(*self.debug?.1.structs.get(name)?)))
    }

    /// The pointer to the struct type with this name.
    fn pointer_named(&self, name: &str) -> Option<TypeId> {
        self.named(&format!("*{name}")).or_else(|| Some(self.pointer_to(self.struct_named(name)?)))
    }

    /// Alignment of a type, in bytes: that of its widest member, at most 8.
    pub(super) fn alignment(&self, id: TypeId) -> u64 {
        let mut id = id;
        let mut widest = 1;
        // Structs are as aligned as their widest field; a few levels tell, pointers anywhere mean 8.
        for _ in 0..8 {
            let ty = self.get(id);
            match &ty.kind {
                Kind::Array { elem, .. } => id = *elem,
                Kind::Struct(fields) => {
                    let mut next = None;
                    for field in fields {
                        let inner = self.get(field.ty);
                        match inner.kind {
                            Kind::Struct(_) | Kind::Array { .. } => next = Some(field.ty),
                            _ => widest = widest.max(scalar_alignment(inner.size)),
                        }
                    }
                    match next {
                        Some(inner) if widest < 8 => id = inner,
                        _ => return widest,
                    }
                }
                _ => return widest.max(scalar_alignment(ty.size)),
            }
        }
        8
    }
}

fn scalar_alignment(size: u64) -> u64 {
    match size {
        0 | 1 => 1,
        2 | 3 => 2,
        4..=7 => 4,
        _ => 8,
    }
}
