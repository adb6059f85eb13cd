//! What the dialects of tar can say, and what becomes of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use enclair_tree::TarProblem;
use forge::{Forge, Image, file, link, piece, small_limits, tar_problem};

fn with_pax(keyword: &str, value: &[u8]) -> TarProblem {
    tar_problem(&Forge::of([file("a", "x").pax(&[(keyword, value)])]))
}

#[test]
fn signed_checksums_are_accepted() {
    let mut bytes = file(b"\xff\xfe\xfd", "x").bytes();
    bytes[148..156].copy_from_slice(b"        ");
    let sum: i32 = bytes[..512]
        .iter()
        .map(|byte| i32::from(byte.cast_signed()))
        .sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let image = Image::new();
    let tar = Forge(bytes).end();
    let mut image = image;
    image.try_apply(&tar).unwrap();
    assert_eq!(image.paths(), ["\\xff\\xfe\\xfd"]);
}

#[test]
fn pax_values_replace_the_header() {
    let path = "p/".repeat(200) + "x";
    let image = Image::new().apply([file("short", "xyz").size(0).data("xyz").pax(&[
        ("path", path.as_bytes()),
        ("uid", b"4000000000"),
        ("gid", b"3000000"),
        ("mtime", b"-1.5"),
        ("size", b"3"),
        ("atime", b"1"),
        ("ctime", b"1"),
        ("comment", b"c"),
        ("uname", b"u"),
        ("gname", b"g"),
        ("hdrcharset", b"BINARY"),
    ])]);
    let metadata = image.tree.get(&forge::path_of(&path)).unwrap().metadata;
    assert_eq!(
        (metadata.uid, metadata.gid, metadata.mtime),
        (4_000_000_000, 3_000_000, -2)
    );
    assert_eq!(image.content(&path), b"xyz");
    let found: Vec<_> = image
        .findings
        .iter()
        .map(|finding| finding.kind.id)
        .collect();
    assert_eq!(found, ["implied-directory"]);
}

#[test]
fn negative_and_large_times_in_base_256_are_read() {
    let mut late = [0; 12];
    late[0] = 0x80;
    late[4..].copy_from_slice(&(1_u64 << 40).to_be_bytes());
    let image = Image::new().apply([
        file("a", "").raw(136, [0xff; 12]),
        file("b", "").raw(136, late),
    ]);
    let mtime = |path| {
        image
            .tree
            .get(&forge::path_of(path))
            .unwrap()
            .metadata
            .mtime
    };
    assert_eq!((mtime("a"), mtime("b")), (-1, 1 << 40));
}

#[test]
fn global_records_hold_for_all_and_local_ones_win() {
    let global = |keyword: &str, value: &[u8]| piece("g", b'g').data(forge::record(keyword, value));
    let image = Image::new().apply([
        global("uid", b"7"),
        global("SCHILY.xattr.user.a", b"1"),
        file("a", ""),
        file("b", "").pax(&[("uid", b"8"), ("SCHILY.xattr.user.a", b"2")]),
        global("uid", b"9"),
        file("c", ""),
    ]);
    let lines = image.list();
    assert_eq!(
        lines[1],
        "a 644 7:0 @0 x1 {[117, 115, 101, 114, 46, 97]: [49]} file \"\""
    );
    assert_eq!(
        lines[2],
        "b 644 8:0 @0 x1 {[117, 115, 101, 114, 46, 97]: [50]} file \"\""
    );
    assert_eq!(
        lines[3],
        "c 644 9:0 @0 x1 {[117, 115, 101, 114, 46, 97]: [49]} file \"\""
    );
    for keyword in [
        "path",
        "linkpath",
        "size",
        "GNU.sparse.map",
        "SCHILY.devmajor",
    ] {
        let problem = tar_problem(&Forge::of([global(keyword, b"1"), file("a", "")]));
        assert!(
            matches!(problem, TarProblem::Global { .. }),
            "{keyword}: {problem}"
        );
    }
}

#[test]
fn unknown_records_are_findings_by_keyword() {
    let image = Image::new().apply([
        file("a", "").pax(&[("SCHILY.acl.access", b"user::rwx"), ("VENDOR.x", b"")]),
        file("b", "").pax(&[
            ("LIBARCHIVE.creationtime", b"1"),
            ("SCHILY.fflags", b"nodump"),
        ]),
    ]);
    assert_eq!(
        image.finding("tar-field-dropped"),
        [
            "SCHILY.acl.access",
            "VENDOR.x",
            "LIBARCHIVE.creationtime",
            "SCHILY.fflags"
        ]
    );
}

