/*
 * A queue between a kernel and a program that are both made of the input. The kernel is a slow twin: it knows which
 * packets wait, and understands the messages that the queue sends. Every packet gets the verdict it was given, once.
 * Linked with --wrap for each call of the system, so that no socket is needed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdarg.h>

#include "../../../native/nfqueue-binding/src/queue.h"
#include "harness.h"

enum { FD = 1000, NUMBER = 3, SLOTS = 8, COPY_RANGE = 2048, MOST_WAITING = 4096, MOST_HELD = 5, PORT = 77 };

struct waiting {
  uint32_t id;
  /* What the program says; -1: nothing yet. */
  int accept;
  int marked;
  uint32_t mark;
  /* What the kernel was told; -1: nothing yet. */
  int told;
  int told_marked, told_payload;
  uint32_t told_mark;
};

static struct input *script;
static struct waiting waiting[MOST_WAITING];
static uint32_t waiting_count, next_id;
static uint32_t reply_sequence;
static int reply_due, fail_sends;

/* ---- the kernel ---- */

static void settle(struct waiting *packet, uint32_t verdict, const uint8_t *mark, int payload) {
  claim(packet->told < 0, "a packet is settled once");
  claim(verdict <= 1, "accept or drop");
  packet->told = (int)verdict;
  packet->told_payload = payload;
  packet->told_marked = mark != NULL;
  if (mark) {
    memcpy(&packet->told_mark, mark, 4);
    packet->told_mark = ntohl(packet->told_mark);
  }
}

static void hear_verdict(const uint8_t *message, size_t length, uint16_t type) {
  size_t at = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
  const uint8_t *head = NULL, *mark = NULL;
  int payload = 0;
  claim(length >= at, "a message with its headers");
  claim(ntohs(((const struct nfgenmsg *)(message + NLMSG_HDRLEN))->res_id) == NUMBER, "of this queue");
  while (at < length) {
    struct nlattr attribute;
    claim(length - at >= sizeof attribute, "an attribute that is whole");
    memcpy(&attribute, message + at, sizeof attribute);
    claim(attribute.nla_len >= NLA_HDRLEN && attribute.nla_len <= length - at, "an attribute that fits");
    if (attribute.nla_type == NFQA_VERDICT_HDR) head = message + at + NLA_HDRLEN;
    else if (attribute.nla_type == NFQA_MARK) mark = message + at + NLA_HDRLEN;
    else if (attribute.nla_type == NFQA_PAYLOAD) payload = 1;
    else claim(0, "an attribute that is known");
    at += NLA_ALIGN(attribute.nla_len);
  }
  claim(head != NULL, "a verdict");
  uint32_t verdict, id;
  memcpy(&verdict, head, 4);
  memcpy(&id, head + 4, 4);
  verdict = ntohl(verdict);
  id = ntohl(id);
  if (type == NFQNL_MSG_VERDICT_BATCH) {
    claim(!payload, "a batch replaces nothing");
    for (uint32_t i = 0; i < waiting_count; i++)
      if (waiting[i].told < 0 && waiting[i].id <= id) settle(&waiting[i], verdict, mark, 0);
    return;
  }
  claim(type == NFQNL_MSG_VERDICT, "a verdict or a batch of them");
  for (uint32_t i = 0; i < waiting_count; i++) {
    if (waiting[i].id != id || waiting[i].told >= 0) continue;
    settle(&waiting[i], verdict, mark, payload);
    return;
  }
  claim(0, "a verdict on a packet that waits");
}

static void hear(const uint8_t *bytes, size_t length) {
  size_t at = 0;
  while (at < length) {
    struct nlmsghdr header;
    claim(length - at >= sizeof header, "a message that is whole");
    memcpy(&header, bytes + at, sizeof header);
    claim(header.nlmsg_len >= sizeof header && header.nlmsg_len <= length - at, "a message that fits");
    claim(header.nlmsg_type >> 8 == NFNL_SUBSYS_QUEUE, "for the queues");
    hear_verdict(bytes + at, header.nlmsg_len, header.nlmsg_type & 0xff);
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)flags;
  claim(fd == FD, "the queue's socket");
  if (fail_sends > 0) {
    fail_sends--;
    errno = take8(script) & 1 ? ENOBUFS : EINTR;
    return -1;
  }
  size_t length = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) length += message->msg_iov[i].iov_len;
  uint8_t *whole = malloc(length + 1);
  if (!whole) abort();
  size_t at = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    memcpy(whole + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    at += message->msg_iov[i].iov_len;
  }
  hear(whole, length);
  free(whole);
  return (ssize_t)length;
}

