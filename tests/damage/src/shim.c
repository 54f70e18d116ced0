/* Fails the n-th call of a kind on files below a directory. Loaded into an unchanged program with LD_PRELOAD.
 *
 *   DAMAGE_BELOW   the directory
 *   DAMAGE_LOG     one line is appended for every call: its kind, its number among that kind, the file, and what was done
 *   DAMAGE_KIND    read, write, sync, open or name: which kind fails
 *   DAMAGE_AT      the number of the call that fails; 0 for none
 *   DAMAGE_ERROR   the number of the error; 0: the call does half of what it should and says so
 *   DAMAGE_LASTS   1 when every later call of the kind fails too
 *
 * A short write that lasts is followed by ENOSPC: a disk that is full takes what still fits. Real calls are made through
 * syscall(2), so that this file needs no symbol of the program. 64-bit Linux. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { READ, WRITE, SYNC, OPEN, NAME, KINDS };
static const char *const names[KINDS] = {"read", "write", "sync", "open", "name"};

enum { PATH_MAX_KEPT = 512, FILES_MAX = 4096 };
static char paths[FILES_MAX][PATH_MAX_KEPT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *below;
static int log_file = -1;
static int failing_kind = -1;
static long failing_at, failing_error, failing_lasts;
static long counts[KINDS];

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *kind = getenv("DAMAGE_KIND"), *log = getenv("DAMAGE_LOG");
  below = getenv("DAMAGE_BELOW");
  failing_at = number("DAMAGE_AT");
  failing_error = number("DAMAGE_ERROR");
  failing_lasts = number("DAMAGE_LASTS");
  for (int i = 0; kind && i < KINDS; i++)
    if (strcmp(kind, names[i]) == 0) failing_kind = i;
  if (log) log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

static int is_below(const char *path) { return below && path && strncmp(path, below, strlen(below)) == 0; }

/* What to do with a call: 0 nothing, an error number, or -1 for half of it. */
static long judged(enum kind kind, const char *path) {
  char line[PATH_MAX_KEPT + 64];
  pthread_mutex_lock(&lock);
  long n = ++counts[kind], fails = 0;
  if ((int)kind == failing_kind && failing_at && (n == failing_at || (failing_lasts && n > failing_at)))
    fails = failing_error ? failing_error : n == failing_at ? -1 : ENOSPC;
  int length = snprintf(line, sizeof line, "%s %ld %s %ld\n", names[kind], n, path, fails);
  if (log_file >= 0 && length > 0) syscall(SYS_write, log_file, line, (size_t)length);
  pthread_mutex_unlock(&lock);
  return fails;
}

static const char *path_of(int file) { return file >= 0 && file < FILES_MAX && paths[file][0] ? paths[file] : NULL; }

static void keep(int file, const char *path) {
  if (file < 0 || file >= FILES_MAX) return;
  pthread_mutex_lock(&lock);
  snprintf(paths[file], PATH_MAX_KEPT, "%s", is_below(path) ? path : "");
  pthread_mutex_unlock(&lock);
}

static long refused(long error) {
  errno = (int)error;
  return -1;
}

/* ---- open ---- */

static int open_at(int directory, const char *path, int flags, mode_t mode) {
  if (is_below(path)) {
    long fails = judged(OPEN, path);
    if (fails) return (int)refused(fails < 0 ? EMFILE : fails);
  }
  int file = (int)syscall(SYS_openat, directory, path, flags, mode);
  keep(file, path);
  return file;
}

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
}

#define WITH_MODE(flags)                                                                                               \
  va_list rest;                                                                                                        \
  va_start(rest, flags);                                                                                               \
  mode_t mode = mode_of(flags, rest);                                                                                  \
  va_end(rest)

int open(const char *path, int flags, ...) {
  WITH_MODE(flags);
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  WITH_MODE(flags);
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int from, const char *path, int flags, ...) {
  WITH_MODE(flags);
  return open_at(from, path, flags, mode);
}

int openat64(int from, const char *path, int flags, ...) {
  WITH_MODE(flags);
  return open_at(from, path, flags, mode);
}

