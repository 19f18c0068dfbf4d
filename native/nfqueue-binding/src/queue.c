#define _GNU_SOURCE
#include "queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "checksum.h"

enum {
  /* nlmsghdr, nfgenmsg, verdict header, mark, payload attribute header, padding of the payload before it */
  SEND_MESSAGE_SIZE = 16 + 4 + 12 + 8 + 4 + 4,
  /* One sendmsg stays below this and one full message; the socket's send buffer is made to hold both. */
  SEND_LIMIT = 128 * 1024,
  SEND_BUFFER = 256 * 1024,
  SEND_VECTORS = 256,
  SEND_ATTEMPTS = 4,
  PORT_ATTEMPTS = 16,
  /* All attributes but the payload take less than 300 bytes. */
  MESSAGE_OVERHEAD = 1024,
  CACHE_LINE = 64
};

uint32_t queue_slot_size(uint32_t copy_range) {
  uint32_t lines = (copy_range + MESSAGE_OVERHEAD + CACHE_LINE - 1) / CACHE_LINE;
  return (lines | 1) * CACHE_LINE;
}

/* ---- building messages ---- */

static uint8_t *append_header(uint8_t *at, uint16_t type, uint16_t flags, uint32_t sequence, uint16_t number) {
  struct nlmsghdr header = {
      .nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
      .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
      .nlmsg_seq = sequence,
  };
  struct nfgenmsg generic = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(number)};
  memcpy(at, &header, sizeof header);
  memcpy(at + sizeof header, &generic, sizeof generic);
  return at + sizeof header + sizeof generic;
}

static uint8_t *append_attribute(uint8_t *at, uint16_t type, const void *value, uint16_t length) {
  struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + length), .nla_type = type};
  memset(at, 0, NLA_HDRLEN + NLA_ALIGN((size_t)length));
  memcpy(at, &attribute, sizeof attribute);
  memcpy(at + NLA_HDRLEN, value, length);
  return at + NLA_HDRLEN + NLA_ALIGN((size_t)length);
}

static void set_length(uint8_t *message, uint32_t length) { memcpy(message, &length, 4); }

