//! Go types as people write them, and their sizes: `map[string]*User`, `struct{ id [16]byte; n int32 }`. A type with a
//! name of its own needs somebody who knows it; a pointer to one does not.

use crate::GoError;
use crate::maps::model::TypeSize;

/// Types inside types; nobody writes more.
const MAX_DEPTH: usize = 32;
/// No Go value is larger.
const MAX_SIZE: u64 = 1 << 47;

/// What knows the size of a type with a name of its own.
pub type Lookup<'l> = &'l dyn Fn(&str) -> Option<TypeSize>;

/// A map type, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapExpression {
    /// The type of the keys, as it was written.
    pub key: String,
    /// Its size.
    pub key_size: TypeSize,
    /// The type of the elements.
    pub elem: String,
    /// Its size.
    pub elem_size: TypeSize,
}

/// The size of a type.
///
/// # Errors
/// When it is none, or has a name that `lookup` does not know.
pub fn parse_type(text: &str, lookup: Lookup<'_>) -> Result<TypeSize, GoError> {
    let mut parser = Parser { text, rest: text, lookup: Some(lookup) };
    let size = parser.any(0)?;
    parser.end()?;
    Ok(size)
}

/// The types of a map type's keys and elements.
///
/// # Errors
/// When it is no map type, or [`parse_type`] has an error for one of them.
pub fn parse_map(text: &str, lookup: Lookup<'_>) -> Result<MapExpression, GoError> {
    let mut parser = Parser { text, rest: text, lookup: Some(lookup) };
    if !parser.takes("map[") {
        return Err(parser.bad("a map type looks like map[string]int"));
    }
    let (key, key_size) = parser.written()?;
    parser.expect("]")?;
    let (elem, elem_size) = parser.written()?;
    parser.end()?;
    Ok(MapExpression { key, key_size, elem, elem_size })
}

const POINTER: TypeSize = TypeSize { size: 8, align: 8, pointers: true };

fn words(count: u64) -> TypeSize {
    TypeSize { size: 8 * count, ..POINTER }
}

/// The types that Go declares itself.
fn builtin(name: &str) -> Option<TypeSize> {
    let plain = |size, align| Some(TypeSize { size, align, pointers: false });
    match name {
        "bool" | "byte" | "int8" | "uint8" => plain(1, 1),
        "int16" | "uint16" => plain(2, 2),
        "int32" | "uint32" | "rune" | "float32" => plain(4, 4),
        "int" | "uint" | "uintptr" | "int64" | "uint64" | "float64" => plain(8, 8),
        "complex64" => plain(8, 4),
        "complex128" => plain(16, 8),
        "string" | "error" | "any" => Some(words(2)),
        "unsafe.Pointer" => Some(POINTER),
        _ => None,
    }
}

struct Parser<'p> {
    text: &'p str,
    rest: &'p str,
    /// None where any name will do: behind a pointer.
    lookup: Option<Lookup<'p>>,
}

impl<'p> Parser<'p> {
    fn bad(&self, reason: &str) -> GoError {
        let at = self.text.len() - self.rest.len();
        let place = if self.rest.is_empty() { "at its end".to_owned() } else { format!("at `{}`", &self.text[at..]) };
        GoError::NoType { text: self.text.to_owned(), reason: format!("{place}: {reason}") }
    }

    fn takes(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), GoError> {
        if self.takes(token) { Ok(()) } else { Err(self.bad(&format!("`{token}` is missing"))) }
    }

