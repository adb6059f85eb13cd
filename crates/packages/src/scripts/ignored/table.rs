//! The rules themselves, by what the commands are for.

use super::{Form, Rule, sed};

const SERVICES: &str = "no service manager runs in an enclave: its init starts one application";
const KERNEL: &str = "changes the running kernel or its devices, which are not the image's";
const SECURITY_MODULES: &str = "the kernel of an enclave has no AppArmor and no SELinux";
const FIREWALL: &str = "an enclave has no network interface that a firewall could filter";
const ANSWERS: &str = "nobody is asked: debconf's defaults are answered, and not stored";
const FRESH: &str = "cleans up after earlier versions, and there are none in a new root";
const LOOKS: &str = "only looks, and prints what the script decides by";
const SPEAKS: &str = "only speaks to people or to a log";
const BOOT: &str = "prepares a machine to boot; an enclave's kernel and ramdisks are built apart";
const CACHE: &str = "makes a cache that programs do without";
const DOCUMENTS: &str = "indexes documents for people";
const SECRETS: &str =
    "makes a key or an identity that everybody who has the image would know: make it at run time";
const CONFFILES: &str = "records which package a configuration file belongs to, for upgrades";
const BYTE_CODE: &str =
    "Python's byte code is left out: it holds times and paths, and is made when it is needed";
const TEMPORARY: &str = "makes a temporary file that the script removes";
const SERVICES_AND_BOOT: &str =
    "asks to restart a service or to prepare booting: nothing runs here";
const TRIGGERED_EFFECTS: &str = "asks for what an effect does when all packages are there";
const APT: &str = "configures apt for upgrades, and an image is built anew instead";

const fn rule(programs: &'static [&'static str], form: Form, reason: &'static str) -> Rule {
    Rule {
        programs,
        packages: &[],
        form,
        reason,
    }
}

/// A rule for single commands of the scripts of some packages.
const fn single_rule(
    packages: &'static [&'static str],
    commands: &'static [&'static str],
    reason: &'static str,
) -> Rule {
    Rule {
        programs: &["*"],
        packages,
        form: Form::Exactly(commands),
        reason,
    }
}

/// A rule for every command of the scripts of some packages.
const fn package_rule(packages: &'static [&'static str], reason: &'static str) -> Rule {
    Rule {
        programs: &["*"],
        packages,
        form: Form::Any,
        reason,
    }
}