static int send_config(int fd, uint8_t *message, const uint8_t *end) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  size_t length = (size_t)(end - message);
  set_length(message, (uint32_t)length);
  for (;;) {
    if (sendto(fd, message, length, 0, (struct sockaddr *)&kernel, sizeof kernel) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

static uint8_t *append_command(uint8_t *at, uint8_t command) {
  struct nfqnl_msg_config_cmd value = {.command = command, .pf = htons(AF_UNSPEC)};
  return append_attribute(at, NFQA_CFG_CMD, &value, sizeof value);
}

/* ---- opening ---- */

/*
 * Waits for the kernel's reply to `sequence`. The kernel answers within sendto, so the reply is already there.
 * A packet in its place can only come from a bound queue, which means that the message was accepted (BIND is
 * one message with all the rest); it is kept as the first packet of the first batch.
 */
static int await_reply(struct queue *queue, uint32_t sequence) {
  for (;;) {
    struct message message;
    struct sockaddr_nl sender = {0};
    socklen_t sender_length = sizeof sender;
    ssize_t length = recvfrom(queue->fd, queue->batch.bytes, queue->batch.slot_size, MSG_DONTWAIT,
                              (struct sockaddr *)&sender, &sender_length);
    if (length < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
    if (length < 0) return errno == EAGAIN ? EPROTO : errno;
    if (sender.nl_pid != 0) continue;
    enum message_kind kind = message_parse(queue->batch.bytes, (size_t)length, queue->number, &message);
    if (kind == MESSAGE_REPLY && message.sequence == sequence) return message.error;
    if (kind == MESSAGE_PACKET || kind == MESSAGE_UNUSABLE) {
      queue->prefetched = (int)length;
      return 0;
    }
  }
}

/* The kernel checks the capability before all else, and this obsolete command does nothing besides. */
static int check_capability(struct queue *queue) {
  uint8_t message[64];
  uint32_t sequence = ++queue->sequence;
  uint8_t *at = append_header(message, NFQNL_MSG_CONFIG, NLM_F_ACK, sequence, queue->number);
  int error = send_config(queue->fd, message, append_command(at, NFQNL_CFG_CMD_PF_UNBIND));
  return error ? error : await_reply(queue, sequence);
}

/*
 * BIND, copy mode, length and flags in ONE message: between BIND and the copy mode the kernel would drop packets,
 * and two flags attributes would leave only one in effect.
 */
static int bind_queue(struct queue *queue, uint32_t copy_range, uint32_t max_length, uint32_t flags) {
  uint8_t message[128];
  uint32_t sequence = ++queue->sequence;
  struct nfqnl_msg_config_params parameters = {
      .copy_range = htonl(copy_range),
      .copy_mode = NFQNL_COPY_PACKET,
  };
  uint32_t length = htonl(max_length), mask = htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO), value = htonl(flags);
  uint8_t *at = append_header(message, NFQNL_MSG_CONFIG, NLM_F_ACK, sequence, queue->number);
  at = append_command(at, NFQNL_CFG_CMD_BIND);
  at = append_attribute(at, NFQA_CFG_PARAMS, &parameters, sizeof parameters);
  at = append_attribute(at, NFQA_CFG_QUEUE_MAXLEN, &length, 4);
  at = append_attribute(at, NFQA_CFG_MASK, &mask, 4);
  at = append_attribute(at, NFQA_CFG_FLAGS, &value, 4);
  int error = send_config(queue->fd, message, at);
  return error ? error : await_reply(queue, sequence);
}

static int bind_with_flags(struct queue *queue, const struct queue_options *options) {
  uint32_t fail_open = options->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0, gso = options->gso ? NFQA_CFG_F_GSO : 0;
  uint32_t attempts[4] = {fail_open | gso, fail_open, gso, 0};
  int error = 0;
  for (int i = 0; i < 4; i++) {
    if (i > 0 && attempts[i] == attempts[i - 1]) continue;
    error = bind_queue(queue, options->copy_range, options->max_length, attempts[i]);
    if (error != EOPNOTSUPP) {
      queue->fail_open = (attempts[i] & NFQA_CFG_F_FAIL_OPEN) != 0;
      queue->gso = (attempts[i] & NFQA_CFG_F_GSO) != 0;
      return error;
    }
  }
  return error;
}

/* The kernel doubles what it is given. Without the capability in the first namespace the host's limit holds. */
static void set_buffer(int fd, int force_option, int option, uint32_t bytes) {
  int half = (int)(bytes / 2);
  if (setsockopt(fd, SOL_SOCKET, force_option, &half, sizeof half) != 0) {
    (void)setsockopt(fd, SOL_SOCKET, option, &half, sizeof half);
  }
}

/*
 * Takes a random port, out of the way of process numbers. Left to itself the kernel gives the process number to
 * the first socket, and again to the next one after a close: then a queue and its successor, which mostly get the
 * same descriptor too, could not be told apart.
 */
static int bind_to_random_port(int fd) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    if (getrandom(&address.nl_pid, sizeof address.nl_pid, 0) != (ssize_t)sizeof address.nl_pid) return EAGAIN;
    address.nl_pid |= 0x80000000u;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return 0;
    if (errno != EADDRINUSE) return errno;
  }
  return EADDRINUSE;
}

