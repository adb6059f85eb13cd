// The application of the checks: prints what a program finds inside of an enclave.
//
//   probe FACT[=ARGUMENT].. [-- WORD..]
//
// Each fact is printed as `<probe NAME VALUE>` with a single write, because the console is shared
// with the kernel. Values that could be anything are in hexadecimal. An errno is its number, and 0
// is success. Nothing is judged here: the checks know what is right.
//
// The same program prints the facts of a tree outside of an enclave, which is what the tree inside
// is compared with. Linked statically, so that it runs in any root filesystem.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST = 1 << 20, NSM_RESPONSE = 0x3000, NSM_REQUEST = 0xC0200A00 };

static char **arguments;
extern char **environ;
// While facts are added up instead of printed, and the sum.
static int summing;
static uint64_t total;

static uint64_t mix(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x100000001b3; }

static void fact(const char *name, const char *format, ...) {
    static char line[LONGEST];
    va_list values;
    int length = snprintf(line, sizeof line, "<probe %s ", name);
    va_start(values, format);
    length += vsnprintf(line + length, sizeof line - length - 3, format, values);
    va_end(values);
    length += sprintf(line + length, ">\n");
    for (int i = 0; summing && i < length; i++) total = mix(total, (uint8_t)line[i]);
    if (summing) return;
    for (int done = 0; done < length;) {
        ssize_t written = write(1, line + done, length - done);
        if (written <= 0) exit(99);
        done += written;
    }
}

static const char *hex(const void *bytes, size_t length) {
    static char texts[4][2 * NSM_RESPONSE + 1];
    static int next;
    char *text = texts[next++ % 4];
    if (length > NSM_RESPONSE) exit(98);
    for (size_t i = 0; i < length; i++) sprintf(text + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
    text[2 * length] = 0;
    return text;
}

static const char *hex_text(const char *text) { return hex(text, strlen(text)); }

// Says how a call ended that gives -1 for a failure, and closes what it may have opened.
static void outcome(const char *name, long result) {
    fact(name, "%d", result < 0 ? errno : 0);
}

static void outcome_open(const char *name, int descriptor) {
    outcome(name, descriptor);
    if (descriptor >= 0) close(descriptor);
}

// The process as it was started.
static void self(void) {
    for (char **word = arguments; *word; word++) fact("argv", "%s.", hex_text(*word));
    for (char **word = environ; *word; word++) fact("env", "%s.", hex_text(*word));
    char *directory = getcwd(NULL, 0), name[65];
    fact("cwd", "%s.", directory ? hex_text(directory) : "");
    uid_t ids[6];
    getresuid(ids, ids + 1, ids + 2);
    getresgid(ids + 3, ids + 4, ids + 5);
    fact("ids", "%u %u %u %u %u %u", ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]);
    gid_t groups[64];
    int count = getgroups(64, groups);
    for (int i = 0; i < count; i++) fact("group", "%u", groups[i]);
    gethostname(name, sizeof name);
    fact("hostname", "%s", name);
    fact("umask", "%o", umask(0));
    fact("session", "%d", getsid(0) == getpid());
    fact("descriptors", "%d", fcntl(3, F_GETFD) >= 0);
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    int changed = 0;
    struct sigaction action;
    for (int signal = 1; signal < 32; signal++) {
        changed += sigismember(&blocked, signal) == 1;
        changed += sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_DFL;
    }
    fact("signals", "%d", changed);
}

static void limit(void) {
    struct { const char *name; int number; } rows[] = {
        {"nofile", RLIMIT_NOFILE}, {"core", RLIMIT_CORE}, {"stack", RLIMIT_STACK},
    };
    for (int i = 0; i < 3; i++) {
        struct rlimit found;
        getrlimit(rows[i].number, &found);
        fact("limit", "%s %lld %lld", rows[i].name, (long long)found.rlim_cur,
             (long long)found.rlim_max);
    }
}

// The lines of a file of the kernel, as they are.
static void lines(const char *name, const char *path) {
    char line[4096];
    FILE *file = fopen(path, "r");
    if (!file) exit(97);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        fact(name, "%s", line);
    }
    fclose(file);
}

