//! What layers do to a tree, and what hostile ones do not.

mod forge;

use enclair_finding::Findings;
use enclair_tree::{Error, Problem, Resource, TarProblem};
use forge::{
    Forge, Image, Piece, dir, entry_problem, file, link, path_of, piece, small_limits, symlink,
    whiteout,
};

fn base() -> Image {
    Image::new().apply([
        dir("etc/").mode(0o750).owner(1, 2).mtime(7),
        file("etc/passwd", "root"),
        file("etc/group", "wheel"),
        dir("usr/"),
        dir("usr/lib/"),
        file("usr/lib/libc.so", "libc"),
        symlink("lib", "usr/lib"),
    ])
}

#[test]
fn an_entry_brings_all_its_metadata() {
    let image = Image::new().apply([
        dir("./").mode(0o1777).owner(3, 4).mtime(5),
        file("a", "x").mode(0o4755).owner(10, 20).mtime(30),
        piece("tty", b'3')
            .raw(329, b"0000004\0")
            .raw(337, b"0000100\0"),
        piece("sda", b'4')
            .raw(329, b"0000010\0")
            .raw(337, b"0000000\0"),
        piece("pipe", b'6'),
        symlink("l", "/nowhere/../x"),
    ]);
    assert_eq!(
        image.list(),
        [
            "/ 1777 3:4 @5 x1 {} directory",
            "a 4755 10:20 @30 x1 {} file \"x\"",
            "l 644 0:0 @0 x1 {} -> /nowhere/../x",
            "pipe 644 0:0 @0 x1 {} fifo",
            "sda 644 0:0 @0 x1 {} b 8:0",
            "tty 644 0:0 @0 x1 {} c 4:64",
        ]
    );
    assert!(image.findings.is_empty());
}

#[test]
fn a_directory_over_a_directory_changes_metadata_and_keeps_what_is_below() {
    let image = base().apply([dir("etc").mode(0o700)]);
    assert_eq!(image.show("etc/passwd"), "file \"root\"");
    let metadata = image.tree.get(&path_of("etc")).unwrap().metadata;
    assert_eq!((metadata.permissions, metadata.uid), (0o700, 0));
}

#[test]
fn a_file_over_a_directory_removes_all_below_and_back() {
    let image = base().apply([file("etc", "now a file")]);
    assert_eq!(image.show("etc"), "file \"now a file\"");
    assert_eq!(image.show("etc/passwd"), "-");
    let image = image.apply([dir("etc"), file("etc/new", "n")]);
    assert_eq!(image.show("etc"), "directory");
    assert_eq!(image.show("etc/new"), "file \"n\"");
    assert_eq!(image.show("etc/passwd"), "-");
}

#[test]
fn a_neighbour_whose_name_sorts_into_the_directory_is_left_alone() {
    let pieces = [
        dir("a"),
        file("a/x", "1"),
        file("a-b", "2"),
        file("a.c", "3"),
        file("a0", "4"),
    ];
    let image = Image::new().apply(pieces).apply([whiteout(".wh.a")]);
    assert_eq!(image.paths(), ["a-b", "a.c", "a0"]);
}

#[test]
fn the_last_entry_of_a_path_wins() {
    let image = Image::new().apply([file("a", "1"), symlink("a", "b"), file("a", "3")]);
    assert_eq!(image.show("a"), "file \"3\"");
}

#[test]
fn names_may_start_with_slash_or_dot_slash() {
    let image = Image::new().apply([dir("/a"), file("./a/b", "1"), file("/a//./c", "2")]);
    assert_eq!(image.paths(), ["a", "a/b", "a/c"]);
}

#[test]
fn whiteout_hides_a_lower_file_and_a_lower_directory() {
    let image = base().apply([whiteout("etc/.wh.passwd"), whiteout(".wh.usr")]);
    assert_eq!(image.paths(), ["etc", "etc/group", "lib"]);
}

#[test]
fn whiteout_of_nothing_is_fine() {
    let image = base().apply([whiteout("etc/.wh.none"), whiteout("no/such/.wh.x")]);
    assert_eq!(image.list(), base().list());
}

#[test]
fn whiteouts_hide_lower_layers_only_before_and_after_the_entries_of_their_own() {
    let entries = [dir("etc"), file("etc/passwd", "new")];
    for whiteouts in [
        vec![whiteout("etc/.wh.passwd"), whiteout("etc/.wh.group")],
        vec![whiteout("etc/.wh..wh..opq")],
    ] {
        let before: Vec<Piece> = [&whiteouts[..], &entries].concat();
        let after: Vec<Piece> = [&entries, &whiteouts[..]].concat();
        let image = base().apply(before);
        assert_eq!(image.list(), base().apply(after).list());
        assert_eq!(image.show("etc/passwd"), "file \"new\"");
        assert_eq!(image.show("etc/group"), "-");
    }
}

