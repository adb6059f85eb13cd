//! Archives that are cut off, lie about themselves, or could be read in two ways.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use enclair_tree::tar::Part;
use enclair_tree::{Error, PathError, Resource, TarProblem};
use forge::{Forge, Image, Piece, dir, file, octal, piece, refusal, symlink, tar_problem};

fn with_pax(keyword: &str, value: &[u8]) -> TarProblem {
    tar_problem(&Forge::of([file("a", "x").pax(&[(keyword, value)])]))
}

#[test]
fn truncation_anywhere_is_an_error_or_a_border_between_entries() {
    let long = "d/".repeat(60);
    let whole = Forge::of([
        file("a", [b'x'; 700]),
        file("b", "y").pax(&[("mtime", b"5")]),
        dir(&long[..100]),
    ]);
    let end = whole.len();
    // Behind the first entry, behind the second with its records, behind the third.
    let borders = [0, 1536, 1536 + 2048, 1536 + 2048 + 512, end - 512];
    for cut in 0..end {
        let mut image = Image::new();
        let outcome = image.try_apply(&whole[..cut]);
        if borders.contains(&cut) {
            outcome.unwrap();
            assert_eq!(image.finding("tar-no-end").len(), 1, "{cut}");
        } else {
            let Err(Error::Tar { offset, problem }) = outcome else {
                panic!("{cut}: {outcome:?}");
            };
            let known = matches!(
                problem,
                TarProblem::Truncated { .. } | TarProblem::Dangling { .. }
            );
            assert!(known, "{cut}: {problem}");
            assert!(offset <= u64::try_from(cut).unwrap());
        }
    }
}

#[test]
fn truncation_names_the_part_and_the_offset() {
    let whole = Forge::of([file("a", [b'x'; 700])]);
    let error = refusal(&whole[..600]);
    assert_eq!(
        error.to_string(),
        "offset 600: the archive ends inside the content of a file"
    );
    assert!(error.hint().is_some());
    let problem = tar_problem(&whole[..100]);
    assert_eq!(problem, TarProblem::Truncated { part: Part::Header });
}

#[test]
fn every_flipped_bit_of_a_header_is_noticed() {
    let good = Forge::of([file("name", "x").owner(1, 2)]);
    for at in 0..512 {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let mut image = Image::new();
            // Flips inside the checksum field can leave its value: a zero may become a space.
            if image.try_apply(&bad).is_ok() {
                assert!((148..156).contains(&at), "{at}.{bit}");
                assert_eq!(image.show("name"), "file \"x\"");
            }
        }
    }
}

#[test]
fn size_of_2_to_the_63_is_refused_before_anything_is_read() {
    let base256 = |value: u64| {
        let mut field = vec![0x80, 0, 0, 0];
        field.extend_from_slice(&value.to_be_bytes());
        field
    };
    for size in [1 << 63, u64::MAX] {
        let problem = tar_problem(&Forge::of([file("a", "x").raw(124, base256(size))]));
        assert!(
            matches!(problem, TarProblem::Range { field: "size", .. }),
            "{problem}"
        );
        let problem = with_pax("size", size.to_string().as_bytes());
        assert!(
            matches!(problem, TarProblem::Range { field: "size", .. }),
            "{problem}"
        );
    }
    let problem = tar_problem(&Forge::of([file("a", "x").raw(124, [0xff; 12])]));
    assert_eq!(
        problem,
        TarProblem::Range {
            field: "size",
            found: -1
        }
    );
    let problem = with_pax("size", b"99999999999999999999999");
    assert!(matches!(problem, TarProblem::Number { field: "size", .. }));
    // Possible, and more than is allowed.
    let error = refusal(&Forge::of(
        [file("a", "x").raw(124, base256((1 << 63) - 1))],
    ));
    assert!(matches!(
        error,
        Error::Limit {
            resource: Resource::UnpackedBytes,
            ..
        }
    ));
}

