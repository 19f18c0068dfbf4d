#define _GNU_SOURCE
#include "raw_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

static int open_family(int family, int level, int header_included, uint32_t mark, int *fd) {
  int on = 1, mark_value = (int)mark;
  *fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (*fd < 0) return errno;
  if (setsockopt(*fd, level, header_included, &on, sizeof on) != 0 ||
      setsockopt(*fd, SOL_SOCKET, SO_MARK, &mark_value, sizeof mark_value) != 0) {
    int error = errno;
    close(*fd);
    *fd = -1;
    return error;
  }
  return 0;
}

int raw_socket_open(struct raw_socket *raw, uint32_t mark) {
  raw->ipv6 = -1;
  int error = open_family(AF_INET, IPPROTO_IP, IP_HDRINCL, mark, &raw->ipv4);
  if (!error) error = open_family(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL, mark, &raw->ipv6);
  if (error == EAFNOSUPPORT && raw->ipv4 >= 0) error = 0; /* a host without IPv6 */
  if (error) raw_socket_close(raw);
  return error;
}

int raw_socket_send(struct raw_socket *raw, const uint8_t *packet, size_t length, uint32_t interface) {
  union {
    struct sockaddr address;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  } destination;
  socklen_t destination_length;
  int fd;
  memset(&destination, 0, sizeof destination);
  if (length >= 20 && packet[0] >> 4 == 4) {
    size_t header = (size_t)(packet[0] & 15) * 4;
    if (header < 20 || header > length || (size_t)(packet[2] << 8 | packet[3]) != length) return EINVAL;
    destination.ipv4.sin_family = AF_INET;
    memcpy(&destination.ipv4.sin_addr, packet + 16, 4);
    destination_length = sizeof destination.ipv4;
    fd = raw->ipv4;
  } else if (length >= 40 && packet[0] >> 4 == 6) {
    if ((size_t)(packet[4] << 8 | packet[5]) + 40 != length) return EINVAL;
    destination.ipv6.sin6_family = AF_INET6;
    memcpy(&destination.ipv6.sin6_addr, packet + 24, 16);
    /* A scope makes sense for fe80::/10 only; elsewhere the kernel would refuse or misroute. */
    if (packet[24] == 0xfe && (packet[25] & 0xc0) == 0x80) destination.ipv6.sin6_scope_id = interface;
    destination_length = sizeof destination.ipv6;
    fd = raw->ipv6;
    if (fd < 0 && raw->ipv4 >= 0) return EAFNOSUPPORT;
  } else {
    return EINVAL;
  }
  if (fd < 0) return EBADF;
  for (;;) {
    if (sendto(fd, packet, length, MSG_DONTWAIT, &destination.address, destination_length) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

void raw_socket_close(struct raw_socket *raw) {
  if (raw->ipv4 >= 0) close(raw->ipv4);
  if (raw->ipv6 >= 0) close(raw->ipv6);
  raw->ipv4 = raw->ipv6 = -1;
}
