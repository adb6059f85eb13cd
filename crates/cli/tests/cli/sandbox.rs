//! Scripts in a sandbox, with the real program as the one that is started again. The root filesystem
//! is made of this machine's own shell and tools.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use enclair_sandbox::{Job, SandboxError, Script, run};
use enclair_tree::{Body, MemorySpool, Metadata, Node, NodeKind, Tree, TreePath, read_body};

/// What scripts of these tests call.
const TOOLS: [&str; 18] = [
    "sh", "cat", "chmod", "chown", "date", "env", "hostname", "id", "ln", "ls", "mkdir", "mkfifo",
    "mount", "truncate", "rm", "sleep", "sort", "stat",
];
/// 2001-02-03 04:05:06 UTC.
const TIME: i64 = 981_173_106;

fn path(text: &str) -> TreePath {
    TreePath::from_archive(text.as_bytes()).unwrap()
}

/// A root filesystem with a shell.
struct Rootfs {
    tree: Tree,
    spool: MemorySpool,
}

impl Rootfs {
    fn new() -> Self {
        let mut rootfs = Self {
            tree: Tree::new(Metadata::new(0o755)),
            spool: MemorySpool::new(),
        };
        for file in programs() {
            let content = fs::read(&file).unwrap();
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            rootfs.file(&file, &content, u16::try_from(mode).unwrap());
        }
        rootfs
    }

    fn directory(&mut self, at: &TreePath) {
        if self.tree.get(at).is_none() {
            self.directory(&at.parent().unwrap());
            let node = Node::new(Metadata::new(0o755), NodeKind::Directory);
            self.tree.insert(at.clone(), node).unwrap();
        }
    }

    fn file(&mut self, at: &str, content: &[u8], mode: u16) {
        self.insert(at, Metadata::new(mode), NodeKind::File(Body::from(content)));
    }

    fn insert(&mut self, at: &str, metadata: Metadata, kind: NodeKind) {
        let at = path(at);
        self.directory(&at.parent().unwrap());
        self.tree.insert(at, Node::new(metadata, kind)).unwrap();
    }

    /// Runs `scripts`, each the text of one; `None` where this user may run none.
    fn run(&mut self, scripts: &[&str]) -> Option<Result<Tree, SandboxError>> {
        let mut job = Job {
            scripts: Vec::new(),
            time: TIME,
            limit: 128 << 20,
            entries: 1 << 16,
        };
        for (number, text) in scripts.iter().enumerate() {
            let at = format!("scripts/{number}");
            self.file(
                &at,
                format!("#!/bin/sh\nset -e\n{text}\n").as_bytes(),
                0o755,
            );
            job.scripts.push(Script {
                name: format!("script {number}"),
                path: format!("/{at}"),
                arguments: vec!["configure".to_owned(), String::new()],
                environment: vec![("OWN".to_owned(), "1".to_owned())],
            });
        }
        let program = Path::new(env!("CARGO_BIN_EXE_enclair"));
        let result = run(program, &job, (&self.tree, &mut self.spool));
        match result {
            // An ordinary user without subordinate ids: that is said, and that is all there is.
            Err(error @ SandboxError::Ids { .. }) if !is_root() => {
                assert!(error.hint().unwrap().contains("/etc/subuid"));
                None
            }
            result => Some(result),
        }
    }

    /// The tree that `scripts` leave.
    fn after(&mut self, scripts: &[&str]) -> Option<Tree> {
        let result = self.run(scripts)?;
        Some(result.unwrap_or_else(|error| panic!("{error}")))
    }

