//! The seeds in `fuzz/corpus/recipe` and `fuzz/corpus/lock`: what is good is read, what is bad is
//! not, and everything can be shown.

use std::fs;
use std::path::Path;

use enclair_recipe::{Colour, Lock, Recipe, Settings};

/// Name and text of every seed.
fn seeds(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(folder);
    let seeds = fs::read_dir(folder).expect("the folder of the seeds");
    let seeds = seeds.map(|entry| {
        let entry = entry.expect("a seed");
        let text = fs::read(entry.path()).expect("a seed's bytes");
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, String::from_utf8_lossy(&text).into_owned())
    });
    seeds.collect()
}

fn count(seeds: &[(String, String)], prefix: &str) -> usize {
    seeds
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .count()
}

#[test]
fn every_recipe_is_what_its_name_says() {
    let seeds = seeds("recipe");
    for (name, document) in &seeds {
        let _ = Settings::parse(document);
        match Recipe::parse(document) {
            Ok(recipe) => {
                assert!(name.starts_with("good-"), "{name} is read");
                assert_eq!(recipe.digest(), recipe.digest());
            }
            Err(problems) => {
                let text = problems.render(name, document, 80, Colour::Always);
                assert!(name.starts_with("bad-"), "{name}\n{text}");
                assert!(text.len() > 10);
            }
        }
    }
    let (good, bad) = (count(&seeds, "good-"), count(&seeds, "bad-"));
    assert!(good >= 4 && bad >= 12, "{good} good, {bad} bad");
}

#[test]
fn every_lock_is_what_its_name_says() {
    let seeds = seeds("lock");
    for (name, document) in &seeds {
        match Lock::parse(document) {
            Ok(lock) => {
                assert!(name.starts_with("good-"), "{name} is read");
                assert_eq!(lock.to_toml(), document.replace("\r\n", "\n"), "{name}");
            }
            Err(error) => assert!(name.starts_with("bad-"), "{name}: {error}"),
        }
    }
    let (good, bad) = (count(&seeds, "good-"), count(&seeds, "bad-"));
    assert!(good >= 3 && bad >= 8, "{good} good, {bad} bad");
}
