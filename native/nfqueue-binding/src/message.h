/*
 * Reading one netlink message of a queue (linux/netfilter/nfnetlink_queue.h). Pure: bytes in, fields out; every
 * length inside the message is checked against the bytes that are really there.
 */
#ifndef PORTCULLIS_MESSAGE_H
#define PORTCULLIS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum message_kind {
  /* A packet with all that is needed. */
  MESSAGE_PACKET,
  /* A packet whose id is known but whose rest cannot be used: it still waits for a verdict. */
  MESSAGE_UNUSABLE,
  /* The kernel's answer to a message of ours: error is 0 or an errno, sequence names our message. */
  MESSAGE_REPLY,
  /* Well-formed, of no interest (NLMSG_NOOP, NLMSG_DONE). */
  MESSAGE_OTHER,
  MESSAGE_MALFORMED
};

/* The values are those of PacketInfo in batch.ts. */
enum packet_info {
  INFO_CHECKSUM_NOT_READY = 1,
  INFO_GSO = 2,
  INFO_CHECKSUM_NOT_VERIFIED = 4,
  INFO_TRUNCATED = 8
};

struct message {
  uint32_t sequence;
  int error;
  uint32_t packet_id;
  uint32_t mark;
  uint32_t in_interface, out_interface, physical_in_interface, physical_out_interface;
  uint32_t payload; /* index of the packet's first byte in the message */
  uint32_t length;
  uint32_t wire_length;
  double time; /* microseconds since 1970, 0 where the kernel gave none */
  uint16_t hardware_protocol;
  uint16_t info;
  uint8_t hook;
  uint8_t hardware_length;
  uint8_t hardware[8];
};

/* `queue` is the only queue whose packets are believed. */
enum message_kind message_parse(const uint8_t *bytes, size_t length, uint16_t queue, struct message *out);

#endif
