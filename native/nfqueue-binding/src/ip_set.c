#define _GNU_SOURCE
#include "ip_set.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  /* The kernel holds the lock of all sets while it works through one message: half a millisecond, not more. */
  BATCH = 128,
  /* Container, address, length, time, flags, number and two counters of one entry, with their headers: 100 bytes. */
  ENTRY_SIZE = 128,
  MESSAGE_SIZE = BATCH * ENTRY_SIZE + 256,
  /* The kernel fills datagrams of a listing up to 32 KiB. */
  RECEIVE_SIZE = 64 * 1024,
  /* Understood by every kernel since 2.6.39; later ones take it for everything used here. */
  PROTOCOL = 6,
  /* The first revision of hash:net that counts packets; every later kernel takes it. */
  REVISION = 3,
  /* Numbers of its own for sets begin at 4096, those of set types at 4352 (linux/netfilter/ipset/ip_set.h). */
  ANSWER_MOST = 0xffff
};

static const char TYPE[] = "hash:net";

/* ---- sockets ---- */

struct opening {
  const char *network_namespace;
  int fd, error;
};

static void open_here(struct opening *opening) {
  struct sockaddr_nl local = {.nl_family = AF_NETLINK};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) != 0) {
    opening->error = errno;
    if (fd >= 0) close(fd);
    return;
  }
  opening->fd = fd;
}

/* A thread of its own: the namespace is left with it. */
static void *open_there(void *argument) {
  struct opening *opening = argument;
  int space = open(opening->network_namespace, O_RDONLY | O_CLOEXEC);
  if (space < 0 || setns(space, CLONE_NEWNET) != 0) opening->error = errno;
  else open_here(opening);
  if (space >= 0) close(space);
  return NULL;
}

int ip_set_socket(const char *network_namespace, int *fd) {
  struct opening opening = {.network_namespace = network_namespace, .fd = -1};
  pthread_t thread;
  if (network_namespace == NULL) {
    open_here(&opening);
  } else {
    int error = pthread_create(&thread, NULL, open_there, &opening);
    if (error) return error;
    pthread_join(thread, NULL);
  }
  *fd = opening.fd;
  return opening.error;
}

/* ---- messages ---- */

struct message {
  uint8_t bytes[MESSAGE_SIZE];
  size_t length;
};

static void attribute(struct message *message, uint16_t type, const void *value, size_t length) {
  struct nlattr header = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = type};
  uint8_t *at = message->bytes + message->length;
  memset(at, 0, NLA_HDRLEN + NLA_ALIGN(length));
  memcpy(at, &header, sizeof header);
  if (length) memcpy(at + NLA_HDRLEN, value, length);
  message->length += NLA_HDRLEN + NLA_ALIGN(length);
}