    fn end(&mut self) -> Result<(), GoError> {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad("nothing should follow")) }
    }

    fn written(&mut self) -> Result<(String, TypeSize), GoError> {
        let before = self.rest;
        let size = self.any(1)?;
        Ok((before[..before.len() - self.rest.len()].trim().to_owned(), size))
    }

    /// A name with its package and its type arguments: `main.Pair[int, string]`.
    fn name(&mut self) -> &'p str {
        self.rest = self.rest.trim_start();
        let letters = |c: char| c.is_alphanumeric() || "_./-~".contains(c);
        let mut len = self.rest.find(|c| !letters(c)).unwrap_or(self.rest.len());
        if self.rest[len..].starts_with('[') && !matches!(&self.rest[..len], "" | "map" | "chan") {
            len += closing(&self.rest[len..], '[', ']').unwrap_or(0);
        }
        let (name, rest) = self.rest.split_at(len);
        self.rest = rest;
        name
    }

    fn any(&mut self, depth: usize) -> Result<TypeSize, GoError> {
        if depth > MAX_DEPTH {
            return Err(self.bad("it is nested too deeply"));
        }
        if self.takes("*") {
            self.skip(depth)?;
            return Ok(POINTER);
        }
        if self.takes("<-chan") || self.takes("chan<-") {
            self.skip(depth)?;
            return Ok(POINTER);
        }
        if self.takes("[") {
            return self.array(depth);
        }
        if self.takes("(") {
            let inner = self.any(depth + 1)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let before = self.rest;
        match self.name() {
            "map" => {
                self.expect("[")?;
                self.skip(depth)?;
                self.expect("]")?;
                self.skip(depth)?;
                Ok(POINTER)
            }
            "chan" => {
                self.skip(depth)?;
                Ok(POINTER)
            }
            "func" => {
                // What it takes and returns says nothing about its size.
                self.braces('(', ')')?;
                if self.rest.trim_start().starts_with('(') {
                    self.braces('(', ')')?;
                } else if !self.rest.trim_start().is_empty()
                    && !self.rest.trim_start().starts_with([']', ';', '}', ')'])
                {
                    self.skip(depth)?;
                }
                Ok(POINTER)
            }
            "interface" => {
                self.braces('{', '}')?;
                Ok(words(2))
            }
            "struct" => self.fields(depth),
            "" => Err(self.bad("a type is missing")),
            name => {
                builtin(name).or_else(|| self.lookup.map_or(Some(POINTER), |lookup| lookup(name))).ok_or_else(|| {
                    self.rest = before;
                    GoError::UnknownType { name: name.to_owned() }
                })
            }
        }
    }

    /// A type whose size does not matter, because only a pointer to it is kept: it may have any name.
    fn skip(&mut self, depth: usize) -> Result<(), GoError> {
        let mut inner = Parser { text: self.text, rest: self.rest, lookup: None };
        inner.any(depth + 1)?;
        self.rest = inner.rest;
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<TypeSize, GoError> {
        if self.takes("]") {
            self.skip(depth)?;
            return Ok(words(3));
        }
        self.rest = self.rest.trim_start();
        let digits = self.rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(self.rest.len());
        let len = self.rest[..digits].replace('_', "").parse::<u64>();
        let Ok(len) = len else { return Err(self.bad("the length of an array is a number")) };
        self.rest = &self.rest[digits..];
        self.expect("]")?;
        let elem = self.any(depth + 1)?;
        match elem.size.checked_mul(len).filter(|size| *size <= MAX_SIZE) {
            Some(size) => Ok(TypeSize { size, align: elem.align, pointers: elem.pointers && len > 0 }),
            None => Err(self.bad("no array is that large")),
        }
    }

    /// `{ a, b int; c string }`
    fn fields(&mut self, depth: usize) -> Result<TypeSize, GoError> {
        self.expect("{")?;
        let mut whole = TypeSize { size: 0, align: 1, pointers: false };
        let mut last = 1;
        while !self.takes("}") {
            let names = self.field_names();
            let field = self.any(depth + 1)?;
            for _ in 0..names {
                whole.align = whole.align.max(field.align);
                whole.size = whole.size.next_multiple_of(field.align).saturating_add(field.size).min(MAX_SIZE);
                whole.pointers |= field.pointers;
                last = field.size;
            }
            if !self.takes(";") && !self.rest.trim_start().starts_with('}') {
                return Err(self.bad("`;` or `}` is missing"));
            }
        }
        // A last field without size gets a byte, so that its address stays inside.
        whole.size += u64::from(last == 0 && whole.size > 0);
        whole.size = whole.size.next_multiple_of(whole.align);
        Ok(whole)
    }

    /// Passes the names of the fields before a type, and counts them; an embedded field has none and counts as one.
    fn field_names(&mut self) -> usize {
        let before = self.rest;
        let mut names = 1;
        self.name();
        while self.takes(",") {
            names += 1;
            self.name();
        }
        // The name was the type of an embedded field, or there is no name at all.
        let rest = self.rest.trim_start();
        if names == 1 && (rest.is_empty() || rest.starts_with([';', '}'])) {
            self.rest = before;
        }
        names
    }

    fn braces(&mut self, open: char, close: char) -> Result<(), GoError> {
        self.rest = self.rest.trim_start();
        let missing = format!("`{open}` and `{close}` are missing");
        let len = self.rest.starts_with(open).then(|| closing(self.rest, open, close)).flatten();
        let Some(len) = len else { return Err(self.bad(&missing)) };
        self.rest = &self.rest[len..];
        Ok(())
    }
}

/// Bytes up to the bracket that closes the one in front.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at + c.len_utf8());
            }
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn size(text: &str) -> Result<(u64, u64, bool), String> {
        let known = |name: &str| {
            let size = TypeSize { size: 40, align: 8, pointers: true };
            (name == "main.User" || name == "main.Pair[int, net/http.Request]").then_some(size)
        };
        parse_type(text, &known).map(|t| (t.size, t.align, t.pointers)).map_err(|e| e.to_string())
    }

    #[test]
    fn sizes_are_those_of_the_compiler() {
        for (text, want) in [
            ("int", (8, 8, false)),
            ("*Anything[int]", (8, 8, true)),
            ("[]Anything", (24, 8, true)),
            ("[16]byte", (16, 1, false)),
            ("[0]*int", (0, 8, false)),
            ("[3][2]string", (96, 8, true)),
            ("complex64", (8, 4, false)),
            ("any", (16, 8, true)),
            ("interface{ Close() error }", (16, 8, true)),
            ("map[Key]map[string]Value", (8, 8, true)),
            ("chan<- Event", (8, 8, true)),
            ("func(a int, f func() error) (string, error)", (8, 8, true)),
            ("[2]func() error", (16, 8, true)),
            ("struct{}", (0, 1, false)),
            ("struct{ a bool; b, c int16; d [3]byte }", (10, 2, false)),
            ("struct{ a int; mark struct{} }", (16, 8, false)),
            ("struct{ main.User; n int8 }", (48, 8, true)),
            ("main.User", (40, 8, true)),
            ("main.Pair[int, net/http.Request]", (40, 8, true)),
        ] {
            assert_eq!(size(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn maps_are_taken_apart() {
        let map = parse_map("map[ [2]string ]*User", &|_| None).unwrap();
        assert_eq!((map.key.as_str(), map.elem.as_str()), ("[2]string", "*User"));
        assert_eq!((map.key_size.size, map.elem_size.size), (32, 8));
        assert!(parse_map("[]int", &|_| None).unwrap_err().to_string().contains("looks like map[string]int"));
    }

    #[test]
    fn mistakes_say_where() {
        for (text, reason) in [
            ("map[string", "at its end: `]` is missing"),
            ("[x]int", "at `x]int`: the length of an array is a number"),
            ("int int", "at `int`: nothing should follow"),
            ("", "a type is missing"),
            ("struct{ a int", "`;` or `}` is missing"),
            ("[99999999999999]int", "no array is that large"),
            ("User", "User has a name of its own"),
            ("func", "`(` and `)` are missing"),
        ] {
            let said = size(text).unwrap_err();
            assert!(said.contains(reason), "{text}: {said}");
        }
        assert!(size(&"[1]".repeat(100)).unwrap_err().contains("nested too deeply"));
    }
}
