/* Checksums of a packet against a slow twin: what was written is found right, and one flipped bit is not. */
#include "../../../native/nfqueue-binding/src/checksum.h"
#include "harness.h"

/* RFC 1071, byte by byte. */
static uint16_t slow_sum(const uint8_t *bytes, size_t length) {
  uint64_t sum = 0;
  for (size_t i = 0; i < length; i++) sum += i & 1 ? bytes[i] : (uint64_t)bytes[i] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

void fuzz_input(const uint8_t *bytes, size_t size) {
  uint8_t *packet = malloc(size + 1);
  if (!packet) return;
  memcpy(packet, bytes, size);
  enum checksum_status before = checksum_verify(packet, size);
  enum checksum_status written = checksum_write(packet, size);
  enum checksum_status after = checksum_verify(packet, size);
  switch (written) {
    case CHECKSUM_OK:
      claim(before == CHECKSUM_OK || before == CHECKSUM_WRONG, "there was one to compare");
      claim(after == CHECKSUM_OK, "what was written is right");
      break;
    case CHECKSUM_NONE_PRESENT:
    case CHECKSUM_UNKNOWN:
      claim(before == written && after == written, "there is still none");
      break;
    case CHECKSUM_MALFORMED:
      claim(before == CHECKSUM_MALFORMED && memcmp(packet, bytes, size) == 0, "left alone");
      break;
    case CHECKSUM_WRONG:
      claim(0, "writing does not compare");
  }
  if (written != CHECKSUM_MALFORMED && packet[0] >> 4 == 4)
    claim(slow_sum(packet, (size_t)(packet[0] & 15) * 4) == 0xffff, "the header's sum is right");
  free(packet);
}
