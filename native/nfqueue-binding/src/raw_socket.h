/* Sending complete IP packets of our own (raw(7), ipv6(7) IPV6_HDRINCL), marked so that they are told apart. */
#ifndef PORTCULLIS_RAW_SOCKET_H
#define PORTCULLIS_RAW_SOCKET_H

#include <stddef.h>
#include <stdint.h>

struct raw_socket {
  int ipv4, ipv6; /* -1 where closed; ipv6 also where the host has no IPv6 */
};

/* Returns 0 or an errno; then nothing is left open. */
int raw_socket_open(struct raw_socket *raw, uint32_t mark);

/*
 * Sends one packet that begins with its IP header. `interface` (0: none) is the scope of a link-local IPv6
 * destination. Returns 0 or an errno; EINVAL where the bytes are not one IP packet of this length.
 */
int raw_socket_send(struct raw_socket *raw, const uint8_t *packet, size_t length, uint32_t interface);

void raw_socket_close(struct raw_socket *raw);

#endif
