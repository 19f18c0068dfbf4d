#include "message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>

/* Netlink attributes are aligned to 4 bytes only; every load goes through memcpy. */
static uint32_t load_be32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return ntohl(value);
}

static uint64_t load_be64(const uint8_t *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return be64toh(value);
}

static enum message_kind parse_reply(const uint8_t *body, size_t length, struct message *out) {
  int32_t error;
  if (length < sizeof(struct nlmsgerr)) return MESSAGE_MALFORMED;
  memcpy(&error, body, 4);
  if (error > 0 || error < -4095) return MESSAGE_MALFORMED;
  out->error = -error;
  return MESSAGE_REPLY;
}

/* One fixed-size attribute. Returns 0 when its length is wrong. */
static int parse_attribute(uint16_t type, const uint8_t *value, size_t length, struct message *out) {
  switch (type) {
    case NFQA_MARK:
      if (length < 4) return 0;
      out->mark = load_be32(value);
      return 1;
    case NFQA_TIMESTAMP:
      if (length < sizeof(struct nfqnl_msg_packet_timestamp)) return 0;
      out->time = (double)load_be64(value) * 1e6 + (double)load_be64(value + 8);
      return 1;
    case NFQA_IFINDEX_INDEV:
      if (length < 4) return 0;
      out->in_interface = load_be32(value);
      return 1;
    case NFQA_IFINDEX_OUTDEV:
      if (length < 4) return 0;
      out->out_interface = load_be32(value);
      return 1;
    case NFQA_IFINDEX_PHYSINDEV:
      if (length < 4) return 0;
      out->physical_in_interface = load_be32(value);
      return 1;
    case NFQA_IFINDEX_PHYSOUTDEV:
      if (length < 4) return 0;
      out->physical_out_interface = load_be32(value);
      return 1;
    case NFQA_HWADDR: {
      if (length < sizeof(struct nfqnl_msg_packet_hw)) return 0;
      uint16_t stated = (uint16_t)(value[0] << 8 | value[1]);
      if (stated > 8) return 0;
      out->hardware_length = (uint8_t)stated;
      memcpy(out->hardware, value + 4, 8);
      return 1;
    }
    case NFQA_CAP_LEN:
      if (length < 4) return 0;
      out->wire_length = load_be32(value);
      return 1;
    case NFQA_SKB_INFO: {
      if (length < 4) return 0;
      uint32_t info = load_be32(value);
      if (info & NFQA_SKB_CSUMNOTREADY) out->info |= INFO_CHECKSUM_NOT_READY;
      if (info & NFQA_SKB_GSO) out->info |= INFO_GSO;
      if (info & NFQA_SKB_CSUM_NOTVERIFIED) out->info |= INFO_CHECKSUM_NOT_VERIFIED;
      return 1;
    }
    default:
      return 1;
  }
}

static enum message_kind parse_packet(const uint8_t *bytes, size_t length, uint16_t queue, struct message *out) {
  size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
  struct nfgenmsg generic;
  int has_header = 0, has_payload = 0, usable = 1;
  if (length < at) return MESSAGE_MALFORMED;
  memcpy(&generic, bytes + NLMSG_HDRLEN, sizeof generic);
  if (ntohs(generic.res_id) != queue) return MESSAGE_MALFORMED;
  while (length - at >= NLA_HDRLEN) {
    struct nlattr attribute;
    memcpy(&attribute, bytes + at, sizeof attribute);
    size_t stated = attribute.nla_len;
    if (stated < NLA_HDRLEN || stated > length - at) {
      usable = 0;
      break;
    }
    const uint8_t *value = bytes + at + NLA_HDRLEN;
    size_t value_length = stated - NLA_HDRLEN;
    uint16_t type = attribute.nla_type & NLA_TYPE_MASK;
    if (type == NFQA_PACKET_HDR) {
      if (value_length < sizeof(struct nfqnl_msg_packet_hdr)) return MESSAGE_MALFORMED;
      out->packet_id = load_be32(value);
      out->hardware_protocol = (uint16_t)(value[4] << 8 | value[5]);
      out->hook = value[6];
      has_header = 1;
    } else if (type == NFQA_PAYLOAD) {
      out->payload = (uint32_t)(at + NLA_HDRLEN);
      out->length = (uint32_t)value_length;
      has_payload = value_length > 0;
    } else if (!parse_attribute(type, value, value_length, out)) {
      usable = 0;
    }
    size_t step = NLA_ALIGN(stated);
    if (step > length - at) break; /* the last attribute may lack its padding */
    at += step;
  }
  if (!has_header) return MESSAGE_MALFORMED;
  if (!usable || !has_payload) return MESSAGE_UNUSABLE;
  if (out->wire_length < out->length) out->wire_length = out->length;
  if (out->wire_length > out->length) out->info |= INFO_TRUNCATED;
  return MESSAGE_PACKET;
}

enum message_kind message_parse(const uint8_t *bytes, size_t length, uint16_t queue, struct message *out) {
  struct nlmsghdr header;
  memset(out, 0, sizeof *out);
  out->hook = 255;
  if (length < NLMSG_HDRLEN) return MESSAGE_MALFORMED;
  memcpy(&header, bytes, sizeof header);
  if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > length) return MESSAGE_MALFORMED;
  length = header.nlmsg_len;
  out->sequence = header.nlmsg_seq;
  if (header.nlmsg_type == NLMSG_ERROR) return parse_reply(bytes + NLMSG_HDRLEN, length - NLMSG_HDRLEN, out);
  if (header.nlmsg_type < NLMSG_MIN_TYPE) return MESSAGE_OTHER;
  if (header.nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) return MESSAGE_MALFORMED;
  return parse_packet(bytes, length, queue, out);
}
