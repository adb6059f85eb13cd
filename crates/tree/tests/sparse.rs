//! Sparse files by hand: every format, and maps that lie.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use enclair_tree::tar::SparseProblem;
use enclair_tree::{Error, Resource, TarProblem};
use forge::{Forge, Image, Piece, file, octal, piece, refusal, tar_problem};

/// `..AB....C.` as extents: AB at 2, C at 8, and the usual empty extent at the end.
const EXTENTS: [(u64, u64); 3] = [(2, 2), (8, 1), (10, 0)];
const DENSE: &[u8] = b"\0\0AB\0\0\0\0C\0";

fn old_gnu(extents: &[(u64, u64)], size: u64, data: &[u8]) -> Piece {
    let mut first = piece("s", b'S').gnu().data(data).raw(483, octal(size, 11));
    let (head, rest) = extents.split_at(extents.len().min(4));
    for (index, (offset, len)) in head.iter().enumerate() {
        first = first
            .raw(386 + 24 * index, octal(*offset, 11))
            .raw(398 + 24 * index, octal(*len, 11));
    }
    let mut blocks = Vec::new();
    let mut chunks = rest.chunks(21).peekable();
    while let Some(chunk) = chunks.next() {
        let mut block = vec![0; 512];
        for (index, (offset, len)) in chunk.iter().enumerate() {
            block[24 * index..24 * index + 12].copy_from_slice(&octal(*offset, 11));
            block[24 * index + 12..24 * index + 24].copy_from_slice(&octal(*len, 11));
        }
        block[504] = u8::from(chunks.peek().is_some());
        blocks.extend(block);
    }
    first
        .raw(482, [u8::from(!rest.is_empty())])
        .uncounted(blocks)
}

fn pax_0_0(extents: &[(u64, u64)], size: u64, data: &[u8]) -> Piece {
    let mut text = forge::record("GNU.sparse.size", size.to_string().as_bytes());
    let count = extents.len().to_string();
    text.extend(forge::record("GNU.sparse.numblocks", count.as_bytes()));
    for (offset, len) in extents {
        text.extend(forge::record(
            "GNU.sparse.offset",
            offset.to_string().as_bytes(),
        ));
        text.extend(forge::record(
            "GNU.sparse.numbytes",
            len.to_string().as_bytes(),
        ));
    }
    file("s", data).records(text)
}

fn pax_0_1(extents: &[(u64, u64)], size: u64, data: &[u8]) -> Piece {
    let map: Vec<String> = extents.iter().map(|(o, l)| format!("{o},{l}")).collect();
    file("GNUSparseFile.1/s", data).pax(&[
        ("GNU.sparse.size", size.to_string().as_bytes()),
        ("GNU.sparse.numblocks", extents.len().to_string().as_bytes()),
        ("GNU.sparse.name", b"s"),
        ("GNU.sparse.map", map.join(",").as_bytes()),
    ])
}

fn pax_1_0_with(map: &str, size: u64, data: &[u8]) -> Piece {
    let mut stored = map.as_bytes().to_vec();
    stored.resize(stored.len().next_multiple_of(512), 0);
    stored.extend_from_slice(data);
    file("GNUSparseFile.1/s", stored).pax(&[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"s"),
        ("GNU.sparse.realsize", size.to_string().as_bytes()),
    ])
}

fn pax_1_0(extents: &[(u64, u64)], size: u64, data: &[u8]) -> Piece {
    let pairs = extents.iter().flat_map(|(offset, len)| [*offset, *len]);
    let count = u64::try_from(extents.len()).unwrap();
    let lines = std::iter::once(count).chain(pairs);
    let map: String = lines
        .flat_map(|number| [number.to_string(), "\n".into()])
        .collect();
    pax_1_0_with(&map, size, data)
}

type Format = fn(&[(u64, u64)], u64, &[u8]) -> Piece;
const FORMATS: [(&str, Format); 4] = [
    ("old GNU", old_gnu),
    ("PAX 0.0", pax_0_0),
    ("PAX 0.1", pax_0_1),
    ("PAX 1.0", pax_1_0),
];