static int open_socket(struct queue *queue, const struct queue_options *options) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  socklen_t address_length = sizeof address;
  int on = 1, bytes = 0;
  socklen_t bytes_length = sizeof bytes;
  queue->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (queue->fd < 0) return errno;
  int error = bind_to_random_port(queue->fd);
  if (error) return error;
  if (getsockname(queue->fd, (struct sockaddr *)&address, &address_length) != 0) return errno;
  queue->port_id = address.nl_pid;
  set_buffer(queue->fd, SO_RCVBUFFORCE, SO_RCVBUF, options->receive_buffer);
  set_buffer(queue->fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER);
  /*
   * Without this option a full buffer makes the kernel refuse everything until the buffer is empty again. The
   * packets that did not fit are counted by their missing ids, so ENOBUFS is not needed to know of them.
   */
  (void)setsockopt(queue->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  (void)setsockopt(queue->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  if (getsockopt(queue->fd, SOL_SOCKET, SO_RCVBUF, &bytes, &bytes_length) != 0) return errno;
  queue->receive_buffer = (uint32_t)bytes;
  return 0;
}

static int allocate(struct queue *queue, uint32_t max_held) {
  const struct queue_batch *batch = &queue->batch;
  queue->max_held = max_held;
  queue->held = calloc(max_held ? max_held : 1, sizeof *queue->held);
  queue->receive_headers = calloc(batch->slots, sizeof *queue->receive_headers);
  queue->receive_vectors = calloc(batch->slots, sizeof *queue->receive_vectors);
  queue->senders = calloc(batch->slots, sizeof *queue->senders);
  queue->send_bytes = malloc((size_t)batch->slots * SEND_MESSAGE_SIZE);
  queue->send_vectors = calloc(SEND_VECTORS, sizeof *queue->send_vectors);
  if (!queue->held || !queue->receive_headers || !queue->receive_vectors || !queue->senders ||
      !queue->send_bytes || !queue->send_vectors) {
    return ENOMEM;
  }
  for (uint32_t i = 0; i < batch->slots; i++) {
    queue->receive_vectors[i].iov_base = batch->bytes + (size_t)i * batch->slot_size;
    queue->receive_vectors[i].iov_len = batch->slot_size;
    queue->receive_headers[i].msg_hdr.msg_iov = &queue->receive_vectors[i];
    queue->receive_headers[i].msg_hdr.msg_iovlen = 1;
    queue->receive_headers[i].msg_hdr.msg_name = &queue->senders[i];
  }
  return 0;
}

int queue_open(struct queue *queue, const struct queue_options *options, const struct queue_batch *batch,
               double *counters) {
  int error;
  memset(queue, 0, sizeof *queue);
  queue->fd = -1;
  queue->number = options->number;
  queue->batch = *batch;
  queue->counters = counters;
  queue->next_id = 1;
  queue->max_length = options->max_length;
  queue->copy_range = options->copy_range;
  queue->stage = STAGE_MEMORY;
  error = allocate(queue, options->max_held);
  if (!error) {
    queue->stage = STAGE_SOCKET;
    error = open_socket(queue, options);
  }
  if (!error) {
    queue->stage = STAGE_CAPABILITY;
    error = check_capability(queue);
  }
  if (!error) {
    queue->stage = STAGE_BIND;
    error = bind_with_flags(queue, options);
  }
  if (!error) {
    queue->stage = STAGE_NONE;
    return 0;
  }
  if (queue->fd >= 0) close(queue->fd);
  queue->fd = -1;
  queue_free(queue);
  return error;
}

void queue_free(struct queue *queue) {
  free(queue->held);
  free(queue->receive_headers);
  free(queue->receive_vectors);
  free(queue->senders);
  free(queue->send_bytes);
  free(queue->send_vectors);
  queue->held = NULL;
  queue->receive_headers = NULL;
  queue->receive_vectors = NULL;
  queue->senders = NULL;
  queue->send_bytes = NULL;
  queue->send_vectors = NULL;
}

/* ---- sending verdicts ---- */

static int send_pending(struct queue *queue) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct msghdr header = {
      .msg_name = &kernel,
      .msg_namelen = sizeof kernel,
      .msg_iov = queue->send_vectors,
      .msg_iovlen = queue->send_vector_count,
  };
  int error = 0;
  if (queue->send_messages == 0) return 0;
  for (int attempt = 0; attempt < SEND_ATTEMPTS; attempt++) {
    if (sendmsg(queue->fd, &header, 0) >= 0) {
      error = 0;
      break;
    }
    error = errno;
    if (error != EINTR && error != ENOBUFS && error != ENOMEM && error != EAGAIN) break;
  }
  if (error) queue->counters[COUNTER_SEND_ERRORS] += queue->send_messages;
  queue->send_used = queue->send_total = 0;
  queue->send_vector_count = queue->send_messages = 0;
  return error;
}

