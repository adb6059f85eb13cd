//! The header of an entry: six bytes of magic and thirteen numbers of eight hexadecimal digits.
//!
//! | offset | field | offset | field |
//! |---|---|---|---|
//! | 0 | magic, 6 bytes | 62 | dev major |
//! | 6 | ino | 70 | dev minor |
//! | 14 | mode | 78 | rdev major |
//! | 22 | uid | 86 | rdev minor |
//! | 30 | gid | 94 | name size, with the NUL |
//! | 38 | nlink | 102 | check |
//! | 46 | mtime | 110 | the name |
//! | 54 | size of the body | | |
//!
//! The surprise: a kernel reads the digits with a function that takes signs and `0x` prefixes too.
//! Here a digit is a digit, because two readers must not see two archives.

use crate::Error;

/// Which of the two magics a header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Magic {
    /// `070701`: the check field is unused.
    Newc,
    /// `070702`: the check field of a file is the sum of its bytes.
    Crc,
}

impl Magic {
    /// The six bytes.
    pub const fn bytes(self) -> &'static [u8; 6] {
        match self {
            Self::Newc => b"070701",
            Self::Crc => b"070702",
        }
    }
}

/// What an entry is, from the high bits of its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A file with a body.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link; the body is its target.
    Symlink,
    /// A character device, with rdev.
    CharacterDevice,
    /// A block device, with rdev.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// The bits of a mode that say what an entry is.
const TYPE_BITS: u32 = 0o170_000;

impl FileType {
    /// The type as the high bits of a mode.
    pub const fn mode_bits(self) -> u32 {
        match self {
            Self::Regular => 0o100_000,
            Self::Directory => 0o040_000,
            Self::Symlink => 0o120_000,
            Self::CharacterDevice => 0o020_000,
            Self::BlockDevice => 0o060_000,
            Self::Fifo => 0o010_000,
            Self::Socket => 0o140_000,
        }
    }

    /// The type that a mode names; `None` for one that no system has.
    pub const fn of(mode: u32) -> Option<Self> {
        Some(match mode & TYPE_BITS {
            0o100_000 => Self::Regular,
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            0o020_000 => Self::CharacterDevice,
            0o060_000 => Self::BlockDevice,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            _ => return None,
        })
    }
}

/// The numbers of a header, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which magic it has.
    pub magic: Magic,
    /// The inode number: entries with equal `ino` and `dev` and `nlink` over 1 are hard links.
    pub ino: u32,
    /// Type and permissions.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The number of links.
    pub nlink: u32,
    /// The time of change in seconds since 1970.
    pub mtime: u32,
    /// Bytes of the body.
    pub size: u32,
    /// Major and minor number of the file system that the entry was read from.
    pub dev: (u32, u32),
    /// Major and minor number of a device node.
    pub rdev: (u32, u32),
    /// Bytes of the name with its NUL.
    pub name_size: u32,
    /// The sum of a file's bytes, modulo 2^32, where the magic is [`Magic::Crc`].
    pub check: u32,
}

/// The fields in stored order, by name, for errors.
const FIELDS: [&str; 13] = [
    "ino",
    "mode",
    "uid",
    "gid",
    "nlink",
    "mtime",
    "size",
    "dev major",
    "dev minor",
    "rdev major",
    "rdev minor",
    "name size",
    "check",
];

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = 110;

    /// Reads a header that stands at `offset`, which is used in errors only.
    ///
    /// # Errors
    ///
    /// [`Error::Magic`] and [`Error::Digit`].
    pub fn parse(bytes: &[u8; Self::LEN], offset: u64) -> Result<Self, Error> {
        let (magic, digits) = bytes.split_at(6);
        let magic = match magic {
            b"070701" => Magic::Newc,
            b"070702" => Magic::Crc,
            other => {
                let found = other.to_vec();
                return Err(Error::Magic { offset, found });
            }
        };
        let mut numbers = [0; 13];
        let fields = digits.chunks_exact(8).zip(FIELDS);
        for (number, (digits, field)) in numbers.iter_mut().zip(fields) {
            *number = parse_hex(digits, offset, field)?;
        }
        let [
            ino,
            mode,
            uid,
            gid,
            nlink,
            mtime,
            size,
            dev_major,
            dev_minor,
            rdev_major,
            rdev_minor,
            name_size,
            check,
        ] = numbers;
        Ok(Self {
            magic,
            ino,
            mode,
            uid,
            gid,
            nlink,
            mtime,
            size,
            dev: (dev_major, dev_minor),
            rdev: (rdev_major, rdev_minor),
            name_size,
            check,
        })
    }

    /// The header in upper-case digits, as GNU cpio writes it.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let numbers = [
            self.ino,
            self.mode,
            self.uid,
            self.gid,
            self.nlink,
            self.mtime,
            self.size,
            self.dev.0,
            self.dev.1,
            self.rdev.0,
            self.rdev.1,
            self.name_size,
            self.check,
        ];
        let digits = numbers.into_iter().flat_map(u32::to_be_bytes);
        let digits = digits.flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        let mut bytes = [0; Self::LEN];
        let stored = self.magic.bytes().iter().copied().chain(digits);
        for (byte, value) in bytes.iter_mut().zip(stored) {
            *byte = value;
        }
        bytes
    }

    /// What the entry is; `None` for a mode that no system has.
    pub const fn file_type(&self) -> Option<FileType> {
        FileType::of(self.mode)
    }

    /// The permissions with set-user-id, set-group-id and sticky: 12 bits.
    pub const fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

/// The digit of a number below 16.
fn hex_digit(nibble: u8) -> u8 {
    let digits = b"0123456789ABCDEF";
    digits.get(usize::from(nibble)).copied().unwrap_or(b'0')
}

fn parse_hex(digits: &[u8], offset: u64, field: &'static str) -> Result<u32, Error> {
    let mut number = 0;
    for digit in digits {
        let value = char::from(*digit).to_digit(16).ok_or(Error::Digit {
            offset,
            field,
            found: *digit,
        })?;
        number = number << 4 | value;
    }
    Ok(number)
}

/// How many bytes of padding bring `length` to a multiple of `unit`, which is a power of two.
pub(crate) const fn padding(length: u64, unit: u64) -> u64 {
    length.wrapping_neg() & unit.wrapping_sub(1)
}
