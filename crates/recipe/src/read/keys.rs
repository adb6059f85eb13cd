//! The keys of each table, and which of them was meant.

/// Keys longer than this are compared with nothing.
const MAX_COMPARED: usize = 64;

pub(crate) const ROOT: &[&str] = &[
    "schema",
    "enclave",
    "source",
    "overlay",
    "run",
    "network",
    "attestation",
    "logs",
    "clock",
    "boot",
    "ramdisk",
    "normalize",
    "allow",
    "sign",
    "limits",
    "provider",
    "registry",
    "archive",
];
pub(crate) const ENCLAVE: &[&str] = &[
    "name",
    "version",
    "arch",
    "epoch",
    "cmdline",
    "cmdline_append",
];
pub(crate) const SOURCE: &[&str] = &["image", "archive", "files", "dockerfile", "packages"];
pub(crate) const PACKAGES: &[&str] = &[
    "distribution",
    "suites",
    "components",
    "repository",
    "install",
    "exclude",
    "recommends",
    "base",
    "minimal",
    "path_exclude",
    "path_include",
    "scripts",
    "effects",
];
pub(crate) const REPOSITORY: &[&str] = &["name", "url", "suites", "components", "key"];
pub(crate) const EFFECTS: &[&str] = &["groups", "users", "directories", "files", "links", "modes"];
pub(crate) const SUPPLIED_GROUP: &[&str] = &["name", "gid"];
pub(crate) const SUPPLIED_USER: &[&str] = &["name", "uid", "gid", "home", "shell", "groups"];
pub(crate) const SUPPLIED_DIRECTORY: &[&str] = &["path", "mode", "owner"];
pub(crate) const SUPPLIED_FILE: &[&str] = &["path", "content", "mode", "owner"];
pub(crate) const SUPPLIED_LINK: &[&str] = &["path", "target"];
pub(crate) const FILE: &[&str] = &[
    "from",
    "link",
    "to",
    "owner",
    "mode",
    "dir_mode",
    "untracked",
];
pub(crate) const ARTIFACT: &[&str] = &[
    "file",
    "url",
    "image",
    "package",
    "path",
    "sha256",
    "distribution",
    "suites",
    "components",
];
pub(crate) const RUN: &[&str] = &[
    "command", "env", "user", "workdir", "hostname", "grant", "limits", "restart",
];
pub(crate) const NETWORK: &[&str] = &["ingress", "egress", "ready"];
pub(crate) const ATTESTATION: &[&str] = &["port"];
pub(crate) const LOGS: &[&str] = &["to"];
pub(crate) const CLOCK: &[&str] = &["from"];
pub(crate) const BOOT: &[&str] = &["kernel", "init", "agent", "nsm_module"];
pub(crate) const RAMDISK: &[&str] = &["compression"];
pub(crate) const NORMALIZE: &[&str] = &["keep", "drop"];
pub(crate) const SIGN: &[&str] = &["certificate", "key"];
pub(crate) const LIMITS: &[&str] = &["unpacked"];
pub(crate) const PROVIDER: &[&str] = &["kind", "url"];
pub(crate) const REGISTRY: &[&str] = &["mirrors", "insecure"];
pub(crate) const ARCHIVE: &[&str] = &["mirrors", "exclusive"];
pub(crate) const SETTINGS: &[&str] = &["provider", "registry", "archive"];

/// Tables by name, for keys that stand in a wrong one.
pub(crate) const TABLES: &[(&str, &[&str])] = &[
    ("", ROOT),
    ("enclave", ENCLAVE),
    ("source", SOURCE),
    ("source.packages", PACKAGES),
    ("source.packages.effects", EFFECTS),
    ("run", RUN),
    ("network", NETWORK),
    ("attestation", ATTESTATION),
    ("logs", LOGS),
    ("clock", CLOCK),
    ("boot", BOOT),
    ("ramdisk", RAMDISK),
    ("normalize", NORMALIZE),
    ("sign", SIGN),
    ("limits", LIMITS),
];

/// Tables that stand in arrays, or at several places.
#[cfg(test)]
pub(crate) const ITEMS: &[(&str, &[&str])] = &[
    ("file", FILE),
    ("artifact", ARTIFACT),
    ("provider", PROVIDER),
    ("registry", REGISTRY),
    ("archive", ARCHIVE),
    ("repository", REPOSITORY),
    ("group", SUPPLIED_GROUP),
    ("user", SUPPLIED_USER),
    ("directory", SUPPLIED_DIRECTORY),
    ("supplied file", SUPPLIED_FILE),
    ("link", SUPPLIED_LINK),
];

/// What others call the same thing.
const ALIASES: [(&str, &str); 2] = [("amd64", "x86_64"), ("arm64", "aarch64")];

/// Advice for a key that `table` does not have.
pub(crate) fn suggestion(table: &str, key: &str, known: &[&str]) -> Option<String> {
    if known == SETTINGS {
        return Some(
            "settings have `provider`, `registry` and `archive`; the rest is the recipe's"
                .to_owned(),
        );
    }
    if let Some(word) = nearest(key, known) {
        return Some(format!("did you mean `{word}`?"));
    }
    if let Some(host) = table.strip_prefix("registry.") {
        return Some(format!(
            "a host with a dot stands in quotes, as in `[registry.\"{host}.{key}\"]`; \
             there are {}",
            known.join(", ")
        ));
    }
    let is_elsewhere = |(_, keys): &&(&str, &[&str])| keys.contains(&key);
    match TABLES.iter().find(is_elsewhere) {
        Some(("", _)) => Some(format!("`{key}` belongs to the top of the document")),
        Some((other, _)) => Some(format!("`{key}` belongs to `[{other}]`")),
        None if table.is_empty() => None,
        None => Some(format!("there are {}", known.join(", "))),
    }
}

/// The word that `text` was probably meant to be.
pub(crate) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    if text.len() > MAX_COMPARED {
        return None;
    }
    let is_alias = |(other, word): &&(&str, &str)| *other == text && words.contains(word);
    if let Some((_, word)) = ALIASES.iter().find(is_alias) {
        return Some(word);
    }
    let lower = text.to_ascii_lowercase().replace('-', "_");
    let distances = words.iter().map(|word| {
        let distance = strsim::osa_distance(&lower, &word.replace('-', "_"));
        (distance, *word)
    });
    let (distance, word) = distances.min()?;
    // One mistake in three characters is a mistake; more is another word.
    (distance <= word.len().max(3) / 3).then_some(word)
}
