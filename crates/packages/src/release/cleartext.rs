//! The cleartext signature framework (RFC 9580, section 7): a text that people can read, and
//! signatures below it.
//!
//! ```text
//! -----BEGIN PGP SIGNED MESSAGE-----
//! Hash: SHA256                        any number of these, and no other header
//!
//! Origin: Debian                      the text; "- " before a line that begins with "-"
//! -----BEGIN PGP SIGNATURE-----
//!                                     armor
//! iQIzBAEBCgAdFiEE...
//! -----END PGP SIGNATURE-----
//! ```
//!
//! Readers that believe a file because *something* in it is signed are the known weakness of this
//! form: what stands before, after, between or among the headers is not. So the file is one such
//! block and nothing else, and what is handed on is the text that was signed and not the file.
//!
//! Blanks at the ends of lines are not signed, so they are not in the text either. A CR is refused:
//! it would be signed or not depending on where it stands.

use thiserror::Error;

use super::armor::{ArmorProblem, Lines, read_block};

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// What is wrong with a clear-signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CleartextProblem {
    /// Another first line.
    #[error("expected `{BEGIN}`: this is no signed text, or something stands before it")]
    Begin,
    /// A header that is not `Hash`.
    #[error("expected `Hash: ` with names of algorithms, or an empty line")]
    Header,
    /// A line of the text that begins with a dash and is not escaped.
    #[error("a line of the signed text begins with `-` and is not escaped")]
    Dash,
    /// A control character.
    #[error("a control character is in the signed text")]
    Control,
    /// No signature below the text.
    #[error("expected `{SIGNATURE}`: the text has no end")]
    NoSignature,
    /// The signatures' block is none.
    #[error("the signature is damaged: {0}")]
    Armor(ArmorProblem),
    /// Something behind the signatures.
    #[error("something that is not signed follows the signature")]
    Trailing,
}

/// A text and its signatures, neither of them believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cleartext {
    /// The lines of the text, each ended by LF.
    pub(super) text: String,
    /// Packets.
    pub(super) signatures: Vec<u8>,
}

impl Cleartext {
    /// Takes a file apart. An error has the line that it is about.
    pub(super) fn parse(file: &str) -> Result<Self, (u32, CleartextProblem)> {
        let mut lines = Lines::new(file);
        let parsed = Self::read(&mut lines);
        parsed.map_err(|problem| (lines.line().max(1), problem))
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, CleartextProblem> {
        if lines.next() != Some(BEGIN) {
            return Err(CleartextProblem::Begin);
        }
        read_headers(lines)?;
        let text = read_text(lines)?;
        let signatures = read_block(lines, END).map_err(CleartextProblem::Armor)?;
        match lines.next() {
            None => Ok(Self { text, signatures }),
            Some(_) => Err(CleartextProblem::Trailing),
        }
    }

    /// The bytes that are signed: CRLF between lines, and none behind the last.
    pub(super) fn signed_bytes(&self) -> String {
        let text = self.text.strip_suffix('\n').unwrap_or(&self.text);
        text.replace('\n', "\r\n")
    }
}

fn read_headers(lines: &mut Lines<'_>) -> Result<(), CleartextProblem> {
    loop {
        let line = lines.next().ok_or(CleartextProblem::NoSignature)?;
        if line.is_empty() {
            return Ok(());
        }
        // Which algorithm counts is in the signature; here it is only a help for readers in one pass.
        let names = line
            .strip_prefix("Hash: ")
            .ok_or(CleartextProblem::Header)?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b',' | b' ');
        if !names.bytes().all(known) {
            return Err(CleartextProblem::Header);
        }
    }
}

fn read_text(lines: &mut Lines<'_>) -> Result<String, CleartextProblem> {
    let mut text = String::new();
    loop {
        let line = lines.next().ok_or(CleartextProblem::NoSignature)?;
        if line == SIGNATURE {
            return Ok(text);
        }
        let content = line.strip_prefix("- ").unwrap_or(line);
        if content == line && line.starts_with('-') {
            return Err(CleartextProblem::Dash);
        }
        if content.contains(|character: char| character.is_control() && character != '\t') {
            return Err(CleartextProblem::Control);
        }
        text.push_str(content.trim_end_matches([' ', '\t']));
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
    const TAIL: &str =
        "-----BEGIN PGP SIGNATURE-----\n\nYWJj\n=njUN\n-----END PGP SIGNATURE-----\n";

    fn parse(text: &str) -> Result<Cleartext, (u32, CleartextProblem)> {
        Cleartext::parse(&format!("{HEAD}{text}{TAIL}"))
    }

    #[test]
    fn a_text_is_unescaped_and_loses_its_blanks() {
        let parsed = parse("- -a \t\n- b\n\n c\n").unwrap();
        assert_eq!(parsed.text, "-a\nb\n\n c\n");
        assert_eq!(parsed.signed_bytes(), "-a\r\nb\r\n\r\n c");
        assert_eq!(parsed.signatures, b"abc");
        assert_eq!(parse("").unwrap().signed_bytes(), "");
    }

    #[test]
    fn nothing_but_the_block_may_be_there() {
        use CleartextProblem::{Armor, Begin, Control, Dash, Header, NoSignature, Trailing};
        let whole = format!("{HEAD}a\n{TAIL}");
        let whole = whole.as_str();
        for (file, line, problem) in [
            (String::new(), 1, Begin),
            (format!("\n{whole}"), 1, Begin),
            (format!("Origin: x\n{whole}"), 1, Begin),
            (whole.replace("\n\na", "\nComment: x\n\na"), 3, Header),
            (
                whole.replace("\n\na", "\nNotDashEscaped: yes\n\na"),
                3,
                Header,
            ),
            (whole.replace("\n\na", "\nHash: a\u{1b}\n\na"), 3, Header),
            (whole.replace("\n\na", "\n \na"), 3, Header),
            (whole.replace("\na", "\n-a"), 4, Dash),
            (whole.replace("\na", "\n-----BEGIN X-----"), 4, Dash),
            (whole.replace('\n', "\r\n"), 1, Begin),
            (whole.replace("\na", "\na\r"), 4, Control),
            (whole.replace("\na", "\na\0"), 4, Control),
            (whole.replace("\na", "\na\u{85}"), 4, Control),
            (HEAD.to_owned(), 3, NoSignature),
            (format!("{HEAD}a\n"), 4, NoSignature),
            (
                format!("{HEAD}a\n{SIGNATURE}\n"),
                5,
                Armor(ArmorProblem::End),
            ),
            (format!("{whole}\n"), 10, Trailing),
            (format!("{whole}x"), 10, Trailing),
            (format!("{whole}{whole}"), 10, Trailing),
        ] {
            assert_eq!(Cleartext::parse(&file), Err((line, problem)), "{file:?}");
        }
    }
}
