/*
 * Accepts everything a queue brings, with the receive and verdict code of the addon. Nothing that inspects can be
 * faster: this is the benchmark's limit. Prints its counters as one JSON line on SIGTERM or SIGINT.
 *
 *   accept-all --queue N [--gso 0|1] [--batch N] [--max-length N] [--fail-open 0|1] [--ban-on TEXT]
 *
 * With --ban-on it adds the source of an IPv4 packet that contains TEXT to the set portcullis_ban4 before it gives the
 * verdict: how soon that takes effect is what the machine itself takes for a ban.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <arpa/inet.h>
#include <linux/netfilter/ipset/ip_set.h>

#include "ip_set.h"
#include "queue.h"

static const char BAN_SET[] = "portcullis_ban4";
enum { BAN_SECONDS = 3600, IPV4_HEADER = 20, IPV4_SOURCE = 12 };

static volatile sig_atomic_t stopping;

static void stop(int signal_number) {
  (void)signal_number;
  stopping = 1;
}

static void *array(uint32_t slots, size_t size) {
  void *memory = calloc(slots, size);
  if (!memory) {
    perror("accept-all");
    exit(1);
  }
  return memory;
}

static unsigned number(const char *text, unsigned minimum, unsigned maximum) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  if (errno || end == text || *end || value < minimum || value > maximum) {
    fprintf(stderr, "accept-all: %s is not a number from %u to %u\n", text, minimum, maximum);
    exit(2);
  }
  return (unsigned)value;
}

static void ban_source(int fd, const uint8_t *packet) {
  char address[INET_ADDRSTRLEN], line[IP_SET_LONGEST_LINE];
  size_t done;
  inet_ntop(AF_INET, packet + IPV4_SOURCE, address, sizeof address);
  int length = snprintf(line, sizeof line, "%s timeout %d", address, BAN_SECONDS);
  int error = ip_set_change(fd, IPSET_CMD_ADD, BAN_SET, line, (size_t)length, &done);
  if (error) fprintf(stderr, "accept-all: %s: error %d\n", line, error);
}

static void ban_those_who_say(int fd, const char *text, const struct queue_batch *batch, int count) {
  for (int i = 0; i < count; i++) {
    const uint8_t *packet = batch->bytes + batch->offset[i];
    if (batch->length[i] >= IPV4_HEADER && packet[0] >> 4 == 4 && memmem(packet, batch->length[i], text, strlen(text)))
      ban_source(fd, packet);
  }
}

int main(int argc, char **argv) {
  static const struct option names[] = {
      {"queue", required_argument, NULL, 'q'},      {"gso", required_argument, NULL, 'g'},
      {"batch", required_argument, NULL, 'b'},      {"max-length", required_argument, NULL, 'l'},
      {"fail-open", required_argument, NULL, 'f'},  {"ban-on", required_argument, NULL, 'o'},
      {NULL, 0, NULL, 0},
  };
  static const char *const counter_names[COUNTER_COUNT] = {
      "received",       "bytes",      "accepted",        "dropped",      "marked",        "replaced", "held",
      "batches",        "batchVerdicts", "singleVerdicts", "overruns",   "missed",        "malformed", "truncated",
      "unreplaceable",  "sendErrors", "verdictErrors",   "holdsRefused", "invalidVerdicts",
  };
  struct queue_options options = {
      .copy_range = 65531, .max_length = 8192, .receive_buffer = 128u << 20, .fail_open = 1, .gso = 1};
  uint32_t slots = 64;
  const char *ban_on = NULL;
  int sets = -1;
  int option, have_queue = 0;
  while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (option) {
      case 'q':
        options.number = (uint16_t)number(optarg, 0, 65535);
        have_queue = 1;
        break;
      case 'g': options.gso = (int)number(optarg, 0, 1); break;
      case 'b': slots = number(optarg, 1, 1024); break;
      case 'l': options.max_length = number(optarg, 1, 1u << 20); break;
      case 'f': options.fail_open = (int)number(optarg, 0, 1); break;
      case 'o': ban_on = optarg; break;
      default: return 2;
    }
  }
  if (!have_queue) {
    fputs("accept-all --queue N [--gso 0|1] [--batch N] [--max-length N] [--fail-open 0|1] [--ban-on TEXT]\n", stderr);
    return 2;
  }

  struct queue_batch batch = {.slots = slots, .slot_size = queue_slot_size(options.copy_range)};
  batch.bytes = mmap(NULL, (size_t)slots * batch.slot_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (batch.bytes == MAP_FAILED) {
    perror("accept-all");
    return 1;
  }
  batch.packet_id = array(slots, 4);
  batch.offset = array(slots, 4);
  batch.length = array(slots, 4);
  batch.wire_length = array(slots, 4);
  batch.mark = array(slots, 4);
  batch.in_interface = array(slots, 4);
  batch.out_interface = array(slots, 4);
  batch.physical_in_interface = array(slots, 4);
  batch.physical_out_interface = array(slots, 4);
  batch.time = array(slots, 8);
  batch.info = array(slots, 2);
  batch.hardware_protocol = array(slots, 2);
  batch.hook = array(slots, 1);
  batch.hardware = array(slots, 8);
  batch.hardware_length = array(slots, 1);
  batch.verdict = array(slots, 1);
  batch.verdict_mark = array(slots, 4);

  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);

  if (ban_on && ip_set_socket(NULL, &sets) != 0) {
    fputs("accept-all: no netlink socket for sets\n", stderr);
    return 1;
  }
  struct queue queue;
  double counters[COUNTER_COUNT] = {0};
  int error = queue_open(&queue, &options, &batch, counters);
  if (error) {
    fprintf(stderr, "accept-all: queue %u: %s\n", options.number, strerror(error));
    return 1;
  }
  printf("{\"queue\":%u,\"failOpen\":%d,\"gso\":%d,\"receiveBuffer\":%u}\n", options.number, queue.fail_open, queue.gso,
         queue.receive_buffer);
  fflush(stdout);
  while (!stopping) {
    int received = queue_receive(&queue, 100);
    if (received < 0) {
      fprintf(stderr, "accept-all: %s\n", strerror(-received));
      return 1;
    }
    if (ban_on) ban_those_who_say(sets, ban_on, &batch, received);
    queue_finalize(&queue);
  }
  queue_close(&queue);
  queue_free(&queue);
  for (int i = 0; i < COUNTER_COUNT; i++) {
    printf("%s\"%s\":%.0f", i ? "," : "{", counter_names[i], counters[i]);
  }
  puts("}");
  return 0;
}
