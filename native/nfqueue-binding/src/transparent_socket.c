#define _GNU_SOURCE
#include "transparent_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

static int prepare(int fd, int family, int backlog) {
  union {
    struct sockaddr address;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  } local;
  socklen_t length;
  int on = 1;
  memset(&local, 0, sizeof local);
  /* Connections inherit it, and with them the port they were made to: a program may begin to listen there. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno;
  if (family == AF_INET6) {
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof on) != 0) {
      return errno;
    }
    local.ipv6.sin6_family = AF_INET6;
    local.ipv6.sin6_addr = in6addr_loopback;
    length = sizeof local.ipv6;
  } else {
    if (setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on) != 0) return errno;
    local.ipv4.sin_family = AF_INET;
    local.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    length = sizeof local.ipv4;
  }
  return bind(fd, &local.address, length) != 0 || listen(fd, backlog) != 0 ? errno : 0;
}

int transparent_listen(int family, int backlog, int *fd) {
  *fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (*fd < 0) return errno;
  int error = prepare(*fd, family, backlog);
  if (error) close(*fd);
  return error;
}
