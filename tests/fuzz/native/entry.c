/* What libFuzzer calls. */
#include <time.h>

#include "harness.h"

/* Processor time of one input, so that a busy machine is not taken for a slow program. */
enum { LONGEST_MS = 100 };

static int64_t used_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t began = used_nanoseconds();
  fuzz_input(data, size);
  claim(used_nanoseconds() - began < (int64_t)LONGEST_MS * 1000000, "an input takes at most 100 ms");
  return 0;
}
