//! The recipe that `enclair init` writes, and every example in it.

use enclair_recipe::{Recipe, commented_template};

/// Whether a line is an example that can be taken in: `# key = value`, `# [table]`.
fn example(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("# ")?;
    let is_table = bare.starts_with('[');
    let key = bare
        .split(" = ")
        .next()
        .filter(|key| key.len() < bare.len());
    let is_key = key.is_some_and(|key| {
        let known = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
        key.bytes().all(known)
    });
    (is_table || is_key).then_some(bare)
}

fn parse(document: &str) -> Recipe {
    Recipe::parse(document).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems.render("enclair.toml", document, 100, enclair_recipe::Colour::Never)
        )
    })
}

#[test]
fn the_template_is_a_recipe() {
    let recipe = parse(&commented_template());
    assert!(recipe.not_built_yet().is_empty());
}

#[test]
fn every_example_can_be_taken_in_by_itself() {
    let template = commented_template();
    let lines: Vec<&str> = template.lines().collect();
    let plain = parse(&template).digest();
    let mut examples = 0;
    let mut index = 0;
    while let Some(line) = lines.get(index) {
        index += 1;
        let Some(bare) = example(line) else { continue };
        let mut document = lines.clone();
        document[index - 1] = bare;
        if bare.starts_with('[') {
            // A table of its own is taken in whole.
            while let Some(bare) = lines.get(index).and_then(|line| example(line)) {
                document[index] = bare;
                index += 1;
            }
        }
        let document = document.join("\n");
        let recipe = parse(&document);
        assert!(recipe.not_built_yet().is_empty(), "{bare}");
        let counts = !bare.contains("provider")
            && !bare.contains("registry")
            && !bare.starts_with("[archive")
            && !bare.contains("unpacked")
            && bare != "drop = []";
        assert_eq!(recipe.digest() != plain, counts, "{bare}");
        examples += 1;
    }
    assert!(examples > 20, "{examples} examples");
}

#[test]
fn all_examples_can_be_taken_in_together() {
    let template = commented_template();
    let lines = template.lines().map(|line| example(line).unwrap_or(line));
    parse(&lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_other_form_can_stand_for_the_line_above() {
    let template = commented_template();
    let source = template
        .lines()
        .find(|line| line.starts_with("image = "))
        .unwrap();
    let mut others = 0;
    for other in template.lines().filter_map(|line| line.strip_prefix("## ")) {
        parse(&template.replace(source, other));
        others += 1;
    }
    assert_eq!(others, 3);
}
