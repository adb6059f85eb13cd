//! tar archives in the form of GNU tar, as `dpkg-deb` makes them. Every field is written as it is
//! given, so that an entry can be anything.

const BLOCK: usize = 512;
/// Bytes of a name in a header; longer ones have an entry of their own before.
const NAME: usize = 100;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TarKind {
    /// A file with content.
    File,
    /// Another name for an entry before.
    HardLink,
    /// A symlink.
    Symlink,
    /// A device, with major and minor number.
    CharacterDevice(u32, u32),
    /// A device, with major and minor number.
    BlockDevice(u32, u32),
    /// A directory.
    Directory,
    /// A pipe.
    Fifo,
    /// A type flag of its own.
    Other(u8),
}

/// An entry of a tar archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarEntry {
    /// As it is written, as in `./usr/bin/hello`.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: TarKind,
    /// Permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Name of the owner.
    pub user: String,
    /// Name of the group.
    pub group: String,
    /// Seconds since 1970.
    pub mtime: u64,
    /// Target of a link.
    pub link: Vec<u8>,
    /// What is in it.
    pub content: Vec<u8>,
    /// The size that the header says; its own without.
    pub size: Option<u64>,
    /// Records of a PAX header before it.
    pub pax: Vec<(String, Vec<u8>)>,
}

impl TarEntry {
    fn new(path: impl Into<Vec<u8>>, kind: TarKind, mode: u32) -> Self {
        Self {
            path: path.into(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            user: "root".to_owned(),
            group: "root".to_owned(),
            mtime: 1_600_000_000,
            link: Vec::new(),
            content: Vec::new(),
            size: None,
            pax: Vec::new(),
        }
    }

    /// A file, 0644.
    pub fn file(path: impl Into<Vec<u8>>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            content: content.into(),
            ..Self::new(path, TarKind::File, 0o644)
        }
    }

    /// A directory, 0755.
    pub fn directory(path: impl Into<Vec<u8>>) -> Self {
        Self::new(path, TarKind::Directory, 0o755)
    }

    /// A symlink.
    pub fn symlink(path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Self {
        Self {
            link: target.into(),
            ..Self::new(path, TarKind::Symlink, 0o777)
        }
    }

    /// Another name for an entry.
    pub fn hard_link(path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Self {
        Self {
            link: target.into(),
            ..Self::new(path, TarKind::HardLink, 0o644)
        }
    }

    /// A device, pipe, or something else without content.
    pub fn special(path: impl Into<Vec<u8>>, kind: TarKind) -> Self {
        Self::new(path, kind, 0o644)
    }

    /// With these permissions.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// With this owner and group, and their names.
    #[must_use]
    pub fn owner(mut self, (uid, gid): (u32, u32), user: &str, group: &str) -> Self {
        (self.uid, self.gid) = (uid, gid);
        (self.user, self.group) = (user.to_owned(), group.to_owned());
        self
    }

    /// With a record of a PAX header, as in `SCHILY.xattr.security.capability`.
    #[must_use]
    pub fn pax(mut self, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.pax.push((key.to_owned(), value.into()));
        self
    }
}

/// A tar archive, ended by two blocks of zeroes.
///
/// # Panics
///
/// When a value does not fit into its field.
pub fn tar<'a>(entries: impl IntoIterator<Item = &'a TarEntry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        push(&mut bytes, entry);
    }
    bytes.resize(bytes.len() + 2 * BLOCK, 0);
    bytes
}

fn push(bytes: &mut Vec<u8>, entry: &TarEntry) {
    if !entry.pax.is_empty() {
        let records: Vec<u8> = entry.pax.iter().flat_map(record).collect();
        let special = TarEntry::special("././@PaxHeader", TarKind::Other(b'x'));
        push_block(bytes, &special, &records);
    }
    for (flag, name) in [(b'L', &entry.path), (b'K', &entry.link)] {
        if name.len() > NAME {
            let special = TarEntry::special("././@LongLink", TarKind::Other(flag));
            let content = [name.as_slice(), b"\0"].concat();
            push_block(bytes, &special, &content);
        }
    }
    push_block(bytes, entry, &entry.content);
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn record((key, value): &(String, Vec<u8>)) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let digits = (1..10).find(|digits| (rest + digits).to_string().len() == *digits);
    let length = rest + digits.expect("a length of some digits");
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

fn push_block(bytes: &mut Vec<u8>, entry: &TarEntry, content: &[u8]) {
    let length = u64::try_from(content.len()).expect("a length");
    bytes.extend_from_slice(&header(entry, entry.size.unwrap_or(length)));
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
}

fn header(entry: &TarEntry, size: u64) -> [u8; BLOCK] {
    let (flag, major, minor) = match entry.kind {
        TarKind::File => (b'0', 0, 0),
        TarKind::HardLink => (b'1', 0, 0),
        TarKind::Symlink => (b'2', 0, 0),
        TarKind::CharacterDevice(major, minor) => (b'3', major, minor),
        TarKind::BlockDevice(major, minor) => (b'4', major, minor),
        TarKind::Directory => (b'5', 0, 0),
        TarKind::Fifo => (b'6', 0, 0),
        TarKind::Other(flag) => (flag, 0, 0),
    };
    let mut header = Vec::with_capacity(BLOCK);
    let cut = |name: &[u8]| {
        name.get(..name.len().min(NAME))
            .unwrap_or_default()
            .to_vec()
    };
    field(&mut header, &cut(&entry.path), NAME);
    field(&mut header, format!("{:07o}", entry.mode).as_bytes(), 8);
    field(&mut header, format!("{:07o}", entry.uid).as_bytes(), 8);
    field(&mut header, format!("{:07o}", entry.gid).as_bytes(), 8);
    field(&mut header, format!("{size:011o}").as_bytes(), 12);
    field(&mut header, format!("{:011o}", entry.mtime).as_bytes(), 12);
    field(&mut header, b"        ", 8);
    field(&mut header, &[flag], 1);
    field(&mut header, &cut(&entry.link), NAME);
    field(&mut header, b"ustar  ", 8);
    field(&mut header, entry.user.as_bytes(), 32);
    field(&mut header, entry.group.as_bytes(), 32);
    field(&mut header, format!("{major:07o}").as_bytes(), 8);
    field(&mut header, format!("{minor:07o}").as_bytes(), 8);
    header.resize(BLOCK, 0);
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    let sum = format!("{sum:06o}\0 ");
    header.splice(148..156, sum.bytes());
    header.try_into().expect("the length of a block")
}

fn field(header: &mut Vec<u8>, value: &[u8], width: usize) {
    assert!(value.len() <= width, "a value of more than {width} bytes");
    header.extend_from_slice(value);
    header.resize(header.len() + width - value.len(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        let text = |key: &str, length| {
            let record = record(&(key.to_owned(), vec![b'x'; length]));
            String::from_utf8(record).unwrap()
        };
        assert_eq!(text("a", 1), "6 a=x\n");
        assert_eq!(text("a", 5), "11 a=xxxxx\n");
        for length in [93, 94, 95] {
            let record = text("a", length);
            let (said, _) = record.split_once(' ').unwrap();
            assert_eq!(said, record.len().to_string());
        }
    }

    #[test]
    fn a_long_name_has_an_entry_of_its_own() {
        let long = "x".repeat(150);
        let bytes = tar(&[TarEntry::file(long.as_str(), "1")]);
        assert_eq!(bytes.len(), 6 * BLOCK);
        assert_eq!(bytes[156], b'L');
        assert_eq!(&bytes[BLOCK..BLOCK + 150], long.as_bytes());
    }
}
