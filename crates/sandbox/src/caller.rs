//! The caller's side: starts the program again, sends the tree in, and takes the tree back.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use enclair_tree::{Body, Metadata, Node, NodeId, NodeKind, Spool, Tree, TreePath, read_body};

use crate::error::SandboxError;
use crate::mapping::{IDS, map_ids};
use crate::stream::{Entry, Kind, hex, read_line, unhex, write_line};
use crate::{ARGUMENT, DONE, Job, SCRIPT_FAILED};

/// Bytes of what scripts print that are kept.
const OUTPUT: usize = 64 << 10;

/// Runs the scripts of `job` in the root filesystem `tree`, whose contents are in `spool`, and gives
/// the one that they leave; new contents are appended to `spool`. Times of change are those of before
/// where a content is the same, else 0. Devices, pipes and sockets stay as they are.
///
/// `program` is started with [`ARGUMENT`]: as a rule, the one that runs already.
///
/// # Errors
///
/// [`SandboxError`]; the tree is as it was then.
pub fn run(
    program: &Path,
    job: &Job,
    (tree, spool): (&Tree, &mut dyn Spool),
) -> Result<Tree, SandboxError> {
    if !cfg!(target_arch = "x86_64") {
        let machine = std::env::consts::ARCH;
        return Err(SandboxError::Machine { machine });
    }
    check_owners(tree)?;
    let mut child = Command::new(program)
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(SandboxError::Start)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let printed = child
        .stderr
        .take()
        .map(|stderr| thread::spawn(|| last_of(stderr)));
    let result = match (input, output) {
        (Some(input), Some(output)) => exchange(child.id(), (input, output), job, (tree, spool)),
        _ => Err(SandboxError::Start(io::ErrorKind::BrokenPipe.into())),
    };
    let ended = end(&mut child, result.is_ok());
    let printed = printed
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    match (ended, result) {
        (Ok(Some(DONE)), result) => result,
        // What this side refuses ends the child, whose own words are of a broken pipe then.
        (_, Err(error)) if !matches!(error, SandboxError::Files(_)) => Err(error),
        (Ok(status), _) => Err(failure(status, &printed)),
        (Err(error), _) => Err(SandboxError::Start(error)),
    }
}

/// Refuses owners for whom there is no id inside.
fn check_owners(tree: &Tree) -> Result<(), SandboxError> {
    let ids = |node: &Node| node.metadata.uid.max(node.metadata.gid);
    match tree.iter().find(|(_, _, node)| ids(node) >= IDS) {
        None => Ok(()),
        Some((path, _, node)) => Err(SandboxError::Owner {
            path: path.to_string(),
            id: ids(node),
        }),
    }
}

/// Waits for the child, which is ended first when nobody listens any more. Its status, if it ended by
/// itself.
fn end(child: &mut Child, is_done: bool) -> io::Result<Option<u8>> {
    if !is_done {
        // It may have ended by itself, and then its status says how.
        thread::sleep(std::time::Duration::from_millis(50));
        child.kill()?;
    }
    let status = child.wait()?.code();
    Ok(status.and_then(|status| u8::try_from(status).ok()))
}

/// The last line is the program's own.
fn failure(status: Option<u8>, printed: &str) -> SandboxError {
    let printed = printed.trim_end();
    let (output, problem) = printed.rsplit_once('\n').unwrap_or(("", printed));
    if status != Some(SCRIPT_FAILED) {
        return SandboxError::SetUp {
            problem: problem.to_owned(),
        };
    }
    SandboxError::Failed {
        problem: problem.to_owned(),
        output: output.to_owned(),
    }
}

/// The last that a stream gives.
fn last_of(mut stream: impl Read) -> String {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; OUTPUT]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(OUTPUT);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn exchange(
    child: u32,
    (input, output): (ChildStdin, ChildStdout),
    job: &Job,
    (tree, spool): (&Tree, &mut dyn Spool),
) -> Result<Tree, SandboxError> {
    let mut output = BufReader::with_capacity(1 << 20, output);
    let mut ready = [0];
    output.read_exact(&mut ready).map_err(SandboxError::Files)?;
    map_ids(child)?;
    let mut input = BufWriter::with_capacity(1 << 20, input);
    let sent = write_line(&mut input, job)
        .and_then(|()| send(tree, spool, &mut input))
        .and_then(|()| input.flush());
    sent.map_err(SandboxError::Files)?;
    drop(input);
    let mut taking = Taking::new(tree, spool, (job.limit, job.entries));
    while let Some(entry) = read_line::<Entry>(&mut output).map_err(SandboxError::Files)? {
        taking.take(&entry, &mut output)?;
    }
    taking.finish()
}

