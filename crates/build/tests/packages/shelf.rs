//! A store and the archives behind it, in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use enclair_digest::Sha256;
use enclair_eif::Arch;
use enclair_packages_testing::{Deb, sha256};
use enclair_recipe::{Blob, Place, Supply, SupplyError, Wanted};

/// What is there.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    blobs: RefCell<BTreeMap<Sha256, Vec<u8>>>,
    /// By archive and path.
    archives: RefCell<BTreeMap<(String, String), Vec<u8>>>,
    aside: RefCell<Vec<Sha256>>,
}

impl Shelf {
    /// Puts a file into an archive.
    pub(crate) fn publish(&self, archive: &str, path: &str, content: &[u8]) {
        let key = (archive.to_owned(), path.to_owned());
        self.archives.borrow_mut().insert(key, content.to_vec());
    }

    /// Takes everything out of the archives.
    pub(crate) fn close_archives(&self) {
        self.archives.borrow_mut().clear();
    }

    /// Takes everything out of the store.
    pub(crate) fn empty(&self) {
        self.blobs.borrow_mut().clear();
    }

    /// Puts content into the store.
    pub(crate) fn store(&self, content: &[u8]) -> Blob {
        let blob = Blob {
            sha256: sha256(content),
            size: content.len() as u64,
        };
        self.blobs
            .borrow_mut()
            .insert(blob.sha256, content.to_vec());
        blob
    }

    /// Puts a package into the store.
    pub(crate) fn store_deb(&self, deb: &Deb) -> Blob {
        self.store(&deb.build())
    }

    /// Damages a blob.
    pub(crate) fn alter(&self, sha256: &Sha256) {
        let mut blobs = self.blobs.borrow_mut();
        let content = blobs.get_mut(sha256).expect("it is there");
        let last = content.last_mut().expect("it is not empty");
        *last ^= 1;
    }

    /// What was set aside.
    pub(crate) fn aside(&self) -> Vec<Sha256> {
        self.aside.borrow().clone()
    }
}

impl Supply for Shelf {
    fn obtain(&self, wanted: &[Wanted]) -> Result<(), SupplyError> {
        for piece in wanted {
            if self.blobs.borrow().contains_key(&piece.blob.sha256) {
                continue;
            }
            let Place::Archive { archive, path, .. } = &piece.place else {
                return Err(format!("`{}` is nowhere", piece.name).into());
            };
            let key = (archive.clone(), path.clone());
            let found = self.archives.borrow().get(&key).cloned();
            let found = found.filter(|content| sha256(content) == piece.blob.sha256);
            let content = found.ok_or_else(|| format!("`{}` is in no archive", piece.name))?;
            self.store(&content);
        }
        Ok(())
    }

    fn open(&self, sha256: &Sha256) -> Result<Box<dyn Read + Send>, SupplyError> {
        let found = self.blobs.borrow().get(sha256).cloned();
        let content = found.ok_or_else(|| format!("sha256:{sha256} is not in the store"))?;
        Ok(Box::new(Cursor::new(content)))
    }

    fn keep(&self, content: &mut dyn Read) -> Result<Blob, SupplyError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        Ok(self.store(&bytes))
    }

    fn set_aside(&self, sha256: &Sha256) -> Result<(), SupplyError> {
        self.blobs.borrow_mut().remove(sha256).ok_or("not there")?;
        self.aside.borrow_mut().push(*sha256);
        Ok(())
    }

    fn resolve_image(&self, _: &str, _: Arch) -> Result<Blob, SupplyError> {
        Err("there are no images".into())
    }

    fn resolve_url(&self, _: &str, _: u64) -> Result<Blob, SupplyError> {
        Err("there are no URLs".into())
    }

    fn resolve_archive_file(
        &self,
        archive: &str,
        path: &str,
        limit: u64,
    ) -> Result<Blob, SupplyError> {
        let key = (archive.to_owned(), path.to_owned());
        let found = self.archives.borrow().get(&key).cloned();
        let content = found.ok_or_else(|| format!("`{path}` is not in `{archive}`"))?;
        assert!(content.len() as u64 <= limit);
        Ok(self.store(&content))
    }

    fn derived(&self, _: &str, _: &Sha256) -> Option<Vec<u8>> {
        None
    }

    fn keep_derived(&self, _: &str, _: &Sha256, _: &[u8]) {}

    fn save_daemon_image(&self, _: &str, _: &mut dyn Write) -> Result<(), SupplyError> {
        Err("there is no daemon".into())
    }
}
