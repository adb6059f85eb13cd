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
    let mut taking = Taking {
        old: tree,
        new: None,
        spool,
        ids: BTreeMap::new(),
        left: job.limit,
    };
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
}

impl Taking<'_> {
    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), SandboxError> {
        let bytes = unhex(&entry.path).map_err(SandboxError::Files)?;
        // A script is root inside: it may have written this itself.
        if entry.uid.max(entry.gid) >= IDS {
            return Err(wrong());
        }
        let metadata = Metadata {
            uid: entry.uid,
            gid: entry.gid,
            ..Metadata::new(entry.mode)
        };
        let Some(new) = &mut self.new else {
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