/// Every rule.
pub(super) static RULES: &[Rule] = &[
    // Services.
    rule(
        &[
            "systemctl",
            "deb-systemd-helper",
            "deb-systemd-invoke",
            "invoke-rc.d",
            "update-rc.d",
            "service",
            "rc-update",
            "runit-helper",
            "start-stop-daemon",
            "telinit",
            "init",
            "initctl",
            "runlevel",
            "pkill",
            "killall",
            "kill",
        ],
        Form::Any,
        SERVICES,
    ),
    rule(&["journalctl"], Form::Any, SERVICES),
    rule(
        &["systemd-tmpfiles"],
        Form::With(&["--clean", "--remove"]),
        SERVICES,
    ),
    // The kernel, its devices, its filters.
    rule(
        &[
            "modprobe",
            "rmmod",
            "depmod",
            "sysctl",
            "udevadm",
            "blkid",
            "swapon",
            "swapoff",
            "losetup",
            "dmsetup",
            "vgcfgbackup",
            "chattr",
        ],
        Form::Any,
        KERNEL,
    ),
    rule(&["systemd-hwdb"], Form::First(&["update"]), KERNEL),
    rule(&["update-binfmts"], Form::Any, KERNEL),
    rule(
        &[
            "apparmor_parser",
            "aa-enabled",
            "aa-status",
            "restorecon",
            "selinuxenabled",
        ],
        Form::Any,
        SECURITY_MODULES,
    ),
    rule(
        &["install", "mkdir", "touch", "rm", "rmdir"],
        Form::Below(&["/etc/apparmor.d"]),
        SECURITY_MODULES,
    ),
    rule(
        &["ufw", "iptables", "ip6tables", "nft", "firewall-cmd"],
        Form::Any,
        FIREWALL,
    ),
    rule(
        &[
            "update-initramfs",
            "update-grub",
            "update-grub2",
            "kernel-install",
            "dracut",
            "linux-update-symlinks",
            "linux-version",
        ],
        Form::Any,
        BOOT,
    ),
    package_rule(
        &["usrmerge", "usr-is-merged"],
        "merges `/usr`, which is merged from the beginning",
    ),
    single_rule(&["libc6"], &["perl -e ''"], LOOKS),
    single_rule(
        &["libc6"],
        &[
            "dpkg-divert --quiet --add --no-rename --package base-files --divert \
           /.lib64.usr-is-merged /lib64",
        ],
        "keeps a symlink of merged `/usr` during an upgrade, for an earlier base-files",
    ),
    single_rule(
        &["base-files"],
        &["ln -sf usr/lib64 /lib64"],
        "mends a symlink of merged `/usr` that another tool made wrongly",
    ),
    rule(
        &["dpkg-trigger"],
        Form::Ending(&["libc-upgrade", "libc-major-upgrade"]),
        SERVICES_AND_BOOT,
    ),
    single_rule(
        &["python3"],
        &["update-alternatives --auto /usr/bin/python3"],
        "names no alternative: the program refuses it, and the script goes on",
    ),
    single_rule(
        &["iproute2"],
        &["getcap /bin/ip", "setcap -r /bin/ip"],
        "takes a capability away that the file of the package does not have",
    ),
    Rule {
        programs: &["touch"],
        packages: &["dash"],
        form: Form::With(&["--no-dereference"]),
        reason: "sets the time of a symlink, and times in an image are the lock's",
    },
    single_rule(
        &[
            "python3.11-minimal",
            "python3.12-minimal",
            "python3.13-minimal",
        ],
        &["\"$filt\"", "$filt"],
        BYTE_CODE,
    ),
    // Debconf and dpkg.
    rule(
        &[
            "db_beginblock",
            "db_capb",
            "db_clear",
            "db_data",
            "db_endblock",
            "db_exist",
            "db_fget",
            "db_fset",
            "db_get",
            "db_go",
            "db_info",
            "db_input",
            "db_metaget",
            "db_progress",
            "db_purge",
            "db_register",
            "db_reset",
            "db_set",
            "db_settitle",
            "db_stop",
            "db_subst",
            "db_title",
            "db_unregister",
            "db_version",
            "db_x_loadtemplatefile",
            "debconf-communicate",
            "debconf-set-selections",
            "debconf-loadtemplate",
            "debconf-show",
        ],
        Form::Any,
        ANSWERS,
    ),
    rule(
        &["dpkg-maintscript-helper"],
        Form::First(&[
            "dir_to_symlink",
            "mv_conffile",
            "rm_conffile",
            "symlink_to_dir",
        ]),
        FRESH,
    ),
    rule(
        &["dpkg-divert", "dpkg-statoverride"],
        Form::With(&["--list", "--listpackage", "--truename"]),
        LOOKS,
    ),
    rule(
        &["dpkg-divert", "dpkg-statoverride"],
        Form::With(&["--remove"]),
        FRESH,
    ),
    rule(
        &["dpkg"],
        Form::With(&[
            "--compare-versions",
            "--print-architecture",
            "--print-foreign-architectures",
            "--validate-version",
            "-l",
            "-L",
            "-s",
            "-S",
            "--get-selections",
            "--list",
            "--listfiles",
            "--search",
            "--status",
        ]),
        LOOKS,
    ),
    rule(
        &[
            "dpkg-query",
            "dpkg-architecture",
            "dpkg-realpath",
            "dpkg-vendor",
        ],
        Form::Any,
        LOOKS,
    ),
    rule(&["ucfr", "ucfq"], Form::Any, CONFFILES),
    rule(&["ucf"], Form::With(&["-p", "--purge"]), FRESH),
    rule(
        &["apt-config", "apt-cache", "lsb_release", "debconf-get"],
        Form::Any,
        LOOKS,
    ),
    rule(&["pg_updateaptconfig", "apt-key"], Form::Any, APT),
    // Caches and indexes.
    rule(
        &[
            "fc-cache",
            "gdk-pixbuf-query-loaders",
            "gio-querymodules",
            "gtk-query-immodules-3.0",
            "gtk-update-icon-cache",
            "update-desktop-database",
            "update-icon-caches",
            "update-mime-database",
        ],
        Form::Any,
        CACHE,
    ),
    rule(
        &[
            "mandb",
            "run_mandb",
            "install-info",
            "update-info-dir",
            "install-docs",
            "update-menus",
            "update-catalog",
            "update-xmlcatalog",
            "update-sgmlcatalog",
            "update-texmf-config",
            "pg_updatedicts",
        ],
        Form::Any,
        DOCUMENTS,
    ),
    rule(
        &[
            "py3compile",
            "pycompile",
            "pypy3compile",
            "pypycompile",
            "py3clean",
            "pypy3clean",
            "pyclean",
        ],
        Form::Any,
        BYTE_CODE,
    ),
    rule(
        &["python3*", "pypy3*"],
        Form::Ending(&["/py_compile.py"]),
        BYTE_CODE,
    ),
    // Triggers that other packages wait for.
    rule(
        &["dpkg-trigger"],
        Form::With(&["nginx-reload", "update-initramfs"]),
        SERVICES_AND_BOOT,
    ),
    rule(&["dpkg-trigger"], Form::Below(&["/etc/php"]), SERVICES),
    rule(
        &["dpkg-trigger"],
        Form::With(&[
            "ldconfig",
            "update-ca-certificates",
            "update-ca-certificates-fresh",
        ]),
        TRIGGERED_EFFECTS,
    ),
    // Keys and identities.
    rule(
        &[
            "dbus-uuidgen",
            "make-ssl-cert",
            "rndc-confgen",
            "ssh-keygen",
            "systemd-machine-id-setup",
            "unbound-anchor",
            "unbound-control-setup",
        ],
        Form::Any,
        SECRETS,
    ),
    // Messages.
    rule(
        &["logger", "sleep", "sync", "tput", "clear"],
        Form::Any,
        SPEAKS,
    ),
    rule(&["echo", "printf"], Form::Any, SPEAKS),
    rule(&["mktemp", "tempfile"], Form::Any, TEMPORARY),
    // Programs that only look.
    rule(
        &[
            "arch",
            "base64",
            "basename",
            "cat",
            "cksum",
            "cmp",
            "comm",
            "cut",
            "df",
            "diff",
            "dirname",
            "du",
            "egrep",
            "expr",
            "fgrep",
            "fold",
            "getconf",
            "getent",
            "getopt",
            "grep",
            "head",
            "id",
            "ischroot",
            "ls",
            "lsattr",
            "lsmod",
            "lsof",
            "md5sum",
            "mountpoint",
            "netstat",
            "nproc",
            "od",
            "pgrep",
            "pidof",
            "ps",
            "pwd",
            "readlink",
            "realpath",
            "seq",
            "sha1sum",
            "sha256sum",
            "sha512sum",
            "ss",
            "stat",
            "strings",
            "tac",
            "tail",
            "test",
            "[",
            "tr",
            "tty",
            "type",
            "uname",
            "wc",
            "which",
            "whoami",
            "zcat",
            "zgrep",
        ],
        Form::Any,
        LOOKS,
    ),
    rule(
        &["find"],
        Form::Without(&["-delete", "-exec", "-fls", "-fprint", "-ok"]),
        LOOKS,
    ),
    rule(&["sort", "uniq"], Form::Without(&["-o", "--output"]), LOOKS),
    rule(&["sed"], Form::Printing(sed::only_prints), LOOKS),
    rule(
        &["awk", "gawk", "mawk"],
        Form::Excluding(&["system", ">", "|"]),
        LOOKS,
    ),
    rule(&["date"], Form::Without(&["-s", "--set"]), LOOKS),
    rule(&["hostname"], Form::Only(&["-", "--"]), LOOKS),
    rule(&["ip"], Form::With(&["show", "list"]), LOOKS),
];
