//! Structs of a library as its source has them, for programs that keep no type of them: parses a part of Go's syntax and
//! lays the fields out as the compiler does for 64-bit machines.

/// Types of one table.
const MAX_TYPES: usize = 1 << 12;
/// Bytes of one type.
const MAX_SIZE: u64 = 1 << 30;
/// Slices and arrays around one type.
const MAX_AROUND: usize = 16;

/// A type, by number in its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    Number {
        signed: bool,
    },
    Pointer,
    String,
    Slice(u32),
    Array(u32, u64),
    Struct(Vec<(String, u64, u32)>),
    /// Anything else: nothing in it is looked at.
    Other,
}

/// What is declared, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layouts {
    types: Vec<(Declared, u64, u64)>,
    names: Vec<(String, u32)>,
}

impl Layouts {
    /// Parses `type name struct { field type; ... }`, as often as it is there. A type has to come before its use.
    ///
    /// # Errors
    /// What is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut layouts = Self::default();
        let mut tokens = tokens(text).into_iter().peekable();
        while let Some(token) = tokens.next() {
            if token == ";" {
                continue;
            }
            let name = tokens.next().unwrap_or_default();
            if token != "type" || tokens.next() != Some("struct") || tokens.next() != Some("{") {
                return Err(format!("at `{token} {name}`: write type name struct {{ field type; ... }}"));
            }
            let mut body = Vec::new();
            loop {
                match tokens.next() {
                    Some("}") => break,
                    Some(token) => body.push(token),
                    None => return Err(format!("type {name} has no }} at its end")),
                }
            }
            let number = layouts.structure(&body)?;
            layouts.names.push((name.to_owned(), number));
        }
        Ok(layouts)
    }

    /// The struct of this name.
    pub(super) fn named(&self, name: &str) -> Option<u32> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// A type and its size in bytes.
    pub(super) fn get(&self, number: u32) -> Option<(&Declared, u64)> {
        self.types.get(number as usize).map(|(declared, size, _)| (declared, *size))
    }

    fn add(&mut self, declared: Declared, size: Option<u64>, align: u64) -> Result<u32, String> {
        let size = size.filter(|size| *size <= MAX_SIZE && self.types.len() < MAX_TYPES);
        self.types.push((declared, size.ok_or("a type is too large")?, align));
        Ok(self.types.len() as u32 - 1)
    }

    fn structure(&mut self, body: &[&str]) -> Result<u32, String> {
        let (mut fields, mut end, mut widest) = (Vec::new(), 0u64, 1);
        for line in body.split(|token| *token == ";").filter(|line| !line.is_empty()) {
            let [name, ty @ ..] = line else { continue };
            if ty.is_empty() {
                return Err(format!("field {name} has no type"));
            }
            let number = self.ty(ty)?;
            let (_, size, align) = self.types[number as usize].clone();
            let offset = end.next_multiple_of(align);
            (end, widest) = (offset.saturating_add(size), widest.max(align));
            fields.push(((*name).to_owned(), offset, number));
        }
        self.add(Declared::Struct(fields), end.checked_next_multiple_of(widest), widest)
    }

    /// `[][4]name`: from the inside out.
    fn ty(&mut self, tokens: &[&str]) -> Result<u32, String> {
        let bad = || format!("`{}` is no type that is known here", tokens.join(""));
        let mut around = Vec::new();
        let mut rest = tokens;
        loop {
            let (len, inner) = match rest {
                ["[", "]", inner @ ..] => (None, inner),
                ["[", len, "]", inner @ ..] => (Some(len.parse().map_err(|_| bad())?), inner),
                _ => break,
            };
            around.push(len);
            rest = inner;
        }
        if around.len() > MAX_AROUND {
            return Err(bad());
        }
        let mut number = self.base(rest).ok_or_else(bad)??;
        for len in around.into_iter().rev() {
            let (size, align) = (self.types[number as usize].1, self.types[number as usize].2);
            number = match len {
                None => self.add(Declared::Slice(number), Some(24), 8)?,
                Some(len) => self.add(Declared::Array(number, len), size.checked_mul(len), align)?,
            };
        }
        Ok(number)
    }

    fn base(&mut self, tokens: &[&str]) -> Option<Result<u32, String>> {
        let name = match tokens {
            ["*" | "func" | "map" | "chan", ..] => "uintptr*",
            ["interface", "{", "}"] => "any",
            [name] => *name,
            _ => return None,
        };
        let number = |signed| Declared::Number { signed };
        let (declared, size) = match name {
            "uintptr*" | "unsafe.Pointer" => (Declared::Pointer, 8),
            "int" | "int64" => (number(true), 8),
            "uint" | "uint64" | "uintptr" => (number(false), 8),
            "int32" => (number(true), 4),
            "uint32" => (number(false), 4),
            "int16" => (number(true), 2),
            "uint16" => (number(false), 2),
            "int8" => (number(true), 1),
            "uint8" | "byte" | "bool" => (number(false), 1),
            "string" => (Declared::String, 16),
            "any" | "error" => return Some(self.add(Declared::Other, Some(16), 8)),
            "sync.Mutex" => return Some(self.add(Declared::Other, Some(8), 4)),
            "sync.RWMutex" => return Some(self.add(Declared::Other, Some(24), 4)),
            other => return self.named(other).map(Ok),
        };
        Some(self.add(declared, Some(size), size.min(8)))
    }
}

/// Names with their dots, numbers, and signs; the end of a line is a semicolon.
fn tokens(text: &str) -> Vec<&str> {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let mut tokens = Vec::new();
    for line in text.lines() {
        let mut rest = line.split("//").next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let end = if word(first) { rest.find(|c| !word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
            tokens.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        tokens.push(";");
    }
    tokens
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_as_the_compiler_lays_them() {
        let text = "type stripe struct { c int64; pad [56]byte }\n\
            type table struct {\n  small bool // so\n  wide uint32\n  buckets [][64]byte\n  size []stripe\n  next *table\n}";
        let layouts = Layouts::parse(text).unwrap();
        let (table, size) = layouts.get(layouts.named("table").unwrap()).unwrap();
        let Declared::Struct(fields) = table else { panic!("{table:?}") };
        let offsets: Vec<_> = fields.iter().map(|(name, offset, _)| (name.as_str(), *offset)).collect();
        assert_eq!(offsets, [("small", 0), ("wide", 4), ("buckets", 8), ("size", 32), ("next", 56)]);
        assert_eq!(size, 64);
        let Declared::Slice(stripe) = layouts.get(fields[3].2).unwrap().0 else { panic!("no slice") };
        assert_eq!(layouts.get(*stripe).unwrap().1, 64);
        assert_eq!(layouts.named("stripe"), Some(*stripe));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in
            ["type a struct { b c }", "type a struct {", "struct {}", "type a struct { b [x]int }", "type a int"]
        {
            assert!(Layouts::parse(text).is_err(), "{text}");
        }
        assert!(Layouts::parse("type a struct { b [999999999999]int64 }").is_err());
        assert!(Layouts::parse(&format!("type a struct {{ b {}int }}", "[]".repeat(100))).is_err());
    }
}
