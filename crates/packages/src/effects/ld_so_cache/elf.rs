//! What `ldconfig` reads of a shared object: for which machine, under which name, with which
//! instructions.
//!
//! Every number comes from the file and may be anything; what is read is bounded, whatever the
//! file says, and a file that does not add up is no shared object.
//!
//! Followed: the ELF specification, and glibc's own reading for what it does not say.

use enclair_tree::Body;

use crate::effects::filesystem::Filesystem;

const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
const NT_GNU_PROPERTY_TYPE_0: u32 = 5;
const GNU_PROPERTY_X86_ISA_1_NEEDED: u32 = 0xc000_8002;

/// Program headers that are looked at.
const SEGMENTS: u16 = 256;
/// Bytes of a dynamic section, and of a property note.
const SECTION: u64 = 1 << 20;
/// Bytes of the longest name.
const NAME: usize = 1024;

/// A shared object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedObject {
    /// For which machine it is.
    pub(super) machine: Machine,
    /// The name under which programs ask for it.
    pub(super) soname: Option<Vec<u8>>,
    /// Whether it says that it needs glibc's own libraries, or is one.
    pub(super) libc: Libc,
    /// The level of x86-64 that it needs: 0 for any, 1 for `x86-64-v2`, and so on.
    pub(super) isa_level: u16,
}

/// For which machine a shared object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    /// 64 bits of x86.
    X86_64,
    /// 32-bit pointers on 64 bits of x86.
    X32,
    /// 32 bits of x86.
    I386,
    /// 64 bits of ARM.
    Aarch64,
}

/// Whether a shared object says which C library it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Libc {
    /// It is or needs `libc.so.6` or `libm.so.6`.
    Six,
    /// It does not say.
    Unknown,
}

/// Reads `body`; `None` when it is not a shared object of a machine that is known here.
pub(super) fn read(files: &Filesystem<'_>, body: &Body) -> Option<SharedObject> {
    let file = File { files, body };
    let (machine, layout) = file.machine()?;
    let segments = file.segments(layout)?;
    let dynamic = segments.iter().rfind(|one| one.kind == PT_DYNAMIC)?;
    let entries = file.dynamic(layout, dynamic)?;
    let strings = entries.iter().rfind(|(tag, _)| *tag == DT_STRTAB)?.1;
    let strings = offset_of(&segments, strings)?;
    let mut object = SharedObject {
        machine,
        soname: None,
        libc: Libc::Unknown,
        isa_level: file.isa_level(layout, &segments),
    };
    for (tag, value) in &entries {
        if *tag != DT_SONAME && *tag != DT_NEEDED {
            continue;
        }
        let name = file.name(strings.checked_add(*value)?)?;
        if name == b"libc.so.6" || name == b"libm.so.6" {
            object.libc = Libc::Six;
        }
        if *tag == DT_SONAME {
            object.soname = Some(name);
        }
    }
    Some(object)
}

/// How wide the numbers of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Bits32,
    Bits64,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// The offset in the file of what is loaded at `address`.
fn offset_of(segments: &[Segment], address: u64) -> Option<u64> {
    let mut loaded = segments.iter().filter(|one| one.kind == PT_LOAD);
    loaded.find_map(|one| {
        let within = address.checked_sub(one.address)?;
        (within < one.size).then(|| one.offset.checked_add(within))?
    })
}

struct File<'a, 'b> {
    files: &'a Filesystem<'b>,
    body: &'a Body,
}

impl File<'_, '_> {
    /// `count` bytes at `offset`; `None` when the file does not have them.
    fn bytes(&self, offset: u64, count: u64) -> Option<Vec<u8>> {
        if offset.checked_add(count)? > self.body.len() {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(count).ok()?];
        let read = self.files.read_piece(self.body, offset, &mut bytes).ok()?;
        (read == bytes.len()).then_some(bytes)
    }

    fn machine(&self) -> Option<(Machine, Layout)> {
        let header = self.bytes(0, 20)?;
        // Little-endian, as every machine that is known here.
        let layout = match header.get(..7)? {
            [0x7f, b'E', b'L', b'F', 1, 1, 1] => Layout::Bits32,
            [0x7f, b'E', b'L', b'F', 2, 1, 1] => Layout::Bits64,
            _ => return None,
        };
        if u16_at(&header, 16)? != ET_DYN {
            return None;
        }
        let machine = match (u16_at(&header, 18)?, layout) {
            (62, Layout::Bits64) => Machine::X86_64,
            (62, Layout::Bits32) => Machine::X32,
            (3, Layout::Bits32) => Machine::I386,
            (183, Layout::Bits64) => Machine::Aarch64,
            _ => return None,
        };
        Some((machine, layout))
    }