static void attest(const char *nonce) {
    uint8_t request[256] = "\xA1\x6B" "Attestation" "\xA3\x69" "user_data" "\xF6\x65" "nonce";
    size_t length = 13 + 11 + 1 + 6, bytes = strlen(nonce) / 2;
    if (bytes > 23) exit(96);
    request[length++] = 0x40 + bytes;
    for (size_t i = 0; i < bytes; i++) sscanf(nonce + 2 * i, "%2hhx", request + length++);
    memcpy(request + length, "\x6A" "public_key" "\xF6", 12);
    static uint8_t response[NSM_RESPONSE];
    struct iovec message[2] = {{request, length + 12}, {response, sizeof response}};
    int device = open("/dev/nsm", O_RDWR);
    outcome("nsm-open", device);
    if (device < 0) return;
    outcome("nsm-request", ioctl(device, NSM_REQUEST, message));
    fact("nsm-response", "%s", hex(response, message[1].iov_len));
    close(device);
}

// The metadata of one path. Which names are one file is said by the first of them.
static void entry(const char *path, const char *shown) {
    static struct { ino_t inode; int number; } seen[4096];
    static int files;
    struct stat found;
    if (lstat(path, &found)) exit(95);
    int number = 0;
    if (found.st_nlink > 1 && !S_ISDIR(found.st_mode)) {
        while (number < files && seen[number].inode != found.st_ino) number++;
        if (number == files && files < 4096) seen[files++].inode = found.st_ino;
        number++;
    }
    char target[4097] = "";
    if (S_ISLNK(found.st_mode) && readlink(path, target, 4096) < 0) exit(94);
    uint64_t sum = 0xcbf29ce484222325;
    if (S_ISREG(found.st_mode)) {
        static uint64_t block[8192];
        int file = open(path, O_RDONLY);
        ssize_t got;
        if (file < 0) exit(93);
        while (memset(block, 0, sizeof block), (got = read(file, block, sizeof block)) > 0)
            for (ssize_t i = 0; i < (got + 7) / 8; i++) sum = mix(sum, block[i]);
        close(file);
    }
    fact("entry", "%s. %o %u %u %lu %u:%u group%d %lld %016lx %s.", hex_text(shown), found.st_mode,
         found.st_uid, found.st_gid, S_ISDIR(found.st_mode) ? 0 : (unsigned long)found.st_nlink,
         major(found.st_rdev), minor(found.st_rdev), number,
         S_ISREG(found.st_mode) ? (long long)found.st_size : 0, sum, hex_text(target));
}

static int is_below(const struct dirent *name) {
    return strcmp(name->d_name, ".") && strcmp(name->d_name, "..");
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

// A directory and what is below it, in the order of bytes of each directory's names.
static void tree(const char *path, const char *shown) {
    struct stat found;
    entry(path, shown);
    if (lstat(path, &found) || !S_ISDIR(found.st_mode)) return;
    struct dirent **names;
    int count = scandir(path, &names, is_below, by_bytes);
    if (count < 0) exit(92);
    for (int i = 0; i < count; i++) {
        char *below, *below_shown;
        if (asprintf(&below, "%s/%s", path, names[i]->d_name) < 0) exit(91);
        if (asprintf(&below_shown, "%s/%s", shown, names[i]->d_name) < 0) exit(91);
        tree(below, below_shown);
        free(below);
        free(below_shown);
        free(names[i]);
    }
    free(names);
}

// The same in one number, for trees that are too large for a console.
static void tree_sum(const char *top, const char *below) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", top, below);
    summing = 1;
    total = 0xcbf29ce484222325;
    tree(path, "");
    summing = 0;
    fact("sum", "%s %016lx", below, total);
}

static void open_path(const char *path) {
    int descriptor = open(path, O_RDONLY | O_NONBLOCK);
    fact("open", "%s %d", path, descriptor < 0 ? errno : 0);
    if (descriptor >= 0) close(descriptor);
}

// Binds, connects and carries a byte.
static void loopback_on(const char *name, const void *address, socklen_t length) {
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    int family = ((const struct sockaddr *)address)->sa_family;
    int server = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);
    char byte = 0;
    int bad = bind(server, address, length) || listen(server, 1) ||
              getsockname(server, (struct sockaddr *)&bound, &size) ||
              connect(client, (struct sockaddr *)&bound, size);
    int accepted = bad ? -1 : accept(server, NULL, NULL);
    bad = bad || accepted < 0 || write(client, "x", 1) != 1 || read(accepted, &byte, 1) != 1;
    fact(name, "%d", bad ? errno : byte == 'x' ? 0 : -1);
    close(server);
    close(client);
    close(accepted);
}

