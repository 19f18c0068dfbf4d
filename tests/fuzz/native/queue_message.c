/* One netlink message of a queue: what is found lies inside it, and it is found again in a copy. */
#include "../../../native/nfqueue-binding/src/message.h"
#include "harness.h"

enum { QUEUE = 7 };

void fuzz_input(const uint8_t *bytes, size_t size) {
  struct message first, second;
  enum message_kind kind = message_parse(bytes, size, QUEUE, &first);
  claim(kind == message_parse(bytes, size, QUEUE, &second) && memcmp(&first, &second, sizeof first) == 0,
        "the same bytes mean the same");
  if (kind == MESSAGE_REPLY) claim(first.error >= 0 && first.error <= 4095, "an errno");
  if (kind != MESSAGE_PACKET) return;
  claim(first.length > 0 && first.payload + (size_t)first.length <= size, "the packet lies in the message");
  claim(first.wire_length >= first.length, "as long on the wire as here");
  claim(first.hardware_length <= sizeof first.hardware, "a hardware address that fits");
}