fn sparse_problem(piece: Piece) -> SparseProblem {
    let problem = tar_problem(&Forge::of([piece, file("next", "")]));
    let TarProblem::Sparse(problem) = &problem else {
        panic!("{problem:?}");
    };
    problem.clone()
}

#[test]
fn every_format_gives_the_dense_content() {
    for (name, format) in FORMATS {
        let image = Image::new().apply([format(&EXTENTS, 10, b"ABC"), file("next", "n")]);
        assert_eq!(image.content("s"), DENSE, "{name}");
        assert_eq!(image.show("next"), "file \"n\"", "{name}");
        assert_eq!(image.paths(), ["next", "s"], "{name}");
    }
}

#[test]
fn a_file_that_is_one_hole_is_zeros() {
    for (name, format) in FORMATS {
        let image = Image::new().apply([format(&[(600_000, 0)], 600_000, b""), file("n", "")]);
        assert_eq!(image.content("s"), vec![0; 600_000], "{name}");
    }
}

#[test]
fn long_maps_run_over_many_blocks() {
    let extents: Vec<(u64, u64)> = (0..500).map(|n| (n * 10, 1)).collect();
    let data = vec![b'd'; 500];
    let mut dense = vec![0; 5000];
    dense.iter_mut().step_by(10).for_each(|byte| *byte = b'd');
    for (name, format) in FORMATS {
        let image = Image::new().apply([format(&extents, 5000, &data), file("next", "n")]);
        assert_eq!(image.content("s"), dense, "{name}");
        assert_eq!(image.show("next"), "file \"n\"", "{name}");
    }
}

#[test]
fn overlapping_and_descending_maps_are_refused() {
    for (name, format) in FORMATS {
        for extents in [[(0, 2), (1, 1)], [(5, 1), (0, 2)]] {
            let problem = sparse_problem(format(&extents, 10, b"ABC"));
            assert!(
                matches!(problem, SparseProblem::Overlap { .. }),
                "{name}: {problem}"
            );
        }
    }
}

#[test]
fn maps_beyond_the_file_are_refused() {
    for (name, format) in FORMATS {
        let problem = sparse_problem(format(&[(8, 3)], 10, b"ABC"));
        assert_eq!(
            problem,
            SparseProblem::Beyond { end: 11, size: 10 },
            "{name}"
        );
        let problem = sparse_problem(format(&[(11, 0)], 10, b""));
        assert!(matches!(problem, SparseProblem::Beyond { .. }), "{name}");
    }
    let largest = (1 << 63) - 1;
    for (name, format) in &FORMATS[1..] {
        let problem = sparse_problem(format(&[(largest, largest)], largest, b""));
        assert!(
            matches!(problem, SparseProblem::Beyond { .. }),
            "{name}: {problem}"
        );
    }
}

#[test]
fn maps_that_describe_other_amounts_of_data_are_refused() {
    for (name, format) in FORMATS {
        for data in [&b"AB"[..], b"ABCD", b""] {
            let problem = sparse_problem(format(&EXTENTS, 10, data));
            assert!(
                matches!(problem, SparseProblem::Amount { expected: 3, .. }),
                "{name}"
            );
        }
    }
}

#[test]
fn a_sparse_size_bomb_is_refused_before_a_zero_is_written() {
    for (name, format) in FORMATS {
        let mut image = Image::new();
        let tar = Forge::of([format(&[(0, 1)], 1 << 32, b"A")]);
        let error = image.try_apply(&tar).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Limit {
                    resource: Resource::UnpackedBytes,
                    ..
                }
            ),
            "{name}: {error:?}"
        );
        assert_eq!(enclair_tree::Spool::position(&image.spool), 0, "{name}");
    }
}