/* @return where it begins, for close_nest */
static size_t open_nest(struct message *message, uint16_t type) {
  size_t at = message->length;
  attribute(message, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
  return at;
}

static void close_nest(struct message *message, size_t at) {
  uint16_t length = (uint16_t)(message->length - at);
  memcpy(message->bytes + at, &length, sizeof length);
}

static void begin(struct message *message, int command, uint16_t flags, uint32_t sequence, int family,
                  const char *set) {
  static const uint8_t protocol = PROTOCOL;
  struct nlmsghdr header = {
      .nlmsg_type = (uint16_t)(NFNL_SUBSYS_IPSET << 8 | command),
      .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
      .nlmsg_seq = sequence,
  };
  struct nfgenmsg generic = {.nfgen_family = (uint8_t)family, .version = NFNETLINK_V0};
  memcpy(message->bytes, &header, sizeof header);
  memcpy(message->bytes + sizeof header, &generic, sizeof generic);
  message->length = sizeof header + sizeof generic;
  attribute(message, IPSET_ATTR_PROTOCOL, &protocol, sizeof protocol);
  attribute(message, IPSET_ATTR_SETNAME, set, strlen(set) + 1);
}

static int transmit(int fd, struct message *message) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  uint32_t length = (uint32_t)message->length;
  memcpy(message->bytes, &length, sizeof length);
  for (;;) {
    if (sendto(fd, message->bytes, message->length, 0, (struct sockaddr *)&kernel, sizeof kernel) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

static ssize_t take(int fd, uint8_t *bytes, size_t size) {
  for (;;) {
    ssize_t length = recv(fd, bytes, size, 0);
    if (length >= 0 || errno != EINTR) return length;
  }
}

/* What an answer says, which the kernel writes as a negative errno or number of its own. */
static int error_of(int32_t answer) { return answer > 0 || answer < -ANSWER_MOST ? EILSEQ : -answer; }

/*
 * Sends and waits for the answer; the kernel has it ready when the sending returns.
 *
 * @param line  where a batch failed: the number that the kernel wrote at `line_at` into its copy of the message
 */
static int ask(int fd, struct message *message, size_t line_at, uint32_t *line) {
  static _Thread_local uint8_t reply[RECEIVE_SIZE];
  struct nlmsghdr sent;
  int error = transmit(fd, message);
  if (error) return error;
  memcpy(&sent, message->bytes, sizeof sent);
  for (;;) {
    ssize_t length = take(fd, reply, sizeof reply);
    if (length < 0) return errno;
    struct nlmsghdr header;
    struct nlmsgerr result;
    if ((size_t)length < sizeof header) continue;
    memcpy(&header, reply, sizeof header);
    if (header.nlmsg_seq != sent.nlmsg_seq || header.nlmsg_type != NLMSG_ERROR) continue;
    if ((size_t)length < sizeof header + sizeof result) return EILSEQ;
    memcpy(&result, reply + sizeof header, sizeof result);
    /* The copy of the message begins with the header inside `result`. */
    size_t number_at = sizeof header + offsetof(struct nlmsgerr, msg) + line_at;
    if (line && result.error && line_at && (size_t)length >= number_at + sizeof *line)
      memcpy(line, reply + number_at, sizeof *line);
    return error_of(result.error);
  }
}

static uint32_t next_sequence(void) {
  static atomic_uint sequence;
  return atomic_fetch_add(&sequence, 1) + 1;
}

/* ---- entries as text ---- */

struct entry {
  int family;
  uint8_t address[16];
  uint8_t prefix_length;
  uint32_t timeout;
  uint64_t packets, bytes;
  int has_timeout, has_counters, exception;
};

/* @return the words of a line apart, their number at most `most`; longer lines have one more */
static int split(char *line, char **words, int most) {
  int count = 0;
  char *rest = NULL;
  for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    if (count == most) return most + 1;
    words[count++] = word;
  }
  return count;
}

static int read_number(const char *text, uint64_t most, uint64_t *value) {
  char *end;
  if (*text < '0' || *text > '9') return 0;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return *end == 0 && errno == 0 && *value <= most;
}

static int read_entry(const char *text, size_t length, struct entry *entry) {
  char line[IP_SET_LONGEST_LINE], *words[8];
  if (length >= sizeof line) return EILSEQ;
  memcpy(line, text, length);
  line[length] = 0;
  memset(entry, 0, sizeof *entry);
  int count = split(line, words, 8);
  if (count < 1 || count > 8) return EILSEQ;
  char *slash = strchr(words[0], '/');
  if (slash) *slash = 0;
  entry->family = strchr(words[0], ':') ? AF_INET6 : AF_INET;
  if (inet_pton(entry->family, words[0], entry->address) != 1) return EILSEQ;
  uint64_t value = entry->family == AF_INET ? 32 : 128;
  if (slash && !read_number(slash + 1, value, &value)) return EILSEQ;
  entry->prefix_length = (uint8_t)value;
  for (int i = 1; i < count; i++) {
    if (strcmp(words[i], "nomatch") == 0) {
      entry->exception = 1;
      continue;
    }
    if (i + 1 == count) return EILSEQ;
    const char *name = words[i++];
    int is_timeout = strcmp(name, "timeout") == 0;
    if (!read_number(words[i], is_timeout ? UINT32_MAX : UINT64_MAX, &value)) return EILSEQ;
    if (is_timeout) {
      entry->timeout = (uint32_t)value;
      entry->has_timeout = 1;
    } else if (strcmp(name, "packets") == 0) {
      entry->packets = value;
      entry->has_counters = 1;
    } else if (strcmp(name, "bytes") == 0) {
      entry->bytes = value;
      entry->has_counters = 1;
    } else {
      return EILSEQ;
    }
  }
  return 0;
}

static void append_entry(struct message *message, const struct entry *entry, int command, uint32_t number) {
  int is_ipv4 = entry->family == AF_INET;
  size_t data = open_nest(message, IPSET_ATTR_DATA);
  size_t address = open_nest(message, IPSET_ATTR_IP);
  attribute(message, (is_ipv4 ? IPSET_ATTR_IPADDR_IPV4 : IPSET_ATTR_IPADDR_IPV6) | NLA_F_NET_BYTEORDER,
            entry->address, is_ipv4 ? 4 : 16);
  close_nest(message, address);
  attribute(message, IPSET_ATTR_CIDR, &entry->prefix_length, 1);
  if (command == IPSET_CMD_ADD) {
    uint32_t timeout = htonl(entry->timeout), flags = htonl(IPSET_FLAG_NOMATCH);
    uint64_t packets = htobe64(entry->packets), bytes = htobe64(entry->bytes);
    if (entry->has_timeout) attribute(message, IPSET_ATTR_TIMEOUT | NLA_F_NET_BYTEORDER, &timeout, 4);
    if (entry->exception) attribute(message, IPSET_ATTR_CADT_FLAGS | NLA_F_NET_BYTEORDER, &flags, 4);
    if (entry->has_counters) {
      attribute(message, IPSET_ATTR_PACKETS | NLA_F_NET_BYTEORDER, &packets, 8);
      attribute(message, IPSET_ATTR_BYTES | NLA_F_NET_BYTEORDER, &bytes, 8);
    }
  }
  if (number) attribute(message, IPSET_ATTR_LINENO, &number, 4);
  close_nest(message, data);
}

/* ---- changes ---- */

/* Sends up to BATCH lines of one family from `*at` on. */
static int change_some(int fd, int command, const char *set, const char *lines, size_t length, size_t *at,
                       size_t *done) {
  struct message message;
  struct entry entry;
  uint32_t number = 0, failed = 0, none = 0;
  size_t container = 0, line_at = 0, from = *at;
  int family = 0, error = 0;
  while (from < length && number < BATCH) {
    const char *newline = memchr(lines + from, '\n', length - from);
    size_t size = newline ? (size_t)(newline - (lines + from)) : length - from;
    error = read_entry(lines + from, size, &entry);
    if (error || (number && entry.family != family)) break;
    if (number == 0) {
      family = entry.family;
      begin(&message, command, 0, next_sequence(), family, set);
      line_at = message.length + NLA_HDRLEN;
      attribute(&message, IPSET_ATTR_LINENO, &none, 4);
      container = open_nest(&message, IPSET_ATTR_ADT);
    }
    append_entry(&message, &entry, command, ++number);
    from += size + (newline != NULL);
  }
  if (number == 0) return error;
  close_nest(&message, container);
  error = ask(fd, &message, line_at, &failed);
  *at = from;
  *done += error == 0 ? number : failed > 0 && failed <= number ? failed - 1 : 0;
  return error;
}

int ip_set_change(int fd, int command, const char *set, const char *lines, size_t length, size_t *done) {
  size_t at = 0;
  *done = 0;
  while (at < length) {
    int error = change_some(fd, command, set, lines, length, &at, done);
    if (error) return error;
  }
  return 0;
}

/* One entry, without a container. */
static int ask_about(int fd, int command, uint16_t flags, const char *set, const char *line, size_t length) {
  struct message message;
  struct entry entry;
  int error = read_entry(line, length, &entry);
  if (error) return error;
  begin(&message, command, flags, next_sequence(), entry.family, set);
  append_entry(&message, &entry, command, 0);
  return ask(fd, &message, 0, NULL);
}

int ip_set_test(int fd, const char *set, const char *line, size_t length) {
  return ask_about(fd, IPSET_CMD_TEST, 0, set, line, length);
}

int ip_set_add_new(int fd, const char *set, const char *line, size_t length) {
  return ask_about(fd, IPSET_CMD_ADD, NLM_F_EXCL, set, line, length);
}

int ip_set_command(int fd, int command, const char *set, const char *other) {
  struct message message;
  begin(&message, command, 0, next_sequence(), AF_UNSPEC, set);
  if (other) attribute(&message, IPSET_ATTR_SETNAME2, other, strlen(other) + 1);
  return ask(fd, &message, 0, NULL);
}

int ip_set_create(int fd, const char *set, int family, uint32_t capacity, uint32_t timeout) {
  struct message message;
  uint8_t revision = REVISION, kind = (uint8_t)family;
  uint32_t size = htonl(capacity), seconds = htonl(timeout), flags = htonl(IPSET_FLAG_WITH_COUNTERS);
  begin(&message, IPSET_CMD_CREATE, NLM_F_EXCL, next_sequence(), family, set);
  attribute(&message, IPSET_ATTR_TYPENAME, TYPE, sizeof TYPE);
  attribute(&message, IPSET_ATTR_REVISION, &revision, 1);
  attribute(&message, IPSET_ATTR_FAMILY, &kind, 1);
  size_t data = open_nest(&message, IPSET_ATTR_DATA);
  attribute(&message, IPSET_ATTR_HASHSIZE | NLA_F_NET_BYTEORDER, &size, 4);
  attribute(&message, IPSET_ATTR_MAXELEM | NLA_F_NET_BYTEORDER, &size, 4);
  attribute(&message, IPSET_ATTR_TIMEOUT | NLA_F_NET_BYTEORDER, &seconds, 4);
  attribute(&message, IPSET_ATTR_CADT_FLAGS | NLA_F_NET_BYTEORDER, &flags, 4);
  close_nest(&message, data);
  return ask(fd, &message, 0, NULL);
}

/* ---- listing ---- */

struct cursor {
  const uint8_t *at;
  size_t left;
};

struct attribute_view {
  uint16_t type;
  const uint8_t *value;
  size_t length;
};

/* @return whether there was one more */
static int next_attribute(struct cursor *cursor, struct attribute_view *view) {
  struct nlattr header;
  if (cursor->left < sizeof header) return 0;
  memcpy(&header, cursor->at, sizeof header);
  if (header.nla_len < NLA_HDRLEN || header.nla_len > cursor->left) return 0;
  view->type = header.nla_type & NLA_TYPE_MASK;
  view->value = cursor->at + NLA_HDRLEN;
  view->length = header.nla_len - NLA_HDRLEN;
  size_t step = NLA_ALIGN((size_t)header.nla_len);
  if (step > cursor->left) step = cursor->left;
  cursor->at += step;
  cursor->left -= step;
  return 1;
}

static struct cursor inside(const struct attribute_view *view) {
  return (struct cursor){view->value, view->length};
}

static uint64_t big_endian(const struct attribute_view *view) {
  uint64_t value = 0;
  for (size_t i = 0; i < view->length && i < 8; i++) value = value << 8 | view->value[i];
  return value;
}

static struct cursor attributes_of(const uint8_t *bytes, size_t length) {
  size_t headers = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
  return (struct cursor){bytes + headers, length < headers ? 0 : length - headers};
}

/* @return bytes written, at most IP_SET_LONGEST_LINE; 0: not an entry */
static size_t print_entry(const struct attribute_view *data, char *text) {
  struct cursor words = inside(data);
  struct attribute_view word, address;
  char printed[INET6_ADDRSTRLEN] = "", prefix[8] = "";
  uint64_t length = 0, timeout = 0, packets = 0, bytes = 0, flags = 0;
  unsigned width = 0;
  while (next_attribute(&words, &word)) {
    if (word.type == IPSET_ATTR_IP) {
      struct cursor holder = inside(&word);
      if (!next_attribute(&holder, &address)) return 0;
      if (address.length != 4 && address.length != 16) return 0;
      width = (unsigned)address.length * 8;
      inet_ntop(width == 32 ? AF_INET : AF_INET6, address.value, printed, sizeof printed);
    } else if (word.type == IPSET_ATTR_CIDR) {
      length = big_endian(&word);
    } else if (word.type == IPSET_ATTR_TIMEOUT) {
      timeout = big_endian(&word);
    } else if (word.type == IPSET_ATTR_PACKETS) {
      packets = big_endian(&word);
    } else if (word.type == IPSET_ATTR_BYTES) {
      bytes = big_endian(&word);
    } else if (word.type == IPSET_ATTR_CADT_FLAGS) {
      flags = big_endian(&word);
    }
  }
  if (width == 0) return 0;
  if (length > 0 && length < width) snprintf(prefix, sizeof prefix, "/%u", (unsigned)length & 127);
  int size = snprintf(text, IP_SET_LONGEST_LINE, "%s%s timeout %u packets %llu bytes %llu%s\n", printed, prefix,
                      (unsigned)timeout, (unsigned long long)packets, (unsigned long long)bytes,
                      flags & IPSET_FLAG_NOMATCH ? " nomatch" : "");
  return size > 0 && size < IP_SET_LONGEST_LINE ? (size_t)size : 0;
}

static size_t print_message(const uint8_t *bytes, size_t length, char *text, size_t size) {
  struct cursor attributes = attributes_of(bytes, length);
  struct attribute_view part, data;
  size_t written = 0;
  while (next_attribute(&attributes, &part)) {
    if (part.type != IPSET_ATTR_ADT) continue;
    struct cursor entries = inside(&part);
    while (next_attribute(&entries, &data)) {
      if (size - written < IP_SET_LONGEST_LINE) return written;
      if (data.type == IPSET_ATTR_DATA) written += print_entry(&data, text + written);
    }
  }
  return written;
}

static int ask_for_list(struct ip_set_listing *listing, const char *set, uint32_t flags) {
  struct message message;
  uint32_t value = htonl(flags);
  listing->sequence = next_sequence();
  begin(&message, IPSET_CMD_LIST, NLM_F_DUMP, listing->sequence, AF_UNSPEC, set);
  if (flags) attribute(&message, IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, &value, 4);
  int error = transmit(listing->fd, &message);
  listing->ended = error != 0;
  return error;
}

int ip_set_list(struct ip_set_listing *listing, const char *set) { return ask_for_list(listing, set, 0); }

/* Shows one datagram of a listing, message by message. */
static int read_some(struct ip_set_listing *listing, void (*visit)(void *context, const uint8_t *bytes, size_t length),
                     void *context) {
  static _Thread_local uint8_t bytes[RECEIVE_SIZE];
  ssize_t received = take(listing->fd, bytes, sizeof bytes);
  if (received < 0) {
    listing->ended = 1;
    return errno;
  }
  size_t at = 0, left = (size_t)received;
  while (left >= NLMSG_HDRLEN) {
    struct nlmsghdr header;
    memcpy(&header, bytes + at, sizeof header);
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > left) {
      listing->ended = 1;
      return EILSEQ;
    }
    /* The kernel says twice that there is no such set. */
    int ours = header.nlmsg_seq == listing->sequence;
    if (ours && (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR)) {
      int32_t error = 0;
      if (header.nlmsg_len >= NLMSG_HDRLEN + sizeof error) memcpy(&error, bytes + at + NLMSG_HDRLEN, sizeof error);
      listing->ended = 1;
      return error_of(error);
    }
    if (ours) visit(context, bytes + at, header.nlmsg_len);
    size_t step = NLMSG_ALIGN((size_t)header.nlmsg_len);
    if (step > left) step = left;
    at += step;
    left -= step;
  }
  return 0;
}

struct page {
  char *text;
  size_t size, length;
};

static void print_into(void *context, const uint8_t *bytes, size_t length) {
  struct page *page = context;
  page->length += print_message(bytes, length, page->text + page->length, page->size - page->length);
}

int ip_set_list_next(struct ip_set_listing *listing, char *text, size_t size, size_t *length) {
  struct page page = {text, size, 0};
  int error = 0;
  *length = 0;
  if (size < IP_SET_LIST_SIZE) return EMSGSIZE;
  while (page.length == 0 && !listing->ended && !error) error = read_some(listing, print_into, &page);
  *length = page.length;
  return error;
}

static void read_count(void *context, const uint8_t *bytes, size_t length) {
  uint32_t *entries = context;
  struct cursor attributes = attributes_of(bytes, length);
  struct attribute_view part, fact;
  while (next_attribute(&attributes, &part)) {
    if (part.type != IPSET_ATTR_DATA) continue;
    struct cursor facts = inside(&part);
    while (next_attribute(&facts, &fact))
      if (fact.type == IPSET_ATTR_ELEMENTS) *entries = (uint32_t)big_endian(&fact);
  }
}

int ip_set_count(struct ip_set_listing *listing, const char *set, uint32_t *entries) {
  int error = ask_for_list(listing, set, IPSET_FLAG_LIST_HEADER);
  *entries = 0;
  while (!listing->ended && !error) error = read_some(listing, read_count, entries);
  return error;
}

int ip_set_copy(struct ip_set_listing *listing, int fd, const char *from, const char *to) {
  size_t length, done;
  char *text = malloc(IP_SET_LIST_SIZE);
  if (!text) return ENOMEM;
  int error = ip_set_list(listing, from), failed = 0;
  while (!error) {
    error = ip_set_list_next(listing, text, IP_SET_LIST_SIZE, &length);
    if (length == 0) break;
    /* The listing is read to its end even so: the next one on this socket would begin with the rest of it. */
    if (!failed) failed = ip_set_change(fd, IPSET_CMD_ADD, to, text, length, &done);
  }
  free(text);
  return failed ? failed : error;
}

int table_generation(int fd, uint32_t *generation) {
  uint8_t bytes[RECEIVE_SIZE / 16];
  struct {
    struct nlmsghdr header;
    struct nfgenmsg generic;
  } question = {
      .header = {.nlmsg_len = sizeof question,
                 .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                 .nlmsg_flags = NLM_F_REQUEST,
                 .nlmsg_seq = next_sequence()},
      .generic = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
  };
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (sendto(fd, &question, sizeof question, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) return errno;
  for (;;) {
    ssize_t length = take(fd, bytes, sizeof bytes);
    struct nlmsghdr header;
    struct attribute_view part;
    if (length < 0) return errno;
    if ((size_t)length < sizeof header) continue;
    memcpy(&header, bytes, sizeof header);
    if (header.nlmsg_seq != question.header.nlmsg_seq || header.nlmsg_len > (size_t)length) continue;
    if (header.nlmsg_type == NLMSG_ERROR) {
      int32_t error = 0;
      if (header.nlmsg_len < NLMSG_HDRLEN + sizeof error) return EILSEQ;
      memcpy(&error, bytes + NLMSG_HDRLEN, sizeof error);
      return error ? -error : EILSEQ;
    }
    struct cursor attributes = attributes_of(bytes, header.nlmsg_len);
    while (next_attribute(&attributes, &part)) {
      if (part.type != NFTA_GEN_ID || part.length != 4) continue;
      *generation = (uint32_t)big_endian(&part);
      return 0;
    }
    return EILSEQ;
  }
}
