/* A disk that forgets and fails: preloaded into a node's process (see tests/field/preload.py and power.py).
 *
 * LOA_FIELD_DISK names the data directory, LOA_FIELD_SHADOW a directory on the same file system, which holds
 * what a loss of power would leave:
 *   content/<inode>   a file's bytes at its last fsync or fdatasync;
 *   listing/<inode>   the names in a directory at its last fsync, one line each: inode, space, name;
 *   held/<inode>      a link to every file named there, so that no inode is used a second time;
 *   mode              one byte, mapped: 'f' a full disk, 'r' one that became read-only, else a sound one.
 * Each is replaced as a whole. The rest of the story is told by power.py once the process is dead. A sync of
 * a file makes its bytes durable and not its name, as POSIX has it; file systems may be kinder.
 *
 * Not covered, since nobody here does so: sync, syncfs, files opened with O_SYNC, msync (SQLite maps its
 * -shm alone, which it makes anew), sync_file_range (which promises nothing).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char data[PATH_MAX], shadow[PATH_MAX - 300];
static const char sound_disk = 's';
static volatile const char *mode = &sound_disk;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int (*real_fsync)(int), (*real_fdatasync)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);

static void map_mode(void) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/mode", shadow);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *found = mmap(NULL, 1, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) mode = found;
    close(file);
}

__attribute__((constructor)) static void begin(void) {
    if (real_fsync) return;
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    const char *wanted = getenv("LOA_FIELD_DISK"), *beside = getenv("LOA_FIELD_SHADOW");
    if (!wanted || !beside || strlen(beside) >= sizeof shadow || !realpath(wanted, data)) return;
    strcpy(shadow, beside);
    map_mode();
}

/* Whether an open file lies in the data directory; `path` becomes where. */
static int is_ours(int fd, char path[PATH_MAX]) {
    char link[64];
    begin();
    if (!data[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    size_t own = strlen(data);
    return !strncmp(path, data, own) && (path[own] == '/' || !path[own]);
}

static FILE *open_new(char path[PATH_MAX], const char *kind, ino_t inode) {
    snprintf(path, PATH_MAX, "%s/%s/%lu.new", shadow, kind, (unsigned long)inode);
    return fopen(path, "w");
}

static void put_in_place(FILE *file, char path[PATH_MAX]) {
    char into[PATH_MAX];
    strcpy(into, path);
    *strrchr(into, '.') = 0;
    if (!fclose(file)) rename(path, into);
}

static void hold(const char *path, ino_t inode) {
    char held[PATH_MAX];
    snprintf(held, sizeof held, "%s/held/%lu", shadow, (unsigned long)inode);
    link(path, held); /* fails if it is held already, or has no name any more: both are well */
}

static void keep_content(const char *path, const struct stat *seen) {
    char part[PATH_MAX];
    hold(path, seen->st_ino);
    FILE *copy = open_new(part, "content", seen->st_ino);
    if (!copy) return;
    int source = open(path, O_RDONLY | O_CLOEXEC);
    struct stat opened;
    if (source >= 0 && !fstat(source, &opened) && opened.st_ino == seen->st_ino)
        for (off_t at = 0; at < seen->st_size;)
            if (sendfile(fileno(copy), source, &at, seen->st_size - at) <= 0) break;
    if (source >= 0) close(source);
    put_in_place(copy, part);
}

static void keep_listing(const char *path, const struct stat *seen) {
    char part[PATH_MAX], inside[PATH_MAX + 300];
    struct dirent *entry;
    DIR *folder = opendir(path);
    FILE *listing = folder ? open_new(part, "listing", seen->st_ino) : NULL;
    while (listing && (entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        fprintf(listing, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_REG) hold(inside, entry->d_ino);
    }
    if (listing) put_in_place(listing, part);
    if (folder) closedir(folder);
}

/* The order is that of a disk: what is kept here was asked for, and nobody was told yet that it is done. */
static void keep(int fd) {
    char path[PATH_MAX];
    struct stat seen;
    if (!is_ours(fd, path) || fstat(fd, &seen)) return;
    pthread_mutex_lock(&turn);
    if (S_ISREG(seen.st_mode)) keep_content(path, &seen);
    if (S_ISDIR(seen.st_mode)) keep_listing(path, &seen);
    pthread_mutex_unlock(&turn);
}

int fsync(int fd) {
    begin();
    keep(fd);
    return real_fsync(fd);
}

int fdatasync(int fd) {
    begin();
    keep(fd);
    return real_fdatasync(fd);
}

/* Whether the disk refuses to let a file grow to `end`, or to be written at all; errno says why. */
static int refuses(int fd, off_t end) {
    char path[PATH_MAX];
    struct stat seen;
    begin();
    if (*mode != 'f' && *mode != 'r') return 0;
    if (!is_ours(fd, path) || fstat(fd, &seen) || !S_ISREG(seen.st_mode)) return 0;
    if (*mode == 'f' && end <= seen.st_size) return 0;
    errno = *mode == 'f' ? ENOSPC : EROFS;
    return 1;
}

static off_t end_of_write(int fd, size_t count) {
    if (*mode == 's') return 0;
    off_t from = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    return from + (off_t)count;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    begin();
    return refuses(fd, end_of_write(fd, count)) ? -1 : real_write(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
    begin();
    return refuses(fd, at + (off_t)count) ? -1 : real_pwrite(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

int ftruncate64(int fd, off_t length) {
    begin();
    return refuses(fd, length) ? -1 : real_ftruncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* A read-only disk opens nothing for writing, a full one makes no new file. */
static int refuses_open(const char *path, int flags) {
    char folder[PATH_MAX], real[PATH_MAX];
    begin();
    if ((*mode != 'f' && *mode != 'r') || !data[0] || (flags & O_ACCMODE) == O_RDONLY) return 0;
    if (*mode == 'f' && (!(flags & O_CREAT) || !access(path, F_OK))) return 0;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    if (!realpath(slash ? folder : ".", real)) return 0;
    size_t own = strlen(data);
    if (strncmp(real, data, own) || (real[own] != '/' && real[own])) return 0;
    errno = *mode == 'f' ? ENOSPC : EROFS;
    return 1;
}

int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list more;
    va_start(more, flags);
    mode_t rights = va_arg(more, mode_t);
    va_end(more);
    if (!real) real = dlsym(RTLD_NEXT, "open64");
    return refuses_open(path, flags) ? -1 : real(path, flags, rights);
}
