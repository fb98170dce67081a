/* A clock that the campaign turns: preloaded into a process of Loa (see tests/field/preload.py).
 *
 * LOA_FIELD_CLOCK names a file of two int64, nanoseconds, which is mapped and read at every look at the clock:
 *   warp: time that has passed for everybody without anybody waiting: added to the wall and to the monotonic
 *         clock, as hours in which nothing happens;
 *   jump: how wrong this machine's wall clock is; added to the wall clock alone, as when somebody sets it.
 *
 * The kernel does not know of the warp, so every absolute deadline on its way there is set back by it.
 * Whoever asks adjtimex hears that NTP keeps the clock, unless it is wrong; a battery clock there is none.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL
/* A deadline after 2001 is one of the wall clock: no machine has run for so long. */
#define WALL_S 1000000000LL

struct turned {
    volatile int64_t warp_ns, jump_ns;
};
static const struct turned none;
static const struct turned *turned = &none;

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_nanosleep)(clockid_t, int, const struct timespec *, struct timespec *);
static int (*real_clockwait)(sem_t *, clockid_t, const struct timespec *);
static int (*real_semwait)(sem_t *, const struct timespec *);
static int (*real_condwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

/* The plain name may give the condition variables of 2002, which are another structure. */
static void *next_condwait(void) {
    void *found = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    return found ? found : next("pthread_cond_timedwait");
}

__attribute__((constructor)) static void begin(void) {
    if (real_gettime) return;
    real_gettime = next("clock_gettime");
    real_nanosleep = next("clock_nanosleep");
    real_clockwait = next("sem_clockwait");
    real_semwait = next("sem_timedwait");
    real_condwait = next_condwait();
    const char *path = getenv("LOA_FIELD_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof *turned, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) turned = found;
    close(file);
}

static int64_t ahead_ns(clockid_t clock) {
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return turned->warp_ns + turned->jump_ns;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        return turned->warp_ns;
    default:
        return 0;
    }
}

static struct timespec moved(const struct timespec *at, int64_t by_ns) {
    int64_t ns = at->tv_nsec + by_ns % NS;
    int64_t s = at->tv_sec + by_ns / NS;
    if (ns < 0) ns += NS, s--;
    if (ns >= NS) ns -= NS, s++;
    if (s < 0) s = 0, ns = 0;
    return (struct timespec){.tv_sec = s, .tv_nsec = ns};
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    begin();
    int failed = real_gettime(clock, at);
    if (!failed) *at = moved(at, ahead_ns(clock));
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    *at = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    begin();
    if (!(flags & TIMER_ABSTIME)) return real_nanosleep(clock, flags, until, left);
    struct timespec at = moved(until, -ahead_ns(clock));
    return real_nanosleep(clock, flags, &at, left);
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
    begin();
    struct timespec at = moved(until, -ahead_ns(clock));
    return real_clockwait(semaphore, clock, &at);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    begin();
    struct timespec at = moved(until, -ahead_ns(CLOCK_REALTIME));
    return real_semwait(semaphore, &at);
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    begin();
    struct timespec at = moved(until, -ahead_ns(until->tv_sec > WALL_S ? CLOCK_REALTIME : CLOCK_MONOTONIC));
    return real_condwait(cond, mutex, &at);
}

int adjtimex(struct timex *found) {
    if (found->modes) return errno = EPERM, -1;
    int is_wrong = turned->jump_ns != 0;
    *found = (struct timex){.status = is_wrong ? STA_UNSYNC : 0, .maxerror = 1000, .esterror = 100};
    return is_wrong ? TIME_ERROR : TIME_OK;
}

int ntp_adjtime(struct timex *found) { return adjtimex(found); }

DIR *opendir(const char *path) {
    static DIR *(*real)(const char *);
    if (!real) real = next("opendir");
    if (!strcmp(path, "/sys/class/rtc")) return errno = ENOENT, NULL;
    return real(path);
}
