//! Recipes and settings: no input ends the reader, every problem can be shown, and line ends do
//! not change the digest.

#![no_main]

use enclair_recipe::{Colour, Recipe, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = str::from_utf8(data) else {
        return;
    };
    if let Err(problems) = Settings::parse(document) {
        let _ = problems.render("config.toml", document, 80, Colour::Never);
    }
    match Recipe::parse(document) {
        Ok(recipe) => {
            let unix = document.replace("\r\n", "\n");
            let same = Recipe::parse(&unix).expect("the same recipe");
            assert_eq!(same.digest(), recipe.digest());
            let _ = recipe.not_built_yet();
        }
        Err(problems) => {
            let text = problems.render("enclair.toml", document, 80, Colour::Never);
            assert!(!text.is_empty());
        }
    }
});