#[test]
fn an_extended_header_of_any_size_is_limited_before_it_is_read() {
    for flag in [b'x', b'g', b'L', b'K'] {
        let error = refusal(&Forge::of([piece("x", flag).raw(124, octal(2 << 20, 11))]));
        assert!(
            matches!(
                error,
                Error::Limit {
                    resource: Resource::DocumentBytes,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}

#[test]
fn pax_record_length_lies_are_refused() {
    for text in [
        "14 path=evil\n",
        "12 path=evil\n",
        "13 path=evil ",
        "13  path=evil",
        "4 x=\n",
        "3 =\n",
        "6 abc\n",
        "4 =a\n",
        "0 \n",
        "-1 path=evil\n",
        "99999999999999999999 path=evil\n",
        "18446744073709551615 path=evil\n",
        "path=evil\n",
        "13 path=evil\n\0\0",
    ] {
        let entry = file("a", "x").records(text.into());
        let problem = tar_problem(&Forge::of([entry]));
        assert!(
            matches!(problem, TarProblem::Record { .. }),
            "{text:?}: {problem}"
        );
    }
}

#[test]
fn pax_record_that_runs_over_its_block_does_not_reach_the_next() {
    let hostile = file("a", "x").records(b"600 comment=".to_vec());
    let problem = tar_problem(&Forge::of([hostile, file("b", [b'\n'; 600])]));
    assert_eq!(problem, TarProblem::Record { position: 0 });
}

#[test]
fn ids_beyond_32_bits_and_broken_numbers_are_refused() {
    for keyword in ["uid", "gid"] {
        assert!(matches!(
            with_pax(keyword, b"4294967296"),
            TarProblem::Range { .. }
        ));
        assert!(matches!(
            with_pax(keyword, b"-1"),
            TarProblem::Number { .. }
        ));
        assert!(matches!(with_pax(keyword, b""), TarProblem::Number { .. }));
    }
    assert!(matches!(
        with_pax("mtime", b"1e3"),
        TarProblem::Number { .. }
    ));
    let owner = [0x80, 0, 0, 1, 0, 0, 0, 0];
    let problem = tar_problem(&Forge::of([file("a", "").raw(108, owner)]));
    assert!(matches!(problem, TarProblem::Range { field: "uid", .. }));
    let problem = tar_problem(&Forge::of([file("a", "").mode(0o200_644)]));
    assert!(matches!(problem, TarProblem::Range { field: "mode", .. }));
}

#[test]
fn names_in_unknown_character_sets_are_refused() {
    assert!(matches!(
        with_pax("hdrcharset", b"ISO-8859-1"),
        TarProblem::Charset { .. }
    ));
}

#[test]
fn nul_in_a_pax_path_or_target_is_refused() {
    let problem = with_pax("path", b"a\0b");
    assert!(matches!(problem, TarProblem::Path(PathError::Nul { .. })));
    let hostile = symlink("a", "x").pax(&[("linkpath", b"a\0b")]);
    assert!(matches!(
        tar_problem(&Forge::of([hostile])),
        TarProblem::Target { .. }
    ));
    assert!(matches!(
        tar_problem(&Forge::of([symlink("a", "")])),
        TarProblem::Target { .. }
    ));
}

#[test]
fn long_name_bombs_are_refused() {
    let name = "n".repeat(4096);
    let problem = with_pax("path", name.as_bytes());
    assert!(matches!(
        problem,
        TarProblem::Path(PathError::Long { length: 4096, .. })
    ));
    let long = piece("././@LongLink", b'L').gnu().data(name.as_bytes());
    let problem = tar_problem(&Forge::of([long, file("n", "").gnu()]));
    assert!(matches!(problem, TarProblem::Path(PathError::Long { .. })));
    assert!(problem.to_string().len() < 400, "{problem}");
    let target = symlink("a", "x").pax(&[("linkpath", name.as_bytes())]);
    assert!(matches!(
        tar_problem(&Forge::of([target])),
        TarProblem::Target { .. }
    ));
}

#[test]
fn two_extended_headers_for_one_entry_are_refused() {
    let long = |flag, name: &str| piece("././@LongLink", flag).gnu().data(format!("{name}\0"));
    let records = || piece("x", b'x').data(forge::record("path", b"other"));
    let cases: [Vec<Piece>; 4] = [
        vec![records(), records()],
        vec![long(b'L', "a"), long(b'L', "b")],
        vec![long(b'K', "a"), long(b'K', "b")],
        vec![long(b'L', "a"), records()],
    ];
    for mut pieces in cases {
        pieces.push(symlink("x", "y"));
        let problem = tar_problem(&Forge::of(pieces));
        assert!(matches!(problem, TarProblem::Repeated { .. }), "{problem}");
    }
}

#[test]
fn an_extended_header_without_an_entry_is_refused() {
    for hostile in [
        piece("x", b'x').data(forge::record("uid", b"1")),
        piece("x", b'L').gnu().data("name\0"),
        piece("x", b'K').gnu().data("name\0"),
    ] {
        let problem = tar_problem(&Forge::of([hostile]));
        assert!(matches!(problem, TarProblem::Dangling { .. }), "{problem}");
    }
}

#[test]
fn a_size_on_an_entry_without_content_is_refused() {
    for flag in *b"123456" {
        let hostile = piece("a", flag).raw(157, b"t").size(512);
        let problem = tar_problem(&Forge::of([hostile, file("hidden", "")]));
        assert!(
            matches!(problem, TarProblem::Size { size: 512, .. }),
            "{problem}"
        );
        let hostile = piece("a", flag).raw(157, b"t").pax(&[("size", b"512")]);
        let problem = tar_problem(&Forge::of([hostile, file("hidden", "")]));
        assert!(
            matches!(problem, TarProblem::Size { size: 512, .. }),
            "{problem}"
        );
    }
    // A file that is a directory by its name.
    let problem = tar_problem(&Forge::of([file("a/", "content")]));
    assert!(matches!(problem, TarProblem::Size { size: 7, .. }));
}

#[test]
fn unknown_types_are_refused_by_name() {
    for flag in *b"DMNXAIZ8:" {
        let problem = tar_problem(&Forge::of([piece("a", flag)]));
        assert!(matches!(problem, TarProblem::Type { .. }), "{problem}");
    }
    let problem = tar_problem(&Forge::of([piece("tty", b'3').v7()]));
    assert!(matches!(problem, TarProblem::Type { .. }));
}

#[test]
fn foreign_magic_is_refused() {
    let problem = tar_problem(&Forge::of([file("a", "").raw(257, b"USTAR\x0000")]));
    assert!(matches!(problem, TarProblem::Magic { .. }));
    assert!(problem.hint().is_some());
}

#[test]
fn a_gzip_file_is_no_tar_archive() {
    let mut gzip = vec![0x1f, 0x8b, 8, 0];
    gzip.resize(2048, 0x5a);
    let error = refusal(&gzip);
    assert!(
        error.hint().is_some_and(|hint| hint.contains("compressed")),
        "{error}"
    );
}

#[test]
fn a_lone_zero_block_between_entries_is_refused() {
    let mut tar = file("a", "").bytes();
    tar.extend([0; 512]);
    tar.extend(Forge::of([file("hidden", "")]));
    assert_eq!(tar_problem(&tar), TarProblem::LoneZeroBlock);
}

#[test]
fn the_bytes_of_names_are_limited_over_all_entries() {
    // Each record is within its limit; together they would stay in memory.
    let value = vec![b'v'; 1_000_000];
    let one = file("a", "")
        .pax(&[("SCHILY.xattr.user.v", &value)])
        .bytes();
    let many = std::io::Read::take(Repeat { block: one, at: 0 }, 1 << 32);
    let mut image = Image::new();
    let limits = enclair_digest::Limits {
        document_bytes: 2 << 20,
        ..Default::default()
    };
    let outcome = enclair_tree::apply_layer(
        &mut image.tree,
        many,
        &mut image.spool,
        &limits,
        &mut image.findings,
    );
    assert!(
        matches!(
            outcome,
            Err(Error::Limit {
                resource: Resource::NameBytes,
                ..
            })
        ),
        "{outcome:?}"
    );
}

/// The same bytes over and over.
struct Repeat {
    block: Vec<u8>,
    at: usize,
}

impl std::io::Read for Repeat {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.block[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at = (self.at + count) % self.block.len();
        Ok(count)
    }
}
