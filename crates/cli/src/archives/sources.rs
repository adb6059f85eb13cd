//! The two forms of apt's sources (`sources.list(5)`): a line each, and stanzas of fields.
//!
//! Only what says where packages are is read; entries for sources, and those that are off, are left
//! out. What makes no sense is passed over: apt says so to whoever runs it.

/// A URI with suites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Without the slash at its end.
    pub(super) uri: String,
    pub(super) suites: Vec<String>,
    pub(super) components: Vec<String>,
    /// A file of keys, or a key.
    pub(super) signed_by: Option<String>,
}

impl Entry {
    fn new(uri: &str, suites: Vec<String>, components: Vec<String>) -> Self {
        Self {
            uri: uri.trim_end_matches('/').to_owned(),
            suites,
            components,
            signed_by: None,
        }
    }

    fn rest(&self) -> &str {
        let rest = self.uri.split_once("://").map_or("", |(_, rest)| rest);
        rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)
    }

    /// The host of the URI, without a port.
    pub(super) fn host(&self) -> &str {
        self.rest().split(['/', ':']).next().unwrap_or_default()
    }

    /// The path of the URI, with its first slash.
    pub(super) fn path(&self) -> &str {
        let rest = self.rest();
        rest.find('/')
            .and_then(|at| rest.get(at..))
            .unwrap_or_default()
    }

    /// What is behind the last slash.
    pub(super) fn last_part(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }
}

/// `deb [OPTIONS] URI SUITE COMPONENT..`
pub(super) fn parse_list(text: &str) -> Vec<Entry> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Entry> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let components = words.map(str::to_owned).collect();
    let mut entry = Entry::new(uri, vec![suite.to_owned()], components);
    entry.signed_by = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="))
        .map(str::to_owned);
    Some(entry)
}

/// Stanzas of fields, with an empty line between them.
pub(super) fn parse_sources(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            entries.extend(entries_of(&std::mem::take(&mut fields)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    entries
}

fn entries_of(fields: &[(String, String)]) -> Vec<Entry> {
    let get = |name: &str| {
        let field = fields.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str())
    };
    let words = |name: &str| -> Vec<String> {
        let words = get(name).unwrap_or_default().split_whitespace();
        words.map(str::to_owned).collect()
    };
    let enabled = get("enabled").unwrap_or("yes").to_ascii_lowercase();
    let is_off = matches!(
        &*enabled,
        "no" | "false" | "without" | "off" | "disable" | "0"
    );
    if is_off || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    let signed_by = get("signed-by").map(str::to_owned);
    let uris = words("uris").into_iter();
    uris.map(|uri| Entry {
        signed_by: signed_by.clone(),
        ..Entry::new(&uri, words("suites"), words("components"))
    })
    .collect()
}
