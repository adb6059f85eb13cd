//! Which release of which distribution a root filesystem is, by its file `os-release`.

use enclair_recipe::Distribution;

/// A release of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) distribution: Distribution,
    /// As in `bookworm`.
    pub(super) codename: String,
}

impl Release {
    /// The release that an `os-release` says; `None` where it says none of Debian or Ubuntu.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            let found = lines.find(|(name, _)| *name == key);
            found.map(|(_, value)| value.trim().trim_matches(['"', '\'']))
        };
        let distribution = match value("ID")? {
            "debian" => Distribution::Debian,
            "ubuntu" => Distribution::Ubuntu,
            _ => return None,
        };
        let codename = value("VERSION_CODENAME").or_else(|| value("UBUNTU_CODENAME"))?;
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        // It comes to stand in a path.
        let is_name = !codename.is_empty() && codename.bytes().all(is_word);
        is_name.then(|| Self {
            distribution,
            codename: codename.to_owned(),
        })
    }

    /// The suites that such a system has its packages from.
    pub(super) fn suites(&self) -> Vec<String> {
        let name = &self.codename;
        if name == "sid" {
            return vec![name.clone()];
        }
        ["", "-updates", "-security"]
            .map(|end| format!("{name}{end}"))
            .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_and_ubuntu_have_suites() {
        let of = |text: &str| Release::parse(text).map(|release| release.suites().join(" "));
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n\
            VERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(
            of(debian).as_deref(),
            Some("bookworm bookworm-updates bookworm-security")
        );
        assert_eq!(
            of("ID='ubuntu'\nVERSION_CODENAME=\"noble\"").as_deref(),
            Some("noble noble-updates noble-security")
        );
        assert_eq!(
            of("ID=debian\nVERSION_CODENAME=sid").as_deref(),
            Some("sid")
        );
        for text in [
            "",
            "ID=alpine\nVERSION_CODENAME=x\n",
            "ID=debian\n",
            "ID=debian\nVERSION_CODENAME=\n",
            "ID=debian\nVERSION_CODENAME=../../x\n",
            "ID_LIKE=debian\nVERSION_CODENAME=bookworm\n",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
