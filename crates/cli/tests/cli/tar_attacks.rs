//! Hostile layers through a whole build: refused with exit 2, or made harmless and then built;
//! never a file outside the output directory.

use std::fs;

use crate::images::{Container, Layer, build, workshop};
use crate::tarball::{Piece, archive, dir, file, link, piece, symlink};
use crate::workshop::Workshop;

/// The layer of an image that would build, with `pieces` behind it.
fn image(pieces: impl IntoIterator<Item = Piece>) -> Container {
    let good = [dir("bin"), file("app", "x")];
    Container::with(good.into_iter().chain(pieces))
}

/// Everything but the output directory, which may be there and be empty.
fn listing_without_out(shop: &Workshop) -> Vec<String> {
    let mut lines = shop.listing();
    lines.retain(|line| !line.starts_with("out "));
    lines
}

/// The message with which `image` is refused. Nothing may be written.
#[track_caller]
pub(crate) fn refusal_with(image: &Container, more: &str) -> String {
    let shop = workshop(image);
    let before = listing_without_out(&shop);
    let message = build(&shop, more).refused();
    assert_eq!(listing_without_out(&shop), before);
    message
}

#[track_caller]
fn refusal(pieces: impl IntoIterator<Item = Piece>) -> String {
    let message = refusal_with(&image(pieces), "");
    assert!(message.contains("layer 0"), "{message}");
    message
}

/// The paths of the root filesystem that was built.
fn built(shop: &Workshop) -> Vec<String> {
    shop.enclair("extract out/enclave.eif -C x").done();
    let list = shop.text("x/ramdisk1.entries.jsonl");
    list.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|line| Some(line["path"].as_str()?.strip_prefix("rootfs/")?.to_owned()))
        .collect()
}

#[test]
fn names_that_lead_upwards_are_refused() {
    for name in [
        "../x",
        "a/../../x",
        "bin/../../x",
        "..",
        "a/..",
        "./../x",
        "/../x",
    ] {
        let message = refusal([file(name, "evil")]);
        assert!(message.contains(".."), "{name}: {message}");
    }
    // Long names come another way.
    let long = format!("{}../x", "a/".repeat(90));
    for piece in [
        file("y", "evil").pax("path", &long),
        file("y", "").pax("path", "../x"),
    ] {
        assert!(refusal([piece]).contains(".."));
    }
}

#[test]
fn an_absolute_name_is_a_name_below_the_root() {
    let shop = workshop(&image([
        file("/absolute", "x"),
        file("//tmp/enclair-escape", "x"),
        dir("/"),
    ]));
    build(&shop, "").done();
    let paths = built(&shop);
    assert!(paths.contains(&"absolute".to_owned()), "{paths:?}");
    assert!(
        paths.contains(&"tmp/enclair-escape".to_owned()),
        "{paths:?}"
    );
    assert!(fs::symlink_metadata("/tmp/enclair-escape").is_err());
}

#[test]
fn a_symlink_upwards_ends_at_the_root() {
    let shop = workshop(&image([
        symlink("a", "../../../../../.."),
        dir("a/tmp"),
        file("a/x", "inside"),
        symlink("b", "/bin"),
        file("b/y", "inside"),
    ]));
    let before = listing_without_out(&shop);
    build(&shop, "").done();
    let after = listing_without_out(&shop);
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(new.iter().all(|line| line.starts_with("out/")), "{new:?}");
    let paths = built(&shop);
    for path in ["x", "bin/y", "tmp"] {
        assert!(paths.contains(&path.to_owned()), "{path}: {paths:?}");
    }
}

#[test]
fn symlinks_that_lead_in_a_circle_are_refused() {
    let message = refusal([symlink("a", "b"), symlink("b", "a"), file("a/x", "")]);
    assert!(message.contains("symlinks"), "{message}");
}

