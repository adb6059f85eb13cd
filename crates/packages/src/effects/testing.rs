//! Trees as text, for the tests of effects: what they are given, and what came out.
//!
//! One line for each path, as the script that makes the fixtures writes it (`tests/fixtures`):
//!
//! ```text
//! d 0755 0:0 /etc
//! l /etc/alternatives/awk -> /usr/bin/mawk
//! f 0644 0:0 /etc/shells
//! |/bin/sh
//! ```
//!
//! A line of a file's content follows behind `|`; a last line without line end is not told apart.

use enclair_compress::{Format, Stream};
use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::{MemorySpool, Metadata, Node, NodeKind, Tree, TreePath, apply_layer, read_body};

use super::filesystem::Filesystem;
use super::supplied::Supplied;
use super::work::{Answer, Invocation, Site, Work};
use crate::control::Control;
use crate::deb::Script;
use crate::root::Installed;
use crate::scripts::{Certainty, Command, Redirection, Redirects, UMASK, Word};

/// A tree with its spool and packages.
pub(crate) struct World {
    pub(crate) tree: Tree,
    pub(crate) spool: MemorySpool,
    pub(crate) packages: Vec<Installed>,
    pub(crate) supplied: Supplied,
}

impl World {
    /// The tree that `listing` describes; directories above a path need no line.
    pub(crate) fn new(listing: &str) -> Self {
        let mut world = Self {
            tree: Tree::new(Metadata::new(0o755)),
            spool: MemorySpool::new(),
            packages: Vec::new(),
            supplied: Supplied::default(),
        };
        let mut lines = listing.lines().map(str::trim_start).peekable();
        while let Some(line) = lines.next() {
            let mut content = String::new();
            while let Some(text) = lines.peek().and_then(|line| line.strip_prefix('|')) {
                content.push_str(text);
                content.push('\n');
                lines.next();
            }
            if !line.is_empty() {
                world.put(line, &content);
            }
        }
        world
    }

    /// The tree of a tar archive in gzip.
    pub(crate) fn from_tar(archive: &[u8]) -> Self {
        let mut world = Self::new("");
        let reader = Stream::new(Format::Gzip, archive).unwrap();
        let (limits, mut findings) = (Limits::default(), Findings::new());
        apply_layer(
            &mut world.tree,
            reader,
            &mut world.spool,
            &limits,
            &mut findings,
        )
        .unwrap();
        world
    }

    fn put(&mut self, line: &str, content: &str) {
        let mut site = self.site();
        if let Some(link) = line.strip_prefix("l ") {
            let (path, target) = link.split_once(" -> ").unwrap();
            parents(&mut site, path);
            site.files.symlink(path, target).unwrap();
            return;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let (uid, gid) = words[2].split_once(':').unwrap();
        let metadata = Metadata {
            uid: uid.parse().unwrap(),
            gid: gid.parse().unwrap(),
            ..Metadata::new(u16::from_str_radix(words[1], 8).unwrap())
        };
        parents(&mut site, words[3]);
        match words[0] {
            "d" => site.files.make_directory(words[3], metadata).unwrap(),
            "f" => site.files.put(words[3], content, metadata).unwrap(),
            other => panic!("`{other}` is no kind of a node"),
        }
    }

    /// Puts a file of root's, with the directories above it.
    pub(crate) fn put_file(&mut self, path: &str, content: &str) {
        let mut site = self.site();
        parents(&mut site, path);
        site.files.put(path, content, Metadata::new(0o644)).unwrap();
    }

    /// What effects are given.
    pub(crate) fn site(&mut self) -> Site<'_> {
        Site {
            files: Filesystem::new(&mut self.tree, &mut self.spool),
            packages: &self.packages,
            supplied: &self.supplied,
        }
    }

    /// Adds a package that has a `postinst`.
    pub(crate) fn install(&mut self, name: &str, postinst: &str) {
        let text = format!("Package: {name}\nVersion: 1\nArchitecture: all\n");
        self.packages.push(Installed {
            control: Control::parse(text.as_bytes()).unwrap(),
            scripts: [(Script::Postinst, postinst.as_bytes().to_vec())].into(),
            members: std::collections::BTreeMap::new(),
            paths: Vec::new(),
            conffiles: Vec::new(),
        });
    }

