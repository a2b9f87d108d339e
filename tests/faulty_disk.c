/* Loaded before the C library (LD_PRELOAD): below one folder the n-th call that changes the disk fails, and, as on a
   full disk, all later ones if asked for. Counts writes, syncs, renames, and files opened for writing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char below[4096];
static long counted, failing;
static int number, lasting;

void fault_arm(const char *folder, long nth, int error, int on)
{
    strncpy(below, folder, sizeof below - 1);
    counted = 0, failing = nth, number = error, lasting = on;
}

long fault_count(void) { return counted; }

static int fails(const char *path)
{
    if (!below[0] || strncmp(path, below, strlen(below)) != 0)
        return 0;
    long at = __sync_add_and_fetch(&counted, 1);
    if (failing && (at == failing || (lasting && at > failing))) {
        errno = number;
        return 1;
    }
    return 0;
}

static int file_fails(int file)
{
    char link[64], path[4096];
    if (!below[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0)
        return 0;
    path[size] = 0;
    return fails(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *data, size_t size) { return file_fails(file) ? -1 : REAL(write)(file, data, size); }
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at)
{
    return file_fails(file) ? -1 : REAL(pwrite64)(file, data, size, at);
}
int fsync(int file) { return file_fails(file) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return file_fails(file) ? -1 : REAL(fdatasync)(file); }
int rename(const char *from, const char *to) { return fails(to) ? -1 : REAL(rename)(from, to); }

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode)
{
    return (flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails(path) ? -1 : real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return opened(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return opened(REAL(open64), path, flags, mode);
}
