//! The configuration fragment, and whether a configuration took all of it.
//!
//! A fragment has the lines of a `.config`: `CONFIG_X=value`, and `# CONFIG_X is not set`. Kconfig
//! drops in silence what it cannot take: a symbol that does not exist, or whose dependencies are
//! not met. So every line is looked up again in the configuration that came out.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;

/// What a fragment asks for: a value, or nothing for "not set", by symbol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment(BTreeMap<String, Option<String>>);

impl Fragment {
    /// Parses a fragment; `path` is named in errors only.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let mut symbols = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let refused = || Error::FragmentLine {
                path: path.to_owned(),
                line: index + 1,
                found: line.to_owned(),
            };
            let Some((symbol, value)) = parse_line(line) else {
                // A comment that names a symbol is a misspelt line.
                if line.is_empty() || line.starts_with("# ") && !line.contains("CONFIG_") {
                    continue;
                }
                return Err(refused());
            };
            let value = value.map(str::to_owned);
            if symbols.insert(symbol.to_owned(), value).is_some() {
                return Err(refused());
            }
        }
        Ok(Self(symbols))
    }

    /// The lines that `config` did not take, each with what it has instead.
    pub(crate) fn unmet(&self, config: &str) -> Vec<String> {
        let taken: BTreeMap<_, _> = config.lines().filter_map(parse_line).collect();
        let unmet = self.0.iter().filter_map(|(symbol, wanted)| {
            let found = taken.get(symbol.as_str()).copied().flatten();
            (found != wanted.as_deref()).then(|| {
                let text = |value: Option<&str>| value.unwrap_or("not set").to_owned();
                let wanted = text(wanted.as_deref());
                format!("{symbol}: expected {wanted}, found {}", text(found))
            })
        });
        unmet.collect()
    }
}

/// A symbol and its value; nothing when the line is neither of the two kinds.
fn parse_line(line: &str) -> Option<(&str, Option<&str>)> {
    let (symbol, value) = match line.strip_prefix("# ") {
        Some(unset) => (unset.strip_suffix(" is not set")?, None),
        None => line
            .split_once('=')
            .map(|(symbol, value)| (symbol, Some(value)))?,
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_symbol = symbol.starts_with("CONFIG_") && symbol.bytes().all(is_word);
    (is_symbol && value != Some("") && value != Some("n")).then_some((symbol, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;
    use crate::kernel::Architecture;

    fn fragment(text: &str) -> Fragment {
        Fragment::parse(Path::new("fragment"), text).unwrap()
    }

    #[test]
    fn a_configuration_that_took_everything_has_nothing_unmet() {
        let wanted = fragment("# Words\n\nCONFIG_A=y\nCONFIG_S=\"x y\"\n# CONFIG_B is not set\n");
        let config = "CONFIG_A=y\nCONFIG_S=\"x y\"\n# CONFIG_B is not set\nCONFIG_OTHER=y\n";
        assert_eq!(wanted.unmet(config), [""; 0]);
        // A symbol whose dependencies are off is not written at all: it is not set.
        assert_eq!(wanted.unmet("CONFIG_A=y\nCONFIG_S=\"x y\"\n"), [""; 0]);
    }

    #[test]
    fn each_way_to_be_dropped_is_seen() {
        let unmet = |wanted: &str, config: &str| fragment(wanted).unmet(config).join("; ");
        let absent = "CONFIG_A: expected y, found not set";
        assert_eq!(unmet("CONFIG_A=y", ""), absent);
        assert_eq!(unmet("CONFIG_A=y", "# CONFIG_A is not set"), absent);
        assert_eq!(
            unmet("CONFIG_A=y", "CONFIG_A=m"),
            "CONFIG_A: expected y, found m"
        );
        assert_eq!(
            unmet("# CONFIG_A is not set", "CONFIG_A=y"),
            "CONFIG_A: expected not set, found y"
        );
        // Not by the beginning of a name.
        assert_eq!(unmet("CONFIG_A=y", "CONFIG_AB=y"), absent);
    }

    #[test]
    fn lines_that_kconfig_would_ignore_are_refused() {
        let lines = [
            "CONFIG_A",
            "CONFIG_A=",
            "CONFIG_A=n",
            "config_a=y",
            "A=y",
            "# CONFIG_A is set",
            "#CONFIG_A is not set",
            "CONFIG_A =y",
            "CONFIG_A=y\nCONFIG_A=y",
            "CONFIG_A=y\n# CONFIG_A is not set",
        ];
        for line in lines {
            let parsed = Fragment::parse(Path::new("fragment"), line);
            assert!(parsed.is_err(), "`{line}` gives {parsed:?}");
        }
    }

    #[test]
    fn the_committed_configurations_took_their_fragments() {
        for architecture in Architecture::ALL {
            let kit = files::workspace().join(architecture.directory());
            let path = kit.join("fragment");
            let wanted = Fragment::parse(&path, &files::read_text(&path).unwrap()).unwrap();
            let config = files::read_text(&kit.join("config")).unwrap();
            assert_eq!(wanted.unmet(&config), [""; 0], "{}", path.display());
        }
    }
}
