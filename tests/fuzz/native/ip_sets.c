/*
 * IP sets: the program's lines and the kernel's messages are both made of the input. What is sent is well-formed, and a
 * line that a listing has printed can be added again. Linked with --wrap for the calls of the system.
 */
#define _GNU_SOURCE
#include "../../../native/nfqueue-binding/src/ip_set.h"

#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "harness.h"

enum { FD = 1000, DEEPEST = 4, MOST_ANSWERS = 64 };

static struct input *script;
static uint32_t sequence;
static int answers, acknowledge;

/* Attributes fill their room exactly; nested ones too. @return entries of a container */
static unsigned check_attributes(const uint8_t *bytes, size_t length, int depth) {
  unsigned entries = 0;
  size_t at = 0;
  claim(depth < DEEPEST, "nests are shallow");
  while (at < length) {
    struct nlattr attribute;
    claim(length - at >= sizeof attribute, "an attribute that is whole");
    memcpy(&attribute, bytes + at, sizeof attribute);
    claim(attribute.nla_len >= NLA_HDRLEN && attribute.nla_len <= length - at, "an attribute that fits");
    if (attribute.nla_type & NLA_F_NESTED) {
      unsigned inside = check_attributes(bytes + at + NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN, depth + 1);
      entries += (attribute.nla_type & NLA_TYPE_MASK) == IPSET_ATTR_DATA ? 1 : inside;
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
  return entries;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  struct nlmsghdr header;
  (void)flags, (void)to, (void)size;
  claim(fd == FD && length >= NLMSG_HDRLEN + sizeof(struct nfgenmsg), "a message for the kernel");
  memcpy(&header, bytes, sizeof header);
  claim(header.nlmsg_len == length && header.nlmsg_type >> 8 == NFNL_SUBSYS_IPSET, "its length and its kind");
  check_attributes((const uint8_t *)bytes + NLMSG_HDRLEN + sizeof(struct nfgenmsg),
                   length - NLMSG_HDRLEN - sizeof(struct nfgenmsg), 0);
  sequence = header.nlmsg_seq;
  return (ssize_t)length;
}

/* Messages whose bodies are the input's; their heads are mostly right. */
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags) {
  (void)flags;
  claim(fd == FD && size >= 4096, "room for a message");
  if (acknowledge) {
    struct nlmsghdr header = {.nlmsg_len = NLMSG_HDRLEN + 20, .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = sequence};
    memset(bytes, 0, header.nlmsg_len);
    memcpy(bytes, &header, sizeof header);
    return header.nlmsg_len;
  }
  if (script->left == 0 || ++answers > MOST_ANSWERS) {
    errno = EIO;
    return -1;
  }
  uint8_t *at = bytes;
  for (int count = take8(script) % 3; count >= 0; count--) {
    uint8_t how = take8(script);
    size_t length;
    const uint8_t *body = take_bytes(script, how & 1 ? take8(script) : 20, &length);
    struct nlmsghdr header = {
        .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + length) + (how > 250 ? take8(script) : 0),
        .nlmsg_type = how & 2   ? NLMSG_ERROR
                      : how & 4 ? NLMSG_DONE
                                : (uint16_t)(NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST),
        .nlmsg_seq = sequence + (how > 240),
    };
    memcpy(at, &header, sizeof header);
    memcpy(at + NLMSG_HDRLEN, body, length);
    memset(at + NLMSG_HDRLEN + length, 0, NLMSG_ALIGN(length) - length);
    at += NLMSG_HDRLEN + NLMSG_ALIGN(length);
  }
  /* Now and then cut. */
  size_t whole = (size_t)(at - (uint8_t *)bytes);
  uint8_t cut = take8(script);
  return (ssize_t)(cut > 240 ? whole * (cut - 240) / 16 : whole);
}

static void read_listing(void) {
  struct ip_set_listing listing = {.fd = FD};
  static char text[IP_SET_LIST_SIZE];
  size_t length = 0, done = 0;
  int error = ip_set_list(&listing, "set");
  claim(error == 0, "asking works");
  do {
    error = ip_set_list_next(&listing, text, sizeof text, &length);
    claim(length < sizeof text && memchr(text, 0, length) == NULL, "text that fits");
    if (length == 0) break;
    claim(text[length - 1] == '\n', "whole lines");
    acknowledge = 1;
    claim(ip_set_change(FD, IPSET_CMD_ADD, "set", text, length, &done) == 0, "what was listed can be added");
    acknowledge = 0;
  } while (!error);
}

void fuzz_input(const uint8_t *bytes, size_t size) {
  struct input input = {bytes, size};
  size_t done = 0, length;
  script = &input;
  answers = acknowledge = 0;
  switch (take8(script) % 3) {
    case 0:
      read_listing();
      return;
    case 1: {
      const uint8_t *text = take_bytes(script, take16(script), &length);
      size_t lines = 1;
      for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
      acknowledge = take8(script) & 1;
      (void)ip_set_change(FD, IPSET_CMD_ADD, "set", (const char *)text, length, &done);
      claim(done <= lines, "no more lines are done than there are");
      return;
    }
    default: {
      const uint8_t *text = take_bytes(script, take8(script), &length);
      (void)ip_set_test(FD, "set", (const char *)text, length);
      (void)ip_set_create(FD, "set", take8(script), take32(script), take32(script));
    }
  }
}
