//! Tar archives by hand: each field can be wrong on its own.

/// An entry that is being described.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    block: [u8; 512],
    data: Vec<u8>,
    records: Vec<u8>,
}

/// An archive with its end.
pub(crate) fn archive(pieces: impl IntoIterator<Item = Piece>) -> Vec<u8> {
    let mut bytes: Vec<u8> = pieces.into_iter().flat_map(Piece::bytes).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn octal(value: u64, digits: usize) -> String {
    format!("{value:0digits$o}\0")
}

pub(crate) fn piece(name: &str, flag: u8) -> Piece {
    let piece = Piece {
        block: [0; 512],
        data: Vec::new(),
        records: Vec::new(),
    };
    let mode = if flag == b'5' { 0o755 } else { 0o644 };
    piece
        .raw(0, name)
        .mode(mode)
        .raw(108, octal(0, 7))
        .raw(116, octal(0, 7))
        .raw(124, octal(0, 11))
        .raw(136, octal(0, 11))
        .raw(156, [flag])
        .raw(257, b"ustar\x0000")
}

pub(crate) fn file(name: &str, data: impl AsRef<[u8]>) -> Piece {
    let mut piece = piece(name, b'0');
    piece.data = data.as_ref().to_vec();
    let size = octal(piece.data.len() as u64, 11);
    piece.raw(124, size)
}

pub(crate) fn dir(name: &str) -> Piece {
    piece(name, b'5')
}

pub(crate) fn symlink(name: &str, target: &str) -> Piece {
    piece(name, b'2').raw(157, target)
}

pub(crate) fn link(name: &str, target: &str) -> Piece {
    piece(name, b'1').raw(157, target)
}

impl Piece {
    pub(crate) fn raw(mut self, at: usize, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn mode(self, mode: u64) -> Self {
        self.raw(100, octal(mode, 7))
    }

    pub(crate) fn owner(self, uid: u64, gid: u64) -> Self {
        self.raw(108, octal(uid, 7)).raw(116, octal(gid, 7))
    }

    pub(crate) fn mtime(self, mtime: u64) -> Self {
        self.raw(136, octal(mtime, 11))
    }

    /// A size that the header says, whatever follows.
    pub(crate) fn size(self, size: u64) -> Self {
        self.raw(124, octal(size, 11))
    }

    /// A number in base 256, over twelve bytes.
    pub(crate) fn size_base256(self, size: u64) -> Self {
        let mut field = [0; 12];
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
        self.raw(124, field)
    }

    pub(crate) fn gnu(self) -> Self {
        self.raw(257, b"ustar  \0")
    }

    /// A PAX record in front of the entry.
    pub(crate) fn pax(mut self, keyword: &str, value: impl AsRef<[u8]>) -> Self {
        self.records.extend(record(keyword, value.as_ref()));
        self
    }

    /// Bytes in front of the entry in the place of PAX records.
    pub(crate) fn records(mut self, bytes: &[u8]) -> Self {
        self.records = bytes.to_vec();
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !self.records.is_empty() {
            let mut header = file("PaxHeaders/x", std::mem::take(&mut self.records));
            header.block[156] = b'x';
            bytes = header.bytes();
        }
        self.block[148..156].copy_from_slice(b"        ");
        let sum: u32 = self.block.iter().map(|byte| u32::from(*byte)).sum();
        self.block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(self.block);
        bytes.extend(self.data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    [format!("{length} {keyword}=").as_bytes(), value, b"\n"].concat()
}
