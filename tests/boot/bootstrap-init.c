// An init for the bootstrap layout that shares nothing with ours: what the vendor's does, in C.
// It has no status channel, so the exit status is said on the console.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 256 };

static void end(const char *what) {
    perror(what);
    reboot(RB_AUTOBOOT);
}

// The lines of a file, behind each other, and a null pointer.
static char **lines(const char *path) {
    static char *found[2][MOST + 1];
    static int files;
    FILE *file = fopen(path, "r");
    char **first = found[files++], *text = NULL;
    size_t size = 0;
    if (!file) end(path);
    for (char **line = first; line < first + MOST && getline(&text, &size, file) > 0; line++) {
        *line = strndup(text, strcspn(text, "\n"));
    }
    fclose(file);
    return first;
}

static void heartbeat(void) {
    struct sockaddr_vm parent = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 9000};
    unsigned char byte = 0xB7;
    int socket_ = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (connect(socket_, (void *)&parent, sizeof parent) || write(socket_, &byte, 1) != 1 ||
        read(socket_, &byte, 1) != 1 || byte != 0xB7) end("heartbeat");
    close(socket_);
}

int main(void) {
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    for (int stream = 0; stream < 3; stream++) dup2(open("/dev/console", O_RDWR), stream);
    heartbeat();
    char **command = lines("/cmd"), **variables = lines("/env");
    if (mount("/dev", "/rootfs/dev", NULL, MS_BIND, NULL) || chroot("/rootfs") || chdir("/") ||
        mount("p", "/proc", "proc", 0, NULL) || mount("s", "/sys", "sysfs", 0, NULL)) end("root");
    pid_t child = fork();
    if (!child) execvpe(*command, command, variables), _exit(127);
    int status;
    while (wait(&status) != child) continue;
    printf("bootstrap-init: exit code %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    fflush(NULL), reboot(RB_AUTOBOOT);
}
