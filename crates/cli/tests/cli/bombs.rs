//! Small inputs that want to become large ones: bytes, names, steps.

use crate::images::{BUILD, Container, Layer, build, compress, workshop, write_eif};
use crate::newc;
use crate::tar_attacks::refusal_with;
use crate::tarball::{archive, dir, file, symlink};
use crate::workshop::Workshop;

#[test]
fn a_gzip_bomb_ends_at_the_limit() {
    let bomb = archive([file("app", vec![0; 64 << 20])]);
    let layer = Layer::gzip(&bomb);
    assert!(layer.blob.len() < 100_000);
    let message = refusal_with(&Container::of([layer.clone()]), "--max-unpacked 1000000");
    assert!(message.contains("1000000"), "{message}");

    // Behind the end of the archive nothing is kept, but the limit holds all the same.
    let mut padded = archive([file("app", "x")]);
    padded.resize(64 << 20, 0);
    let message = refusal_with(
        &Container::of([Layer::gzip(&padded)]),
        "--max-unpacked 1000000",
    );
    assert!(message.contains("1000000"), "{message}");
}

#[test]
fn the_hint_of_a_limit_names_the_flag() {
    let layer = Layer::gzip(&archive([file("app", vec![0; 2 << 20])]));
    let message = refusal_with(&Container::of([layer]), "--max-unpacked 1000000");
    assert!(message.contains("hint: "), "{message}");
    assert!(message.contains("--max-unpacked"), "{message}");
}

#[test]
fn the_limit_holds_for_all_layers_together() {
    let layer = |name: &str| Layer::gzip(&archive([file(name, vec![7; 700_000])]));
    let image = Container::of([layer("app"), layer("other")]);
    let message = refusal_with(&image, "--max-unpacked 1000000");
    assert!(message.contains("layer 1"), "{message}");
    let shop = workshop(&image);
    build(&shop, "--max-unpacked 2000000").done();
}

/// A zstd frame of `blocks` blocks, each 128 KiB of zeros in four bytes.
fn zstd_zeros(blocks: usize) -> Vec<u8> {
    // Magic, no checksum and no size, a window of 128 KiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for index in 1..=blocks {
        let last = u32::from(index == blocks);
        let header = last | (1 << 1) | ((128 << 10) << 3);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[test]
fn a_zstd_bomb_ends_at_the_limit() {
    // An entry that promises 8 GiB, and 8 GiB of zeros behind it.
    let size: u64 = 8 << 30;
    let header = &archive([file("app", "").size_base256(size)])[..512];
    let mut blob = compress(&["zstd", "-q"], header);
    blob.extend(zstd_zeros(65_537));
    let layer = Layer {
        blob,
        diff_id: "0".repeat(64),
        media_type: "application/vnd.oci.image.layer.v1.tar+zstd",
    };
    for limit in ["1000000", "8589934591"] {
        let message = refusal_with(
            &Container::of([layer.clone()]),
            &format!("--max-unpacked {limit}"),
        );
        assert!(message.contains(limit), "{message}");
    }
}

#[test]
fn the_entry_limit_ends_a_bomb_of_names() {
    // Ten million entries would take hours to write here; the same limit counts implied directories.
    let deep = "d/".repeat(2040) + "f";
    let pieces = (0..2100).map(|index| file("x", "").pax("path", format!("{index}/{deep}")));
    let layer = Layer::gzip(&archive(pieces));
    assert!(layer.blob.len() < 1 << 20);
    let shop = workshop(&Container::of([layer]));
    let outcome = build(&shop, "");
    assert_eq!(outcome.status, Some(2), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(!shop.exists("out/enclave.eif"));
}

/// Names of 4 KB that compress well. What is kept of them is bounded, as contents are.
#[test]
fn names_that_compress_well_do_not_fill_the_memory_of_inspect() {
    let name = "n/".repeat(2000);
    let entries = (0..40_000).map(|index| newc::file(&format!("{index}/{name}f"), ""));
    let packed = compress(&["gzip", "-1n"], &newc::archive(entries));
    assert!(packed.len() < 8 << 20, "{}", packed.len());
    let shop = Workshop::new();
    write_eif(&shop, &[packed]);
    for command in ["inspect app.eif", "inspect app.eif --files"] {
        // 230 MB of address space, of which threads reserve some.
        let script = format!("ulimit -v 230000; \"$ENCLAIR\" {command} > result");
        let outcome = shop.shell(&script);
        assert!(
            matches!(outcome.status, Some(0 | 2)),
            "{command}: {}",
            outcome.stderr
        );
        assert!(
            !outcome.stderr.contains("memory allocation"),
            "{}",
            outcome.stderr
        );
    }
}

/// CPU seconds, which a busy machine does not change; a build without optimisation must do.
const CPU_LIMIT: &str = "ulimit -t 40;";

/// 40 symlinks, each with a target of 1600 components: every entry behind them costs 64 000 steps.
fn long_way() -> impl Iterator<Item = (String, String)> {
    let step = |index: usize| {
        let target = format!("{}l{}", "x/../".repeat(800), index + 1);
        (format!("l{index}"), target)
    };
    (0..39)
        .map(step)
        .chain([("l39".to_owned(), "d".to_owned())])
}

#[test]
fn symlinks_with_long_targets_do_not_make_every_entry_expensive() {
    let shop = Workshop::new();
    let mut entries = vec![newc::dir("x"), newc::dir("d")];
    entries.extend(long_way().map(|(name, target)| newc::symlink(&name, &target)));
    entries.extend((0..20_000).map(|index| newc::file(&format!("l0/{index}"), "")));
    write_eif(
        &shop,
        &[compress(&["gzip", "-9n"], &newc::archive(entries))],
    );
    for command in ["inspect app.eif", "extract app.eif --tar t"] {
        let outcome = shop.shell(&format!("{CPU_LIMIT} \"$ENCLAIR\" {command} > result"));
        assert!(
            outcome.status.is_some_and(|status| status < 124),
            "{command} takes too long"
        );
    }
    let mut pieces = vec![dir("x"), dir("d"), file("app", "")];
    pieces.extend(long_way().map(|(name, target)| symlink(&name, "").pax("linkpath", &target)));
    pieces.extend((0..20_000).map(|index| file(&format!("l0/{index}"), "")));
    let shop = workshop(&Container::of([Layer::gzip(&archive(pieces))]));
    let outcome = shop.shell(&format!("{CPU_LIMIT} \"$ENCLAIR\" {BUILD}"));
    assert!(
        outcome.status.is_some_and(|status| status < 124),
        "build takes too long"
    );
}

/// The limit holds for the archive around an image too, which is unpacked to be read.
#[test]
fn a_compressed_archive_of_an_image_ends_at_the_limit() {
    let bomb = archive([file("zeros", vec![0; 64 << 20])]);
    let shop = workshop(&Container::with([file("app", "x")]));
    shop.write("image.tar.gz", compress(&["gzip", "-9n"], &bomb));
    let arguments = "build --image docker-archive:image.tar.gz --kernel kernel --init init \
                     --max-unpacked 1000000";
    let message = shop
        .enclair_with(arguments.split_ascii_whitespace())
        .refused();
    assert!(message.contains("1000000"), "{message}");
}
