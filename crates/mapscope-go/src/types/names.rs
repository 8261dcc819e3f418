//! Names with the whole path of the package: descriptors have its last part only.

use super::{Kind, TypeId, TypeTable};

impl TypeTable<'_> {
    /// The name of a declared type with the path of its package and without type arguments; `None` for any other type.
    pub(crate) fn qualified_name(&self, id: TypeId) -> Option<String> {
        let ty = self.get(id);
        let head = &ty.name[..ty.name.find('[').unwrap_or(ty.name.len())];
        if ty.descriptor == 0 {
            // The linker writes a dot in the last part of a path like this.
            return (!head.is_empty()).then(|| head.replace("%2e", "."));
        }
        let (_, name) = head.split_once('.')?;
        Some(format!("{}.{name}", self.package_path(ty.descriptor)?))
    }

    /// The struct of this name with these arguments, from debug information. Where there is none, any other with the name
    /// does, if all of them have their fields in the same places.
    pub(crate) fn declared(&self, name: &str, arguments: &str) -> Option<TypeId> {
        let (_, index) = self.debug?;
        let name = escaped(name);
        if let Some(offset) = index.structs.get(format!("{name}{arguments}").as_str()) {
            return Some(self.debug(*offset));
        }
        let alike = |known: &str| known.strip_prefix(&name).is_some_and(|rest| rest.starts_with('['));
        let mut all: Vec<(&str, usize)> =
            index.structs.iter().filter(|(known, _)| alike(known)).map(|(known, offset)| (*known, *offset)).collect();
        all.sort_unstable();
        let mut all = all.into_iter().map(|(_, offset)| self.debug(offset));
        let first = all.next()?;
        let places = self.places(first)?;
        all.all(|other| self.places(other).as_ref() == Some(&places)).then_some(first)
    }

    /// Name, offset and size of each field.
    fn places(&self, id: TypeId) -> Option<Vec<(String, u64, u64)>> {
        let ty = self.get(id);
        let Kind::Struct(fields) = &ty.kind else { return None };
        Some(fields.iter().map(|f| (f.name.clone(), f.offset, self.get(f.ty).size)).collect())
    }
}

/// As debug information writes it: dots in the last part of the path are escaped.
fn escaped(name: &str) -> String {
    let from = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[from..].rsplit_once('.') {
        Some((package, ty)) => format!("{}{}.{ty}", &name[..from], package.replace('.', "%2e")),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn dots_of_the_last_part_are_escaped() {
        assert_eq!(escaped("gopkg.in/a.v3.Map"), "gopkg.in/a%2ev3.Map");
        assert_eq!(escaped("github.com/a/v3.Map"), "github.com/a/v3.Map");
        assert_eq!(escaped("main.Map"), "main.Map");
    }
}