#[test]
fn opaque_keeps_the_directory_and_its_metadata() {
    let image = base().apply([whiteout("etc/.wh..wh..opq")]);
    assert_eq!(image.show("etc/passwd"), "-");
    let metadata = image.tree.get(&path_of("etc")).unwrap().metadata;
    assert_eq!(
        (metadata.permissions, metadata.uid, metadata.mtime),
        (0o750, 1, 7)
    );
}

#[test]
fn opaque_root_hides_all_that_is_below() {
    let image = base().apply([file("new", "n"), whiteout(".wh..wh..opq")]);
    assert_eq!(image.paths(), ["new"]);
}

#[test]
fn a_hidden_directory_that_is_filled_again_is_implied() {
    let image = base().apply([file("etc/new", "n"), whiteout(".wh.etc")]);
    assert_eq!(image.show("etc/passwd"), "-");
    let metadata = image.tree.get(&path_of("etc")).unwrap().metadata;
    assert_eq!(
        (metadata.permissions, metadata.uid, metadata.mtime),
        (0o755, 0, 0)
    );
    assert_eq!(image.finding("implied-directory"), ["etc"]);
}

#[test]
fn whiteouts_follow_symlinks_of_the_layers_below() {
    let image = base().apply([whiteout("lib/.wh.libc.so")]);
    assert_eq!(image.show("usr/lib/libc.so"), "-");
    let image = base().apply([whiteout("lib/.wh..wh..opq")]);
    assert_eq!(image.show("usr/lib/libc.so"), "-");
    assert_eq!(image.show("usr/lib"), "directory");
}

#[test]
fn whiteout_below_a_directory_that_replaces_a_symlink_hides_nothing() {
    for replaced in [
        vec![dir("lib")],
        vec![whiteout(".wh.lib"), file("lib/x", "")],
    ] {
        let mut pieces = vec![whiteout("lib/.wh.libc.so"), whiteout("lib/.wh..wh..opq")];
        pieces.extend(replaced);
        let image = base().apply(pieces);
        assert_eq!(image.show("usr/lib/libc.so"), "file \"libc\"");
        assert_eq!(image.show("lib"), "directory");
    }
}

#[test]
fn whiteout_escape_through_a_symlink_of_the_same_layer_is_refused() {
    let pieces = vec![symlink("x", "/usr"), whiteout("x/lib/.wh.libc.so")];
    let (path, problem) = entry_problem(&mut base(), pieces);
    assert_eq!(path, "x/lib");
    assert_eq!(problem, Problem::WhiteoutThroughLink { link: path_of("x") });
}

/// As umoci writes the layer when a directory becomes a symlink.
#[test]
fn whiteouts_below_a_directory_that_becomes_a_symlink_hide_nothing_behind_it() {
    let pieces = [whiteout("usr/lib/.wh.libc.so"), symlink("usr/lib", "/etc")];
    for pieces in [pieces.clone().to_vec(), pieces.into_iter().rev().collect()] {
        let before = base().show("etc");
        let image = base().apply(pieces);
        assert_eq!(image.show("usr/lib"), "-> /etc");
        assert_eq!(image.show("etc"), before);
    }
}

#[test]
fn whiteout_escape_by_name_is_refused() {
    for name in [".wh.", "etc/.wh.", "etc/.wh..", "etc/.wh..."] {
        let (path, problem) = entry_problem(&mut base(), vec![whiteout(name)]);
        assert_eq!(path, name);
        assert!(matches!(problem, Problem::WhiteoutName { .. }), "{problem}");
    }
}

#[test]
fn whiteouts_that_are_not_empty_files_are_refused() {
    for odd in [
        file("etc/.wh.passwd", "x"),
        dir("etc/.wh.passwd"),
        symlink("etc/.wh.passwd", "x"),
    ] {
        let (_, problem) = entry_problem(&mut base(), vec![odd]);
        assert_eq!(problem, Problem::WhiteoutKind);
    }
    let (_, problem) = entry_problem(&mut base(), vec![file(".wh.etc/x", "")]);
    assert_eq!(problem, Problem::WhiteoutDirectory);
}

#[test]
fn aufs_bookkeeping_is_left_out_with_a_finding() {
    let image = base().apply([
        dir(".wh..wh.plnk"),
        file(".wh..wh.plnk/12.34", "content"),
        file("etc/.wh..wh.orph", ""),
        link("etc/.wh.passwd", ".wh..wh.aufs"),
    ]);
    assert_eq!(image.show("etc/passwd"), "-");
    assert_eq!(
        image.finding("whiteout-unknown"),
        [".wh..wh.plnk", ".wh..wh.plnk/12.34", "etc/.wh..wh.orph"]
    );
    assert!(!image.paths().iter().any(|path| path.contains(".wh.")));
}

