/*
 * Preloaded into a process: says "sync" on standard output for each time it has a file synced to disk, and from the
 * FAIL_FROM-th on (1 is the first) says "sync failed" and fails with EIO, as a broken disk does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int synced(const char *name, int fd) {
  static int count = 0;
  const char *from = getenv("FAIL_FROM");
  const char *line = from && ++count >= atoi(from) ? "sync failed\n" : "sync\n";
  if (write(1, line, strlen(line)) < 0) abort();
  if (strcmp(line, "sync\n") != 0) return errno = EIO, -1;
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(fd);
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
