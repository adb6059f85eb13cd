//! The console: the standard streams of init and of the application.
//!
//! Lines of init start with `enclair-init: `; everything else on the console is the application's
//! or the kernel's. What the host shows of it depends on the host: an enclave that is not in debug
//! mode has no reader there.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::fchown;

use crate::sys::Errno;
use crate::sys::process::replace_stream;

const CONSOLE: &str = "/dev/console";
const NOTHING: &str = "/dev/null";

/// Makes the console the standard streams. A machine without one gets `/dev/null`, which is no
/// failure: the status channel does not depend on it.
pub(crate) fn open() -> Result<(), Errno> {
    let device = open_device(CONSOLE).or_else(|_| open_device(NOTHING))?;
    (0..3).try_for_each(|stream| replace_stream(&device, stream))
}

fn open_device(path: &str) -> Result<OwnedFd, Errno> {
    // The standard library opens with O_CLOEXEC, which the copies do not have. A terminal becomes
    // the controlling one of a session leader only, and PID 1 is none.
    let file = File::options().read(true).write(true).open(path)?;
    Ok(file.into())
}

/// Lets the application open its own standard streams again, by `/dev/stdout` or
/// `/proc/self/fd/1`: the device belongs to root otherwise.
pub(crate) fn give_to(uid: u32, gid: u32) -> Result<(), Errno> {
    Ok(fchown(std::io::stdout(), Some(uid), Some(gid))?)
}

/// Writes a line. Whether anybody reads it is not for init to care about.
pub(crate) fn say(sentence: &str) {
    let _ = std::io::stderr().write_all(line(sentence).as_bytes());
}

/// The line, with control characters escaped: names in it come from the image.
fn line(sentence: &str) -> String {
    let mut line = String::from("enclair-init: ");
    for character in sentence.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_name_cannot_write_a_line_of_its_own_or_move_the_cursor() {
        assert_eq!(
            line("`a\nenclair-init: exited with 0\u{1b}[2J`"),
            "enclair-init: `a\\nenclair-init: exited with 0\\u{1b}[2J`\n"
        );
    }
}