static void loopback(void) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    loopback_on("loopback-4", &four, sizeof four);
    loopback_on("loopback-6", &six, sizeof six);
    four.sin_port = six.sin6_port = htons(80);
    loopback_on("port-80", &four, sizeof four);
}

static void devices(void) {
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    outcome("pty", terminal < 0 || grantpt(terminal) || unlockpt(terminal) ? -1 : 0);
    char *name = ptsname(terminal);
    outcome_open("pty-slave", name ? open(name, O_RDWR | O_NOCTTY) : -1);
    int memory = shm_open("/probe", O_CREAT | O_RDWR, 0600);
    outcome("shm", memory < 0 ? -1 : ftruncate(memory, 4096));
    outcome_open("stdout-again", open("/dev/stdout", O_WRONLY));
    const char *nodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
    for (int i = 0; i < 5; i++) open_path(nodes[i]);
}

static int status_of(pid_t child) {
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Copies this program to a path and executes it there.
static void execute_from(const char *path) {
    static char block[65536];
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_WRONLY, 0755);
    ssize_t got;
    while ((got = read(from, block, sizeof block)) > 0)
        if (write(to, block, got) != got) exit(90);
    close(from);
    close(to);
    pid_t child = fork();
    if (!child) {
        execl(path, path, "exit=23", NULL);
        _exit(errno);
    }
    fact("execute", "%s %d", path, status_of(child));
}

// Fields of /proc/PID/stat behind the name, which may have anything in it; the state is number 3.
static int stat_fields(const char *pid, char *state, long *parent, long *ticks) {
    char path[300], text[4096];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    char *behind = strrchr(text, ')');
    long user, system;
    if (!behind || sscanf(behind, ") %c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", state,
                          parent, &user, &system) != 4)
        return -1;
    *ticks = user + system;
    return 0;
}

static int orphans(int zombies_only) {
    DIR *processes = opendir("/proc");
    struct dirent *name;
    int count = 0;
    while ((name = readdir(processes))) {
        char state;
        long parent, ticks;
        if (name->d_name[0] < '0' || name->d_name[0] > '9' || atoi(name->d_name) == getpid() ||
            stat_fields(name->d_name, &state, &parent, &ticks))
            continue;
        count += parent == 1 && (!zombies_only || state == 'Z');
    }
    closedir(processes);
    return count;
}

// Leaves PID 1 orphans, looks whether they are its children, and whether it reaps them.
static void reap(void) {
    int hold[2];
    if (pipe(hold)) exit(89);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (!child) {
            if (fork()) _exit(0);
            char byte;
            close(hold[1]);
            _exit(read(hold[0], &byte, 1));
        }
        status_of(child);
    }
    fact("orphans", "%d", orphans(0));
    close(hold[1]);
    close(hold[0]);
    int left = 20;
    for (int tenths = 0; tenths < 50 && left; tenths++) {
        usleep(100000);
        left = orphans(0);
    }
    fact("zombies", "%d", orphans(1));
    fact("orphans-left", "%d", left);
}

static void idle(void) {
    char state;
    long parent, before, after;
    if (stat_fields("1", &state, &parent, &before)) exit(88);
    sleep(10);
    if (stat_fields("1", &state, &parent, &after)) exit(88);
    fact("idle-ticks", "%ld of %ld a second", after - before, sysconf(_SC_CLK_TCK));
}

static volatile sig_atomic_t caught;
static void catch(int signal) { caught = signal; }

// PID 1 passes a signal on to the program that it started, and not to its children.
static void forward(void) {
    signal(SIGTERM, catch);
    int hold[2];
    if (pipe(hold)) exit(87);
    pid_t child = fork();
    if (!child) {
        signal(SIGTERM, SIG_DFL);
        char byte;
        _exit(read(hold[0], &byte, 1));
    }
    outcome("kill-term", kill(1, SIGTERM));
    for (int tenths = 0; tenths < 50 && !caught; tenths++) usleep(100000);
    fact("forwarded", "%d", (int)caught);
    usleep(300000);
    close(hold[0]);
    if (write(hold[1], "x", 1) < 0 && errno != EPIPE) exit(87);
    close(hold[1]);
    fact("child", "%d", status_of(child));
}

// In a child, because the answer may be the end of the process: 128 + signal, else the errno.
static void alone(const char *name, long (*call)(void)) {
    pid_t child = fork();
    if (!child) _exit(call() < 0 ? errno : 0);
    fact(name, "%d", status_of(child));
}

