// Makes every fsync and fdatasync of a program take SYNC_US microseconds longer: a disk in the cloud
// needs about two milliseconds. For a server started with
//
//   gcc -shared -fPIC -O2 -o slow_sync.so benchmarks/slow_sync.c -ldl
//   LAPWING_POSTGRES_PRELOAD=$PWD/slow_sync.so SYNC_US=2000 scripts/postgres start FOLDER
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void) {
  static long microseconds = -1;
  if (microseconds < 0) {
    const char* given = getenv("SYNC_US");
    microseconds = given != NULL ? atol(given) : 0;
  }
  if (microseconds > 0) {
    const struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&time, NULL);
  }
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL)
    real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_longer();
  return real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL)
    real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_longer();
  return real(file);
}