/// Writes the entries of a tree, without what an ordinary user cannot make.
fn send(tree: &Tree, spool: &dyn Spool, out: &mut dyn Write) -> io::Result<()> {
    let mut first: BTreeMap<NodeId, &TreePath> = BTreeMap::new();
    for (path, id, node) in tree.iter() {
        let kind = match &node.kind {
            NodeKind::Directory => Kind::Directory,
            NodeKind::Symlink(target) => Kind::Symlink(hex(target)),
            NodeKind::File(body) => match first.get(&id) {
                Some(first) => Kind::Link(hex(first.as_bytes())),
                None => Kind::File(body.len()),
            },
            NodeKind::CharacterDevice { .. }
            | NodeKind::BlockDevice { .. }
            | NodeKind::Fifo
            | NodeKind::Socket => continue,
        };
        let is_content = matches!(kind, Kind::File(_));
        let Metadata {
            permissions,
            uid,
            gid,
            mtime: _,
        } = node.metadata;
        let entry = Entry {
            path: hex(path.as_bytes()),
            mode: permissions,
            uid,
            gid,
            kind,
        };
        write_line(out, &entry)?;
        if let NodeKind::File(body) = &node.kind
            && is_content
        {
            first.insert(id, path);
            io::copy(&mut read_body(body, spool), out)?;
        }
    }
    Ok(())
}

/// A tree that comes back.
struct Taking<'a> {
    old: &'a Tree,
    new: Option<Tree>,
    spool: &'a mut dyn Spool,
    ids: BTreeMap<Vec<u8>, NodeId>,
    /// Bytes of new content that are still taken: a file with holes is larger than the memory that
    /// it was in.
    left: u64,
    /// Entries that are still taken.
    entries: u64,
}

impl<'a> Taking<'a> {
    fn new(old: &'a Tree, spool: &'a mut dyn Spool, (left, entries): (u64, u64)) -> Self {
        Self {
            old,
            new: None,
            spool,
            ids: BTreeMap::new(),
            left,
            entries,
        }
    }

    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), SandboxError> {
        let bytes = unhex(&entry.path).map_err(SandboxError::Files)?;
        // A script is root inside: it may have written this itself.
        if entry.uid.max(entry.gid) >= IDS || entry.mode > 0o7777 {
            return Err(wrong());
        }
        self.entries = self.entries.checked_sub(1).ok_or_else(too_many)?;
        let metadata = Metadata {
            uid: entry.uid,
            gid: entry.gid,
            ..Metadata::new(entry.mode)
        };
        let Some(new) = &mut self.new else {
            if !bytes.is_empty() || entry.kind != Kind::Directory {
                return Err(wrong());
            }
            self.new = Some(Tree::new(metadata));
            return Ok(());
        };
        let path = TreePath::from_archive(&bytes).map_err(|_| wrong())?;
        let old = self.old.get(&path);
        let kind = match &entry.kind {
            Kind::Link(first) => {
                let first = unhex(first).map_err(SandboxError::Files)?;
                let id = *self.ids.get(&first).ok_or_else(wrong)?;
                return new.link(path, id).map_err(SandboxError::Tree);
            }
            Kind::Directory => NodeKind::Directory,
            Kind::Symlink(target) => NodeKind::Symlink(link_target(target)?),
            Kind::Fifo => NodeKind::Fifo,
            Kind::Socket => NodeKind::Socket,
            Kind::Kept => old.ok_or_else(wrong)?.kind.clone(),
            Kind::File(size) => {
                self.left = self.left.checked_sub(*size).ok_or_else(too_large)?;
                let body = spooled(content, *size, self.spool)?;
                NodeKind::File(body)
            }
        };
        let mut node = Node::new(metadata, kind);
        // What was written anew has lost its attributes, and a directory keeps them.
        if let Some(old) = old.filter(|old| old.kind == node.kind) {
            node.xattrs.clone_from(&old.xattrs);
            node.metadata.mtime = old.metadata.mtime;
        }
        let id = new.insert(path, node).map_err(SandboxError::Tree)?;
        self.ids.insert(bytes, id);
        Ok(())
    }

    /// Adds what was not sent in, where its directory is still there and nothing is in its place.
    fn finish(self) -> Result<Tree, SandboxError> {
        let nothing = || SandboxError::Files(io::ErrorKind::UnexpectedEof.into());
        let mut new = self.new.ok_or_else(nothing)?;
        for (path, _, node) in self.old.iter() {
            let was_sent = matches!(
                node.kind,
                NodeKind::Directory | NodeKind::File(_) | NodeKind::Symlink(_)
            );
            let parent = path.parent();
            let parent = parent.and_then(|parent| new.get(&parent));
            if !was_sent && new.get(path).is_none() && parent.is_some_and(Node::is_directory) {
                new.insert(path.clone(), node.clone())
                    .map_err(SandboxError::Tree)?;
            }
        }
        Ok(new)
    }
}