static long i386_socket(void) {
#ifdef __x86_64__
    long result;
    // socket(AF_VSOCK, SOCK_STREAM, 0) is number 359 there.
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(359), "b"(40), "c"(1), "d"(0) : "memory");
    errno = result < 0 ? -result : 0;
    return result;
#else
    errno = ENOSYS;
    return -1;
#endif
}

static long x32_socket(void) { return syscall(0x40000000 + SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }
static long x32_getpid(void) { return syscall(0x40000000 + SYS_getpid); }

static int write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY), bad = file < 0 || write(file, text, strlen(text)) < 0;
    close(file);
    return bad ? -1 : 0;
}

// A user namespace with user id 0, which has all capabilities in it: they must reach nothing outside.
static int namespaces(int more) {
    char users[32], groups[32];
    snprintf(users, sizeof users, "0 %d 1", getuid());
    snprintf(groups, sizeof groups, "0 %d 1", getgid());
    return unshare(CLONE_NEWUSER | more) || write_text("/proc/self/setgroups", "deny") ||
           write_text("/proc/self/uid_map", users) || write_text("/proc/self/gid_map", groups);
}

static long namespace_mount(void) {
    return namespaces(CLONE_NEWNS) ? -1 : mount("x", "/tmp", "tmpfs", 0, NULL);
}

