/*
 * Plays one conversation for very many clients at once, past the kernels of both ends: what it takes to fill tables that
 * hold hundreds of thousands of flows. The packets of the conversation come on the standard input, each as a byte for
 * its side (0 client, 1 server), its length (32 bits, big endian) and an Ethernet frame with IPv4 or IPv6 and TCP or UDP.
 * Client number i has the conversation's client address + i % addresses and its client port + i / addresses; what a
 * packet depends on otherwise stays as it is, checksums follow.
 *
 *   many-clients CLIENT_NAMESPACE SERVER_NAMESPACE --flows N [--first I] [--together N] [--addresses N] [--rate N]
 *                [--seconds S] [--patience MS]
 *
 * A packet is sent for `together` clients, then the next one, as soon as the other end has got them all or nothing has
 * come for `patience` milliseconds. With --seconds further clients follow for so long. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64, MAX_PACKETS = 4096, MAX_FRAME = 2048, ETHERNET = 14 };

struct packet {
  int side;
  int length;
  uint8_t frame[MAX_FRAME];
  /* Where the last 32 bits of the client's address, its port, and the checksums stand; 0: there is none. */
  int address, port, header_checksum, checksum;
};

static struct packet *packets;
static int packet_count;
/* By side: where packets are sent, and where those of the other side are counted. */
static int senders[2], counters[2];
static uint64_t sent, arrived;
static volatile sig_atomic_t stopping;

static void stop(int signal_number) {
  (void)signal_number;
  stopping = 1;
}

static void fail(const char *what) {
  fprintf(stderr, "many-clients: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void refuse(const char *what) {
  fprintf(stderr, "many-clients: %s\n", what);
  exit(2);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void nap(double seconds) {
  struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
static void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void find_fields(struct packet *packet) {
  const uint8_t *frame = packet->frame;
  int client = packet->side == 0, protocol, transport;
  if (get16(frame + 12) == ETHERTYPE_IP) {
    protocol = frame[ETHERNET + 9];
    transport = ETHERNET + (frame[ETHERNET] & 15) * 4;
    packet->header_checksum = ETHERNET + 10;
    packet->address = ETHERNET + (client ? 12 : 16);
  } else {
    protocol = frame[ETHERNET + 6];
    transport = ETHERNET + 40;
    packet->address = ETHERNET + (client ? 20 : 36);
  }
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) refuse("packets have to be TCP or UDP");
  if (transport + (protocol == IPPROTO_TCP ? 20 : 8) > packet->length) refuse("a packet is too short");
  packet->port = transport + (client ? 0 : 2);
  packet->checksum = transport + (protocol == IPPROTO_TCP ? 16 : 6);
}

static void read_conversation(void) {
  uint8_t head[5];
  packets = calloc(MAX_PACKETS, sizeof *packets);
  if (!packets) fail("memory");
  while (fread(head, sizeof head, 1, stdin) == 1) {
    uint32_t length = get32(head + 1);
    if (packet_count == MAX_PACKETS || length > MAX_FRAME || length < ETHERNET + 28) refuse("too many or odd packets");
    struct packet *packet = &packets[packet_count++];
    packet->side = head[0] != 0;
    packet->length = (int)length;
    if (fread(packet->frame, length, 1, stdin) != 1) refuse("the conversation is cut off");
    find_fields(packet);
  }
  if (packet_count == 0) refuse("no packets on the standard input");
}

/* RFC 1624: what a checksum becomes when 16 bits of what it covers change. */
static uint16_t updated(uint16_t checksum, uint16_t before, uint16_t after) {
  uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~before + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static void change16(uint8_t *frame, const struct packet *packet, int at, uint16_t value, int in_header) {
  uint16_t before = get16(frame + at);
  put16(frame + at, value);
  put16(frame + packet->checksum, updated(get16(frame + packet->checksum), before, value));
  if (in_header && packet->header_checksum)
    put16(frame + packet->header_checksum, updated(get16(frame + packet->header_checksum), before, value));
}

static void make_frame(uint8_t *frame, const struct packet *packet, uint64_t client, uint64_t addresses) {
  memcpy(frame, packet->frame, (size_t)packet->length);
  uint32_t address = get32(frame + packet->address) + (uint32_t)(client % addresses);
  change16(frame, packet, packet->address, (uint16_t)(address >> 16), 1);
  change16(frame, packet, packet->address + 2, (uint16_t)address, 1);
  change16(frame, packet, packet->port, (uint16_t)(get16(frame + packet->port) + client / addresses), 0);
}

/* A socket in the namespace; a counter counts what comes from the other side and keeps nothing of it. */
static int open_socket(const char *namespace, int counter, int address_at, uint32_t first, uint64_t addresses) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || setns(descriptor, CLONE_NEWNET) != 0) fail(path);
  close(descriptor);
  int handle = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("eth0")};
  if (handle < 0) fail("packet socket");
  if (counter) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)address_at),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(first + addresses - 1), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    int least = 1;
    if (setsockopt(handle, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) fail("filter");
    setsockopt(handle, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    address.sll_protocol = htons(ETH_P_ALL);
  } else {
    int on = 1, room = 8 << 20;
    setsockopt(handle, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
    setsockopt(handle, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  }
  if (bind(handle, (struct sockaddr *)&address, sizeof address) != 0) fail("eth0");
  return handle;
}

/* Packets of `side` that have come to the other end since the last call. */
static uint64_t count_arrivals(int side) {
  struct tpacket_stats statistics = {0};
  socklen_t length = sizeof statistics;
  if (getsockopt(counters[side], SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) fail("statistics");
  arrived += statistics.tp_packets;
  return statistics.tp_packets;
}

static void send_chunk(const struct packet *packet, uint64_t first, int count, uint64_t addresses) {
  static uint8_t frames[CHUNK][MAX_FRAME];
  struct mmsghdr messages[CHUNK];
  struct iovec parts[CHUNK];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < count; i++) {
    make_frame(frames[i], packet, first + (uint64_t)i, addresses);
    parts[i] = (struct iovec){.iov_base = frames[i], .iov_len = (size_t)packet->length};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (int done = 0; done < count && !stopping;) {
    int result = sendmmsg(senders[packet->side], messages + done, (unsigned)(count - done), 0);
    if (result > 0) done += result;
    /* A full device: what is lost there is the flood's own loss. */
    else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) nap(1e-4);
    else fail("sendmmsg");
  }
  sent += (uint64_t)count;
}

static uint64_t number(const char *text) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno || end == text || *end) refuse("an option wants a whole number");
  return value;
}