static void append_vector(struct queue *queue, uint8_t *bytes, size_t length) {
  struct iovec *last = queue->send_vector_count ? &queue->send_vectors[queue->send_vector_count - 1] : NULL;
  queue->send_total += length;
  if (last && (uint8_t *)last->iov_base + last->iov_len == bytes) {
    last->iov_len += length;
    return;
  }
  queue->send_vectors[queue->send_vector_count].iov_base = bytes;
  queue->send_vectors[queue->send_vector_count].iov_len = length;
  queue->send_vector_count++;
}

/* `mark` and `payload` may be NULL. The payload is not copied: it must stand until send_pending. */
static void append_verdict(struct queue *queue, uint16_t type, uint32_t id, uint32_t verdict, const uint32_t *mark,
                           uint8_t *payload, uint32_t payload_length) {
  if (queue->send_vector_count + 2 > SEND_VECTORS ||
      (queue->send_messages && queue->send_total + SEND_MESSAGE_SIZE + payload_length > SEND_LIMIT)) {
    (void)send_pending(queue);
  }
  /* The padding of the payload before, which lies elsewhere, is made up here. */
  size_t padding = NLMSG_ALIGN(queue->send_total) - queue->send_total;
  uint8_t *start = queue->send_bytes + queue->send_used;
  memset(start, 0, padding);
  uint8_t *message = start + padding;
  uint8_t *at = append_header(message, type, 0, 0, queue->number);
  struct nfqnl_msg_verdict_hdr header = {.verdict = htonl(verdict), .id = htonl(id)};
  at = append_attribute(at, NFQA_VERDICT_HDR, &header, sizeof header);
  if (mark) {
    uint32_t value = htonl(*mark);
    at = append_attribute(at, NFQA_MARK, &value, 4);
  }
  if (payload) {
    struct nlattr attribute = {.nla_len = (uint16_t)(NLA_HDRLEN + payload_length), .nla_type = NFQA_PAYLOAD};
    memcpy(at, &attribute, sizeof attribute);
    at += sizeof attribute;
  }
  set_length(message, (uint32_t)(at - message) + (payload ? payload_length : 0));
  queue->send_used += (size_t)(at - start);
  queue->send_messages++;
  append_vector(queue, start, (size_t)(at - start));
  if (payload) append_vector(queue, payload, payload_length);
  queue->counters[type == NFQNL_MSG_VERDICT_BATCH ? COUNTER_BATCH_VERDICTS : COUNTER_SINGLE_VERDICTS] += 1;
}

/*
 * A verdict that is not a plain accept in a run: DROP, or ACCEPT with a mark or a payload. A packet that was to
 * be replaced and cannot be (cut tail, checksum not known) is dropped: passing it on would deliver bytes that
 * were to be changed.
 */
static void append_single(struct queue *queue, uint32_t id, uint8_t verdict, uint32_t mark, uint8_t *payload,
                          uint32_t length, uint16_t info) {
  double *counters = queue->counters;
  int accept = (verdict & VERDICT_BASE) == VERDICT_ACCEPT;
  int replace = accept && (verdict & VERDICT_REPLACE);
  if (replace) {
    enum checksum_status status = CHECKSUM_MALFORMED;
    if (payload && !(info & INFO_TRUNCATED)) status = checksum_write(payload, length);
    if (status != CHECKSUM_OK && status != CHECKSUM_NONE_PRESENT) {
      counters[COUNTER_UNREPLACEABLE] += 1;
      accept = replace = 0;
    }
  }
  int marked = accept && (verdict & VERDICT_MARK);
  counters[accept ? COUNTER_ACCEPTED : COUNTER_DROPPED] += 1;
  counters[COUNTER_MARKED] += marked;
  counters[COUNTER_REPLACED] += replace;
  append_verdict(queue, NFQNL_MSG_VERDICT, id, accept ? 1u /* NF_ACCEPT */ : 0u /* NF_DROP */, marked ? &mark : NULL,
                 replace ? payload : NULL, length);
}

/* Consecutive accepts without a payload and with the same mark (or none). */
struct run {
  uint32_t last_id, mark;
  uint32_t packets;
  int marked;
};