#[test]
fn hard_links_to_what_is_not_a_file_of_the_image_are_refused() {
    for (target, word) in [
        ("../../../../etc/passwd", ".."),
        ("/etc/passwd", "does not exist"),
        ("missing", "does not exist"),
        ("", "hard link"),
        ("bin", "directory"),
        ("l", "l"),
    ] {
        let message = refusal([link("l", target)]);
        assert!(message.contains(word), "{target}: {message}");
    }
    // The parents of a target are followed, and stay inside.
    let message = refusal([symlink("up", "../../../.."), link("l", "up/etc/passwd")]);
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn sizes_that_no_file_has_are_refused() {
    let pieces = [
        file("x", "").size_base256(1 << 63),
        file("x", "").size_base256(u64::MAX),
        file("x", "").raw(124, [0xff; 12]),
        file("x", "").size((1 << 33) - 1),
        file("x", "").pax("size", "9223372036854775808"),
        file("x", "").pax("size", "18446744073709551616"),
        file("x", "").pax("size", "-1"),
        file("x", "").pax("size", "100000000000"),
    ];
    for piece in pieces {
        let message = refusal([piece.clone()]);
        assert!(message.contains("offset"), "{piece:?}: {message}");
    }
}

#[test]
fn records_that_lie_are_refused() {
    let records: [&[u8]; 8] = [
        b"99 path=x\n",
        b"0 path=x\n",
        b"9 path=x",
        b"11 path=x\n",
        b"path=x\n",
        b"18446744073709551616 path=x\n",
        b"4 \n",
        b"\0\0\0\0",
    ];
    for text in records {
        let shop = workshop(&image([file("y", "").records(text)]));
        let outcome = build(&shop, "");
        assert_eq!(
            outcome.status,
            Some(2),
            "{:?}",
            text.escape_ascii().to_string()
        );
        assert!(outcome.refused().contains("offset"), "{text:?}");
    }
    for (keyword, value) in [
        ("uid", "4294967296"),
        ("uid", "-1"),
        ("gid", "x"),
        ("mtime", "never"),
        ("path", "a\0b"),
        ("hdrcharset", "ISO-IR 8859 1"),
        ("LIBARCHIVE.xattr.user.%zz", "AA=="),
    ] {
        let message = refusal([file("y", "").pax(keyword, value)]);
        assert!(message.contains("offset"), "{keyword}: {message}");
    }
}

#[test]
fn sparse_files_that_lie_are_refused() {
    let v01 = |map: &str, size: &str| {
        file("s", "data")
            .pax("GNU.sparse.size", size)
            .pax("GNU.sparse.numblocks", "1")
            .pax("GNU.sparse.map", map)
    };
    let v10 = |map: &str| {
        let mut data = map.as_bytes().to_vec();
        data.resize(512, 0);
        data.extend(b"data");
        file("GNUSparseFile.0/s", data)
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.name", "s")
            .pax("GNU.sparse.realsize", "100")
    };
    for piece in [
        v01("0,5", "100"),
        v01("98,4", "100"),
        v01("18446744073709551615,4", "100"),
        v01("0,4,0,4", "100"),
        v01("0", "100"),
        v01("0,4", "9223372036854775807"),
        v10("1\n0\n"),
        v10("2\n0\n4\n2\n4\n"),
        v10("99999999999\n"),
        v10("x\n"),
        file("s", "data")
            .gnu()
            .raw(156, b"S")
            .raw(483, "77777777777\0"),
    ] {
        let message = refusal([piece.clone()]);
        assert!(message.contains("offset"), "{piece:?}: {message}");
    }
    // And one that does not lie.
    let shop = workshop(&image([v01("10,4", "100")]));
    build(&shop, "").done();
    shop.enclair("extract out/enclave.eif -C x").done();
    let mut expected = vec![0; 100];
    expected[10..14].copy_from_slice(b"data");
    assert_eq!(shop.read("x/ramdisk1/rootfs/s"), expected);
}

#[test]
fn bytes_behind_a_gzip_member_are_refused() {
    let tar = archive([file("app", "x")]);
    for tail in [&b"x"[..], b"\0", b"PK\x03\x04 another archive", &[0x1f]] {
        let layer = Layer::gzip(&tar).stored(|blob| blob.extend(tail));
        let message = refusal_with(&Container::of([layer]), "");
        assert!(message.contains("layer 0"), "{message}");
    }
    // A second member is part of the stream, and then of the diff ID.
    let layer = Layer::gzip(&tar).stored(|blob| {
        let more = Layer::gzip(b"more").blob;
        blob.extend(more);
    });
    let message = refusal_with(&Container::of([layer]), "");
    assert!(message.contains("digest"), "{message}");
}

#[test]
fn bytes_behind_the_end_of_the_archive_count_for_the_diff_id() {
    let tar = archive([file("app", "x")]);
    let mut hidden = tar.clone();
    hidden.extend(archive([file("app", "evil")]));
    let layer = Layer {
        diff_id: crate::workshop::sha256(&tar),
        ..Layer::plain(hidden)
    };
    let message = refusal_with(&Container::of([layer]), "");
    assert!(message.contains("digest"), "{message}");
}

#[test]
fn a_truncated_layer_is_refused_in_every_format() {
    let tar = archive([file("app", "x".repeat(5000))]);
    for program in [&["gzip", "-n"][..], &["zstd", "-q"]] {
        let blob = crate::images::compress(program, &tar);
        for length in [1, 5, blob.len() / 2, blob.len() - 1] {
            let layer = Layer {
                blob: blob[..length].to_vec(),
                ..Layer::plain(tar.clone())
            };
            refusal_with(&Container::of([layer]), "");
        }
    }
    for length in [1, 511, 512, 513, 2000] {
        refusal_with(&Container::of([Layer::plain(tar[..length].to_vec())]), "");
    }
}

#[test]
fn names_and_targets_over_the_limits_of_the_kernel_are_refused() {
    // `rootfs/`, the name and a NUL have 4096 bytes together.
    let name = |length: usize| {
        let mut name = "d/".repeat(length / 2);
        name.truncate(length - 1);
        name.push('f');
        name
    };
    let fits = name(4096 - 1 - "rootfs/".len());
    let shop = workshop(&image([file("x", "").pax("path", &fits)]));
    build(&shop, "").done();
    let message = refusal_with(&image([file("x", "").pax("path", format!("{fits}f"))]), "");
    assert!(message.contains("4095"), "{message}");

    let target = |length| symlink("s", "").pax("linkpath", "t".repeat(length));
    build(&workshop(&image([target(4095)])), "").done();
    let message = refusal_with(&image([target(4096)]), "");
    assert!(message.contains("4095"), "{message}");

    let component = |length| file("x", "").pax("path", "n".repeat(length));
    build(&workshop(&image([component(255)])), "").done();
    let message = refusal_with(&image([component(256)]), "");
    assert!(message.contains("255"), "{message}");
}

#[test]
fn ids_that_newc_or_the_kernel_cannot_carry_are_refused() {
    for piece in [
        file("x", "").pax("uid", "4294967296"),
        file("x", "").pax("gid", "4294967295"),
        file("x", "").raw(108, [0x80, 0, 0, 1, 0, 0, 0, 0]),
        file("x", "").raw(108, [0xff; 8]),
    ] {
        refusal_with(&image([piece]), "");
    }
    build(
        &workshop(&image([file("x", "").pax("uid", "4294967294")])),
        "",
    )
    .done();
}

#[test]
fn a_file_over_4_gib_is_refused_before_it_is_written() {
    // A sparse file: nothing but a header in the layer. It is refused by newc's limit, though the
    // limit on unpacked bytes would let it pass.
    let sparse = file("big", "")
        .pax("GNU.sparse.size", "4294967296")
        .pax("GNU.sparse.numblocks", "0")
        .pax("GNU.sparse.map", "");
    let message = {
        let shop = workshop(&image([sparse]));
        let outcome = build(&shop, "");
        assert_eq!(outcome.status, Some(2), "{}", outcome.stderr);
        assert!(!shop.exists("out/enclave.eif"));
        outcome.stderr
    };
    assert!(message.contains("big"), "{message}");
}

#[test]
fn a_time_that_newc_cannot_carry_is_refused_unless_it_is_normalised() {
    for mtime in ["-1", "4294967296", "253402300800"] {
        let image = image([file("x", "").pax("mtime", mtime)]);
        build(&workshop(&image), "").done();
        let message = refusal_with(&image, "--normalize none");
        assert!(message.contains("32 bits"), "{message}");
        assert!(message.contains(mtime), "{message}");
    }
}

#[test]
fn types_that_mean_nothing_are_refused() {
    for flag in [b'A', b'M', b'~', 0xff, b'8'] {
        let message = refusal([piece("x", flag)]);
        assert!(message.contains("offset"), "{flag}: {message}");
    }
}

#[test]
fn a_header_that_was_changed_is_refused_by_its_sum() {
    let mut tar = archive([file("app", "x")]);
    tar[0] = b'b';
    let message = refusal_with(&Container::of([Layer::plain(tar)]), "");
    assert!(message.contains("offset 0"), "{message}");
}

#[test]
fn whiteouts_hide_nothing_outside_of_their_directory() {
    for name in [".wh...", ".wh..", "bin/.wh...", ".wh.", "bin/.wh.a/b"] {
        refusal_with(&image([file(name, "")]), "");
    }
}

#[test]
fn the_image_that_the_attacks_start_from_is_built() {
    let shop = workshop(&image([]));
    build(&shop, "").done();
    assert_eq!(
        shop.names("out"),
        ["enclave.eif", "enclave.pcrs", "measurements.json"]
    );
}