#[test]
fn xattrs_are_read_from_both_families_and_must_agree() {
    let image = Image::new().apply([file("a", "").pax(&[
        ("SCHILY.xattr.user.bytes", b"a=b\n\0"),
        ("LIBARCHIVE.xattr.user.%3d%20", b"AAE"),
        ("LIBARCHIVE.xattr.user.pad", b"AAE="),
        ("SCHILY.xattr.user.empty", b""),
        ("SCHILY.xattr.user.both", b"\x00\x01"),
        ("LIBARCHIVE.xattr.user.both", b"AAE"),
    ])]);
    let xattrs = &image.tree.get(&forge::path_of("a")).unwrap().xattrs;
    let get = |name: &str| xattrs.get(name.as_bytes()).unwrap().as_slice();
    assert_eq!(get("user.bytes"), b"a=b\n\0");
    assert_eq!(get("user.= "), [0, 1]);
    assert_eq!(get("user.pad"), [0, 1]);
    assert_eq!(get("user.empty"), b"");
    assert_eq!(get("user.both"), [0, 1]);
    let twice = file("a", "").pax(&[("SCHILY.xattr.u", b"1"), ("SCHILY.xattr.u", b"2")]);
    assert!(matches!(
        tar_problem(&Forge::of([twice])),
        TarProblem::XattrConflict { .. }
    ));
    for (keyword, value) in [
        ("SCHILY.xattr.", &b"x"[..]),
        ("SCHILY.xattr.user.a%3Db", b"x"),
        ("LIBARCHIVE.xattr.user.%zz", b"AAE"),
        ("LIBARCHIVE.xattr.user.%3", b"AAE"),
        ("LIBARCHIVE.xattr.user.a", b"!"),
    ] {
        assert!(
            matches!(with_pax(keyword, value), TarProblem::Xattr { .. }),
            "{keyword}"
        );
    }
}

#[test]
fn a_volume_label_is_a_finding() {
    let image = Image::new().apply([piece("Backup 1", b'V').gnu(), file("a", "")]);
    assert_eq!(
        image.finding("tar-field-dropped"),
        ["volume label `Backup 1`"]
    );
    assert_eq!(image.paths(), ["a"]);
}

#[test]
fn old_types_of_files_and_directories_are_known() {
    let image = Image::new().apply([
        piece("nul", 0).v7().data("x"),
        piece("contiguous", b'7').data("y"),
        piece("dir/", 0).v7(),
        link("l", "nul").v7(),
    ]);
    assert_eq!(image.show("nul"), "file \"x\"");
    assert_eq!(image.show("contiguous"), "file \"y\"");
    assert_eq!(image.show("dir"), "directory");
    assert_eq!(image.show("l"), "file \"x\"");
}

#[test]
fn the_prefix_is_read_in_the_dialects_that_have_one() {
    let image = Image::new().apply([
        file("ustar", "").raw(345, b"p"),
        file("gnu", "").gnu().raw(345, b"00000000000"),
        file("v7", "").v7().raw(345, b"junk"),
        file("star", "")
            .raw(345, b"q")
            .raw(476, b"00000000000 00000000000 ")
            .raw(508, b"tar\0"),
    ]);
    assert_eq!(image.paths(), ["gnu", "p", "p/ustar", "q", "q/star", "v7"]);
}

#[test]
fn data_behind_the_end_is_a_finding_and_is_read() {
    let mut tar = Forge::of([file("a", "")]);
    tar.extend([0; 5000]);
    let mut image = Image::new();
    let mut rest = tar.as_slice();
    let limits = small_limits();
    let (tree, spool) = (&mut image.tree, &mut image.spool);
    enclair_tree::apply_layer(tree, &mut rest, spool, &limits, &mut image.findings).unwrap();
    assert!(rest.is_empty() && image.findings.is_empty());
    tar.extend(Forge::of([file("hidden", "")]));
    let mut rest = tar.as_slice();
    let (tree, spool) = (&mut image.tree, &mut image.spool);
    enclair_tree::apply_layer(tree, &mut rest, spool, &limits, &mut image.findings).unwrap();
    assert!(rest.is_empty());
    assert_eq!(image.finding("tar-trailing-data"), ["offset 1536"]);
    assert_eq!(image.paths(), ["a"]);
}

#[test]
fn an_archive_of_nothing_is_empty() {
    let mut image = Image::new();
    image.try_apply(&[]).unwrap();
    assert_eq!(image.finding("tar-no-end"), ["offset 0"]);
    let mut image = Image::new();
    image.try_apply(&[0; 10240]).unwrap();
    assert!(image.findings.is_empty() && image.tree.is_empty());
}