/* Configuration: always acknowledged. */
ssize_t __wrap_sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
  struct nlmsghdr header;
  (void)flags;
  (void)to;
  (void)size;
  claim(fd == FD && length >= sizeof header, "a message for the kernel");
  memcpy(&header, bytes, sizeof header);
  claim(header.nlmsg_len == length, "its length");
  reply_sequence = header.nlmsg_seq;
  reply_due = (header.nlmsg_flags & NLM_F_ACK) != 0;
  return (ssize_t)length;
}

static size_t write_reply(uint8_t *bytes, int error) {
  struct nlmsghdr header = {.nlmsg_len = NLMSG_HDRLEN + 20, .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = reply_sequence};
  int32_t negative = -error;
  memset(bytes, 0, header.nlmsg_len);
  memcpy(bytes, &header, sizeof header);
  memcpy(bytes + NLMSG_HDRLEN, &negative, sizeof negative);
  reply_due = 0;
  return header.nlmsg_len;
}

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *from_size) {
  (void)flags;
  claim(fd == FD && size >= 64, "room for a reply");
  memset(from, 0, *from_size);
  if (!reply_due) {
    errno = EAGAIN;
    return -1;
  }
  return (ssize_t)write_reply(bytes, 0);
}

static uint8_t *put_attribute(uint8_t *at, uint16_t type, const uint8_t *value, size_t length, uint16_t stated) {
  struct nlattr attribute = {.nla_len = stated, .nla_type = type};
  memcpy(at, &attribute, sizeof attribute);
  memcpy(at + NLA_HDRLEN, value, length);
  memset(at + NLA_HDRLEN + length, 0, NLA_ALIGN(length) - length);
  return at + NLA_HDRLEN + NLA_ALIGN(length);
}

/* A packet with a new number and attributes of the input's; now and then a length is a lie. */
static size_t write_packet(uint8_t *bytes, size_t size) {
  struct nfgenmsg generic = {.res_id = htons(NUMBER)};
  uint8_t shape = take8(script);
  next_id += 1 + (shape & 1 ? take8(script) : 0);
  uint32_t id = htonl(next_id);
  uint8_t head[8] = {0};
  memcpy(head, &id, 4);
  memset(bytes, 0, NLMSG_HDRLEN);
  memcpy(bytes + NLMSG_HDRLEN, &generic, sizeof generic);
  uint8_t *at = put_attribute(bytes + NLMSG_HDRLEN + sizeof generic, NFQA_PACKET_HDR, head, 7, NLA_HDRLEN + 7);
  for (int i = shape >> 6; i >= 0; i--) {
    /* Numbers of the known ones without the packet's header, and some beyond. */
    uint16_t type = (uint16_t)(2 + take8(script) % 20);
    uint8_t lie = take8(script);
    size_t length, room = type == NFQA_PAYLOAD ? 400 : 24;
    const uint8_t *value = take_bytes(script, take8(script) * (room / 24) % room, &length);
    at = put_attribute(at, type, value, length, (uint16_t)(NLA_HDRLEN + length + (lie > 250 ? lie : 0)));
  }
  if (!(shape & 2)) {
    size_t length;
    const uint8_t *value = take_bytes(script, 20 + take8(script), &length);
    at = put_attribute(at, NFQA_PAYLOAD, value, length, (uint16_t)(NLA_HDRLEN + length));
  }
  uint32_t length = (uint32_t)(at - bytes);
  claim(length <= size, "the harness keeps to its room");
  struct nlmsghdr header = {.nlmsg_len = length, .nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET};
  memcpy(bytes, &header, sizeof header);
  return length;
}