#[test]
fn entries_follow_symlinked_parents_inside_the_root() {
    let image = base().apply([file("lib/libm.so", "m")]);
    assert_eq!(image.show("usr/lib/libm.so"), "file \"m\"");
    assert_eq!(image.show("lib"), "-> usr/lib");
}

#[test]
fn symlink_escape_of_parents_ends_at_the_root() {
    for target in ["../../..", "/", "/../..", "usr/../../../"] {
        let image = base().apply([symlink("a", target), file("a/x", "inside")]);
        assert_eq!(image.show("x"), "file \"inside\"", "{target}");
    }
    let image = base().apply([symlink("usr/up", "../.."), file("usr/up/etc/passwd", "p")]);
    assert_eq!(image.show("etc/passwd"), "file \"p\"");
}

#[test]
fn dot_dot_behind_a_symlink_is_the_parent_of_where_it_leads() {
    let pieces = [
        dir("d"),
        dir("d/e"),
        symlink("l", "d/e"),
        symlink("m", "l/.."),
        file("m/x", "1"),
    ];
    assert_eq!(Image::new().apply(pieces).show("d/x"), "file \"1\"");
}

#[test]
fn symlink_loops_among_parents_are_refused() {
    let pieces = vec![symlink("a", "b"), symlink("b", "a"), file("a/x", "")];
    let (_, problem) = entry_problem(&mut Image::new(), pieces);
    assert_eq!(problem, Problem::Loop);
    let pieces = vec![symlink("a", "a"), file("a/x", "")];
    let (_, problem) = entry_problem(&mut Image::new(), pieces);
    assert_eq!(problem, Problem::Loop);
}

#[test]
fn a_chain_of_forty_symlinks_is_followed_and_one_more_is_not() {
    let chain = |length: u32| {
        let mut pieces: Vec<Piece> = (1..length)
            .map(|n| symlink(format!("l{n}"), format!("l{}", n + 1)))
            .collect();
        pieces.extend([
            symlink(format!("l{length}"), "d"),
            dir("d"),
            file("l1/x", ""),
        ]);
        Image::new().try_apply(&Forge::of(pieces))
    };
    chain(40).unwrap();
    assert!(chain(41).is_err());
}

#[test]
fn an_absent_parent_is_implied_also_behind_a_dangling_symlink() {
    let image = Image::new().apply([symlink("l", "new/place"), file("l/x", "1")]);
    assert_eq!(image.show("new/place/x"), "file \"1\"");
    assert_eq!(image.finding("implied-directory"), ["new", "new/place"]);
}

#[test]
fn a_parent_that_is_a_file_is_refused() {
    let (path, problem) = entry_problem(&mut base(), vec![file("etc/passwd/x", "")]);
    assert_eq!(
        (path.as_str(), problem),
        ("etc/passwd", Problem::NotDirectory)
    );
    let pieces = vec![symlink("l", "etc/passwd"), file("l/x", "")];
    let (_, problem) = entry_problem(&mut base(), pieces);
    assert_eq!(problem, Problem::NotDirectory);
}

#[test]
fn traversal_is_refused_in_names_and_in_hard_link_targets() {
    for name in ["../x", "a/../../x", "/..", "a/..", "..", "etc/../x"] {
        for hostile in [file(name, ""), dir(name), link("a", name)] {
            let problem = forge::tar_problem(&Forge::of([file("x", ""), hostile]));
            assert!(matches!(problem, TarProblem::Path(_)), "{name}: {problem}");
        }
    }
}

#[test]
fn hard_link_shares_the_node_and_survives_its_partner() {
    let image = base().apply([
        link("etc/copy", "./etc/passwd"),
        link("also", "/lib/libc.so"),
    ]);
    assert_eq!(
        image.tree.id(&path_of("etc/copy")),
        image.tree.id(&path_of("etc/passwd"))
    );
    assert_eq!(
        image.tree.id(&path_of("also")),
        image.tree.id(&path_of("usr/lib/libc.so"))
    );
    let image = image.apply([file("etc/passwd", "changed").mode(0o600)]);
    assert_eq!(image.show("etc/copy"), "file \"root\"");
    assert_eq!(image.show("etc/passwd"), "file \"changed\"");
    let image = image.apply([whiteout(".wh.etc")]);
    assert_eq!(
        image.paths(),
        ["also", "lib", "usr", "usr/lib", "usr/lib/libc.so"]
    );
}

#[test]
fn hard_link_to_a_file_that_its_own_place_replaces_keeps_the_file() {
    let image = base().apply([link("etc", "etc/passwd")]);
    assert_eq!(image.show("etc"), "file \"root\"");
    let image = base().apply([link("etc/passwd", "etc/passwd")]);
    assert_eq!(image.list(), base().list());
}

