/* The TCP sockets of this network namespace: listing and destroying them (sock_diag(7), linux/inet_diag.h). */
#ifndef PORTCULLIS_SOCKET_DIAG_H
#define PORTCULLIS_SOCKET_DIAG_H

#include <stddef.h>
#include <stdint.h>

/* More sockets than this are not listed (64 MiB of rows). */
#define SOCKET_ROWS_MAX (1u << 20)

/* One socket; tcp-sockets.ts reads the same layout. Addresses are in network order, IPv4 in the first 4 bytes. */
struct socket_row {
  uint8_t family; /* AF_INET or AF_INET6 */
  uint8_t state;  /* TCP_ESTABLISHED … of netinet/tcp.h */
  uint16_t local_port, remote_port;
  uint16_t reserved;
  uint8_t local[16], remote[16];
  uint32_t interface, inode, uid, more;
  uint32_t cookie[2];
};

struct socket_rows {
  struct socket_row *rows; /* freed by the caller */
  size_t count, room;
};

/* Appends the TCP sockets of both families whose state is in `states` (bit 1 << state). Returns 0 or an errno. */
int socket_diag_list(uint32_t states, struct socket_rows *rows);

/*
 * Destroys each of the sockets: the peer gets a RST, the program ECONNABORTED. One that is gone already is passed
 * over. `destroyed` counts. Returns 0 or an errno: EOPNOTSUPP where the kernel cannot (CONFIG_INET_DIAG_DESTROY).
 */
int socket_diag_destroy(const struct socket_row *rows, size_t count, uint32_t *destroyed);

#endif
