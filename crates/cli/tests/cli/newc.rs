//! Ramdisks by hand: newc entries that no writer of this project would write.

/// An entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) rdev: (u32, u32),
    pub(crate) data: Vec<u8>,
}

pub(crate) fn entry(name: &str, mode: u32, data: impl AsRef<[u8]>) -> Entry {
    Entry {
        name: name.as_bytes().to_vec(),
        mode,
        data: data.as_ref().to_vec(),
        ..Entry::default()
    }
}

pub(crate) fn file(name: &str, data: impl AsRef<[u8]>) -> Entry {
    entry(name, 0o100_644, data)
}

pub(crate) fn dir(name: &str) -> Entry {
    entry(name, 0o040_755, "")
}

pub(crate) fn symlink(name: &str, target: &str) -> Entry {
    entry(name, 0o120_777, target)
}

/// An archive with its trailer.
pub(crate) fn archive(entries: impl IntoIterator<Item = Entry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, entry) in (1..).zip(entries) {
        put(&mut bytes, index, &entry);
    }
    put(&mut bytes, 0, &entry("TRAILER!!!", 0, ""));
    bytes
}

fn put(bytes: &mut Vec<u8>, inode: u32, entry: &Entry) {
    let size = |slice: &[u8]| u32::try_from(slice.len()).unwrap();
    let fields = [
        inode,
        entry.mode,
        entry.owner.0,
        entry.owner.1,
        1,
        0,
        size(&entry.data),
        0,
        0,
        entry.rdev.0,
        entry.rdev.1,
        size(&entry.name) + 1,
        0,
    ];
    bytes.extend(b"070701");
    for field in fields {
        bytes.extend(format!("{field:08X}").as_bytes());
    }
    bytes.extend(&entry.name);
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(&entry.data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