static void append_run(struct queue *queue, struct run *run) {
  if (run->packets == 0) return;
  append_verdict(queue, run->packets > 1 ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT, run->last_id, 1,
                 run->marked ? &run->mark : NULL, NULL, 0);
  queue->counters[COUNTER_ACCEPTED] += run->packets;
  if (run->marked) queue->counters[COUNTER_MARKED] += run->packets;
  run->packets = 0;
}

/* The caller can write into the arrays that say where a packet lies: NULL where they no longer point inside. */
static uint8_t *packet_bytes(const struct queue_batch *batch, uint32_t slot) {
  size_t total = (size_t)batch->slots * batch->slot_size;
  size_t offset = batch->offset[slot], length = batch->length[slot];
  return offset <= total && length <= total - offset && length <= 65531 ? batch->bytes + offset : NULL;
}

static int hold(struct queue *queue, uint32_t slot) {
  if (queue->held_count == queue->max_held) return 0;
  struct held_packet *packet = &queue->held[queue->held_count++];
  packet->id = queue->batch.packet_id[slot];
  packet->length = queue->batch.length[slot];
  packet->info = queue->batch.info[slot];
  queue->counters[COUNTER_HELD] += 1;
  return 1;
}

/*
 * A batch verdict settles every undecided lower id. Hence: singles go before the batch that passes them; as soon
 * as one packet is held, every later one is settled singly. A DROP does not end a run (it goes out before it and
 * nothing overtakes anything); a marked or replaced packet does, so that packets leave in the order they came.
 */
void queue_finalize(struct queue *queue) {
  const struct queue_batch *batch = &queue->batch;
  struct run run = {0};
  uint32_t count = queue->count;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t verdict = batch->verdict[i];
    uint8_t base = verdict & VERDICT_BASE;
    uint32_t id = batch->packet_id[i];
    if (base > VERDICT_HELD || (verdict & ~(VERDICT_BASE | VERDICT_MARK | VERDICT_REPLACE))) {
      queue->counters[COUNTER_INVALID_VERDICTS] += 1;
      verdict = base = VERDICT_DROP;
    }
    if (base == VERDICT_HELD) {
      append_run(queue, &run);
      if (hold(queue, i)) continue;
      queue->counters[COUNTER_HOLDS_REFUSED] += 1;
      verdict = base = queue->fail_open ? VERDICT_ACCEPT : VERDICT_DROP;
    }
    if (base == VERDICT_ACCEPT && !(verdict & VERDICT_REPLACE)) {
      int marked = (verdict & VERDICT_MARK) != 0;
      uint32_t mark = marked ? batch->verdict_mark[i] : 0;
      if (run.packets && (queue->held_count || run.marked != marked || run.mark != mark)) append_run(queue, &run);
      run.last_id = id;
      run.mark = mark;
      run.marked = marked;
      run.packets++;
      continue;
    }
    if (base == VERDICT_ACCEPT) append_run(queue, &run);
    append_single(queue, id, verdict, batch->verdict_mark[i], packet_bytes(batch, i), batch->length[i], batch->info[i]);
  }
  append_run(queue, &run);
  (void)send_pending(queue);
  queue->count = 0;
}

int queue_decide(struct queue *queue, uint32_t packet_id, uint8_t verdict, uint32_t mark, uint8_t *payload,
                 uint32_t length) {
  uint8_t base = verdict & VERDICT_BASE;
  uint32_t i = 0;
  if (base > VERDICT_ACCEPT || (verdict & ~(VERDICT_BASE | VERDICT_MARK | VERDICT_REPLACE))) return EINVAL;
  while (i < queue->held_count && queue->held[i].id != packet_id) i++;
  if (i == queue->held_count) return ENOENT;
  struct held_packet packet = queue->held[i];
  if (verdict & VERDICT_REPLACE && (!payload || length != packet.length)) return EINVAL;
  queue->held_count--;
  memmove(&queue->held[i], &queue->held[i + 1], (queue->held_count - i) * sizeof packet);
  append_single(queue, packet_id, verdict, mark, payload, length, packet.info);
  return send_pending(queue);
}

/* ---- receiving ---- */

/* To a few milliseconds, which a time-out does not ask for more exactly: this clock costs next to nothing. */
static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * The kernel numbers packets under the lock it delivers them with, and uses up a number for one that does not
 * fit into the socket's buffer: a gap is exactly what was not delivered.
 */