    fn text(&self, tree: &Tree, at: &str) -> String {
        let Some(NodeKind::File(body)) = tree.get(&path(at)).map(|node| &node.kind) else {
            panic!("no file {at}");
        };
        let content = read_body(body, &self.spool).read_to_vec(1 << 20).unwrap();
        String::from_utf8(content).unwrap()
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// The tools, and the libraries that they need, by the paths at which they are looked for.
fn programs() -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for tool in TOOLS {
        let at = format!("/bin/{tool}");
        let listed = Command::new("ldd").arg(&at).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let words = listed
            .split_whitespace()
            .filter(|word| word.starts_with('/'));
        files.extend(words.map(str::to_owned));
        files.insert(at);
    }
    files
}

#[test]
fn what_a_script_sees_is_the_same_every_time() {
    let report = "
        { date --rfc-3339=ns; sleep 0.01; date +%s; hostname; id; umask; echo \"$$ $#:$1:$2:\"
          env | sort; ls /dev; ls /proc/sys/net/ipv4/conf; ls /tmp /run; } >/report";
    let mut rootfs = Rootfs::new();
    let Some(tree) = rootfs.after(&[report]) else {
        return;
    };
    insta::assert_snapshot!(rootfs.text(&tree, "report"), @r"
    2001-02-03 04:05:06.000000000+00:00
    981173106
    localhost
    uid=0 gid=0 groups=0
    0022
    2 2:configure::
    DEBCONF_NONINTERACTIVE_SEEN=true
    DEBIAN_FRONTEND=noninteractive
    DPKG_MAINTSCRIPT_DEBUG=0
    HOME=/root
    LC_ALL=C.UTF-8
    OWN=1
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    PWD=/
    SOURCE_DATE_EPOCH=981173106
    TZ=UTC
    full
    null
    random
    urandom
    zero
    all
    default
    lo
    /run:

    /tmp:
    ");
    let again = Rootfs::new().after(&[report]).unwrap();
    assert_eq!(rootfs.text(&again, "report"), rootfs.text(&tree, "report"));
}

#[test]
fn what_a_script_changes_comes_back_and_nothing_else() {
    let mut rootfs = Rootfs::new();
    let owned = Metadata {
        uid: 7,
        gid: 8,
        ..Metadata::new(0o4750)
    };
    rootfs.insert("srv/kept", owned, NodeKind::File(Body::from(&b"kept"[..])));
    rootfs.file("srv/removed", b"x", 0o644);
    rootfs.file("srv/changed", b"before", 0o644);
    let fifo = Metadata::new(0o600);
    rootfs.insert("srv/fifo", fifo, NodeKind::Fifo);
    let id = rootfs.tree.id(&path("srv/kept")).unwrap();
    rootfs.tree.link(path("srv/second"), id).unwrap();
    rootfs.insert("dev/own", fifo, NodeKind::File(Body::from(&b"hidden"[..])));
    let script = "
        [ \"$(stat -c '%u %g %a %h' /srv/kept)\" = '7 8 4750 2' ]
        [ ! -e /dev/own ]
        echo x >/dev/null
        if chmod 600 /dev/null; then exit 1; fi
        if chown 1 /dev/zero; then exit 1; fi
        rm /srv/removed
        echo after >/srv/changed
        mkdir -m 2775 /srv/new; chown 12:34 /srv/new
        ln -s ../x /srv/new/link
        echo new >/srv/new/file; ln /srv/new/file /srv/new/same; chmod 600 /srv/new/file
        echo temporary >/tmp/file; echo runtime >/run/file";
    let Some(tree) = rootfs.after(&[script]) else {
        return;
    };
    let mut listing = String::new();
    for (at, id, node) in tree.iter() {
        let text = at.to_string();
        if !["srv", "dev", "tmp", "run", "proc"]
            .iter()
            .any(|top| text.starts_with(top))
        {
            continue;
        }
        let Metadata {
            permissions,
            uid,
            gid,
            mtime: _,
        } = node.metadata;
        let kind = match &node.kind {
            NodeKind::File(_) => {
                format!("{:?}, {} names", rootfs.text(&tree, &text), tree.links(id))
            }
            NodeKind::Symlink(target) => String::from_utf8_lossy(target).into_owned(),
            NodeKind::Directory
            | NodeKind::CharacterDevice { .. }
            | NodeKind::BlockDevice { .. }
            | NodeKind::Fifo
            | NodeKind::Socket => format!("{:?}", node.kind),
        };
        writeln!(listing, "{text} {permissions:o} {uid}:{gid} {kind}").unwrap();
    }
    insta::assert_snapshot!(listing, @r#"
    dev 755 0:0 Directory
    dev/own 600 0:0 "hidden", 1 names
    srv 755 0:0 Directory
    srv/changed 644 0:0 "after\n", 1 names
    srv/fifo 600 0:0 Fifo
    srv/kept 4750 7:8 "kept", 2 names
    srv/new 2775 12:34 Directory
    srv/new/file 600 0:34 "new\n", 2 names
    srv/new/link 777 0:34 ../x
    srv/new/same 600 0:34 "new\n", 2 names
    srv/second 4750 7:8 "kept", 2 names
    "#);
}

#[test]
fn scripts_run_in_their_order_and_end_with_what_they_started() {
    let mut rootfs = Rootfs::new();
    let first = "sleep 1000 & echo first >/log";
    let second = "cat /log >/copy; (sleep 1000; echo late >/late) & exit 0";
    let Some(tree) = rootfs.after(&[first, second]) else {
        return;
    };
    assert_eq!(rootfs.text(&tree, "copy"), "first\n");
    assert!(tree.get(&path("late")).is_none());
}

#[test]
fn a_script_that_fails_is_named_with_what_it_printed() {
    for (script, problem) in [
        (
            "echo reason >&2; exit 3",
            "script 1 ended with status 3\n    hello\n    reason",
        ),
        ("kill -9 $$", "script 1 ended by signal 9"),
        ("/nowhere", "script 1 ended with status 127"),
    ] {
        let mut rootfs = Rootfs::new();
        let Some(result) = rootfs.run(&["echo hello", script, "echo never"]) else {
            return;
        };
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        assert!(!text.contains("never"), "{text}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn nothing_that_a_script_leaves_is_left_out_in_silence() {
    for (script, problem) in [
        (
            "mkdir /left; mount -t tmpfs none /left",
            "a script left `/left` mounted",
        ),
        (
            "truncate -s 100G /holes",
            "larger than all of the image may be",
        ),
    ] {
        let mut rootfs = Rootfs::new();
        let Some(result) = rootfs.run(&[script]) else {
            return;
        };
        let mut text = String::new();
        let error = result.unwrap_err();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(one) = cause {
            writeln!(text, "{one}").unwrap();
            cause = one.source();
        }
        assert!(text.contains(problem), "{text}");
    }
    let mut rootfs = Rootfs::new();
    if let Some(tree) = rootfs.after(&["mkfifo /pipe"]) {
        assert_eq!(tree.get(&path("pipe")).unwrap().kind, NodeKind::Fifo);
    }
    let owned = Metadata {
        uid: 65536,
        ..Metadata::new(0o644)
    };
    rootfs.insert("srv/far", owned, NodeKind::File(Body::empty()));
    let error = rootfs.run(&["true"]).unwrap().unwrap_err();
    assert!(
        error.to_string().contains("`/srv/far` belongs to 65536"),
        "{error}"
    );
}

#[test]
fn a_root_filesystem_that_grows_too_large_fails() {
    let mut rootfs = Rootfs::new();
    let script = "cat /dev/zero >/large";
    let Some(result) = rootfs.run(&[script]) else {
        return;
    };
    assert!(result.unwrap_err().to_string().contains("No space left"));
    rootfs.file("srv/large", &vec![1; 129 << 20], 0o644);
    let Some(result) = rootfs.run(&["true"]) else {
        return;
    };
    let text = result.unwrap_err().to_string();
    assert!(
        text.contains("cannot be made: the root filesystem: No space"),
        "{text}"
    );
}