/* The kernel would not: such messages are only to do no harm. */
static size_t write_garbage(uint8_t *bytes, size_t size) {
  struct message message;
  size_t length;
  const uint8_t *garbage = take_bytes(script, take8(script), &length);
  if (length > size) length = size;
  memcpy(bytes, garbage, length);
  if (length >= 4 && length < 0xffff) {
    uint32_t stated = (uint32_t)length;
    memcpy(bytes, &stated, 4);
  }
  enum message_kind kind = message_parse(bytes, length, NUMBER, &message);
  return kind == MESSAGE_PACKET || kind == MESSAGE_UNUSABLE ? 0 : length;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout) {
  (void)flags;
  (void)timeout;
  claim(fd == FD, "the queue's socket");
  unsigned wanted = take8(script) % (count + 1);
  if (wanted == 0 || script->left == 0) {
    errno = script->left > 0 && take8(script) == 1 ? ENOBUFS : EAGAIN;
    return -1;
  }
  for (unsigned i = 0; i < wanted; i++) {
    struct msghdr *message = &headers[i].msg_hdr;
    uint8_t kind = take8(script);
    uint8_t *bytes = message->msg_iov->iov_base;
    struct sockaddr_nl sender = {.nl_family = AF_NETLINK, .nl_pid = 0};
    if (kind == 9) headers[i].msg_len = (unsigned)write_garbage(bytes, message->msg_iov->iov_len);
    else if (kind == 10) headers[i].msg_len = (unsigned)write_reply(bytes, take8(script));
    else {
      headers[i].msg_len = (unsigned)write_packet(bytes, message->msg_iov->iov_len);
      struct message parsed;
      enum message_kind found = message_parse(bytes, headers[i].msg_len, NUMBER, &parsed);
      /* A length that lies may make another packet of it, which no kernel has. */
      if ((found != MESSAGE_PACKET && found != MESSAGE_UNUSABLE) || parsed.packet_id != next_id) headers[i].msg_len = 0;
      else if (waiting_count < MOST_WAITING) {
        waiting[waiting_count] = (struct waiting){.id = next_id, .accept = -1, .told = -1};
        if (found == MESSAGE_UNUSABLE) waiting[waiting_count].accept = 0;
        waiting_count++;
      }
    }
    memcpy(message->msg_name, &sender, sizeof sender);
    message->msg_namelen = sizeof sender;
  }
  return (int)wanted;
}

int __wrap_socket(int domain, int type, int protocol) {
  (void)domain, (void)type, (void)protocol;
  return FD;
}
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size) {
  (void)fd, (void)address, (void)size;
  return 0;
}
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
  (void)fd, (void)size;
  ((struct sockaddr_nl *)address)->nl_pid = PORT;
  return 0;
}
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  (void)fd, (void)level, (void)option, (void)value, (void)size;
  return 0;
}
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
  (void)fd, (void)level, (void)option;
  memset(value, 0, *size);
  return 0;
}
int __wrap_close(int fd) {
  claim(fd == FD, "the queue's socket");
  return 0;
}

/* ---- the program ---- */

static struct waiting *find_waiting(uint32_t id) {
  for (uint32_t i = 0; i < waiting_count; i++)
    if (waiting[i].id == id) return &waiting[i];
  claim(0, "a packet of the kernel");
  return NULL;
}

/* What a packet gets that the program says `verdict` to; replacing may fail, which drops it. */
static void expect(struct waiting *packet, uint8_t verdict, uint32_t mark) {
  packet->accept = (verdict & VERDICT_BASE) == VERDICT_ACCEPT;
  packet->marked = packet->accept && (verdict & VERDICT_MARK);
  packet->mark = mark;
}

static void compare(struct waiting *packet, uint8_t verdict) {
  if (packet->accept < 0) {
    claim(packet->told < 0, "what is held is not settled");
    return;
  }
  claim(packet->told >= 0, "what was decided is told");
  if (verdict & VERDICT_REPLACE && packet->accept && packet->told == 0) return;
  claim(packet->told == packet->accept, "the verdict given is the one told");
  claim(packet->told_marked == packet->marked && (!packet->marked || packet->told_mark == packet->mark), "the mark too");
  claim(packet->told_payload == ((verdict & VERDICT_REPLACE) && packet->accept), "and the payload");
}

