//! Writes a tree as a tar archive: the same tree always gives the same bytes.
//!
//! Entries are ustar, in memcmp order, with numeric owners and no names for them. A PAX header
//! goes before an entry only where ustar cannot say something: a name that cannot be split, a link
//! target over 100 bytes, a number over its octal field or below zero, an extended attribute. It
//! has the record `hdrcharset=BINARY` where a name in it is not UTF-8. The first path of a hard
//! link has the content. Two zero blocks are the end; there is no padding to a tape record.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::source::{BLOCK, padding};
use crate::body::{Body, CHUNK, Spool, read_body};
use crate::error::{Error, Problem};
use crate::node::{Metadata, Node, NodeId, NodeKind, Xattrs};
use crate::path::TreePath;
use crate::tree::Tree;

/// Largest numbers that 8 and 12 bytes of octal hold, with the NUL behind.
const OCTAL_7: u64 = 0o777_7777;
const OCTAL_11: u64 = 0o777_7777_7777;

/// Writes `tree` to `out`, under `prefix`; with the root as prefix the root directory is `./`.
///
/// Directories above `prefix` are not written.
///
/// # Errors
///
/// [`Error::Write`] of `out`, [`Error::Spool`], and [`Problem::Socket`], which tar has no type for.
pub fn write_tar(
    tree: &Tree,
    prefix: &TreePath,
    spool: &dyn Spool,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut writer = Writer {
        out,
        spool,
        buffer: vec![0; CHUNK],
    };
    let mut first_paths: BTreeMap<NodeId, TreePath> = BTreeMap::new();
    for (path, id, node) in tree.iter() {
        let path = prefix.join(path);
        match first_paths.get(&id) {
            Some(first) => writer.write_link(&path, first, node)?,
            None => writer.write_node(&path, node)?,
        }
        if tree.links(id) > 1 {
            first_paths.entry(id).or_insert(path);
        }
    }
    let end = writer.out.write_all(&[0; 2 * BLOCK]);
    end.and_then(|()| writer.out.flush())
        .map_err(|source| Error::Write {
            path: prefix.clone(),
            source,
        })
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    spool: &'a dyn Spool,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn write_link(&mut self, path: &TreePath, first: &TreePath, node: &Node) -> Result<(), Error> {
        let mut fields = Fields::new(path, b'1', node.metadata);
        fields.set_target(first.as_bytes());
        self.write_fields(path, fields)
    }

    fn write_node(&mut self, path: &TreePath, node: &Node) -> Result<(), Error> {
        let flag = type_flag(&node.kind).ok_or(Error::entry(path.clone(), Problem::Socket))?;
        let mut fields = Fields::new(path, flag, node.metadata);
        fields.set_xattrs(&node.xattrs);
        match &node.kind {
            NodeKind::File(body) => {
                fields.set_size(body.len());
                self.write_fields(path, fields)?;
                return self.write_body(path, body);
            }
            NodeKind::Symlink(target) => fields.set_target(target),
            NodeKind::CharacterDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
                fields.set_device(*major, *minor);
            }
            NodeKind::Directory | NodeKind::Fifo | NodeKind::Socket => {}
        }
        self.write_fields(path, fields)
    }

    fn write_fields(&mut self, path: &TreePath, fields: Fields) -> Result<(), Error> {
        self.write(path, &fields.finish())
    }

    fn write_body(&mut self, path: &TreePath, body: &Body) -> Result<(), Error> {
        let mut reader = read_body(body, self.spool);
        let mut left = body.len();
        while left > 0 {
            let count = reader
                .read(&mut self.buffer)
                .map_err(|source| Error::Spool {
                    path: path.clone(),
                    source,
                })?;
            if count == 0 {
                break;
            }
            left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
            let piece = self.buffer.get(..count).unwrap_or_default();
            write_all(self.out, path, piece)?;
        }
        let zeros = usize::try_from(padding(body.len())).unwrap_or_default();
        self.write(path, [0; BLOCK].get(..zeros).unwrap_or_default())
    }

    fn write(&mut self, path: &TreePath, bytes: &[u8]) -> Result<(), Error> {
        write_all(self.out, path, bytes)
    }
}

fn write_all(out: &mut dyn Write, path: &TreePath, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(bytes)
        .map_err(|source: io::Error| Error::Write {
            path: path.clone(),
            source,
        })
}

fn type_flag(kind: &NodeKind) -> Option<u8> {
    Some(match kind {
        NodeKind::File(_) => b'0',
        NodeKind::Symlink(_) => b'2',
        NodeKind::CharacterDevice { .. } => b'3',
        NodeKind::BlockDevice { .. } => b'4',
        NodeKind::Directory => b'5',
        NodeKind::Fifo => b'6',
        NodeKind::Socket => return None,
    })
}

/// One header, and the records for what it cannot say.
struct Fields {
    block: [u8; BLOCK],
    records: Vec<u8>,
    binary: bool,
}

impl Fields {
    fn new(path: &TreePath, flag: u8, metadata: Metadata) -> Self {
        let mut fields = Self {
            block: blank(flag),
            records: Vec::new(),
            binary: false,
        };
        fields.set_name(&entry_name(path, flag));
        fields.put_octal(100, 7, u64::from(metadata.permissions));
        fields.set_number("uid", 108, OCTAL_7, i128::from(metadata.uid));
        fields.set_number("gid", 116, OCTAL_7, i128::from(metadata.gid));
        fields.put_octal(124, 11, 0);
        fields.set_number("mtime", 136, OCTAL_11, i128::from(metadata.mtime));
        fields
    }