/// What a symlink may lead to: symlink(2).
fn link_target(target: &str) -> Result<Vec<u8>, SandboxError> {
    let target = unhex(target).map_err(SandboxError::Files)?;
    if target.is_empty() || target.len() > 4095 || target.contains(&0) {
        return Err(wrong());
    }
    Ok(target)
}

fn too_large() -> SandboxError {
    SandboxError::Refused("the files are larger than all of the image may be")
}

fn too_many() -> SandboxError {
    SandboxError::Refused("there are more files than one image may have")
}

/// Something that only another program would send.
fn wrong() -> SandboxError {
    SandboxError::Refused("an entry is none that a file system has")
}

fn spooled(content: &mut dyn Read, size: u64, spool: &mut dyn Spool) -> Result<Body, SandboxError> {
    let (offset, mut crc) = (spool.position(), crc32fast::Hasher::new());
    let (mut left, mut buffer) = (size, vec![0; 64 << 10]);
    while left > 0 {
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let piece = buffer.get_mut(..most).unwrap_or_default();
        content.read_exact(piece).map_err(SandboxError::Files)?;
        crc.update(piece);
        spool.append(piece).map_err(SandboxError::Spool)?;
        left -= piece.len() as u64;
    }
    Ok(Body::Spooled {
        offset,
        len: size,
        crc32: crc.finalize(),
    })
}

#[cfg(test)]
mod tests {
    use enclair_tree::MemorySpool;

    use super::*;

    fn entry(path: &str, kind: Kind) -> Entry {
        Entry {
            path: hex(path.as_bytes()),
            mode: 0o755,
            uid: 0,
            gid: 0,
            kind,
        }
    }

    /// What is said of these entries, behind that of a root; `limit` bytes of content are taken.
    fn take(entries: &[Entry], content: &[u8], limit: u64) -> Result<Tree, SandboxError> {
        let old = Tree::new(Metadata::new(0o755));
        let mut spool = MemorySpool::default();
        let mut taking = Taking::new(&old, &mut spool, (limit, 5));
        for entry in entries {
            taking.take(entry, &mut &*content)?;
        }
        taking.finish()
    }

    #[test]
    fn a_stream_that_a_script_wrote_itself_is_refused() {
        let root = entry("", Kind::Directory);
        let good = entry("a", Kind::File(3));
        let tree = take(&[root.clone(), good.clone()], b"abc", 3).unwrap();
        assert_eq!(tree.iter().count(), 2);
        for (forged, content) in [
            (entry("a", Kind::File(4)), "abcd"),
            (entry("a", Kind::File(3)), "ab"),
            (entry("a", Kind::File(u64::MAX)), ""),
            (entry("a", Kind::Kept), ""),
            (entry("a", Kind::Link(hex(b"b"))), ""),
            (entry("a", Kind::Link("g".to_owned())), ""),
            (entry("a", Kind::Symlink(String::new())), ""),
            (entry("a", Kind::Symlink(hex(b"b\0"))), ""),
            (entry("a", Kind::Symlink(hex(&[b'b'; 4096]))), ""),
            (entry("../a", Kind::Directory), ""),
            (entry("b/a", Kind::Directory), ""),
            (
                Entry {
                    mode: 0o10755,
                    ..good.clone()
                },
                "abc",
            ),
            (
                Entry {
                    uid: IDS,
                    ..good.clone()
                },
                "abc",
            ),
            (
                Entry {
                    gid: IDS,
                    ..good.clone()
                },
                "abc",
            ),
        ] {
            let result = take(&[root.clone(), forged.clone()], content.as_bytes(), 3);
            assert!(result.is_err(), "{forged:?}");
        }
        let no_root = [good, entry("", Kind::File(0))];
        for first in no_root {
            assert!(take(&[first], b"abc", 3).is_err());
        }
        assert!(take(&[], b"", 3).is_err());
    }

    #[test]
    fn there_is_an_end_to_the_entries() {
        let all: Vec<Entry> = ["", "a", "b", "c", "d", "e"]
            .map(|path| entry(path, Kind::Directory))
            .into();
        assert!(take(&all[..5], b"", 0).is_ok());
        let error = take(&all, b"", 0).unwrap_err().to_string();
        assert!(error.contains("more files than"), "{error}");
    }
}