static void decide(struct queue *queue, int sends_fail) {
  struct queue_batch *batch = &queue->batch;
  uint8_t verdicts[SLOTS];
  uint32_t ids[SLOTS], count = queue->count, held = queue->held_count;
  for (uint32_t i = 0; i < count; i++) {
    verdicts[i] = batch->verdict[i] = take8(script) % 0x40;
    if (take8(script) == 7) verdicts[i] = batch->verdict[i] = take8(script);
    batch->verdict_mark[i] = take8(script);
    ids[i] = batch->packet_id[i];
    struct waiting *packet = find_waiting(ids[i]);
    uint8_t verdict = verdicts[i];
    if ((verdict & VERDICT_BASE) > VERDICT_HELD || verdict & 0xc0) verdict = VERDICT_DROP;
    if ((verdict & VERDICT_BASE) == VERDICT_HELD && held < MOST_HELD) held++;
    else if ((verdict & VERDICT_BASE) == VERDICT_HELD)
      expect(packet, verdict = queue->fail_open ? VERDICT_ACCEPT : VERDICT_DROP, 0);
    else expect(packet, verdict, batch->verdict_mark[i]);
    verdicts[i] = verdict;
    /* A program that writes nonsense into the arrays that say where a packet lies. */
    uint8_t nonsense = take8(script);
    if (nonsense == 250) batch->offset[i] = take32(script);
    if (nonsense == 251) batch->length[i] = take32(script);
  }
  if (sends_fail) fail_sends = take8(script) % 8;
  double errors = queue->counters[COUNTER_SEND_ERRORS];
  queue_finalize(queue);
  fail_sends = 0;
  /* What could not be sent is counted, and waits on. */
  if (queue->counters[COUNTER_SEND_ERRORS] != errors) {
    for (uint32_t i = 0; i < count; i++) {
      struct waiting *packet = find_waiting(ids[i]);
      if (packet->accept >= 0) packet->told = 2;
    }
    return;
  }
  for (uint32_t i = 0; i < count; i++) compare(find_waiting(ids[i]), verdicts[i]);
  claim(queue->held_count == held, "as many are held as were to be");
}

static void decide_held(struct queue *queue) {
  if (queue->held_count == 0) {
    claim(queue_decide(queue, take32(script), VERDICT_ACCEPT, 0, NULL, 0) == ENOENT, "nothing is held");
    return;
  }
  struct held_packet packet = queue->held[take8(script) % queue->held_count];
  uint8_t verdict = take8(script) % 0x40;
  uint32_t mark = take8(script);
  /* A program that wrote nonsense may hold a packet of any length; none has more bytes than this. */
  uint32_t length = (packet.length < 0xffff ? packet.length : 0xffff) + (take8(script) == 3);
  uint8_t *payload = malloc(length + 1);
  if (!payload) abort();
  memset(payload, 0x45, length);
  int error = queue_decide(queue, packet.id, verdict, mark, payload, length);
  if (error == 0) {
    struct waiting *known = find_waiting(packet.id);
    expect(known, verdict, mark);
    compare(known, verdict);
  } else {
    claim(error == EINVAL, "a verdict that is none, or a length that is wrong");
  }
  free(payload);
}

void fuzz_input(const uint8_t *bytes, size_t size) {
  struct input input = {bytes, size};
  struct queue queue;
  double counters[COUNTER_COUNT] = {0};
  uint32_t words[11][SLOTS];
  double times[SLOTS];
  uint16_t halves[2][SLOTS];
  uint8_t octets[3][SLOTS], hardware[SLOTS * 8];
  script = &input;
  waiting_count = next_id = 0;
  reply_due = fail_sends = 0;
  uint8_t flags = take8(script);
  struct queue_batch batch = {
      .slots = SLOTS,
      .slot_size = queue_slot_size(COPY_RANGE),
      .packet_id = words[0],
      .offset = words[1],
      .length = words[2],
      .wire_length = words[3],
      .mark = words[4],
      .in_interface = words[5],
      .out_interface = words[6],
      .physical_in_interface = words[7],
      .physical_out_interface = words[8],
      .verdict_mark = words[9],
      .time = times,
      .info = halves[0],
      .hardware_protocol = halves[1],
      .hook = octets[0],
      .hardware_length = octets[1],
      .verdict = octets[2],
      .hardware = hardware,
  };
  batch.bytes = malloc((size_t)batch.slots * batch.slot_size);
  if (!batch.bytes) abort();
  struct queue_options options = {
      .number = NUMBER,
      .copy_range = COPY_RANGE,
      .max_length = 1024,
      .receive_buffer = 1 << 20,
      .max_held = MOST_HELD,
      .fail_open = flags & 1,
  };
  claim(queue_open(&queue, &options, &batch, counters) == 0, "a queue");
  while (input.left > 0) {
    int received = queue_receive(&queue, 0);
    claim(received >= 0 && received <= SLOTS, "a batch that fits");
    if (received > 0) decide(&queue, flags & 2);
    if (take8(script) & 1) decide_held(&queue);
    /* The kernel forgets what was settled. */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < waiting_count; i++)
      if (waiting[i].told < 0) waiting[kept++] = waiting[i];
    waiting_count = kept;
  }
  queue_close(&queue);
  queue_free(&queue);
  free(batch.bytes);
}
