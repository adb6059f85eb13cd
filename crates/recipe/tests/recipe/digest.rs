//! The recipe's digest: what counts changes it, and how it is written does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use enclair_recipe::Recipe;
use proptest::prelude::*;

/// Keys with a value and another one; each changes what is built.
const COUNTED: [(&str, &str, &str); 29] = [
    ("enclave.name", "\"a\"", "\"b\""),
    ("enclave.version", "\"1\"", "\"2\""),
    ("enclave.arch", "\"aarch64\"", "\"x86_64\""),
    ("enclave.epoch", "1", "\"commit\""),
    ("enclave.cmdline", "\"a\"", "\"\""),
    ("enclave.cmdline_append", "\"a\"", "\"b\""),
    ("source.image", "\"debian:12\"", "\"debian:13\""),
    (
        "overlay",
        "[{ from = \"a\", to = \"/b\" }]",
        "[{ link = \"a\", to = \"/b\" }]",
    ),
    ("run.command", "[\"/a\", \"b\"]", "[\"/a b\"]"),
    ("run.env", "[\"A=1\", \"B=2\"]", "[\"B=2\", \"A=1\"]"),
    ("run.user", "\"a\"", "\"1\""),
    ("run.workdir", "\"/\"", "\"/a\""),
    ("run.hostname", "\"a\"", "\"b\""),
    ("run.grant", "[\"nsm\"]", "[\"nsm\", \"vsock\"]"),
    ("run.limits.core", "0", "\"0:unlimited\""),
    ("network.ingress", "[80, \"81:82\"]", "[80, 81]"),
    ("network.egress", "[\"!a\", \"b:1\"]", "[\"b:1\", \"!a\"]"),
    ("network.ready", "\"80/\"", "\"81/\""),
    ("attestation.port", "1", "2"),
    ("run.restart", "1", "2"),
    ("logs.to", "\"host\"", "\"none\""),
    ("clock.from", "\"host\"", "\"none\""),
    ("boot.agent", "\"a\"", "\"b\""),
    ("boot.kernel", "\"a\"", "{ url = \"https://a.b/c\" }"),
    (
        "boot.nsm_module",
        "{ image = \"a\", path = \"b\" }",
        "{ image = \"a\", path = \"c\" }",
    ),
    (
        "boot.init",
        "{ package = \"ab\", path = \"c\", distribution = \"debian\", suites = [\"a\"] }",
        "{ package = \"ab\", path = \"c\", distribution = \"ubuntu\", suites = [\"a\"] }",
    ),
    ("ramdisk.compression", "\"gzip\"", "\"zstd\""),
    ("normalize.keep", "[\"a\"]", "[]"),
    ("allow", "[\"a\"]", "[\"b\"]"),
];

/// What is not counted, whatever it is.
const UNCOUNTED: [(&str, &str); 5] = [
    ("sign", "{ certificate = \"a\", key = \"b\" }"),
    ("limits.unpacked", "\"1G\""),
    (
        "provider",
        "[{ kind = \"blob\", url = \"https://a.b/{sha256}\" }]",
    ),
    ("registry.\"a.b\".insecure", "true"),
    ("archive.debian.mirrors", "[\"http://a.b/c\"]"),
];

/// Keys with the value that they have when they are left out.
const DEFAULTS: [(&str, &str); 18] = [
    ("enclave.name", "\"enclave\""),
    ("enclave.version", "\"0\""),
    ("enclave.arch", "\"x86_64\""),
    ("enclave.epoch", "0"),
    ("enclave.cmdline_append", "\"\""),
    ("overlay", "[]"),
    ("run.env", "[]"),
    ("run.hostname", "\"enclave\""),
    ("run.grant", "[]"),
    ("run.limits", "{}"),
    ("network.ingress", "[]"),
    ("network.egress", "[]"),
    ("run.restart", "0"),
    ("clock.from", "\"none\""),
    ("logs.to", "\"none\""),
    ("ramdisk.compression", "\"none\""),
    ("normalize.drop", "[]"),
    ("allow", "[]"),
];

type Entry = (&'static str, &'static str);

fn digest(document: &str) -> String {
    let recipe = Recipe::parse(document).unwrap_or_else(|e| panic!("{e}\n{document}"));
    recipe.digest().to_string()
}

/// As dotted keys at the top of the document.
fn dotted(entries: &[Entry]) -> String {
    let lines = entries
        .iter()
        .map(|(key, value)| format!("{key} = {value}\n"));
    format!("schema = 1\n{}", lines.collect::<String>())
}

/// As tables, with the order of the entries as the order of tables and of keys in them.
fn tables(entries: &[Entry]) -> String {
    let mut top = String::from("schema=1\n");
    let mut order = Vec::new();
    let mut tables: BTreeMap<&str, String> = BTreeMap::new();
    for (key, value) in entries {
        let Some((table, key)) = key.split_once('.') else {
            writeln!(top, "  {key}  =  {value}  # top").unwrap();
            continue;
        };
        if !tables.contains_key(table) {
            order.push(table);
        }
        writeln!(tables.entry(table).or_default(), "\t{key}={value}\n").unwrap();
    }
    for table in order {
        write!(top, "# a table\n[ {table} ]\n{}", tables[table]).unwrap();
    }
    top
}

fn base() -> Vec<Entry> {
    COUNTED
        .iter()
        .map(|(key, value, _)| (*key, *value))
        .collect()
}

/// What is left out must not move when a release changes how it writes JSON.
#[test]
fn digests_are_those_of_the_first_release() {
    insta::assert_snapshot!(
        "digests",
        format!(
            "minimal {}\nfull    {}",
            digest("schema = 1\nsource.image = \"debian:12\"\n"),
            digest(include_str!(
                "../../../../fuzz/corpus/recipe/good-full.toml"
            )),
        )
    );
}

