//! What other tools let an enclave reach, as far as `network.egress` can say it.

use std::net::IpAddr;

use crate::error::Shown;
use crate::note::NoteKind;

/// Why a host of another tool is not in `network.egress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoHost {
    /// Everything.
    Everything,
    /// A range of addresses.
    Range,
    /// The machine that the enclave runs on.
    Parent,
    /// A wildcard elsewhere than in front.
    Wildcard,
    /// No name and no address.
    Neither,
}

impl NoHost {
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Everything => "`network.egress` names hosts, and has no word for all of them",
            Self::Range => "`network.egress` names hosts, and no ranges of addresses",
            Self::Parent => "the parent is reached by vsock, not by the network",
            Self::Wildcard => "`network.egress` has wildcards in front only, as in `*.example.com`",
            Self::Neither => "it is no host name and no address",
        }
    }
}

/// A host that `network.egress` can name: a name, an address, or `*.` and a name.
///
/// `**.` in front, any number of labels, is what `*.` means in a recipe.
pub(crate) fn host(text: &str) -> Result<String, NoHost> {
    let everything = ["*", "**", "0.0.0.0/0", "::/0"];
    if everything.contains(&text) {
        return Err(NoHost::Everything);
    }
    if text == "host" {
        return Err(NoHost::Parent);
    }
    if text.contains('/') {
        return Err(NoHost::Range);
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

fn is_name(name: &str) -> bool {
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

    /// What waits, and what cannot even wait.
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
        NoteKind::waits(note)
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
            ("*", Err(NoHost::Everything)),
            ("0.0.0.0/0", Err(NoHost::Everything)),
            ("10.0.0.0/8", Err(NoHost::Range)),
            ("host", Err(NoHost::Parent)),
            ("web.*.example.com", Err(NoHost::Wildcard)),
            ("*.1.2.3.4", Err(NoHost::Neither)),
            ("", Err(NoHost::Neither)),
            ("a b", Err(NoHost::Neither)),
        ] {
            assert_eq!(host(text), expected.map(str::to_owned), "{text}");
        }
    }
}
