#include "checksum.h"

#include <string.h>

enum { PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_ICMP = 1, PROTOCOL_IGMP = 2, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { PROTOCOL_DCCP = 33, PROTOCOL_ROUTING = 43, PROTOCOL_FRAGMENT = 44, PROTOCOL_ESP = 50, PROTOCOL_AH = 51 };
enum { PROTOCOL_ICMPV6 = 58, PROTOCOL_DESTINATION = 60, PROTOCOL_SCTP = 132, PROTOCOL_MOBILITY = 135 };
enum { PROTOCOL_UDP_LITE = 136, PROTOCOL_HIP = 139, PROTOCOL_SHIM6 = 140 };

/* Where the transport of a packet lies and what its pseudo-header adds. */
struct transport {
  size_t start, end;  /* the bytes the checksum covers */
  size_t field;       /* index of the 16-bit checksum itself */
  uint64_t pseudo;    /* sum of the pseudo-header, not folded */
  int udp;
  int ipv4;
};

static uint16_t load16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void store16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static uint16_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

/*
 * Adds bytes as 32-bit words in the machine's order: one's complement addition does not care (RFC 1071,
 * section 2), so only the folded result is swapped. 64 KiB of 32-bit words cannot overflow 64 bits.
 */
static uint16_t sum_bytes(const uint8_t *bytes, size_t length) {
  uint64_t sum = 0;
  size_t words = length / 4;
  for (size_t i = 0; i < words; i++) {
    uint32_t word;
    memcpy(&word, bytes + i * 4, 4);
    sum += word;
  }
  size_t rest = length & 3;
  if (rest) {
    uint8_t tail[4] = {0, 0, 0, 0};
    uint32_t word;
    memcpy(tail, bytes + words * 4, rest);
    memcpy(&word, tail, 4);
    sum += word;
  }
  uint16_t folded = fold(sum);
  uint8_t order[2];
  memcpy(order, &folded, 2);
  return load16(order);
}

static enum checksum_status find_checksum(const uint8_t *packet, uint8_t protocol, uint64_t addresses,
                                          struct transport *t) {
  size_t length = t->end - t->start;
  t->pseudo = 0;
  t->udp = 0;
  switch (protocol) {
    case PROTOCOL_TCP:
      if (length < 20) return CHECKSUM_MALFORMED;
      t->field = t->start + 16;
      t->pseudo = addresses + PROTOCOL_TCP + (length >> 16) + (length & 0xffff);
      return CHECKSUM_OK;
    case PROTOCOL_UDP: {
      if (length < 8) return CHECKSUM_MALFORMED;
      size_t stated = load16(packet + t->start + 4);
      if (stated < 8 || stated > length) return CHECKSUM_MALFORMED;
      t->end = t->start + stated;
      t->field = t->start + 6;
      t->pseudo = addresses + PROTOCOL_UDP + stated;
      t->udp = 1;
      return CHECKSUM_OK;
    }
    case PROTOCOL_ICMPV6:
      if (t->ipv4) return CHECKSUM_NONE_PRESENT;
      if (length < 4) return CHECKSUM_MALFORMED;
      t->field = t->start + 2;
      t->pseudo = addresses + PROTOCOL_ICMPV6 + (length >> 16) + (length & 0xffff);
      return CHECKSUM_OK;
    case PROTOCOL_ICMP:
    case PROTOCOL_IGMP:
      if (!t->ipv4) return CHECKSUM_NONE_PRESENT;
      if (length < 4) return CHECKSUM_MALFORMED;
      t->field = t->start + 2;
      return CHECKSUM_OK;
    case PROTOCOL_SCTP:
    case PROTOCOL_DCCP:
    case PROTOCOL_UDP_LITE:
      return CHECKSUM_UNKNOWN;
    default:
      return CHECKSUM_NONE_PRESENT;
  }
}

static enum checksum_status find_ipv4(const uint8_t *packet, size_t length, struct transport *t) {
  if (length < 20) return CHECKSUM_MALFORMED;
  size_t header = (size_t)(packet[0] & 15) * 4;
  size_t total = load16(packet + 2);
  /* A total length of 0 is a super-segment beyond 64 KiB (IPv4 BIG TCP): its length is the buffer's. */
  if (total == 0) total = length;
  if (header < 20 || header > total || total > length) return CHECKSUM_MALFORMED;
  if (load16(packet + 6) & 0x3fff) return CHECKSUM_NONE_PRESENT; /* MF or an offset: only a part is here */
  t->ipv4 = 1;
  t->start = header;
  t->end = total;
  return find_checksum(packet, packet[9], sum_bytes(packet + 12, 8), t);
}

/*
 * The pseudo-header names the final destination; while a routing header still has segments left, that is not
 * the address in the fixed header (RFC 8200 section 8.1). Returns its index in the packet, 0 when not known.
 */
static size_t final_destination(const uint8_t *packet, size_t at, size_t header) {
  uint8_t type = packet[at + 2], left = packet[at + 3];
  if (left == 0) return 24;
  if ((type == 0 || type == 2) && header >= 24) return at + 8 + ((header - 8) / 16 - 1) * 16;
  if (type == 4 && header >= 24) return at + 8; /* segment list is stored last first (RFC 8754) */
  return 0;
}

static enum checksum_status find_ipv6(const uint8_t *packet, size_t length, struct transport *t) {
  if (length < 40) return CHECKSUM_MALFORMED;
  size_t end = load16(packet + 4);
  /* A payload length of 0 is a jumbo payload (IPv6 BIG TCP): its length is the buffer's. */
  end = end == 0 ? length : end + 40;
  if (end > length) return CHECKSUM_MALFORMED;
  uint8_t protocol = packet[6];
  size_t at = 40, destination = 24;
  t->ipv4 = 0;
  /* Every header is at least 8 bytes, so the loop ends with the packet. */
  for (;;) {
    size_t header;
    switch (protocol) {
      case PROTOCOL_HOP_BY_HOP:
      case PROTOCOL_ROUTING:
      case PROTOCOL_DESTINATION:
      case PROTOCOL_MOBILITY:
      case PROTOCOL_HIP:
      case PROTOCOL_SHIM6:
        if (end - at < 8) return CHECKSUM_MALFORMED;
        header = (size_t)packet[at + 1] * 8 + 8;
        break;
      case PROTOCOL_AH:
        if (end - at < 8) return CHECKSUM_MALFORMED;
        header = (size_t)packet[at + 1] * 4 + 8;
        break;
      case PROTOCOL_FRAGMENT:
        if (end - at < 8) return CHECKSUM_MALFORMED;
        if (load16(packet + at + 2) & 0xfff9) return CHECKSUM_NONE_PRESENT;
        header = 8;
        break;
      default:
        t->start = at;
        t->end = end;
        return find_checksum(packet, protocol,
                             (uint64_t)sum_bytes(packet + 8, 16) + sum_bytes(packet + destination, 16), t);
    }
    if (header > end - at) return CHECKSUM_MALFORMED;
    if (protocol == PROTOCOL_ROUTING) {
      destination = final_destination(packet, at, header);
      if (destination == 0) return CHECKSUM_UNKNOWN;
    }
    protocol = packet[at];
    at += header;
  }
}

static enum checksum_status find_transport(const uint8_t *packet, size_t length, struct transport *t) {
  if (length == 0) return CHECKSUM_MALFORMED;
  if (packet[0] >> 4 == 4) return find_ipv4(packet, length, t);
  if (packet[0] >> 4 == 6) return find_ipv6(packet, length, t);
  return CHECKSUM_MALFORMED;
}

enum checksum_status checksum_verify(const uint8_t *packet, size_t length) {
  struct transport t;
  enum checksum_status status = find_transport(packet, length, &t);
  if (status != CHECKSUM_OK) return status;
  if (t.udp && t.ipv4 && load16(packet + t.field) == 0) return CHECKSUM_NONE_PRESENT;
  uint16_t sum = fold(t.pseudo + sum_bytes(packet + t.start, t.end - t.start));
  return sum == 0xffff ? CHECKSUM_OK : CHECKSUM_WRONG;
}

enum checksum_status checksum_write(uint8_t *packet, size_t length) {
  struct transport t;
  enum checksum_status status = find_transport(packet, length, &t);
  if (status == CHECKSUM_MALFORMED) return status;
  if (packet[0] >> 4 == 4) {
    size_t header = (size_t)(packet[0] & 15) * 4;
    store16(packet + 10, 0);
    store16(packet + 10, (uint16_t)~sum_bytes(packet, header));
  }
  if (status != CHECKSUM_OK) return status;
  if (t.udp && t.ipv4 && load16(packet + t.field) == 0) return CHECKSUM_NONE_PRESENT;
  store16(packet + t.field, 0);
  uint16_t sum = (uint16_t)~fold(t.pseudo + sum_bytes(packet + t.start, t.end - t.start));
  store16(packet + t.field, t.udp && sum == 0 ? 0xffff : sum);
  return CHECKSUM_OK;
}