#[test]
fn counts_of_extents_must_be_true() {
    let entry = |records: &[(&str, &[u8])]| file("s", "ABC").pax(records);
    let problem = sparse_problem(entry(&[
        ("GNU.sparse.size", b"10"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"2,2,8,1,10,0"),
    ]));
    assert_eq!(
        problem,
        SparseProblem::Count {
            expected: 2,
            found: 3
        }
    );
    let huge = "9223372036854775807\n1\n1\n";
    assert_eq!(
        sparse_problem(pax_1_0_with(huge, 10, b"")),
        SparseProblem::Map
    );
    for map in [
        "",
        "x\n",
        "1\n-1\n1\n",
        "1\n1 \n1\n",
        "000000000000000000000000001\n",
    ] {
        assert_eq!(
            sparse_problem(pax_1_0_with(map, 10, b"A")),
            SparseProblem::Map,
            "{map:?}"
        );
    }
    for map in ["1", "1,2,3", "1,", ",", "1;2", "a,b"] {
        let problem = sparse_problem(entry(&[
            ("GNU.sparse.size", b"10"),
            ("GNU.sparse.numblocks", b"1"),
            ("GNU.sparse.map", map.as_bytes()),
        ]));
        assert_eq!(problem, SparseProblem::Map, "{map:?}");
    }
}

#[test]
fn offsets_and_lengths_out_of_turn_are_refused() {
    let (offset, length) = ("GNU.sparse.offset", "GNU.sparse.numbytes");
    for order in [[offset, offset], [length, offset]] {
        let records = order.map(|keyword| (keyword, &b"0"[..]));
        assert_eq!(
            sparse_problem(file("s", "").pax(&records)),
            SparseProblem::Map
        );
    }
    let problem = sparse_problem(file("s", "").pax(&[
        ("GNU.sparse.size", b"1"),
        ("GNU.sparse.numblocks", b"0"),
        (offset, b"0"),
    ]));
    assert_eq!(problem, SparseProblem::Map);
}

#[test]
fn mixtures_and_unknown_versions_are_refused() {
    let cases: [&[(&str, &[u8])]; 8] = [
        &[
            ("GNU.sparse.major", b"2"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", b"1"),
        ],
        &[("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"1")],
        &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")],
        &[("GNU.sparse.size", b"1")],
        &[("GNU.sparse.name", b"s")],
        &[("GNU.sparse.numblocks", b"0"), ("GNU.sparse.map", b"")],
        &[("GNU.sparse.future", b"1")],
        &[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", b"1"),
            ("GNU.sparse.map", b"0,1"),
        ],
    ];
    for records in cases {
        let problem = sparse_problem(file("s", "A").pax(records));
        assert_eq!(problem, SparseProblem::Version, "{records:?}");
    }
    let both = old_gnu(&EXTENTS, 10, b"ABC").pax(&[("GNU.sparse.size", b"10")]);
    assert_eq!(sparse_problem(both), SparseProblem::Version);
    let star = file("s", "A").pax(&[("SCHILY.realsize", b"10")]);
    assert_eq!(sparse_problem(star), SparseProblem::Star);
    let on_directory = piece("s", b'5').pax(&[("GNU.sparse.name", b"s")]);
    assert_eq!(sparse_problem(on_directory), SparseProblem::Kind);
}

#[test]
fn old_maps_with_gaps_or_without_a_size_are_refused() {
    // More follows, although the header's extents are not all used.
    let problem = sparse_problem(
        old_gnu(&EXTENTS, 10, b"ABC")
            .raw(482, [1])
            .uncounted(vec![0; 512]),
    );
    assert_eq!(problem, SparseProblem::Map);
    let problem = sparse_problem(old_gnu(&EXTENTS, 10, b"ABC").raw(483, [0; 12]));
    assert_eq!(problem, SparseProblem::Version);
    let problem = sparse_problem(old_gnu(&EXTENTS, 10, b"ABC").raw(398, [0; 12]));
    assert_eq!(problem, SparseProblem::Map);
}

#[test]
fn endless_maps_are_limited() {
    let mut block = vec![0; 512];
    for index in 0..42 {
        block[12 * index..12 * index + 12].copy_from_slice(&octal(0, 11));
    }
    block[504] = 1;
    let blocks = block.repeat(3000);
    let hostile = old_gnu(&[(0, 0); 4], 10, b"")
        .raw(482, [1])
        .uncounted(blocks);
    let error = refusal(&Forge::of([hostile]));
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
