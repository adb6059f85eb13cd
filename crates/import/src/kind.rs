//! Whose file it is: by its name, and by what stands in it where the name says nothing.

use std::fmt;

/// The tools whose files become recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForeignKind {
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// `enclaver.yaml` of Enclaver.
    Enclaver,
    /// `enclave.toml`, or `cage.toml` before, of Evervault.
    Evervault,
    /// `caution.hcl` of Caution.
    Caution,
}

impl ForeignKind {
    /// Whose file it is, or `None` when neither its name nor its text says so.
    ///
    /// The name may have folders in front. It decides where it can: a `Dockerfile` is one, whatever
    /// stands in it.
    pub fn detect(file_name: &str, text: &str) -> Option<Self> {
        let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
        let name = name.to_ascii_lowercase();
        Self::by_name(&name).or_else(|| Self::by_text(&name, text))
    }

    fn by_name(name: &str) -> Option<Self> {
        for word in ["dockerfile", "containerfile"] {
            let beside = name
                .strip_prefix(word)
                .or_else(|| name.strip_suffix(word))
                .is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('.') || rest.ends_with('.')
                });
            if beside {
                return Some(Self::Dockerfile);
            }
        }
        let (stem, extension) = name.rsplit_once('.')?;
        match extension {
            "hcl" => Some(Self::Caution),
            "yaml" | "yml" if stem.contains("enclaver") => Some(Self::Enclaver),
            "toml" if stem.ends_with("enclave") || stem.ends_with("cage") => Some(Self::Evervault),
            _ => None,
        }
    }

    fn by_text(name: &str, text: &str) -> Option<Self> {
        let has = |wanted: &[&str]| {
            text.lines()
                .any(|line| wanted.iter().any(|start| line.starts_with(start)))
        };
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        match extension {
            "yaml" | "yml" => has(&["sources:"]).then_some(Self::Enclaver),
            "toml" => {
                has(&["app_uuid", "team_uuid", "[signing]", "[egress]"]).then_some(Self::Evervault)
            }
            _ => begins_with_from(text).then_some(Self::Dockerfile),
        }
    }

    /// Bytes of the longest file that is read.
    pub const fn most_bytes(self) -> usize {
        match self {
            Self::Dockerfile | Self::Enclaver | Self::Evervault => 1 << 20,
            // The reader compares every key of an object with every other one.
            Self::Caution => 1 << 18,
        }
    }
}

/// Whether the first line that says something is `FROM` or `ARG`.
fn begins_with_from(text: &str) -> bool {
    let said = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut said = said.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let word = said.next().and_then(|line| line.split_whitespace().next());
    word.is_some_and(|word| word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("arg"))
}

impl fmt::Display for ForeignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dockerfile => "a Dockerfile",
            Self::Enclaver => "a manifest of Enclaver",
            Self::Evervault => "a configuration of an Evervault enclave",
            Self::Caution => "a configuration of Caution",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ForeignKind;

    #[test]
    fn the_name_decides() {
        for (name, kind) in [
            ("Dockerfile", Some(ForeignKind::Dockerfile)),
            ("deploy/Containerfile", Some(ForeignKind::Dockerfile)),
            ("Dockerfile.prod", Some(ForeignKind::Dockerfile)),
            ("api.dockerfile", Some(ForeignKind::Dockerfile)),
            ("enclaver.yaml", Some(ForeignKind::Enclaver)),
            ("enclaver_2vcpu.YML", Some(ForeignKind::Enclaver)),
            ("test.enclave.toml", Some(ForeignKind::Evervault)),
            ("cage.toml", Some(ForeignKind::Evervault)),
            ("caution.hcl", Some(ForeignKind::Caution)),
            ("enclair.toml", None),
            ("dockerfiles", None),
            ("compose.yaml", None),
            ("", None),
        ] {
            assert_eq!(ForeignKind::detect(name, ""), kind, "{name}");
        }
    }

    #[test]
    fn the_text_decides_where_the_name_does_not() {
        let detect = ForeignKind::detect;
        assert_eq!(
            detect("build", "# x\n\nfrom debian"),
            Some(ForeignKind::Dockerfile)
        );
        assert_eq!(detect("build", "FROMAGE"), None);
        assert_eq!(
            detect("x.yaml", "version: v1\nsources:\n  app: a\n"),
            Some(ForeignKind::Enclaver)
        );
        assert_eq!(
            detect("x.toml", "name = 'a'\n[egress]\n"),
            Some(ForeignKind::Evervault)
        );
        assert_eq!(detect("x.toml", "schema = 1\n"), None);
    }
}