static long namespace_vsock(void) {
    return namespaces(0) ? -1 : socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long namespace_node(void) {
    if (namespaces(CLONE_NEWNS) || mount("x", "/tmp", "tmpfs", 0, NULL)) return -1;
    return mknod("/tmp/node", S_IFCHR | 0600, makedev(1, 3));
}

static long namespace_devices(void) {
    return namespaces(CLONE_NEWNS) ? -1 : mount("x", "/tmp", "devtmpfs", 0, NULL);
}

static long namespace_proc(void) {
    return namespaces(CLONE_NEWNS) ? -1 : umount("/proc/sys");
}

// The way out of a directory that was only made the root: finds the files of the boot ramdisk.
static long leave_root(void) {
    int top = open("/", O_RDONLY | O_DIRECTORY);
    mkdir("/tmp/below", 0755);
    if (chroot("/tmp/below") || fchdir(top)) return -1;
    for (int i = 0; i < 64; i++)
        if (chdir("..")) return -1;
    if (chroot(".")) return -1;
    return access("/~end0", F_OK);
}

static void files_of_init(void) {
    open_path("/proc/1/mem");
    open_path("/proc/1/environ");
    open_path("/proc/1/maps");
    char target[256];
    outcome("readlink-root", readlink("/proc/1/root", target, sizeof target));
    outcome("readlink-exe", readlink("/proc/1/exe", target, sizeof target));
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    outcome("process-vm-readv", process_vm_readv(1, &here, 1, &there, 1, 0));
}

static void privileged_calls(void) {
    outcome("mount", mount("x", "/tmp", "tmpfs", 0, NULL));
    outcome("remount-proc", mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
    outcome("umount", umount("/proc/sys"));
    outcome("pivot-root", syscall(SYS_pivot_root, "/", "/tmp"));
    outcome("mknod", mknod("/tmp/node", S_IFCHR | 0600, makedev(1, 3)));
    outcome("setns", unshare(CLONE_NEWNS));
    outcome("ptrace-attach", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    outcome("ptrace-seize", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    outcome("kill-pid-1", kill(1, SIGKILL));
    outcome("reboot", reboot(RB_AUTOBOOT));
    struct timeval now = {1, 0};
    outcome("settimeofday", settimeofday(&now, NULL));
    outcome("sethostname", sethostname("x", 1));
    outcome_open("raw-socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
#ifdef SYS_iopl
    outcome("iopl", syscall(SYS_iopl, 3));
#endif
    outcome_open("write-sysctl", open("/proc/sys/vm/overcommit_memory", O_WRONLY));
    outcome_open("write-sysrq", open("/proc/sysrq-trigger", O_WRONLY));
}

static void filtered_calls(void) {
    outcome("kexec-load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    outcome("kexec-file-load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0));
    outcome("init-module", syscall(SYS_init_module, NULL, 0, ""));
    outcome("finit-module", syscall(SYS_finit_module, -1, "", 0));
    outcome("delete-module", syscall(SYS_delete_module, "x", 0));
    outcome("bpf", syscall(SYS_bpf, 0, NULL, 0));
    outcome("perf-event-open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    static uint32_t parameters[30];
    outcome_open("io-uring-setup", syscall(SYS_io_uring_setup, 1, parameters));
    outcome("io-uring-enter", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    outcome("io-uring-register", syscall(SYS_io_uring_register, -1, 0, NULL, 0));
}

// Says 100 when a socket could be made and the parent was not there to take the connection.
static void vsock(void) {
    int pair[2];
    outcome_open("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    outcome_open("vsock-datagram", socket(AF_VSOCK, SOCK_DGRAM, 0));
    outcome("vsock-pair", socketpair(AF_VSOCK, SOCK_STREAM, 0, pair));
    struct sockaddr_vm parent = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 9000};
    int connection = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (connection >= 0) {
        outcome("vsock-connect", connect(connection, (struct sockaddr *)&parent, sizeof parent));
        close(connection);
    }
    alone("vsock-x32", x32_socket);
    alone("vsock-i386", i386_socket);
    alone("vsock-namespace", namespace_vsock);
}

static void denials(void) {
    vsock();
    outcome_open("nsm", open("/dev/nsm", O_RDWR));
    filtered_calls();
    alone("x32", x32_getpid);
    alone("namespace-mount", namespace_mount);
    alone("namespace-node", namespace_node);
    alone("namespace-devices", namespace_devices);
    alone("namespace-umount", namespace_proc);
    alone("leave-root", leave_root);
    privileged_calls();
    files_of_init();
    // Behind everything that could have ended PID 1.
    char state = '?';
    long parent, ticks;
    fact("init-lives", "%d", stat_fields("1", &state, &parent, &ticks) == 0 && state == 'S');
}

static void times(const char *path) {
    struct stat found;
    if (lstat(path, &found)) exit(86);
    fact("mtime", "%s %lld", path, (long long)found.st_mtime);
}

// Says back what a connection says, until it says no more.
static void echo(int connection) {
    static char buffer[1 << 16];
    ssize_t count;
    while ((count = read(connection, buffer, sizeof buffer)) > 0)
        for (ssize_t sent = 0; sent < count;) {
            ssize_t more = write(connection, buffer + sent, (size_t)(count - sent));
            if (more <= 0) exit(1);
            sent += more;
        }
    exit(count < 0);
}

// Whether the standard streams are closed before connections are served.
static int mute;

// Listens on a vsock port, or on a TCP port of the loopback (`tcp:PORT`), with a process for each
// connection, until it is ended.
static void serve(const char *where) {
    int tcp = !strncmp(where, "tcp:", 4), port = atoi(where + (tcp ? 4 : 0));
    struct sockaddr_vm outside = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
    struct sockaddr_in inside = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    outside.svm_port = (unsigned)port;
    inside.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(tcp ? AF_INET : AF_VSOCK, SOCK_STREAM, 0);
    int bad = tcp ? bind(listener, (struct sockaddr *)&inside, sizeof inside)
                  : bind(listener, (struct sockaddr *)&outside, sizeof outside);
    if (bad || listen(listener, 1024)) exit(87);
    signal(SIGCHLD, SIG_IGN);
    fact("serves", "%s", where);
    for (int i = 0; mute && i < 3; i++) close(i);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) exit(88);
        if (!fork()) close(listener), echo(connection);
        close(connection);
    }
}

// Serves in a process of its own, so that more can be done beside it.
static void serve_beside(const char *where) {
    if (!fork()) serve(where);
}

// Asks the agent at the application's socket: `METHOD TARGET BODY`. Says the status of the answer,
// and the permissions and the owner of the socket.
static void ask_agent(const char *words) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, "/run/enclair/attestation.sock");
    struct stat found;
    if (stat(address.sun_path, &found)) exit(86);
    char method[16], target[64], request[4096], answer[64] = "";
    int body = 0;
    sscanf(words, "%15s %63s %n", method, target, &body);
    int length = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
                          method, target, strlen(words + body), words + body);
    int agent = socket(AF_UNIX, SOCK_STREAM, 0), status = -errno;
    if (!connect(agent, (struct sockaddr *)&address, sizeof address) &&
        write(agent, request, (size_t)length) == length &&
        recv(agent, answer, sizeof answer - 1, MSG_WAITALL) > 0)
        sscanf(answer, "HTTP/1.1 %d", &status);
    close(agent);
    fact("agent-answers", "%s %d, socket %o of %u", target, status, found.st_mode & 07777,
         found.st_uid);
}

// The value of a line `NAME: NUMBER` of /proc/PID/status, or -1.
static long status_number(const char *pid, const char *name) {
    char path[300], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) value = atol(line + strlen(name) + 1);
    if (file) fclose(file);
    return value;
}

