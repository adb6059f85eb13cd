//! The reviewed list: which forms of a program are on it, and which are not.

use enclair_packages::scripts::ignored::{ignored, rules};

use crate::system::{System, read};

fn is_ignored(line: &str) -> bool {
    is_ignored_of("example", line)
}

fn is_ignored_of(package: &str, line: &str) -> bool {
    let found = read(&format!("x=$(unknown)\n{line}"), &System::default()).unwrap();
    let [_, command] = found.as_slice() else {
        panic!("{line}: {found:?}");
    };
    ignored(package, command).is_some()
}

#[test]
fn harmless_forms() {
    for line in [
        "systemctl daemon-reload",
        "deb-systemd-helper enable 'x.service'",
        "invoke-rc.d x start",
        "update-rc.d x defaults",
        "/bin/systemctl --system daemon-reload",
        "db_get example/x",
        "dpkg-maintscript-helper rm_conffile /etc/x 1.0~ -- configure",
        "dpkg-query -W x",
        "dpkg -s \"$x\"",
        "py3compile -p example",
        "/usr/bin/python3.11 -E -S /usr/lib/python3.11/py_compile.py $x",
        "update-initramfs -u",
        "mandb -pq",
        "ucfr example /etc/x",
        "grep -q x \"$x\"",
        "find /etc/x -type f -name '*.conf'",
        "sed -n 's/^a/b/p' /etc/x",
        "awk '{ print $1 }' /etc/x",
        "apparmor_parser -r -T -W /etc/apparmor.d/x",
        "install --mode 644 /dev/null /etc/apparmor.d/local/x",
        "ssh-keygen -q -f /etc/ssh/ssh_host_rsa_key -N '' -t rsa",
        "hostname -f",
        "date -u +%s",
        "ip addr show",
        "dpkg-trigger --no-await update-initramfs",
        "dpkg-divert --package old --remove /usr/bin/x",
    ] {
        assert!(is_ignored(line), "{line}");
    }
}

#[test]
fn dangerous_forms() {
    for line in [
        "find /etc/x -type f -delete",
        "find /etc/x -exec rm {} +",
        "find \"$x\" -type f",
        "sed -i s/a/b/ /etc/x",
        "sed -ni p /etc/x",
        "sed 's/a/b/w /etc/y' /etc/x",
        "sed --in-place=.old s/a/b/ /etc/x",
        "sed \"$x\" /etc/y",
        "awk 'BEGIN { system(\"tool\") }'",
        "awk '{ print > \"/etc/y\" }' /etc/x",
        "awk \"$x\" /etc/y",
        "sort -o /etc/x /etc/x",
        "sort --output=/etc/x /etc/y",
        "date --set=now",
        "date -s now",
        "hostname other",
        "ip link set lo up",
        "dpkg-maintscript-helper other /etc/x -- configure",
        "dpkg -i /srv/x.deb",
        "dpkg --unpack /srv/x.deb",
        "dpkg-trigger --no-await something-else",
        "dpkg-divert --add --divert /usr/bin/x.real /usr/bin/x",
        "dpkg-statoverride --update --add root x 2755 /usr/bin/x",
        "python3 /usr/lib/x/install.py",
        "install -m 644 /dev/null /etc/x",
        "install /etc/apparmor.d/x /etc/y",
        "install /dev/null /etc/apparmor.d/../x",
        "systemd-tmpfiles --create x.conf",
        "ucf /usr/share/x /etc/x",
        "\"$x\" daemon-reload",
        "tool",
    ] {
        assert!(!is_ignored(line), "{line}");
    }
}

#[test]
fn what_writes_a_file_is_never_ignored() {
    for line in [
        "cat \"$x\" > /etc/y",
        "grep x \"$x\" >> /etc/z",
        "systemctl list-units > /etc/y",
        "logger x 2> /var/log/y",
    ] {
        assert!(!is_ignored(line), "{line}");
    }
    assert!(is_ignored("grep x \"$x\" > /dev/null 2>&1"));
}

#[test]
fn rules_for_one_package() {
    assert!(is_ignored_of(
        "usrmerge",
        "/usr/lib/usrmerge/convert-usrmerge"
    ));
    assert!(!is_ignored_of(
        "example",
        "/usr/lib/usrmerge/convert-usrmerge"
    ));
}

#[test]
fn every_rule_says_why() {
    assert!(rules().count() > 30);
    for rule in rules() {
        assert!(
            !rule.programs.is_empty() && rule.reason.len() > 10,
            "{rule:?}"
        );
        assert!(!rule.reason.ends_with('.'), "{rule:?}");
    }
}
