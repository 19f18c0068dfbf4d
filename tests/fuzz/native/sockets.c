/* The listing of TCP sockets: the kernel's messages are made of the input. Linked with --wrap for the calls of the system. */
#define _GNU_SOURCE
#include "../../../native/nfqueue-binding/src/socket_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "harness.h"

enum { FD = 1000, MOST_ANSWERS = 64 };

static struct input *script;
static int answers;

int __wrap_socket(int domain, int type, int protocol) {
  (void)domain, (void)type, (void)protocol;
  return FD;
}
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  (void)fd, (void)level, (void)option, (void)value, (void)size;
  return 0;
}
int __wrap_close(int fd) {
  claim(fd == FD, "the socket");
  return 0;
}
ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  (void)bytes, (void)flags, (void)to, (void)size;
  claim(fd == FD && length == NLMSG_LENGTH(sizeof(struct inet_diag_req_v2)), "a request");
  return (ssize_t)length;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags) {
  (void)flags;
  claim(fd == FD && size >= 4096, "room for a message");
  if (script->left == 0 || ++answers > MOST_ANSWERS) {
    errno = EAGAIN;
    return -1;
  }
  uint8_t *at = bytes;
  for (int count = take8(script) % 4; count >= 0; count--) {
    uint8_t how = take8(script);
    size_t length;
    const uint8_t *body = take_bytes(script, how & 1 ? take8(script) : sizeof(struct inet_diag_msg), &length);
    struct nlmsghdr header = {
        .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + length) + (how > 250 ? take8(script) : 0),
        .nlmsg_type = how & 2 ? NLMSG_ERROR : how & 4 ? NLMSG_DONE : SOCK_DIAG_BY_FAMILY,
    };
    memcpy(at, &header, sizeof header);
    memcpy(at + NLMSG_HDRLEN, body, length);
    at += NLMSG_HDRLEN + NLMSG_ALIGN(length);
  }
  return at - (uint8_t *)bytes;
}

void fuzz_input(const uint8_t *bytes, size_t size) {
  struct input input = {bytes, size};
  struct socket_rows rows = {0};
  uint32_t destroyed = 0;
  script = &input;
  answers = 0;
  (void)socket_diag_list(take16(script), &rows);
  claim(rows.count <= rows.room || rows.room == 0, "no more rows than there is room for");
  (void)socket_diag_destroy(rows.rows, rows.count < 16 ? rows.count : 16, &destroyed);
  claim(destroyed <= rows.count, "no more than there are");
  free(rows.rows);
}
