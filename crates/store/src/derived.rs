//! What was computed from a blob and can be computed again, so that it need not be.
//!
//! It is named by what it is, with a version (`package-index-1`), and by the digest of the blob that
//! it was computed from. Nothing here is a blob: its own digest is nowhere, no lock needs it, and
//! nothing that is measured may be made from it without being checked. Whoever reads it knows its
//! form and takes anything strange for nothing.

use std::fs::File;
use std::io::Write as _;

use enclair_digest::{Engine, Sha256};
use rustix::fs::OFlags;

use crate::error::{Action, Error};
use crate::layout::DERIVED;
use crate::lock::Share;
use crate::store::Store;

impl<E: Engine> Store<E> {
    /// Opens what was computed from the blob `of`, where it was.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`Error::Kind`] when something else has its place.
    pub fn derived(&self, kind: &str, of: &Sha256) -> Result<Option<File>, Error> {
        let Some(derived) = self.layout.root.child(DERIVED)? else {
            return Ok(None);
        };
        derived.open_file(format!("{kind}-{of}"), OFlags::RDONLY)
    }

    /// Keeps what was computed from the blob `of`, in place of what was kept before.
    ///
    /// # Errors
    ///
    /// Those of the file system; nothing is left then.
    pub fn keep_derived(&self, kind: &str, of: &Sha256, content: &[u8]) -> Result<(), Error> {
        let mut temporary = self.layout.temporary()?;
        let incoming = &self.layout.incoming;
        let path = incoming.path_of(&temporary.name);
        temporary
            .file
            .write_all(content)
            .map_err(Error::io(path, Action::Write))?;
        let _lock = self.layout.lock(Share::Shared)?;
        // Made when it is first needed: a store of before has none, and may be on a disk that can
        // only be read.
        let derived = self.layout.root.child_or_create(DERIVED)?;
        incoming.rename(&temporary.name, &derived, &format!("{kind}-{of}"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use enclair_digest::Sha256;

    use crate::{Collection, Store};

    #[test]
    fn it_comes_back_is_replaced_and_goes_with_its_age() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let of = Sha256::from_bytes([7; 32]);
        assert!(store.derived("index-1", &of).unwrap().is_none());
        for content in ["first", "second"] {
            store
                .keep_derived("index-1", &of, content.as_bytes())
                .unwrap();
            let mut found = String::new();
            let mut file = store.derived("index-1", &of).unwrap().unwrap();
            file.read_to_string(&mut found).unwrap();
            assert_eq!(found, content);
        }
        assert!(store.derived("index-2", &of).unwrap().is_none());
        assert_eq!(store.size().unwrap().derived.files, 1);
        let young = Collection {
            unused_since: Some(std::time::SystemTime::UNIX_EPOCH),
            ..Collection::default()
        };
        assert_eq!(store.gc(&young).unwrap().derived.files, 0);
        assert_eq!(store.gc(&Collection::default()).unwrap().derived.files, 1);
        assert!(store.derived("index-1", &of).unwrap().is_none());
    }
}
