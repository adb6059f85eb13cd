//! Users and groups that scripts make: `adduser`, `useradd`, `systemd-sysusers` and their like.
//!
//! Ids come out as on a machine on which the same packages are installed in the same order: each
//! tool has its own way to choose one, and all look at what is taken already. A script that makes
//! a user which is there already changes nothing.
//!
//! # What it is not
//!
//! Accounts of people: `adduser` without `--system` asks for a password, and no package does that.
//!
//! Followed: adduser 3.134 and 3.152, shadow 4.13 and 4.17, systemd-sysusers 252 and 257, all with
//! the settings that Debian gives them.

mod adduser;
mod ids;
mod shadow;
mod sysusers;
#[cfg(test)]
mod tests;

use crate::scripts::Certainty;

use super::accounts::Accounts;
use super::problem::Problem;
use super::work::{Answer, Invocation, Site, Work};

/// The effect.
pub(crate) struct Users;

impl Work for Users {
    fn command(&self, site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        let change: Change = match call.program {
            "adduser" => adduser::adduser,
            "addgroup" => adduser::addgroup,
            "deluser" | "userdel" => adduser::deluser,
            "delgroup" | "groupdel" => adduser::delgroup,
            "useradd" => shadow::useradd,
            "groupadd" => shadow::groupadd,
            "usermod" => shadow::usermod,
            "gpasswd" => shadow::gpasswd,
            "chfn" => shadow::chfn,
            "chsh" => shadow::chsh,
            "systemd-sysusers" => sysusers::sysusers,
            _ => return Ok(Answer::NotMine),
        };
        // What is perhaps taken away is not taken away.
        let removes = matches!(
            call.program,
            "deluser" | "userdel" | "delgroup" | "groupdel"
        );
        let mut accounts = Accounts::read(&site.files)?;
        let before = accounts.clone();
        let answer = change(site, &mut accounts, call.arguments)?;
        if removes && accounts != before && call.certainty == Certainty::Perhaps {
            return Ok(Answer::NotMine);
        }
        if answer == Answer::Emulated && accounts != before {
            accounts.write(&mut site.files)?;
        }
        Ok(answer)
    }
}

/// One tool: reads its arguments and changes the accounts.
/// Not all of them can fail.
type Change = fn(&mut Site<'_>, &mut Accounts, &[&str]) -> Result<Answer, Problem>;
