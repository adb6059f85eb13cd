//! What a person sees when a recipe is wrong.

use enclair_recipe::{Colour, Recipe, Settings};

fn shown(document: &str) -> String {
    let problems = Recipe::parse(document).expect_err("a wrong recipe");
    problems.render("enclair.toml", document, 100, Colour::Never)
}

macro_rules! errors {
    ($($name:ident: $document:expr;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(stringify!($name), shown($document));
            }
        )*
    };
}

errors! {
    empty_document: "";
    no_toml: "schema = 1\n[source\nimage = \"a\"\n";
    key_given_twice: "schema = 1\n[source]\nimage = \"a\"\n\n[run]\nuser = \"a\"\nworkdir = \"/\"\nuser = \"b\"\n";
    table_given_twice: "schema = 1\n[source]\nimage = \"a\"\n[run]\nuser = \"a\"\n[run]\nworkdir = \"/\"\n";
    newer_schema: "schema = 2\n[source]\nimage = \"a\"\n";
    unknown_key: "schema = 1\n[source]\nimage = \"a\"\n[enclave]\nepcoh = 0\n";
    key_of_another_table: "schema = 1\nepoch = 0\n[source]\nimage = \"a\"\n";
    unknown_key_far_from_all: "schema = 1\n[source]\nimage = \"a\"\n[run]\nfrobnicate = true\n";
    wrong_type: "schema = 1\n[source]\nimage = [\"a\"]\n[run]\nenv = \"A=1\"\nuser = 1000\n";
    two_sources: "schema = 1\n\n[source]\nimage = \"debian:12\"\n\n# Something else.\narchive = \"rootfs.tar\"\n";
    no_source_form: "schema = 1\n[source]\n";
    milliseconds: "schema = 1\n[source]\nimage = \"a\"\n[enclave]\nepoch = 1700000000000\n";
    epoch_in_quotes: "schema = 1\n[source]\nimage = \"a\"\n[enclave]\nepoch = \"1700000000\"\n";
    upper_case_image: "schema = 1\n[source]\nimage = \"Debian:12\"\n";
    tag_and_digest: "schema = 1\n[source]\nimage = \"debian:12@sha256:0000000000000000000000000000000000000000000000000000000000000000\"\n";
    outside_of_the_project: "schema = 1\n[[source.files]]\nfrom = \"../secrets\"\nto = \"/etc/secrets\"\n";
    relative_target_and_bad_mode: "schema = 1\n[[source.files]]\nfrom = \"a\"\nto = \"etc/a\"\nmode = \"0999\"\nowner = \"1000\"\n";
    link_with_mode: "schema = 1\n[[source.files]]\nlink = \"a\"\nto = \"/a\"\nmode = \"0644\"\n";
    command_as_a_string: "schema = 1\n[source]\nimage = \"a\"\n[run]\ncommand = \"/app --port 80\"\n";
    variable_without_value: "schema = 1\n[source]\nimage = \"a\"\n[run]\nenv = [\"HOME\", \"A=1\", \"A=2\"]\n";
    unknown_grant_and_limit: "schema = 1\n[source]\nimage = \"a\"\n[run]\ngrant = [\"nms\"]\nlimits.nofiles = 3\nlimits.core = \"5:2\"\n";
    rule_with_a_version: "schema = 1\n[source]\nimage = \"a\"\n[normalize]\nkeep = [\"mtime@1\"]\n";
    artifact_without_path: "schema = 1\n[source]\nimage = \"a\"\n[boot]\nkernel = { image = \"b\", sha256 = \"00\" }\n";
    url_with_a_password: "schema = 1\n[source.archive]\nurl = \"https://user:password@example.org/x.tar\"\n";
    packages_of_nowhere: "schema = 1\n[source.packages]\ndistribution = \"debain\"\ninstall = []\nsuites = [\"../x\"]\n";
    packages_with_wrong_words: "schema = 1\n[source.packages]\ndistribution = \"debian\"\nsuites = [\"bookworm\"]\ninstall = [\"Python\", \"curl=\"]\nbase = \"all\"\npath_exclude = [\"usr/share/doc\"]\n";
    repository_without_a_pinned_key: "schema = 1\n[source.packages]\ndistribution = \"debian\"\nsuites = [\"bookworm\"]\ninstall = [\"curl\"]\n[[source.packages.repository]]\nname = \"debian\"\nsuites = [\"a\"]\nkey = { url = \"https://example.org/key\" }\n";
    supplied_effects_with_mistakes: "schema = 1\n[source.packages]\ndistribution = \"debian\"\nsuites = [\"bookworm\"]\ninstall = [\"curl\"]\n[source.packages.effects]\nusers = [{ name = \"App\", uid = -1 }]\nlinks = [{ path = \"a\", target = \"b\" }]\nmodes = [{ path = \"/a\" }]\nfiles = [{ path = \"/b\" }]\n";
    file_of_a_package_of_nobody: "schema = 1\n[source]\nimage = \"a\"\n[boot]\nkernel = { package = \"linux-image\", path = \"boot/vmlinuz\" }\n";
    many_problems_at_once: "schema = 1\n[source]\nimage = \"a:b:c\"\n[enclave]\narch = \"arm64\"\nname = \"\"\n[ramdisk]\ncompression = \"xz\"\n";
    control_characters: "schema = 1\n[source]\nimage = \"a\"\n[run]\nhostname = \"\\u001b[2Jx\"\nuser = \"\u{202e}abc\"\n";
}

#[test]
fn settings_have_two_tables_only() {
    let document = "[enclave]\nname = \"a\"\n\n[[provider]]\nkind = \"blobs\"\nurl = \"https://a.b/{sha265}\"\n";
    let problems = Settings::parse(document).expect_err("wrong settings");
    insta::assert_snapshot!(
        "settings_have_two_tables_only",
        problems.render("config.toml", document, 100, Colour::Never)
    );
}

#[test]
fn long_lines_and_far_places_are_named_by_their_line() {
    let long = format!(
        "schema = 1\n# {}\nsource.imge = \"{}\"\n",
        "é".repeat(9),
        "x".repeat(5000)
    );
    let far = format!("a = 1\n{}a = 2\n", "#\n".repeat(40_000));
    insta::assert_snapshot!("long_line", shown(&long));
    insta::assert_snapshot!("far_place", shown(&far));
}

#[test]
fn problems_of_another_document_are_shown_without_harm() {
    let problems = Recipe::parse("schema = 1\nsource.imge = \"a\"\n").expect_err("a wrong recipe");
    for document in ["", "é", "ééééééééééééééééééééééé", "schema = 1\né"] {
        for length in 0..20 {
            let document = document.repeat(length);
            problems.render("x", &document, 80, Colour::Never);
        }
    }
}

#[test]
fn a_narrow_terminal_and_colours_change_nothing_else() {
    let document = "schema = 1\nsource.imge = \"a\"\n";
    let problems = Recipe::parse(document).expect_err("a wrong recipe");
    let coloured = problems.render("enclair.toml", document, 100, Colour::Always);
    assert!(coloured.contains('\u{1b}'));
    let narrow = problems.render("enclair.toml", document, 20, Colour::Never);
    assert!(narrow.contains("unknown key `source.imge`"), "{narrow}");
}
