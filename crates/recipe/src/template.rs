//! The recipe that `enclair init` writes: short, and with an example of everything that can be
//! built, commented out.
//!
//! A line that begins with `# ` and a key or a table is an example that can be taken in as it
//! stands; one that begins with `##` is another form of the line above and replaces it.

/// The commented recipe.
pub fn commented_template() -> String {
    include_str!("template.toml").to_owned()
}