    /// Asks `work` about a command whose words stand between spaces, or in single quotes.
    pub(crate) fn run(&mut self, work: &dyn Work, line: &str) -> Answer {
        self.ask(work, line, Certainty::Always)
    }

    /// [`World::run`] for a command in a branch that cannot be decided.
    pub(crate) fn run_perhaps(&mut self, work: &dyn Work, line: &str) -> Answer {
        self.ask(work, line, Certainty::Perhaps)
    }

    fn ask(&mut self, work: &dyn Work, line: &str, certainty: Certainty) -> Answer {
        self.answer(
            work,
            &Command {
                certainty,
                ..command(line)
            },
        )
    }

    /// [`World::run`] for a command whose output goes to a file.
    pub(crate) fn write(
        &mut self,
        work: &dyn Work,
        line: &str,
        redirects: Redirects,
        path: &str,
    ) -> Answer {
        let mut command = command(line);
        command.redirections.push(Redirection {
            descriptor: 1,
            redirects,
            target: Word::Known(path.to_owned()),
        });
        self.answer(work, &command)
    }

    /// Asks `work` about a command.
    pub(crate) fn answer(&mut self, work: &dyn Work, command: &Command) -> Answer {
        let arguments = command.known_arguments().unwrap();
        let call = Invocation {
            package: "test",
            program: command.program().unwrap(),
            arguments: &arguments,
            certainty: command.certainty,
            command,
        };
        work.command(&mut self.site(), &call).unwrap()
    }

    /// What is under `path`, as lines; files with their content.
    pub(crate) fn listing(&self, path: &str) -> String {
        let top = TreePath::from_archive(path.as_bytes()).unwrap();
        let mut text = String::new();
        let own = self.tree.get(&top).map(|node| (&top, node));
        let below = self.tree.descendants(&top);
        for (path, node) in own
            .into_iter()
            .chain(below.map(|(path, _, node)| (path, node)))
        {
            text.push_str(&self.line(path, node));
        }
        text
    }

    fn line(&self, path: &TreePath, node: &Node) -> String {
        let metadata = node.metadata;
        let (mode, uid, gid) = (metadata.permissions, metadata.uid, metadata.gid);
        match &node.kind {
            NodeKind::Symlink(target) => {
                format!("l /{path} -> {}\n", String::from_utf8_lossy(target))
            }
            NodeKind::Directory => format!("d {mode:04o} {uid}:{gid} /{path}\n"),
            NodeKind::File(body) => {
                let content = read_body(body, &self.spool).read_to_vec(1 << 20).unwrap();
                let content = String::from_utf8_lossy(&content).into_owned();
                let lines = content.lines().map(|line| format!("|{line}\n"));
                let lines: String = lines.collect();
                format!("f {mode:04o} {uid}:{gid} /{path}\n{lines}")
            }
            other @ (NodeKind::CharacterDevice { .. }
            | NodeKind::BlockDevice { .. }
            | NodeKind::Fifo
            | NodeKind::Socket) => format!("{other:?} /{path}\n"),
        }
    }
}

fn parents(site: &mut Site<'_>, path: &str) {
    let (directory, _) = path.rsplit_once('/').unwrap();
    let metadata = Metadata::new(0o755);
    site.files.make_directories(directory, metadata).unwrap();
}

fn command(line: &str) -> Command {
    Command {
        words: words(line).into_iter().map(Word::Known).collect(),
        redirections: Vec::new(),
        umask: Some(UMASK),
        certainty: Certainty::Always,
        line: 1,
    }
}

/// The words of a line, of which some are in single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// Compares two listings, and shows of different ones the lines that differ.
#[track_caller]
pub(crate) fn assert_same(found: &str, wanted: &str) {
    if found == wanted {
        return;
    }
    let missing = |one: &str, other: &str| {
        let lines: Vec<&str> = other.lines().collect();
        let missing = one.lines().filter(|line| !lines.contains(line));
        missing.map(|line| format!("{line}\n")).collect::<String>()
    };
    let (more, less) = (missing(found, wanted), missing(wanted, found));
    panic!("only found:\n{more}only wanted:\n{less}or another order");
}