static void count_missed(struct queue *queue, uint32_t id) {
  uint32_t gap = id - queue->next_id;
  queue->next_id = id + 1;
  if (gap == 0 || gap > 0x7fffffff) return;
  queue->counters[COUNTER_OVERRUNS] += 1;
  queue->counters[COUNTER_MISSED] += gap;
}

static void take_reply(struct queue *queue, const struct message *message) {
  if (queue->pending_sequence && message->sequence == queue->pending_sequence) {
    queue->pending_sequence = 0;
    if (message->error == 0) queue->max_length = queue->pending_max_length;
  }
  if (message->error) queue->counters[COUNTER_VERDICT_ERRORS] += 1;
}

/* Reads the message in `slot`; a packet becomes the next of the batch. */
static void take_message(struct queue *queue, uint32_t slot, size_t length) {
  struct queue_batch *batch = &queue->batch;
  double *counters = queue->counters;
  struct message message;
  size_t start = (size_t)slot * batch->slot_size;
  enum message_kind kind = message_parse(batch->bytes + start, length, queue->number, &message);
  uint32_t i = queue->count;
  switch (kind) {
    case MESSAGE_REPLY:
      take_reply(queue, &message);
      return;
    case MESSAGE_OTHER:
      return;
    case MESSAGE_MALFORMED:
      counters[COUNTER_MALFORMED] += 1;
      return;
    case MESSAGE_UNUSABLE:
      counters[COUNTER_MALFORMED] += 1;
      count_missed(queue, message.packet_id);
      append_single(queue, message.packet_id, queue->fail_open ? VERDICT_ACCEPT : VERDICT_DROP, 0, NULL, 0, 0);
      (void)send_pending(queue);
      return;
    case MESSAGE_PACKET:
      break;
  }
  count_missed(queue, message.packet_id);
  batch->packet_id[i] = message.packet_id;
  batch->offset[i] = (uint32_t)(start + message.payload);
  batch->length[i] = message.length;
  batch->wire_length[i] = message.wire_length;
  batch->info[i] = message.info;
  batch->mark[i] = message.mark;
  batch->in_interface[i] = message.in_interface;
  batch->out_interface[i] = message.out_interface;
  batch->physical_in_interface[i] = message.physical_in_interface;
  batch->physical_out_interface[i] = message.physical_out_interface;
  batch->hook[i] = message.hook;
  batch->hardware_protocol[i] = message.hardware_protocol;
  batch->time[i] = message.time;
  batch->hardware_length[i] = message.hardware_length;
  memcpy(batch->hardware + (size_t)i * 8, message.hardware, 8);
  batch->verdict[i] = VERDICT_ACCEPT;
  batch->verdict_mark[i] = message.mark;
  queue->count++;
  counters[COUNTER_RECEIVED] += 1;
  counters[COUNTER_BYTES] += message.wire_length;
  if (message.info & INFO_TRUNCATED) counters[COUNTER_TRUNCATED] += 1;
}

/* Waits as SO_RCVTIMEO says, unless `flags` say not to. Returns messages taken, or a negative errno. */
static int receive_messages(struct queue *queue, int flags) {
  for (uint32_t i = 0; i < queue->batch.slots; i++) {
    queue->receive_headers[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_nl);
  }
  int received = recvmmsg(queue->fd, queue->receive_headers, queue->batch.slots, flags, NULL);
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) {
    const struct sockaddr_nl *sender = (const struct sockaddr_nl *)&queue->senders[i];
    if (queue->receive_headers[i].msg_hdr.msg_namelen < sizeof *sender || sender->nl_pid != 0) {
      queue->counters[COUNTER_MALFORMED] += 1; /* not from the kernel */
      continue;
    }
    /* A message longer than its slot (none is: slots hold the copy range) is found malformed by its own length. */
    take_message(queue, (uint32_t)i, queue->receive_headers[i].msg_len);
  }
  return received;
}

