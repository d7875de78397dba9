/* Preloaded into every process of a deployment: what is synced below a folder that has a file `slow-disk` in it takes as many
   milliseconds as that file says. Nothing else changes. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wait_if_slow(int fd) {
    char link[64], path[PATH_MAX], marker[PATH_MAX + 16];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
        *slash = 0;
        snprintf(marker, sizeof marker, "%s/slow-disk", path);
        FILE *file = fopen(marker, "r");
        if (!file) continue;
        int milliseconds = 0;
        if (fscanf(file, "%d", &milliseconds) == 1) usleep(milliseconds * 1000);
        fclose(file);
        return;
    }
}

int fdatasync(int fd) {
    wait_if_slow(fd);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

int fsync(int fd) {
    wait_if_slow(fd);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