    fn segments(&self, layout: Layout) -> Option<Vec<Segment>> {
        let (header, table, entry_at, least) = match layout {
            Layout::Bits32 => (52, 28, 42, 32_u16),
            Layout::Bits64 => (64, 32, 54, 56),
        };
        let header = self.bytes(0, header)?;
        let table = number_at(&header, table, layout)?;
        let size = u16_at(&header, entry_at)?;
        let count = u16_at(&header, entry_at.checked_add(2)?)?;
        if size < least || count > SEGMENTS {
            return None;
        }
        let bytes = self.bytes(table, u64::from(size).checked_mul(u64::from(count))?)?;
        let entries = bytes.chunks_exact(usize::from(size));
        entries.map(|entry| segment(entry, layout)).collect()
    }

    /// The pairs of a dynamic section, up to the one that ends it.
    fn dynamic(&self, layout: Layout, segment: &Segment) -> Option<Vec<(u64, u64)>> {
        if segment.size > SECTION {
            return None;
        }
        let bytes = self.bytes(segment.offset, segment.size)?;
        let width = match layout {
            Layout::Bits32 => 8,
            Layout::Bits64 => 16,
        };
        let pairs = bytes.chunks_exact(width).map_while(|pair| {
            let value = width.checked_div(2)?;
            let pair = (number_at(pair, 0, layout)?, number_at(pair, value, layout)?);
            (pair.0 != 0).then_some(pair)
        });
        Some(pairs.collect())
    }

    /// The text at `offset`, up to its NUL.
    fn name(&self, offset: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; NAME];
        let read = self.files.read_piece(self.body, offset, &mut bytes).ok()?;
        bytes.truncate(read);
        let end = bytes.iter().position(|byte| *byte == 0)?;
        bytes.truncate(end);
        Some(bytes)
    }

    /// The highest level of x86-64 that the file's property note asks for.
    fn isa_level(&self, layout: Layout, segments: &[Segment]) -> u16 {
        let note = segments.iter().find(|one| one.kind == PT_GNU_PROPERTY);
        let note = note.filter(|one| one.size <= SECTION);
        let bytes = note.and_then(|one| self.bytes(one.offset, one.size));
        let needed = bytes
            .and_then(|bytes| isa_needed(&bytes, layout))
            .unwrap_or(0);
        u16::try_from(needed.checked_ilog2().unwrap_or(0)).unwrap_or(0)
    }
}

fn segment(entry: &[u8], layout: Layout) -> Option<Segment> {
    let [offset, address, size] = match layout {
        Layout::Bits32 => [4, 8, 16],
        Layout::Bits64 => [8, 16, 32],
    };
    Some(Segment {
        kind: u32_at(entry, 0)?,
        offset: number_at(entry, offset, layout)?,
        address: number_at(entry, address, layout)?,
        size: number_at(entry, size, layout)?,
    })
}

/// The bits of the property that says which instructions a file needs.
fn isa_needed(note: &[u8], layout: Layout) -> Option<u32> {
    let size = usize::try_from(u32_at(note, 4)?).ok()?;
    if u32_at(note, 8)? != NT_GNU_PROPERTY_TYPE_0 || note.get(12..16)? != b"GNU\0" {
        return None;
    }
    let align = match layout {
        Layout::Bits32 => 4_usize,
        Layout::Bits64 => 8,
    };
    let mut rest = note.get(16..)?.get(..size)?;
    loop {
        let (kind, length) = (u32_at(rest, 0)?, usize::try_from(u32_at(rest, 4)?).ok()?);
        let after = rest.get(8..)?;
        if kind == GNU_PROPERTY_X86_ISA_1_NEEDED && length == 4 {
            return u32_at(after, 0);
        }
        rest = after.get(length.checked_next_multiple_of(align)?..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// A number as wide as addresses are.
fn number_at(bytes: &[u8], at: usize, layout: Layout) -> Option<u64> {
    match layout {
        Layout::Bits32 => u32_at(bytes, at).map(u64::from),
        Layout::Bits64 => Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?)),
    }
}
