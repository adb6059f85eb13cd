//! Commands of a script, as they would be run.

use std::fmt;

/// One command that a script would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program or builtin and its arguments, after all expansions. At least one word, unless
    /// the command is a redirection alone (`> /etc/name`).
    pub words: Vec<Word>,
    /// Files that the shell opens for it, in the order in which they are written. Only those that
    /// matter: `/dev/null`, closed and duplicated descriptors are left out.
    pub redirections: Vec<Redirection>,
    /// The mask of modes that it runs with; `None` where that cannot be known.
    pub umask: Option<u16>,
    /// Whether it is known to be run.
    pub certainty: Certainty,
    /// Line of the script on which it begins, from 1.
    pub line: u32,
}

/// The mask of modes that scripts begin with.
pub const UMASK: u16 = 0o022;

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// Exactly this.
    Known(String),
    /// Cannot be known: the source text, in which the parts that are known are substituted.
    Unknown(String),
}

/// Whether a command is known to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// On every path through the script.
    Always,
    /// In a branch that cannot be decided by reading.
    Perhaps,
}

/// One file that the shell opens for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// Descriptor of the command, as in `2>`.
    pub descriptor: u32,
    /// What is done with the file.
    pub redirects: Redirects,
    /// The file's path, or the text itself for [`Redirects::Text`].
    pub target: Word,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Redirects {
    /// `>` and `>|`: the file is emptied or made, and written.
    Write,
    /// `>>`: the file is made if it is missing, and written at its end.
    Append,
    /// `<`: the file is read.
    Read,
    /// `<>`: the file is made if it is missing, read and written.
    ReadWrite,
    /// `<<`: the text of a here-document is read.
    Text,
}

impl Word {
    /// The word, if it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Unknown(_) => None,
        }
    }

    /// The word, or the source text of what cannot be known.
    pub fn text(&self) -> &str {
        match self {
            Self::Known(text) | Self::Unknown(text) => text,
        }
    }
}

impl Command {
    /// The name of the program without its directory (`update-rc.d`), if it is known.
    pub fn program(&self) -> Option<&str> {
        let path = self.words.first()?.known()?;
        Some(path.rsplit_once('/').map_or(path, |(_, name)| name))
    }

    /// The arguments, if every one is known.
    pub fn known_arguments(&self) -> Option<Vec<&str>> {
        self.words.iter().skip(1).map(Word::known).collect()
    }

    /// The files that it would write by redirection.
    pub fn written(&self) -> impl Iterator<Item = &Redirection> {
        self.redirections.iter().filter(|one| match one.redirects {
            Redirects::Write | Redirects::Append | Redirects::ReadWrite => true,
            Redirects::Read | Redirects::Text => false,
        })
    }
}

/// The command as it could stand in a script: for people, not to be run.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, word) in self.words.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{word}")?;
        }
        for redirection in &self.redirections {
            write!(f, " {redirection}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
        match self {
            Self::Known(text) if !text.is_empty() && text.chars().all(plain) => f.write_str(text),
            Self::Known(text) => write!(f, "'{}'", text.replace('\'', r"'\''")),
            Self::Unknown(text) => write!(f, "\"{}\"", text.replace('"', "\\\"")),
        }
    }
}

impl fmt::Display for Redirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (descriptor, sign) = match self.redirects {
            Redirects::Write => (1, ">"),
            Redirects::Append => (1, ">>"),
            Redirects::Read => (0, "<"),
            Redirects::ReadWrite => (0, "<>"),
            Redirects::Text => (0, "<<"),
        };
        if self.descriptor != descriptor {
            write!(f, "{}", self.descriptor)?;
        }
        if self.redirects == Redirects::Text {
            return f.write_str("<<…");
        }
        write!(f, "{sign} {}", self.target)
    }
}