// How often the process of that name ran in 10 seconds in which nothing happens, and its memory.
static void watch(const char *name) {
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        char path[300], found[64] = "";
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        if (fgets(found, sizeof found, file)) found[strcspn(found, "\n")] = 0;
        fclose(file);
        if (strcmp(found, name)) continue;
        sleep(2);
        long before = status_number(entry->d_name, "voluntary_ctxt_switches");
        sleep(10);
        long after = status_number(entry->d_name, "voluntary_ctxt_switches");
        fact("wakes", "%ld", after - before);
        fact("memory", "%ld", status_number(entry->d_name, "VmRSS"));
        fact("owner", "%ld", status_number(entry->d_name, "Uid"));
        fact("rights", "%ld", status_number(entry->d_name, "CapPrm"));
    }
    if (directory) closedir(directory);
}

// Opens as many streams as it is given to ports of the parent, FIRST to LAST and back to FIRST, and
// writes to all of them for 15 seconds without reading. Says how many writes it took, and how much
// the parent has taken in MiB.
static void flood(const char *range) {
    enum { STREAMS = 500 };
    static int streams[STREAMS];
    static char block[1 << 16];
    unsigned first = 0, last = 0, port;
    if (sscanf(range, "%u-%u", &first, &last) != 2) exit(86);
    signal(SIGPIPE, SIG_IGN);
    port = first;
    long writes = 0;
    uint64_t written = 0;
    memset(streams, -1, sizeof streams);
    for (time_t end = time(NULL) + 15; time(NULL) < end;)
        for (int i = 0; i < STREAMS; i++) {
            struct sockaddr_vm parent = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = port};
            if (streams[i] < 0) {
                streams[i] = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0);
                connect(streams[i], (struct sockaddr *)&parent, sizeof parent);
                port = port == last ? first : port + 1;
            }
            ssize_t more = write(streams[i], block, sizeof block);
            if (more > 0) {
                written += (uint64_t)more;
            } else if (errno != EAGAIN && errno != ENOTCONN) {
                close(streams[i]);
                streams[i] = -1;
            }
            writes += more > 0;
        }
    fact("flooded", "%s %ld %llu", range, writes, (unsigned long long)written >> 20);
    for (int i = 0; i < STREAMS; i++) close(streams[i]);
}

static volatile int *volatile nowhere;

static int run(const char *name, const char *argument) {
    struct { const char *name; void (*call)(void); } plain[] = {
        {"self", self}, {"limit", limit}, {"loopback", loopback}, {"devices", devices},
        {"reap", reap}, {"idle", idle}, {"forward", forward}, {"denials", denials},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(name, plain[i].name)) return plain[i].call(), 0;
    if (!strcmp(name, "mounts")) lines("mount", "/proc/self/mountinfo");
    else if (!strcmp(name, "status")) lines("status", "/proc/self/status");
    else if (!strcmp(name, "attest")) attest(argument);
    else if (!strcmp(name, "tree")) tree(argument, "");
    else if (!strcmp(name, "sum")) tree_sum(getenv("TOP") ? getenv("TOP") : "", argument);
    else if (!strcmp(name, "open")) open_path(argument);
    else if (!strcmp(name, "execute")) execute_from(argument);
    else if (!strcmp(name, "mtime")) times(argument);
    else if (!strcmp(name, "serve")) serve(argument);
    else if (!strcmp(name, "serve-beside")) serve_beside(argument);
    else if (!strcmp(name, "ask-agent")) ask_agent(argument);
    else if (!strcmp(name, "watch")) watch(argument);
    else if (!strcmp(name, "mute")) mute = 1;
    else if (!strcmp(name, "flood")) flood(argument);
    else if (!strcmp(name, "exit")) exit(atoi(argument));
    else if (!strcmp(name, "signal")) return signal(atoi(argument), SIG_DFL), raise(atoi(argument));
    else if (!strcmp(name, "crash")) return *nowhere;
    else return -1;
    return 0;
}

int main(int count, char **words) {
    arguments = words;
    for (int i = 1; i < count && strcmp(words[i], "--"); i++) {
        char *argument = strchr(words[i], '=');
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(words[i], "="), words[i]);
        if (run(name, argument ? argument + 1 : "")) return 85;
    }
    fact("done", "%d", count);
    return 0;
}
