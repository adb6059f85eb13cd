//! How a recipe is written down decides nothing: its lock is the same, byte for byte.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::project::project;

/// Tables of a recipe, each with its keys; those of arrays keep their order among each other.
const TABLES: [(&str, &[&str]); 8] = [
    ("", &["schema = 1", "allow = [\"xattr-dropped\"]"]),
    (
        "[enclave]",
        &[
            "name = \"app\"",
            "version = \"1.2\"",
            "epoch = 1700000000",
            "cmdline_append = \"loglevel=7\"",
        ],
    ),
    (
        "[source]",
        &["files = [{ from = \"app\", to = \"/app\", mode = \"0755\" }]"],
    ),
    (
        "[run]",
        &[
            "command = [\"/app\", \"# no comment\"]",
            "env = [\"B=2\", \"A=1\"]",
            "user = \"1:2\"",
            "workdir = \"/\"",
            "grant = [\"nsm\", \"vsock\"]",
            "limits.nofile = \"10:20\"",
            "limits.core = 0",
        ],
    ),
    (
        "[boot]",
        &["kernel = \"kernel\"", "init = { file = \"init\" }"],
    ),
    ("[ramdisk]", &["compression = \"gzip\""]),
    ("[normalize]", &["keep = [\"runtime-files\"]"]),
    (
        "[[overlay]]",
        &["from = \"app\"", "to = \"/again\"", "owner = \"3:4\""],
    ),
];

/// What may stand between any two lines, or behind one.
const BETWEEN: [&str; 4] = ["", "\n", "# a comment\n", "   \n\t# [run]\n"];

#[derive(Debug, Clone)]
struct Spelling {
    tables: Vec<(usize, Vec<usize>)>,
    between: Vec<usize>,
    line_end: &'static str,
}

fn spellings() -> impl Strategy<Value = Spelling> {
    let keys: Vec<_> = (0..TABLES.len())
        .map(|table| {
            let keys: Vec<_> = (0..TABLES[table].1.len()).collect();
            (Just(table), Just(keys).prop_shuffle())
        })
        .collect();
    // What belongs to no table stands before all of them.
    let tables = keys.prop_flat_map(|keys| {
        let (first, rest) = keys.split_first().unwrap();
        (Just(first.clone()), Just(rest.to_vec()).prop_shuffle())
    });
    let between = prop::collection::vec(0..BETWEEN.len(), 64);
    let line_end = prop_oneof![Just("\n"), Just("\r\n")];
    (tables, between, line_end).prop_map(|((first, rest), between, line_end)| Spelling {
        tables: [vec![first], rest].concat(),
        between,
        line_end,
    })
}

fn spell(spelling: &Spelling) -> String {
    let mut text = String::new();
    let mut between = spelling.between.iter().map(|index| BETWEEN[*index]);
    let mut line = |text: &mut String, line: &str| {
        let _ = writeln!(text, "{}{line}", between.next().unwrap_or_default());
    };
    for (table, keys) in &spelling.tables {
        let (header, lines) = TABLES[*table];
        line(&mut text, header);
        for key in keys {
            line(&mut text, lines[*key]);
        }
    }
    text.replace('\n', spelling.line_end)
}

#[test]
fn the_lock_does_not_depend_on_how_a_recipe_is_written_down() {
    let shop = project("");
    let plain = Spelling {
        tables: (0..TABLES.len())
            .map(|table| (table, (0..TABLES[table].1.len()).collect()))
            .collect(),
        between: Vec::new(),
        line_end: "\n",
    };
    let lock = |spelling: &Spelling| {
        if shop.exists("enclair.lock") {
            std::fs::remove_file(shop.path("enclair.lock")).unwrap();
        }
        shop.write("enclair.toml", spell(spelling));
        shop.enclair("lock --offline").done();
        shop.read("enclair.lock")
    };
    let expected = lock(&plain);
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&spellings(), |spelling| {
            prop_assert_eq!(&lock(&spelling), &expected);
            Ok(())
        })
        .unwrap();
}

/// The other way round: what is not spelling is another lock.
#[test]
fn the_lock_depends_on_every_key() {
    let shop = project("");
    let all: String = TABLES
        .iter()
        .flat_map(|(header, keys)| [header].into_iter().chain(*keys))
        .flat_map(|line| [line, "\n"])
        .collect();
    let lock = |recipe: &str| {
        shop.write("enclair.toml", recipe);
        shop.enclair("lock --offline").done();
        shop.read("enclair.lock")
    };
    let expected = lock(&all);
    for (from, to) in [
        ("\"1.2\"", "\"1.3\""),
        ("epoch = 1700000000", "epoch = 1700000001"),
        ("loglevel=7", "loglevel=6"),
        ("\"0755\"", "\"0555\""),
        ("\"B=2\", \"A=1\"", "\"A=1\", \"B=2\""),
        ("\"# no comment\"", "\"#\""),
        ("\"1:2\"", "\"1:3\""),
        ("[\"nsm\", \"vsock\"]", "[\"nsm\"]"),
        ("\"10:20\"", "\"10:21\""),
        ("\"gzip\"", "\"zstd\""),
        ("[\"runtime-files\"]", "[]"),
        ("allow = [\"xattr-dropped\"]", ""),
        ("\"3:4\"", "\"3:5\""),
    ] {
        assert!(all.contains(from), "{from}");
        assert_ne!(lock(&all.replace(from, to)), expected, "{from} -> {to}");
    }
}