    fn set_name(&mut self, name: &[u8]) {
        if name.len() <= 100 {
            return self.put(0, name);
        }
        if let Some((prefix, rest)) = split_name(name) {
            self.put(345, prefix);
            self.put(0, rest);
        } else {
            self.put(0, name.get(..100).unwrap_or(name));
            self.record_name("path", name);
        }
    }

    fn set_target(&mut self, target: &[u8]) {
        self.put(157, target.get(..100).unwrap_or(target));
        if target.len() > 100 {
            self.record_name("linkpath", target);
        }
    }

    fn set_size(&mut self, size: u64) {
        self.set_number("size", 124, OCTAL_11, i128::from(size));
    }

    fn set_device(&mut self, major: u32, minor: u32) {
        self.set_number("SCHILY.devmajor", 329, OCTAL_7, i128::from(major));
        self.set_number("SCHILY.devminor", 337, OCTAL_7, i128::from(minor));
    }

    /// A `=` would end the keyword, and GNU tar reads `%` as the start of a code.
    fn set_xattrs(&mut self, xattrs: &Xattrs) {
        for (name, value) in xattrs {
            if name.iter().any(|byte| matches!(byte, b'=' | b'%')) {
                let keyword = [b"LIBARCHIVE.xattr.".to_vec(), percent_encode(name)].concat();
                let value = STANDARD_NO_PAD.encode(value);
                push_record(&mut self.records, &keyword, value.as_bytes());
            } else {
                let keyword = [b"SCHILY.xattr.", name.as_slice()].concat();
                push_record(&mut self.records, &keyword, value);
            }
        }
    }

    fn set_number(&mut self, keyword: &str, start: usize, most: u64, value: i128) {
        let digits = if most == OCTAL_7 { 7 } else { 11 };
        let fitting = u64::try_from(value).ok().filter(|value| *value <= most);
        self.put_octal(start, digits, fitting.unwrap_or(0));
        if fitting.is_none() {
            let text = value.to_string();
            push_record(&mut self.records, keyword.as_bytes(), text.as_bytes());
        }
    }

    fn put_octal(&mut self, start: usize, digits: usize, value: u64) {
        self.put(start, format!("{value:0digits$o}").as_bytes());
    }

    fn record_name(&mut self, keyword: &str, name: &[u8]) {
        self.binary |= std::str::from_utf8(name).is_err();
        push_record(&mut self.records, keyword.as_bytes(), name);
    }

    fn put(&mut self, start: usize, bytes: &[u8]) {
        put(&mut self.block, start, bytes);
    }

    /// The header, with the extended one in front where there are records.
    fn finish(mut self) -> Vec<u8> {
        seal(&mut self.block);
        if self.records.is_empty() {
            return self.block.to_vec();
        }
        let mut records = Vec::new();
        if self.binary {
            push_record(&mut records, b"hdrcharset", b"BINARY");
        }
        records.append(&mut self.records);
        let mut extended = blank(b'x');
        put(&mut extended, 0, b"PaxHeader");
        for (start, digits, value) in [(100, 7, 0o644), (108, 7, 0), (116, 7, 0), (136, 11, 0)] {
            put(
                &mut extended,
                start,
                format!("{value:0digits$o}").as_bytes(),
            );
        }
        put(
            &mut extended,
            124,
            format!("{:011o}", records.len()).as_bytes(),
        );
        seal(&mut extended);
        let size = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let zeros = usize::try_from(padding(size)).unwrap_or_default();
        records.resize(records.len().saturating_add(zeros), 0);
        [extended.as_slice(), &records, &self.block].concat()
    }
}

fn blank(flag: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, 156, &[flag]);
    put(&mut block, 257, b"ustar\x0000");
    block
}

fn put(block: &mut [u8; BLOCK], start: usize, bytes: &[u8]) {
    let end = start.saturating_add(bytes.len());
    if let Some(place) = block.get_mut(start..end) {
        place.copy_from_slice(bytes);
    }
}

fn seal(block: &mut [u8; BLOCK]) {
    put(block, 148, b"        ");
    let sum = block
        .iter()
        .fold(0_u32, |sum, byte| sum.saturating_add(u32::from(*byte)));
    put(block, 148, format!("{sum:06o}\0 ").as_bytes());
}

fn entry_name(path: &TreePath, flag: u8) -> Vec<u8> {
    let mut name = path.as_bytes().to_vec();
    if path.is_root() {
        name.push(b'.');
    }
    if flag == b'5' {
        name.push(b'/');
    }
    name
}

/// The name in two parts of at most 155 and 100 bytes, without the slash between them.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let earliest = name.len().saturating_sub(101);
    let slash = name
        .iter()
        .enumerate()
        .skip(earliest)
        .take_while(|(at, _)| *at <= 155)
        .find(|(at, byte)| **byte == b'/' && *at > 0)?
        .0;
    let (prefix, rest) = name.split_at_checked(slash)?;
    let rest = rest.strip_prefix(b"/")?;
    (!rest.is_empty()).then_some((prefix, rest))
}

/// Adds a record, whose length counts its own digits.
fn push_record(records: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    let rest = keyword.len().saturating_add(value.len()).saturating_add(3);
    let mut length = rest;
    loop {
        let whole = rest.saturating_add(length.to_string().len());
        if whole == length {
            break;
        }
        length = whole;
    }
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(keyword);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

fn percent_encode(name: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(name.len());
    for byte in name {
        if byte.is_ascii_graphic() && !matches!(byte, b'=' | b'%') {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}
