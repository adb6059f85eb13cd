//! Trees as parts of ramdisks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::Read;

use enclair_cpio::{Kind, Metadata as Fields, Sink, Walker, Writer};
use enclair_finding::Findings;
use enclair_tree::{
    Body, CpioError, Forecast, MtimePolicy, NodeKind, Problem, Spool, TreePath, from_initramfs,
    read_body, to_cpio,
};
use forge::{Image, dir, file, link, path_of, piece, small_limits, symlink};

/// An archive in memory.
struct Archive<'a> {
    bytes: Vec<u8>,
    spool: &'a dyn Spool,
}

impl Sink<Body> for Archive<'_> {
    type Error = Infallible;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn body(&mut self, body: &Body) -> Result<(), Infallible> {
        read_body(body, self.spool)
            .read_to_end(&mut self.bytes)
            .unwrap();
        Ok(())
    }
}

fn convert<S: Sink<Body, Error = Infallible>>(
    image: &Image,
    sink: S,
    mtime: MtimePolicy,
    findings: &mut Findings,
) -> Result<S, CpioError<Infallible>> {
    let mut writer = Writer::new(sink);
    to_cpio(
        &image.tree,
        &path_of("rootfs"),
        &mut writer,
        mtime,
        findings,
    )?;
    Ok(writer.finish(Some(enclair_cpio::Marker {
        ramdisk: 1,
        mtime: 0,
    }))?)
}

fn archive(image: &Image, mtime: MtimePolicy) -> Vec<u8> {
    let spool = &image.spool;
    let sink = Archive {
        bytes: Vec::new(),
        spool,
    };
    convert(image, sink, mtime, &mut Findings::new())
        .unwrap()
        .bytes
}

fn unpack(ramdisk: &[u8]) -> Image {
    let mut image = Image::new();
    let mut walker = Walker::new(ramdisk, small_limits());
    image.tree = from_initramfs(
        &mut walker,
        &mut image.spool,
        &small_limits(),
        &mut image.findings,
    )
    .unwrap();
    assert!(walker.findings().is_empty(), "{:?}", walker.findings());
    image
}

fn example() -> Image {
    Image::new().apply([
        dir("./").mode(0o711).owner(5, 6).mtime(99),
        dir("a"),
        file("a/x", "content").mode(0o4755).owner(1, 2).mtime(1000),
        link("a-b", "a/x").mode(0o4755).owner(1, 2).mtime(1000),
        link("z", "a/x").mode(0o4755).owner(1, 2).mtime(1000),
        symlink("l", "a/x").mtime(7),
        piece("tty", b'3')
            .raw(329, b"0000004\0")
            .raw(337, b"0000100\0"),
        piece("pipe", b'6'),
        file("empty", ""),
    ])
}

/// A header as the format's table has it, by hand: the fields that are not zero.
fn header(ino: u32, mode: u32, nlink: u32, size: usize, name: &str) -> String {
    let zeros = "00000000";
    let name_size = name.len() + 1;
    let mtime = u32::from(ino != 0 && !name.starts_with('~'));
    let text = format!(
        "070701{ino:08X}{mode:08X}{zeros}{zeros}{nlink:08X}{mtime:08X}{size:08X}\
         {zeros}{zeros}{zeros}{zeros}{name_size:08X}{zeros}{name}\0"
    );
    padded(text)
}

fn padded(mut text: String) -> String {
    while !text.len().is_multiple_of(4) {
        text.push('\0');
    }
    text
}

#[test]
fn golden_archive_of_a_small_tree() {
    let image = Image::new().apply([
        dir("./").mode(0o700),
        dir("a"),
        file("a/x", "hi"),
        file("a-b", ""),
        link("b", "a/x"),
    ]);
    let mut expected = [
        header(1, 0o040_700, 2, 0, "rootfs"),
        header(2, 0o040_755, 2, 0, "rootfs/a"),
        header(3, 0o100_644, 1, 0, "rootfs/a-b"),
        header(4, 0o100_644, 2, 2, "rootfs/a/x"),
        padded("hi".to_owned()),
        header(4, 0o100_644, 2, 0, "rootfs/b"),
        header(5, 0o100_444, 1, 1, "~end1"),
        padded("5".to_owned()),
        header(0, 0, 1, 0, "TRAILER!!!"),
    ]
    .concat();
    while !expected.len().is_multiple_of(512) {
        expected.push('\0');
    }
    let archive = String::from_utf8(archive(&image, MtimePolicy::Epoch(1))).unwrap();
    assert_eq!(
        archive.escape_debug().to_string(),
        expected.escape_debug().to_string()
    );
}

