//! Findings: what a check says about an image, by stable id.
//!
//! A finding is not an error. An error means that something could not be read or made; a finding
//! is a fact about something that was: an extended attribute that the format cannot carry, a
//! ramdisk entry that replaces the boot environment. Each crate declares its [`Kind`]s as
//! constants, so that a name cannot be misspelt, and `enclair explain` lists them.
//!
//! Findings of one kind are counted: a layer with 50 000 files that carry an SELinux label gives
//! one row with a count and a few examples, in bounded memory.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What a finding means for the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something was done or is the case, and it is as it should be.
    Note,
    /// The image is usable, and its reader should know this.
    Warning,
    /// A build stops here unless the finding is allowed by name; an inspection reports it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that a check can say. Declared as a constant by the crate that says it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable name in kebab case, as in `ramdisk-overrides-boot`.
    pub id: &'static str,
    /// What it means for the outcome.
    pub severity: Severity,
    /// One sentence without a full stop: what was found.
    pub title: &'static str,
    /// Why it matters: shown by `enclair explain`.
    pub why: &'static str,
    /// What to do about it: shown as the hint.
    pub fix: &'static str,
}

/// How many subjects of one kind are kept as examples.
const EXAMPLES: usize = 8;

/// All findings of one kind, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub kind: &'static Kind,
    /// How many times.
    pub count: u64,
    /// The first subjects, in the order in which they were met: a path, a section, an attribute.
    pub examples: Vec<String>,
}

/// Everything that a check said, in order of kind id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    by_id: BTreeMap<&'static str, Finding>,
}

impl Findings {
    /// No findings yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that `kind` was found at `subject`.
    pub fn add(&mut self, kind: &'static Kind, subject: impl fmt::Display) {
        let finding = self.by_id.entry(kind.id).or_insert_with(|| Finding {
            kind,
            count: 0,
            examples: Vec::new(),
        });
        finding.count += 1;
        if finding.examples.len() < EXAMPLES {
            finding.examples.push(subject.to_string());
        }
    }

    /// Adds what another check said.
    pub fn merge(&mut self, other: Self) {
        for finding in other.by_id.into_values() {
            match self.by_id.get_mut(finding.kind.id) {
                None => drop(self.by_id.insert(finding.kind.id, finding)),
                Some(mine) => {
                    mine.count += finding.count;
                    let room = EXAMPLES.saturating_sub(mine.examples.len());
                    mine.examples
                        .extend(finding.examples.into_iter().take(room));
                }
            }
        }
    }

    /// The findings, one row a kind, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.by_id.values()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether `kind` was found.
    pub fn contains(&self, kind: &Kind) -> bool {
        self.by_id.contains_key(kind.id)
    }

    /// The findings that stop a build, but for those allowed by id.
    pub fn blocking<'a>(&'a self, allowed: &'a [String]) -> impl Iterator<Item = &'a Finding> {
        self.iter().filter(move |finding| {
            finding.kind.severity == Severity::Error
                && !allowed.iter().any(|id| id == finding.kind.id)
        })
    }
}

impl Serialize for Findings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut row = serializer.serialize_struct("Finding", 5)?;
        row.serialize_field("id", self.kind.id)?;
        row.serialize_field("severity", &self.kind.severity)?;
        row.serialize_field("title", self.kind.title)?;
        row.serialize_field("count", &self.count)?;
        row.serialize_field("examples", &self.examples)?;
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XATTR: Kind = Kind {
        id: "b-kind",
        severity: Severity::Warning,
        title: "title",
        why: "why",
        fix: "fix",
    };
    const OVERRIDE: Kind = Kind {
        id: "a-kind",
        severity: Severity::Error,
        ..XATTR
    };

    #[test]
    fn one_row_a_kind_in_order_of_id_with_bounded_examples() {
        let mut findings = Findings::new();
        for number in 0..1000 {
            findings.add(&XATTR, number);
        }
        findings.add(&OVERRIDE, "init");
        let rows: Vec<_> = findings
            .iter()
            .map(|f| (f.kind.id, f.count, f.examples.len()))
            .collect();
        assert_eq!(rows, [("a-kind", 1, 1), ("b-kind", 1000, EXAMPLES)]);
    }

    #[test]
    fn only_errors_that_are_not_allowed_block() {
        let mut findings = Findings::new();
        findings.add(&XATTR, "x");
        assert_eq!(findings.blocking(&[]).count(), 0);
        findings.add(&OVERRIDE, "init");
        assert_eq!(findings.blocking(&[]).count(), 1);
        assert_eq!(findings.blocking(&["a-kind".to_owned()]).count(), 0);
    }

    #[test]
    fn merged_findings_add_their_counts() {
        let (mut left, mut right) = (Findings::new(), Findings::new());
        left.add(&XATTR, 1);
        right.add(&XATTR, 2);
        right.add(&OVERRIDE, 3);
        left.merge(right);
        assert_eq!(left.iter().map(|f| f.count).collect::<Vec<_>>(), [1, 2]);
    }
}
