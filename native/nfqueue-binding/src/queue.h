/*
 * One netfilter queue over raw netlink: receive a batch, hand its verdicts back. Used by the Node-API addon and
 * by accept_all. No global state: a queue belongs to the one thread that opened it; only queue_abandon may be
 * called from another.
 *
 *   kernel ── recvmmsg ──▶ slot 0 │ slot 1 │ … (the arena)     one netlink message per slot
 *                            ▲ offset[i], length[i]
 *   kernel ◀── sendmsg ── verdict messages built from verdict[i], in id order
 */
#ifndef PORTCULLIS_QUEUE_H
#define PORTCULLIS_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "message.h"

/* The values are those of Verdict in batch.ts. */
enum {
  VERDICT_DROP = 0,
  VERDICT_ACCEPT = 1,
  VERDICT_HELD = 2,
  VERDICT_BASE = 0x0f,
  VERDICT_MARK = 0x10,
  VERDICT_REPLACE = 0x20
};

/* Indexes into the counters; the values are those of QueueCounter in batch.ts. */
enum queue_counter {
  COUNTER_RECEIVED,
  COUNTER_BYTES,
  COUNTER_ACCEPTED,
  COUNTER_DROPPED,
  COUNTER_MARKED,
  COUNTER_REPLACED,
  COUNTER_HELD,
  COUNTER_BATCHES,
  COUNTER_BATCH_VERDICTS,
  COUNTER_SINGLE_VERDICTS,
  COUNTER_OVERRUNS,
  COUNTER_MISSED,
  COUNTER_MALFORMED,
  COUNTER_TRUNCATED,
  COUNTER_UNREPLACEABLE,
  COUNTER_SEND_ERRORS,
  COUNTER_VERDICT_ERRORS,
  COUNTER_HOLDS_REFUSED,
  COUNTER_INVALID_VERDICTS,
  COUNTER_COUNT
};

/*
 * The arena and the arrays beside it. All memory belongs to the caller and outlives the queue; every array has
 * `slots` elements (hardware: 8 bytes each).
 */
struct queue_batch {
  uint32_t slots, slot_size;
  uint8_t *bytes; /* slots * slot_size */
  uint32_t *packet_id, *offset, *length, *wire_length, *mark;
  uint32_t *in_interface, *out_interface, *physical_in_interface, *physical_out_interface;
  double *time;
  uint16_t *info, *hardware_protocol;
  uint8_t *hook, *hardware, *hardware_length;
  uint8_t *verdict;
  uint32_t *verdict_mark;
};

struct queue_options {
  uint16_t number;
  uint32_t copy_range, max_length;
  uint32_t receive_buffer; /* bytes, as the kernel counts them */
  uint32_t max_held;
  int fail_open, gso;
};

/* Where queue_open failed. */
enum queue_stage { STAGE_NONE, STAGE_SOCKET, STAGE_CAPABILITY, STAGE_BIND, STAGE_MEMORY };

/* A packet that the caller keeps undecided. */
struct held_packet {
  uint32_t id, length;
  uint16_t info;
};

struct queue {
  int fd;
  uint32_t port_id; /* random: says which queue this is when fd has been closed and reused */
  uint16_t number;
  int fail_open, gso; /* as the kernel acknowledged them */
  uint32_t max_length, copy_range, receive_buffer;
  enum queue_stage stage;

  struct queue_batch batch;
  double *counters; /* COUNTER_COUNT */
  uint32_t count;   /* packets in the batch that still need queue_finalize */
  int prefetched;   /* the batch was filled by queue_open and has not been handed out */
  int wait_ms;      /* SO_RCVTIMEO as it is set; 0: not */
  uint32_t next_id; /* the id that the next packet has unless the kernel could not deliver some */
  uint32_t sequence, pending_max_length, pending_sequence;

  struct held_packet *held;
  uint32_t held_count, max_held;

  struct mmsghdr *receive_headers;
  struct iovec *receive_vectors;
  struct sockaddr_storage *senders;

  uint8_t *send_bytes;
  size_t send_used, send_total;
  struct iovec *send_vectors;
  uint32_t send_vector_count, send_messages;
};

/* Bytes a slot needs for packets cut at copy_range. Odd in cache lines, so that slots spread over cache sets. */
uint32_t queue_slot_size(uint32_t copy_range);

/* Opens and binds. Returns 0 or an errno; then `stage` tells where and nothing is left open. */
int queue_open(struct queue *queue, const struct queue_options *options, const struct queue_batch *batch,
               double *counters);

/*
 * Waits at most timeout_ms for packets and fills the batch. Returns the number of packets, 0 on time-out, or a
 * negative errno: -ENOTSOCK or -EBADF when the queue was abandoned or closed, -EALREADY when the batch before
 * was not finalized. Every verdict starts as VERDICT_ACCEPT.
 */
int queue_receive(struct queue *queue, int timeout_ms);

/* Sends the verdicts of the batch in id order. */
void queue_finalize(struct queue *queue);

/*
 * Settles a held packet. `payload` may be NULL; otherwise it gets full checksums in place and must have the
 * packet's length. Returns 0, ENOENT (not held), EINVAL (length or verdict), or the errno of the send.
 */
int queue_decide(struct queue *queue, uint32_t packet_id, uint8_t verdict, uint32_t mark, uint8_t *payload,
                 uint32_t length);

/* Asks the kernel for another queue length; `max_length` follows once the kernel has acknowledged it. */
int queue_set_max_length(struct queue *queue, uint32_t max_length);

/* Unbinds and closes; what the queue holds is dropped by the kernel. May be called twice. */
void queue_close(struct queue *queue);

/* Frees what queue_open allocated. */
void queue_free(struct queue *queue);

/*
 * From another thread: puts something harmless in the place of a stalled queue's descriptor, so that the kernel
 * releases the queue at once and the number cannot be reused underneath the stalled thread, and wakes a thread
 * blocked in queue_receive. `port_id` (0: any) guards against a number that was closed and reused meanwhile.
 * Returns 0 or an errno (EBADF, ENOTSOCK, ESTALE: not that queue any more).
 */
int queue_abandon(int fd, uint32_t port_id);

#endif
