//! Modes as `chmod`, `mkdir` and `install` take them: octal, or letters.

use crate::scripts::UMASK;

/// A change of permission bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    /// Octal digits, and how many there were.
    Octal { bits: u16, digits: usize },
    /// `u+s,go-w`.
    Clauses(Vec<Clause>),
}

/// One of the parts between commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clause {
    /// The bits that it may change.
    mask: u16,
    operator: Operator,
    bits: u16,
    /// `X`: execution for directories, and for files that somebody may execute.
    conditional: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

/// What a mode is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Directory,
    Other,
}

/// Set-user-id and set-group-id, which an octal mode of few digits leaves on a directory.
const SET_ID: u16 = 0o6000;
impl Mode {
    /// Reads a mode; `None` for what is none, or copies the bits of others (`g=u`).
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let bits = u16::from_str_radix(text, 8)
                .ok()
                .filter(|bits| *bits <= 0o7777)?;
            let digits = text.len();
            return Some(Self::Octal { bits, digits });
        }
        let mut clauses = Vec::new();
        for part in text.split(',') {
            clauses.extend(clauses_of(part)?);
        }
        Some(Self::Clauses(clauses))
    }

    /// The bits that `old` becomes.
    pub(super) fn apply(&self, old: u16, target: Target) -> u16 {
        match self {
            Self::Octal { bits, digits } if target == Target::Directory && *digits <= 4 => {
                bits | (old & SET_ID)
            }
            Self::Octal { bits, .. } => *bits,
            Self::Clauses(clauses) => clauses
                .iter()
                .fold(old, |bits, clause| clause.apply(bits, target)),
        }
    }
}

impl Clause {
    fn apply(self, old: u16, target: Target) -> u16 {
        let executes = target == Target::Directory || old & 0o111 != 0;
        let bits = self.bits | if executes { self.conditional } else { 0 };
        match self.operator {
            Operator::Add => old | bits,
            Operator::Remove => old & !bits,
            Operator::Set => {
                let kept = if target == Target::Directory {
                    SET_ID & !self.mask
                } else {
                    0
                };
                (old & !self.mask) | bits | (old & kept)
            }
        }
    }
}

/// `u+rw-x`: who, and one clause for each sign.
fn clauses_of(part: &str) -> Option<Vec<Clause>> {
    let start = part.find(['+', '-', '='])?;
    let (who, mut rest) = part.split_at_checked(start)?;
    let mut mask = 0;
    for letter in who.chars() {
        mask |= match letter {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    if who.is_empty() {
        mask = 0o7777 & !UMASK;
    }
    let mut clauses = Vec::new();
    while let Some(sign) = rest.chars().next() {
        let operator = match sign {
            '+' => Operator::Add,
            '-' => Operator::Remove,
            '=' => Operator::Set,
            _ => return None,
        };
        let (_, after) = rest.split_at_checked(1)?;
        let end = after.find(['+', '-', '=']).unwrap_or(after.len());
        let (letters, after) = after.split_at_checked(end)?;
        let (mut bits, mut conditional) = (0, 0);
        for letter in letters.chars() {
            match letter {
                'r' => bits |= 0o444,
                'w' => bits |= 0o222,
                'x' => bits |= 0o111,
                'X' => conditional |= 0o111,
                's' => bits |= SET_ID,
                't' => bits |= 0o1000,
                _ => return None,
            }
        }
        // `t` is nobody's in particular: it counts for `u` and `g` too where it stands alone.
        let sticky = bits & 0o1000;
        clauses.push(Clause {
            mask,
            operator,
            bits: (bits & mask) | if mask & 0o7 != 0 { sticky } else { 0 },
            conditional: conditional & mask,
        });
        rest = after;
    }
    Some(clauses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(mode: &str, old: u16, target: Target) -> u16 {
        Mode::parse(mode).unwrap().apply(old, target)
    }

    #[test]
    fn octal() {
        assert_eq!(apply("0644", 0o4755, Target::Other), 0o644);
        assert_eq!(apply("755", 0o2700, Target::Directory), 0o2755);
        assert_eq!(apply("00755", 0o2700, Target::Directory), 0o755);
        assert_eq!(apply("2775", 0, Target::Directory), 0o2775);
    }

    #[test]
    fn letters() {
        assert_eq!(apply("u+s", 0o755, Target::Other), 0o4755);
        assert_eq!(apply("g+s,o-rx", 0o755, Target::Directory), 0o2750);
        assert_eq!(apply("go-rwx", 0o666, Target::Other), 0o600);
        assert_eq!(apply("a+rX", 0o600, Target::Other), 0o644);
        assert_eq!(apply("a+rX", 0o600, Target::Directory), 0o755);
        assert_eq!(apply("+x", 0o644, Target::Other), 0o755);
        assert_eq!(apply("u=rw,g=r,o=", 0o777, Target::Other), 0o640);
        assert_eq!(apply("+t", 0o777, Target::Directory), 0o1777);
        assert_eq!(apply("u=rwx,go+rx-w", 0o022, Target::Other), 0o755);
        assert_eq!(apply("-w", 0o666, Target::Other), 0o466);
    }

    #[test]
    fn what_is_no_mode() {
        for text in ["", "8", "77777", "u", "z+x", "u+q", "g=u", "u+x,", "0o644"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }
}
