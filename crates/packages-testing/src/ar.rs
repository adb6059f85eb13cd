//! ar archives, as a `.deb` is one: a magic and members with headers of 60 bytes.

/// A member of an ar archive. Every field of the header is written as it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArMember {
    /// Up to 16 bytes.
    pub name: Vec<u8>,
    /// What is in it.
    pub content: Vec<u8>,
    /// The size that the header says, as text of at most 10 characters; its own without.
    pub size: Option<String>,
    /// The two bytes that end the header.
    pub end: [u8; 2],
}

impl ArMember {
    /// A member as `dpkg-deb` writes it.
    pub fn new(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            content: content.into(),
            size: None,
            end: *b"`\n",
        }
    }
}

/// An ar archive.
///
/// # Panics
///
/// When a name or a size does not fit into its field.
pub fn ar(members: &[ArMember]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for member in members {
        let size = match &member.size {
            Some(size) => size.clone(),
            None => member.content.len().to_string(),
        };
        assert!(member.name.len() <= 16 && size.len() <= 10, "{member:?}");
        bytes.extend_from_slice(&member.name);
        bytes.resize(bytes.len() + 16 - member.name.len(), b' ');
        bytes.extend_from_slice(
            format!("{:<12}{:<6}{:<6}{:<8}{size:<10}", 0, 0, 0, 100_644).as_bytes(),
        );
        bytes.extend_from_slice(&member.end);
        bytes.extend_from_slice(&member.content);
        if !member.content.len().is_multiple_of(2) {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_begin_at_even_offsets() {
        let bytes = ar(&[ArMember::new("a", "x"), ArMember::new("b", "yz")]);
        assert_eq!(bytes.len(), 8 + 60 + 2 + 60 + 2);
        assert_eq!(&bytes[8..24], b"a               ");
        assert_eq!(&bytes[56..69], b"1         `\nx");
        assert_eq!(&bytes[70..71], b"b");
    }
}