/* How long a receive that finds nothing waits; the same as before costs nothing. Zero would be for ever. */
static int set_wait(struct queue *queue, int timeout_ms) {
  if (timeout_ms == queue->wait_ms) return 0;
  struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
  if (setsockopt(queue->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0) return -errno;
  queue->wait_ms = timeout_ms;
  return 0;
}

int queue_receive(struct queue *queue, int timeout_ms) {
  if (queue->fd < 0) return -EBADF;
  if (queue->count) return -EALREADY;
  if (queue->prefetched) {
    size_t length = (size_t)queue->prefetched;
    queue->prefetched = 0;
    take_message(queue, 0, length);
    if (queue->count) {
      queue->counters[COUNTER_BATCHES] += 1;
      return (int)queue->count;
    }
  }
  /*
   * One call takes what is there, or sleeps until the first message comes and takes what has come by then: asking
   * first and polling after that would be three calls for a batch where packets come singly.
   */
  int flags = MSG_DONTWAIT;
  if (timeout_ms > 0) {
    int error = set_wait(queue, timeout_ms);
    if (error) return error;
    flags = MSG_WAITFORONE;
  }
  const int64_t deadline = now_ms() + timeout_ms;
  for (;;) {
    int received = receive_messages(queue, flags);
    if (queue->count) {
      queue->counters[COUNTER_BATCHES] += 1;
      return (int)queue->count;
    }
    if (received == -ENOBUFS) {
      queue->counters[COUNTER_OVERRUNS] += 1;
      continue;
    }
    if (received == -EAGAIN) return 0;
    if (received < 0 && received != -EINTR) return received;
    /* What came was no packet, or a signal: the rest of the time is waited for. */
    const int64_t left = deadline - now_ms();
    if (left <= 0) return 0;
    int error = set_wait(queue, (int)left);
    if (error) return error;
  }
}

/* ---- the rest of its life ---- */

int queue_set_max_length(struct queue *queue, uint32_t max_length) {
  uint8_t message[64];
  uint32_t value = htonl(max_length);
  if (queue->fd < 0) return EBADF;
  uint32_t sequence = ++queue->sequence;
  uint8_t *at = append_header(message, NFQNL_MSG_CONFIG, NLM_F_ACK, sequence, queue->number);
  at = append_attribute(at, NFQA_CFG_QUEUE_MAXLEN, &value, 4);
  queue->pending_max_length = max_length;
  queue->pending_sequence = sequence;
  return send_config(queue->fd, message, at);
}

void queue_close(struct queue *queue) {
  uint8_t message[64];
  if (queue->fd < 0) return;
  uint8_t *at = append_header(message, NFQNL_MSG_CONFIG, 0, ++queue->sequence, queue->number);
  /* Fails where another thread has abandoned the queue: nothing is left to unbind then. */
  (void)send_config(queue->fd, message, append_command(at, NFQNL_CFG_CMD_UNBIND));
  close(queue->fd);
  queue->fd = -1;
  queue->count = queue->held_count = 0;
}

int queue_abandon(int fd, uint32_t port_id) {
  int protocol = 0, domain = 0, error = 0;
  socklen_t length = sizeof protocol;
  struct sockaddr_nl address = {0};
  socklen_t address_length = sizeof address;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return errno;
  length = sizeof protocol;
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) return errno;
  if (domain != AF_NETLINK || protocol != NETLINK_NETFILTER) return ESTALE;
  if (getsockname(fd, (struct sockaddr *)&address, &address_length) != 0) return errno;
  if (port_id && address.nl_pid != port_id) return ESTALE;
  int harmless = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (harmless < 0) return errno;
  int old = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (old < 0 || dup3(harmless, fd, O_CLOEXEC) < 0) error = errno;
  close(harmless);
  if (old < 0) return error;
  if (!error) {
    /*
     * A thread asleep in its receive keeps the socket alive until it wakes: have the kernel answer something, which
     * ends its sleep; its next call finds the harmless descriptor.
     */
    uint8_t message[64];
    uint8_t *at = append_header(message, NFQNL_MSG_CONFIG, NLM_F_ACK, 0, 0);
    (void)send_config(old, message, append_command(at, NFQNL_CFG_CMD_PF_UNBIND));
  }
  close(old);
  return error;
}