int close(int file) {
  keep(file, NULL);
  return (int)syscall(SYS_close, file);
}

int fclose(FILE *stream) {
  int (*real)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");
  keep(fileno(stream), NULL);
  return real(stream);
}

/* ---- read and write: half of the bytes is at least one ---- */

#define HALF(count) ((count) > 1 ? (count) / 2 : (count))

#define JUDGE(kind, file, count)                                                                                       \
  const char *path = path_of(file);                                                                                    \
  long fails = path ? judged(kind, path) : 0;                                                                          \
  if (fails > 0) return refused(fails);                                                                                \
  if (fails < 0) count = HALF(count)

ssize_t read(int file, void *to, size_t count) {
  JUDGE(READ, file, count);
  return syscall(SYS_read, file, to, count);
}

ssize_t pread(int file, void *to, size_t count, off_t at) {
  JUDGE(READ, file, count);
  return syscall(SYS_pread64, file, to, count, at);
}

ssize_t pread64(int file, void *to, size_t count, off64_t at) { return pread(file, to, count, at); }

#undef fread_unlocked /* A macro where the compiler inlines it. */
size_t fread_unlocked(void *to, size_t size, size_t count, FILE *stream) {
  size_t (*real)(void *, size_t, size_t, FILE *) =
      (size_t (*)(void *, size_t, size_t, FILE *))dlsym(RTLD_NEXT, "fread_unlocked");
  const char *path = path_of(fileno(stream));
  long fails = path ? judged(READ, path) : 0;
  if (fails == 0) return real(to, size, count, stream);
  errno = fails > 0 ? (int)fails : EIO; /* A short read of a stream is its end, so it is not short. */
  return 0;
}

ssize_t write(int file, const void *from, size_t count) {
  JUDGE(WRITE, file, count);
  return syscall(SYS_write, file, from, count);
}

ssize_t pwrite(int file, const void *from, size_t count, off_t at) {
  JUDGE(WRITE, file, count);
  return syscall(SYS_pwrite64, file, from, count, at);
}

ssize_t pwrite64(int file, const void *from, size_t count, off64_t at) { return pwrite(file, from, count, at); }

ssize_t writev(int file, const struct iovec *from, int count) {
  JUDGE(WRITE, file, count);
  return syscall(SYS_writev, file, from, count);
}

/* ---- sync: there is no half of it ---- */

static long synced(int file) {
  const char *path = path_of(file);
  long fails = path ? judged(SYNC, path) : 0;
  return fails < 0 ? EIO : fails;
}

int fsync(int file) {
  long fails = synced(file);
  return fails ? (int)refused(fails) : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  long fails = synced(file);
  return fails ? (int)refused(fails) : (int)syscall(SYS_fdatasync, file);
}

int sync_file_range(int file, off64_t at, off64_t count, unsigned flags) {
  long fails = flags ? synced(file) : 0; /* Without flags it does nothing: RocksDB asks whether there is such a call. */
  return fails ? (int)refused(fails) : (int)syscall(SYS_sync_file_range, file, at, count, flags);
}

/* ---- names and lengths ---- */

static long named(const char *path) {
  long fails = is_below(path) ? judged(NAME, path) : 0;
  return fails < 0 ? EIO : fails;
}

int rename(const char *from, const char *to) {
  long fails = named(to);
  return fails ? (int)refused(fails) : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to) {
  long fails = named(to);
  return fails ? (int)refused(fails) : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path) {
  long fails = named(path);
  return fails ? (int)refused(fails) : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode) {
  long fails = named(path);
  return fails ? (int)refused(fails) : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int ftruncate(int file, off_t length) {
  long fails = named(path_of(file));
  return fails ? (int)refused(fails) : (int)syscall(SYS_ftruncate, file, length);
}

int ftruncate64(int file, off64_t length) { return ftruncate(file, length); }

int fallocate(int file, int mode, off_t at, off_t length) {
  long fails = named(path_of(file));
  return fails ? (int)refused(fails) : (int)syscall(SYS_fallocate, file, mode, at, length);
}

int fallocate64(int file, int mode, off64_t at, off64_t length) { return fallocate(file, mode, at, length); }
