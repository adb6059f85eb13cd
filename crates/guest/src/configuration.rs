//! The measured configuration, read from the application's ramdisk.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use enclair_configuration::{Configuration, MAX_BYTES};

use crate::failure::Failure;

pub(crate) const PATH: &str = "etc/enclair/enclave.json";

/// Reads the configuration below `top`.
pub(crate) fn read(top: &Path) -> Result<Configuration, Failure> {
    let mut document = Vec::new();
    // One byte more than is allowed, so that a longer document is refused and not cut.
    let limit = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(top.join(PATH))
        .and_then(|file| file.take(limit).read_to_end(&mut document))
        .map_err(|error| Failure::ConfigurationNotRead {
            errno: error.into(),
        })?;
    Configuration::parse(&document).map_err(|source| Failure::ConfigurationRefused { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_document(document: &[u8]) -> Result<Configuration, Failure> {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("etc/enclair")).unwrap();
        std::fs::write(top.path().join(PATH), document).unwrap();
        read(top.path())
    }

    #[test]
    fn a_document_is_read_a_missing_a_long_and_a_wrong_one_are_refused() {
        let good = br#"{"argv":["/a"],"cwd":"/","env":[],"gid":0,"groups":[],"schema":1,"uid":0}"#;
        assert_eq!(read_document(good).unwrap().argv, ["/a"]);
        let missing = read(tempfile::tempdir().unwrap().path()).unwrap_err();
        assert_eq!(missing.id(), "configuration-not-read");
        let long = read_document(&vec![b' '; MAX_BYTES + 5]).unwrap_err();
        assert_eq!(
            long.to_string(),
            "`/etc/enclair/enclave.json`: the document has 1048577 bytes; 1048576 are the most"
        );
        let wrong = read_document(b"{}").unwrap_err();
        assert_eq!(wrong.id(), "configuration-refused");
        assert_eq!(
            wrong.to_string(),
            "`/etc/enclair/enclave.json`: `schema`: missing"
        );
    }
}
