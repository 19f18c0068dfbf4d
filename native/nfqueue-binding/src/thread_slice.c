#define _GNU_SOURCE
#include "thread_slice.h"

#include <errno.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library has no functions for these calls. */
int thread_slice(uint64_t nanoseconds) {
  struct sched_attr attributes = {0};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return errno;
  attributes.size = sizeof attributes;
  attributes.sched_runtime = nanoseconds;
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? 0 : errno;
}
