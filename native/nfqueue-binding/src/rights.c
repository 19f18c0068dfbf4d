#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Standard streams are closed on exec by Node.js. */
static void keep_standard_streams(void) {
  for (int fd = 0; fd <= 2; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
  }
}

/* What is inheritable would come back with the program that root executes; what is permitted is set by the bounding set. */
static int keep_inheritable(uint64_t kept) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, data)) return errno;
  data[0].inheritable &= (uint32_t)kept;
  data[1].inheritable &= (uint32_t)(kept >> 32);
  return syscall(SYS_capset, &header, data) ? errno : 0;
}

int restart_with_capabilities(uint64_t kept, const char *program, char *const arguments[]) {
  /* Asked first: half of it would be neither. */
  if (prctl(PR_CAPBSET_READ, CAP_SETPCAP) != 1) return EPERM;
  for (int capability = 0; capability < 64 && prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
    if (kept >> capability & 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability)) return errno;
  }
  int error = keep_inheritable(kept);
  if (error) return error;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  keep_standard_streams();
  execv(program, arguments);
  return errno;
}
