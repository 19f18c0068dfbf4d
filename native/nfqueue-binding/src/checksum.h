/*
 * Internet checksums of whole IP packets (RFC 1071; RFC 8200 section 8.1 for the IPv6 pseudo-header).
 * Every length inside a packet is checked against the packet's real length: packets are hostile input.
 */
#ifndef PORTCULLIS_CHECKSUM_H
#define PORTCULLIS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum checksum_status {
  /* Written, or found right. */
  CHECKSUM_OK,
  /* There is none to write or to compare: fragment, sender opted out (UDP over IPv4), nothing above IP, ESP. */
  CHECKSUM_NONE_PRESENT,
  /* The header holds another sum than the bytes have. */
  CHECKSUM_WRONG,
  /* A transport whose checksum is not made here (SCTP, DCCP, UDP-Lite), or a routing header not understood. */
  CHECKSUM_UNKNOWN,
  /* Not an IP packet, or its headers point outside it. */
  CHECKSUM_MALFORMED
};

/* Compares the transport checksum (TCP, UDP, ICMP, ICMPv6, IGMP). The IPv4 header sum is the kernel's business. */
enum checksum_status checksum_verify(const uint8_t *packet, size_t length);

/*
 * Writes the full IPv4 header and transport checksums. A UDP sum of zero over IPv4 (the sender opted out)
 * stays zero. CHECKSUM_OK and CHECKSUM_NONE_PRESENT mean that the packet can be sent as it is.
 */
enum checksum_status checksum_write(uint8_t *packet, size_t length);

#endif