#[test]
fn hard_link_to_missing_outside_and_directories_is_refused() {
    for target in ["none", "etc/none/x", "etc/passwd/x"] {
        let (_, problem) = entry_problem(&mut base(), vec![link("a", target)]);
        assert!(matches!(problem, Problem::LinkMissing { .. }), "{problem}");
    }
    for target in ["etc", "/", "./"] {
        let (_, problem) = entry_problem(&mut base(), vec![link("a", target)]);
        assert_eq!(problem, Problem::LinkToDirectory, "{target}");
    }
    // To what comes later, and to what the same layer hides.
    let pieces = vec![link("a", "b"), file("b", "")];
    let (_, problem) = entry_problem(&mut base(), pieces);
    assert!(matches!(problem, Problem::LinkMissing { .. }));
    let pieces = vec![whiteout("etc/.wh.passwd"), link("a", "etc/passwd")];
    let (_, problem) = entry_problem(&mut base(), pieces);
    assert!(matches!(problem, Problem::LinkMissing { .. }));
}

#[test]
fn hard_link_through_a_symlink_escape_stays_inside() {
    let image = base().apply([symlink("up", "../../.."), link("a", "up/etc/passwd")]);
    assert_eq!(image.show("a"), "file \"root\"");
}

#[test]
fn hard_link_to_a_symlink_is_a_second_name_of_the_symlink() {
    let image = base().apply([link("lib64", "lib")]);
    assert_eq!(image.show("lib64"), "-> usr/lib");
}

#[test]
fn other_metadata_on_a_hard_link_is_a_finding_and_not_applied() {
    let image = base().apply([link("a", "etc/passwd").mode(0o4755)]);
    assert_eq!(image.finding("link-metadata-ignored"), ["a"]);
    let metadata = image.tree.get(&path_of("a")).unwrap().metadata;
    assert_eq!(metadata.permissions, 0o644);
    let image = base().apply([link("a", "etc/passwd")]);
    assert!(image.findings.is_empty());
    let labelled = file("f", "").pax(&[("SCHILY.xattr.user.a", b"1")]);
    let image = Image::new().apply([
        labelled,
        link("same", "f").pax(&[("SCHILY.xattr.user.a", b"1")]),
        link("silent", "f"),
        link("other", "f").pax(&[("SCHILY.xattr.user.a", b"2")]),
    ]);
    assert_eq!(image.finding("link-metadata-ignored"), ["other"]);
}

#[test]
fn the_root_is_always_a_directory() {
    for hostile in [
        file("./", ""),
        file("/", ""),
        symlink(".", "x"),
        link("/", "etc/passwd"),
    ] {
        let outcome = base().try_apply(&Forge::of([hostile.raw(156, b"2").raw(157, b"x")]));
        let Err(Error::Entry { problem, .. }) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(problem, Problem::RootKind);
    }
}

#[test]
fn contents_of_all_layers_count_against_one_limit() {
    let mut limits = small_limits();
    limits.unpacked_bytes = 4096;
    let layer = Forge::of([file("a", [b'x'; 2000])]);
    let mut image = Image::new();
    image.try_apply_within(&layer, &limits).unwrap();
    image.try_apply_within(&layer, &limits).unwrap();
    let error = image.try_apply_within(&layer, &limits).unwrap_err();
    let Error::Limit {
        resource, limit, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((resource, limit), (Resource::UnpackedBytes, 4096));
    assert!(error.hint().is_some());
    assert!(error.to_string().contains("`unpacked_bytes`"), "{error}");
}

#[test]
fn entries_and_the_directories_they_imply_are_limited() {
    let mut limits = small_limits();
    limits.entries = 3;
    let mut image = Image::new();
    image
        .try_apply_within(&Forge::of([file("a/b/c", "")]), &limits)
        .unwrap();
    for pieces in [
        vec![file("w/x/y/z", "")],
        vec![dir("w"), dir("x"), dir("y"), dir("z")],
    ] {
        let error = image
            .try_apply_within(&Forge::of(pieces), &limits)
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Limit {
                    resource: Resource::Entries,
                    limit: 3,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[test]
fn a_source_that_never_ends_is_left() {
    let layer = Forge::of([file("a", "x")]);
    let endless = std::io::Read::chain(layer.as_slice(), std::io::repeat(0));
    let mut image = Image::new();
    let error = enclair_tree::apply_layer(
        &mut image.tree,
        endless,
        &mut image.spool,
        &small_limits(),
        &mut Findings::new(),
    );
    assert!(matches!(
        error,
        Err(Error::Limit {
            resource: Resource::UnpackedBytes,
            ..
        })
    ));
}