#[test]
fn the_forecast_is_the_archive() {
    let image = example();
    for mtime in [MtimePolicy::Epoch(0), MtimePolicy::Kept] {
        let bytes = archive(&image, mtime);
        let forecast = convert(&image, Forecast::new(), mtime, &mut Findings::new()).unwrap();
        assert_eq!(forecast.len(), u64::try_from(bytes.len()).unwrap());
        assert_eq!(forecast.crc32(), crc32fast::hash(&bytes));
    }
}

#[test]
fn an_archive_unpacks_to_its_tree() {
    let image = example();
    let unpacked = unpack(&archive(&image, MtimePolicy::Kept));
    let under = path_of("rootfs");
    let inside: Vec<String> = unpacked
        .list()
        .into_iter()
        .filter(|line| line.starts_with("rootfs"))
        .map(|line| {
            let line = line.strip_prefix("rootfs").unwrap().to_owned();
            line.strip_prefix('/')
                .map(str::to_owned)
                .unwrap_or(format!("/{line}"))
        })
        .collect();
    // A ramdisk has one mode for symlinks.
    let expected: Vec<String> = image
        .list()
        .into_iter()
        .map(|line| line.replace("l 644 0:0 @7", "l 777 0:0 @7"))
        .collect();
    assert_eq!(inside, expected);
    assert_eq!(unpacked.show("~end1"), "file \"9\"");
    assert!(unpacked.findings.is_empty());
    let ids = ["a/x", "a-b", "z"].map(|name| unpacked.tree.id(&under.join(&path_of(name))));
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn gnu_cpio_unpacks_the_archive() {
    let bytes = archive(&example(), MtimePolicy::Epoch(0));
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new("cpio")
        .args([
            "--extract",
            "--make-directories",
            "--quiet",
            "--no-absolute-filenames",
        ])
        .args([
            "rootfs/a*",
            "rootfs/z",
            "rootfs/l",
            "rootfs/empty",
            "rootfs",
        ])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("GNU cpio must be installed");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
    assert!(child.wait().unwrap().success());
    let root = folder.path().join("rootfs");
    for name in ["a/x", "a-b", "z"] {
        assert_eq!(
            std::fs::read(root.join(name)).unwrap(),
            b"content",
            "{name}"
        );
    }
    assert_eq!(
        std::fs::read_link(root.join("l")).unwrap().to_str(),
        Some("a/x")
    );
    let links = std::os::unix::fs::MetadataExt::nlink(&root.join("z").metadata().unwrap());
    assert_eq!(links, 3);
}

#[test]
fn xattrs_and_capabilities_are_findings() {
    let image = Image::new().apply([
        file("ping", "").pax(&[
            ("SCHILY.xattr.security.capability", b"\x01"),
            ("SCHILY.xattr.user.a\n", b""),
        ]),
        link("pong", "ping"),
        dir("d").pax(&[("SCHILY.xattr.security.selinux", b"label")]),
    ]);
    let mut findings = Findings::new();
    convert(&image, Forecast::new(), MtimePolicy::Kept, &mut findings).unwrap();
    let rows: Vec<_> = findings
        .iter()
        .map(|f| (f.kind.id, f.examples.clone()))
        .collect();
    assert_eq!(
        rows,
        [
            ("capability-dropped", vec!["ping".to_owned()]),
            (
                "xattr-dropped",
                vec![
                    "d: security.selinux".to_owned(),
                    "ping: user.a\\x0a".to_owned()
                ]
            ),
        ]
    );
    assert_eq!(findings.blocking(&[]).count(), 1);
}

#[test]
fn hard_links_of_other_nodes_are_split_with_a_finding() {
    let image = Image::new().apply([symlink("a", "t"), link("b", "a"), link("c", "a")]);
    let mut findings = Findings::new();
    convert(&image, Forecast::new(), MtimePolicy::Kept, &mut findings).unwrap();
    let found = findings.iter().next().unwrap();
    assert_eq!(
        (found.kind.id, &*found.examples),
        ("hardlink-split", &["b".to_owned(), "c".to_owned()][..])
    );
    let unpacked = unpack(&archive(&image, MtimePolicy::Kept));
    assert_eq!(unpacked.show("rootfs/c"), "-> t");
}

#[test]
fn what_newc_cannot_say_is_an_error() {
    let problem = |image: &Image| match convert(
        image,
        Forecast::new(),
        MtimePolicy::Kept,
        &mut Findings::new(),
    ) {
        Err(CpioError::Entry { path, problem }) => (path.to_string(), problem),
        other => panic!("{other:?}"),
    };
    for mtime in ["-1", "4294967296"] {
        let image = Image::new().apply([file("a", "").pax(&[("mtime", mtime.as_bytes())])]);
        let mtime = mtime.parse().unwrap();
        assert_eq!(problem(&image), ("a".to_owned(), Problem::Time { mtime }));
        convert(
            &image,
            Forecast::new(),
            MtimePolicy::Epoch(0),
            &mut Findings::new(),
        )
        .unwrap();
    }
    let image = Image::new().apply([file("a", "").pax(&[("uid", b"4294967295")])]);
    assert!(matches!(problem(&image).1, Problem::Owner { .. }));
    let long = "n".repeat(256);
    let image = Image::new().apply([file("a", "").pax(&[("path", long.as_bytes())])]);
    let outcome = convert(
        &image,
        Forecast::new(),
        MtimePolicy::Kept,
        &mut Findings::new(),
    );
    assert!(matches!(outcome, Err(CpioError::Archive(_))));
}

#[test]
fn without_a_prefix_the_root_must_be_plain() {
    let mut writer = Writer::new(Forecast::new());
    let mut image = Image::new().apply([file("a", "x")]);
    let mut findings = Findings::new();
    let root = TreePath::root();
    to_cpio(
        &image.tree,
        &root,
        &mut writer,
        MtimePolicy::Kept,
        &mut findings,
    )
    .unwrap();
    assert_eq!(writer.entries(), 1);
    image.tree.get_mut(&root).unwrap().metadata.uid = 1;
    let mut writer = Writer::new(Forecast::new());
    let outcome = to_cpio(
        &image.tree,
        &root,
        &mut writer,
        MtimePolicy::Kept,
        &mut findings,
    );
    assert!(matches!(
        outcome,
        Err(CpioError::Entry {
            problem: Problem::RootMetadata,
            ..
        })
    ));
}

#[test]
fn rewriting_visits_every_node_once_and_sets_times() {
    let mut image = example();
    let mut seen = BTreeSet::new();
    image.tree.rewrite(|path, node| {
        node.metadata.mtime = 42;
        if let Some(body) = node.body {
            *body = Body::from(&b"same"[..]);
        }
        assert!(seen.insert(path.clone()));
    });
    assert_eq!(seen.len(), 7);
    assert!(image.list().iter().all(|line| line.contains("@42")));
    assert_eq!(image.content("z"), b"same");
    assert!(matches!(
        image.tree.get(&path_of("z")).unwrap().kind,
        NodeKind::File(Body::Inline(_))
    ));
}

/// The canonical writer also makes what other tools would: entries before and behind.
#[test]
fn the_caller_writes_before_and_behind_the_prefix() {
    let image = Image::new().apply([file("x", "1")]);
    let sink = Archive {
        bytes: Vec::new(),
        spool: &image.spool,
    };
    let mut writer = Writer::new(sink);
    let fields = Fields {
        permissions: 0o755,
        uid: 0,
        gid: 0,
        mtime: 0,
    };
    let config = Body::from(&b"{}"[..]);
    writer.entry(b"etc", fields, Kind::Directory).unwrap();
    writer
        .entry(b"etc/config", fields, Kind::File { body: &config })
        .unwrap();
    let mut findings = Findings::new();
    let prefix = path_of("rootfs");
    to_cpio(
        &image.tree,
        &prefix,
        &mut writer,
        MtimePolicy::Kept,
        &mut findings,
    )
    .unwrap();
    writer.entry(b"rootfs2", fields, Kind::Directory).unwrap();
    let bytes = writer.finish(None).unwrap().bytes;
    let paths = unpack(&bytes).paths();
    assert_eq!(
        paths,
        ["etc", "etc/config", "rootfs", "rootfs/x", "rootfs2"]
    );
}