int main(int argc, char **argv) {
  static const struct option names[] = {
      {"flows", required_argument, NULL, 'n'},    {"first", required_argument, NULL, 'f'},
      {"together", required_argument, NULL, 't'}, {"addresses", required_argument, NULL, 'a'},
      {"rate", required_argument, NULL, 'r'},     {"seconds", required_argument, NULL, 's'},
      {"patience", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0},
  };
  uint64_t flows = 0, first = 0, together = 256, addresses = 1, rate = 0, seconds = 0, patience = 100;
  int option;
  while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (option) {
      case 'n': flows = number(optarg); break;
      case 'f': first = number(optarg); break;
      case 't': together = number(optarg); break;
      case 'a': addresses = number(optarg); break;
      case 'r': rate = number(optarg); break;
      case 's': seconds = number(optarg); break;
      case 'p': patience = number(optarg); break;
      default: return 2;
    }
  }
  if (argc - optind != 2 || flows == 0 || together == 0 || addresses == 0)
    refuse("CLIENT_NAMESPACE SERVER_NAMESPACE --flows N [--first I] [--together N] [--addresses N] [--rate N] [--seconds S]");
  read_conversation();
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);

  const struct packet *sample = &packets[0];
  int version6 = get16(sample->frame + 12) != ETHERTYPE_IP;
  uint32_t base = get32(sample->frame + sample->address);
  for (int side = 0; side < 2; side++) {
    senders[side] = open_socket(argv[optind + side], 0, 0, 0, 0);
    /* The client's address is the source of what comes to the server, and the destination of what comes back. */
    int address_at = ETHERNET + (side == 0 ? (version6 ? 20 : 12) : (version6 ? 36 : 16));
    counters[side] = open_socket(argv[optind + 1 - side], 1, address_at, base, addresses);
  }

  double start = now(), until = seconds ? start + (double)seconds : 0;
  uint64_t clients = 0, rounds = 0, late = 0;
  do {
    for (uint64_t begin = 0; begin < flows && !stopping && (!until || now() < until); begin += together) {
      uint64_t group = flows - begin < together ? flows - begin : together;
      for (int i = 0; i < packet_count && !stopping; i++) {
        const struct packet *packet = &packets[i];
        count_arrivals(packet->side);
        uint64_t seen = 0;
        for (uint64_t done = 0; done < group && !stopping; done += CHUNK) {
          int count = (int)(group - done < CHUNK ? group - done : CHUNK);
          send_chunk(packet, first + rounds * flows + begin + done, count, addresses);
          double ahead = rate ? (double)sent / (double)rate - (now() - start) : 0;
          if (ahead > 0) nap(ahead);
        }
        if (packet_count == 1) continue;
        double progress = now();
        while (!stopping && (seen += count_arrivals(packet->side)) < group) {
          uint64_t more = count_arrivals(packet->side);
          seen += more;
          if (more) progress = now();
          if (now() - progress > (double)patience / 1000) {
            late++;
            break;
          }
          nap(5e-5);
        }
      }
      clients += group;
    }
    rounds++;
  } while (until && !stopping && now() < until);
  nap(0.05);
  for (int side = 0; side < 2; side++) count_arrivals(side);
  printf("{\"clients\":%llu,\"rounds\":%llu,\"sent\":%llu,\"arrived\":%llu,\"late\":%llu,\"seconds\":%.3f}\n",
         (unsigned long long)clients, (unsigned long long)rounds, (unsigned long long)sent,
         (unsigned long long)arrived, (unsigned long long)late, now() - start);
  return 0;
}
