//! What other tools let an enclave reach, as far as `network.egress` can say it.

use std::fmt;
use std::net::IpAddr;

use crate::error::Shown;
use crate::note::NoteKind;

/// Why a host of another tool is not in `network.egress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoHost {
    /// A range of addresses that is not written as one: bits behind the prefix are set, or it is
    /// longer than an address.
    Range,
    /// A wildcard elsewhere than in front.
    Wildcard,
    /// No name and no address.
    Neither,
}

impl NoHost {
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Range => "it is no range of addresses, whose bits behind the prefix are 0",
            Self::Wildcard => "`network.egress` has wildcards in front only, as in `*.example.com`",
            Self::Neither => "it is no host name and no address",
        }
    }
}

/// A host as `network.egress` names it: a name, an address, a range, `*.` and a name, `*` for
/// everything, `host` for the parent.
///
/// `**.` in front, any number of labels, is what `*.` means in a recipe.
pub(crate) fn host(text: &str) -> Result<String, NoHost> {
    let everything = ["*", "**", "0.0.0.0/0", "::/0"];
    if everything.contains(&text) {
        return Ok("*".to_owned());
    }
    if let Some((address, prefix)) = text.split_once('/') {
        return range(address, prefix).ok_or(NoHost::Range);
    }
    let (wildcard, name) = match text.strip_prefix("**.").or(text.strip_prefix("*.")) {
        Some(name) => ("*.", name),
        None => ("", text),
    };
    if name.contains('*') {
        return Err(NoHost::Wildcard);
    }
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if wildcard.is_empty() => Ok(address.to_string()),
        Ok(IpAddr::V6(address)) if wildcard.is_empty() => Ok(format!("[{address}]")),
        Err(_) if is_name(name) => Ok(format!("{wildcard}{}", name.to_ascii_lowercase())),
        Ok(_) | Err(_) => Err(NoHost::Neither),
    }
}

/// A range of addresses, as a recipe spells it.
fn range(address: &str, prefix: &str) -> Option<String> {
    let prefix: u32 = prefix.parse().ok()?;
    let is_zero_behind = |bits: u128, width: u32| {
        let behind = width.checked_sub(prefix)?;
        Some(bits == 0 || bits.trailing_zeros() >= behind)
    };
    match address.parse().ok()? {
        IpAddr::V4(address) => is_zero_behind(address.to_bits().into(), 32)?
            .then(|| format!("{}", Prefixed(&address, prefix, 32))),
        IpAddr::V6(address) => is_zero_behind(address.to_bits(), 128)?
            .then(|| format!("[{}]", Prefixed(&address, prefix, 128))),
    }
}

/// `ADDRESS/PREFIX`, without a prefix that is the whole address.
struct Prefixed<'a>(&'a dyn fmt::Display, u32, u32);

impl fmt::Display for Prefixed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(address, prefix, width) = self;
        match prefix {
            prefix if prefix == width => write!(f, "{address}"),
            prefix => write!(f, "{address}/{prefix}"),
        }
    }
}

/// A name of letters, digits and `-`, whose last label is no number: `127.1` is an address to many
/// readers.
fn is_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") {
        return false;
    }
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Hosts that a note names one by one.
const NAMED: usize = 8;

/// What another tool lets an enclave reach and `network.egress` cannot say.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    reasons: Vec<String>,
    further: usize,
}

impl LeftOut {
    pub(crate) fn add(&mut self, host: &str, why: NoHost) {
        if self.reasons.len() < NAMED {
            let host = Shown::new(host);
            let why = why.why();
            self.reasons.push(format!("`{host}` is left out: {why}"));
        } else {
            self.further = self.further.saturating_add(1);
        }
    }

    /// What is taken, and what is not.
    pub(crate) fn note(self) -> NoteKind {
        let mut note = "`network.egress`".to_owned();
        for reason in &self.reasons {
            note.push_str("; ");
            note.push_str(reason);
        }
        if self.further > 0 {
            let further = self.further.to_string();
            note.extend(["; ", &further, " more are left out"]);
        }
        NoteKind::taken(note)
    }
}

#[cfg(test)]
mod tests {
    use super::{NoHost, host};

    #[test]
    fn hosts() {
        for (text, expected) in [
            ("api.example.com", Ok("api.example.com")),
            ("*.Example.com", Ok("*.example.com")),
            ("**.example.com", Ok("*.example.com")),
            ("169.254.169.254", Ok("169.254.169.254")),
            ("2001:db8::1", Ok("[2001:db8::1]")),
            ("*", Ok("*")),
            ("0.0.0.0/0", Ok("*")),
            ("10.0.0.0/8", Ok("10.0.0.0/8")),
            ("10.0.0.1/32", Ok("10.0.0.1")),
            ("fd00::/8", Ok("[fd00::/8]")),
            ("10.0.0.1/8", Err(NoHost::Range)),
            ("10.0.0.0/33", Err(NoHost::Range)),
            ("host", Ok("host")),
            ("127.1", Err(NoHost::Neither)),
            ("web.*.example.com", Err(NoHost::Wildcard)),
            ("*.1.2.3.4", Err(NoHost::Neither)),
            ("", Err(NoHost::Neither)),
            ("a b", Err(NoHost::Neither)),
        ] {
            assert_eq!(host(text), expected.map(str::to_owned), "{text}");
        }
    }
}