#[test]
fn every_counted_value_counts() {
    let mut seen = BTreeSet::from([digest(&dotted(&base()))]);
    for (index, (key, _, other)) in COUNTED.iter().enumerate() {
        let mut changed = base();
        changed[index].1 = other;
        assert!(seen.insert(digest(&dotted(&changed))), "{key}: other value");
        if *key != "source.image" && *key != "normalize.keep" {
            changed.remove(index);
            // The second value of some keys is their default, and so is none.
            let defaults = ["enclave.arch", "logs.to", "clock.from"];
            let is_new = seen.insert(digest(&dotted(&changed)));
            assert_eq!(is_new, !defaults.contains(key), "{key}: left out");
        }
    }
}

#[test]
fn one_meaning_has_one_digest() {
    let with = |line: &str| digest(&format!("schema = 1\n{line}\n"));
    for (left, right) in [
        (
            "source.image = \"debian\"",
            "source.image = 'docker.io/library/debian:latest'",
        ),
        (
            "source.archive = \"a\"",
            "source.archive = { file = \"a\" }",
        ),
        (
            "source.files = [{ from = \"a\", to = \"/a\", mode = \"644\" }]",
            "[[source.files]]\nto = \"/a\"\nmode = \"0644\"\nfrom = \"a\"\nowner = \"0:0\"\ndir_mode = \"755\"\nuntracked = false",
        ),
        (
            "source.files = [{ from = { image = \"a\", path = \"/b\" }, to = \"/a\" }]",
            "[[source.files]]\nto = \"/a\"\nfrom.path = \"/b\"\nfrom.image = 'docker.io/library/a'",
        ),
        (
            "source.image = \"a\"\nrun.limits.core = 5",
            "source.image = \"a\"\nrun.limits.core = \"5:5\"",
        ),
    ] {
        assert_eq!(with(left), with(right), "{left}");
    }
    let laid = |path: &str| {
        let from = format!("{{ image = \"a\", path = \"{path}\" }}");
        with(&format!(
            "source.files = [{{ from = {from}, to = \"/a\" }}]"
        ))
    };
    assert_ne!(laid("/b"), laid("/c"));
    assert_ne!(
        with("source.archive = \"a\""),
        with("source.archive = \"b\"")
    );
    assert_ne!(
        with("source.dockerfile = \"a\""),
        with("source.archive = \"a\"")
    );
}

proptest! {
    #[test]
    fn how_a_recipe_is_written_does_not_count(
        entries in Just(base()).prop_shuffle(),
        uncounted in proptest::sample::subsequence(UNCOUNTED.to_vec(), 0..=4),
        carriage_return in any::<bool>(),
    ) {
        let expected = digest(&dotted(&base()));
        let more = [entries, uncounted].concat();
        for document in [dotted(&more), tables(&more)] {
            let ends = if carriage_return { "\r\n" } else { "\n" };
            prop_assert_eq!(&digest(&document.replace('\n', ends)), &expected);
        }
    }

    #[test]
    fn a_default_that_is_written_out_does_not_count(
        defaults in proptest::sample::subsequence(DEFAULTS.to_vec(), 0..=16).prop_shuffle(),
    ) {
        let plain = [("source.image", "\"debian\"")];
        let more = [&defaults[..], &plain[..]].concat();
        prop_assert_eq!(digest(&dotted(&more)), digest(&dotted(&plain)));
        prop_assert_eq!(digest(&tables(&more)), digest(&dotted(&plain)));
    }
}

/// Keys of `source.packages` with another value than the first document has.
const PACKAGES: [(&str, &str); 13] = [
    ("distribution = \"debian\"", "distribution = \"ubuntu\""),
    ("suites = [\"bookworm\"]", "suites = [\"trixie\"]"),
    (
        "components = [\"main\"]",
        "components = [\"main\", \"contrib\"]",
    ),
    ("install = [\"curl\"]", "install = [\"curl=7*\"]"),
    ("exclude = []", "exclude = [\"wget\"]"),
    ("recommends = false", "recommends = true"),
    ("base = \"essential\"", "base = \"none\""),
    ("minimal = false", "minimal = true"),
    ("path_exclude = []", "path_exclude = [\"/a\"]"),
    ("path_include = []", "path_include = [\"/a\"]"),
    ("scripts = \"effects\"", "scripts = \"refuse\""),
    ("links = []", "links = [{ path = \"/a\", target = \"b\" }]"),
    (
        "repository = []",
        "repository = [{ name = \"a\", suites = [\"b\"], key = \"c\" }]",
    ),
];

#[test]
fn what_is_asked_of_packages_counts_and_its_defaults_do_not() {
    let defaults: String = PACKAGES
        .iter()
        .map(|(default, _)| match *default {
            "links = []" => "effects.links = []\n".to_owned(),
            line => format!("{line}\n"),
        })
        .collect();
    let whole = format!("schema = 1\n[source.packages]\n{defaults}");
    let short = "schema = 1\n[source.packages]\ndistribution = \"debian\"\n\
                 suites = [\"bookworm\"]\ninstall = [\"curl\"]\n";
    assert_eq!(digest(&whole), digest(short));
    let mut seen = BTreeSet::from([digest(&whole)]);
    for (default, other) in PACKAGES {
        let document = match default {
            "links = []" => whole.replace(default, other),
            line => whole.replace(&format!("\n{line}\n"), &format!("\n{other}\n")),
        };
        assert!(seen.insert(digest(&document)), "{other}");
    }
}
