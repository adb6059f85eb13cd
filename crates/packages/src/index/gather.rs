//! An index of packages that are known one by one: out of other indexes, or from the package files
//! themselves.
//!
//! With it, packages that a lock names are a universe of their own, whether an archive still lists
//! them or not. They go through the same checks as those of `Packages`.

use enclair_digest::Sha256;

use super::build::Builder;
use super::fields::{Fields, take};
use super::{FieldProblem, Index, IndexError, Package};
use crate::control::Control;

/// A package's file, as an archive has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageFile<'a> {
    /// Its path below the archive's root.
    pub path: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// Takes packages one by one, in any order.
#[derive(Debug, Default)]
pub struct Gathering {
    builder: Builder,
}

impl Gathering {
    /// Takes a package of another index.
    ///
    /// # Errors
    ///
    /// When there is more text than an index can keep.
    pub fn add(&mut self, package: &Package<'_>) -> Result<(), IndexError> {
        self.add_fields(&package.fields())
    }

    /// Takes a package whose own control file is known. What it says of its file does not count.
    ///
    /// # Errors
    ///
    /// When the control file has a field that no index could have, or `file` a path.
    pub fn add_control(
        &mut self,
        control: &Control,
        file: PackageFile<'_>,
    ) -> Result<(), IndexError> {
        let mut fields = Fields::default();
        for (name, value) in control.fields() {
            let of_file = ["Filename", "Size", "SHA256"];
            if of_file
                .iter()
                .all(|known| !known.eq_ignore_ascii_case(name))
            {
                take(&mut fields, (name, value)).map_err(wrong(control.name()))?;
            }
        }
        fields.filename = file.path;
        fields.size = file.size;
        fields.sha256 = Some(file.sha256);
        self.add_fields(&fields)
    }

    fn add_fields(&mut self, fields: &Fields<'_>) -> Result<(), IndexError> {
        self.builder.add(fields).map_err(wrong(fields.name))
    }

    /// The index of all of them.
    ///
    /// # Errors
    ///
    /// When two of them have the same name, version and architecture and are not the same.
    pub fn finish(self) -> Result<Index, IndexError> {
        self.builder.finish()
    }
}

fn wrong(name: &str) -> impl FnOnce((&'static str, FieldProblem)) -> IndexError {
    move |(field, problem)| IndexError::Gathered {
        package: name.into(),
        field,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{MultiArch, Priority, RelationKind};

    const PACKAGES: &str = "Package: hello\nVersion: 2.10-3\nArchitecture: amd64\n\
        Source: hello-src (2.10)\nSection: devel\nPriority: required\nMulti-Arch: foreign\n\
        Essential: yes\nImportant: yes\nInstalled-Size: 5\nPre-Depends: a\nDepends: libc6 (>= 2.34)\n\
        Recommends: b | c\nProvides: hi (= 1)\nConflicts: d\nBreaks: e (<< 1)\nReplaces: e\n\
        Filename: pool/main/h/hello/hello_2.10-3_amd64.deb\nSize: 12\n\
        SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";

    fn file(path: &str) -> PackageFile<'_> {
        PackageFile {
            path,
            size: 12,
            sha256: Sha256::from_bytes([0xaa; 32]),
        }
    }

    #[test]
    fn a_package_is_the_same_from_an_index_and_from_its_own_control_file() {
        let index = Index::read(PACKAGES.as_bytes()).unwrap();
        let mut of_index = Gathering::default();
        let first = index.packages().next().unwrap();
        of_index.add(&first).unwrap();
        assert_eq!(of_index.finish().unwrap(), index);
        let mut of_control = Gathering::default();
        // Everything that the control file says of its file is another's word.
        let lies = PACKAGES
            .replace("Size: 12", "Size: many")
            .replace("Filename: pool/", "Filename: ../")
            .replace("SHA256: a", "SHA256: x");
        let control = Control::parse(lies.as_bytes()).unwrap();
        of_control
            .add_control(&control, file("pool/main/h/hello/hello_2.10-3_amd64.deb"))
            .unwrap();
        let found = of_control.finish().unwrap();
        assert_eq!(found, index);
        let package = found.named("hello").next().unwrap();
        assert_eq!(package.priority(), Priority::Required);
        assert_eq!(package.multi_arch(), MultiArch::Foreign);
        assert!(package.is_essential() && package.is_important());
        assert_eq!(package.source(), ("hello-src", "2.10"));
        assert_eq!(
            package.relations_text(RelationKind::Depends),
            "libc6 (>= 2.34)"
        );
        assert_eq!(found.providers("hi").count(), 1);
    }

    #[test]
    fn what_no_index_could_have_is_refused_by_name() {
        let add = |text: &str, path: &str| {
            let control = Control::parse(text.as_bytes()).unwrap();
            Gathering::default().add_control(&control, file(path))
        };
        let good = "Package: a\nVersion: 1\nArchitecture: all\n";
        add(good, "a.deb").unwrap();
        for (text, path, expected) in [
            (good.to_owned(), "../a.deb", "Filename"),
            (format!("{good}Provides: (\n"), "a.deb", "Provides"),
            (format!("{good}Multi-Arch: maybe\n"), "a.deb", "Multi-Arch"),
        ] {
            let error = add(&text, path).unwrap_err();
            let IndexError::Gathered { package, field, .. } = error else {
                panic!("{error}");
            };
            assert_eq!((&*package, field), ("a", expected));
        }
    }
}
