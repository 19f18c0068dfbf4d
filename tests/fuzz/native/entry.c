/* What libFuzzer calls; tells at the end how long the slowest input took, and all of them. */
#include <time.h>

#include "harness.h"

/* Processor time of one input, so that a busy machine is not taken for a slow program. */
#define LONGEST_NS 100000000LL
/* What is slower than any before is run again, so that only what it takes each time counts. */
enum { REPEATS = 3 };

static int64_t slowest_ns;

static int64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void tell_times(void) {
  fprintf(stderr, "slowest_input_ns: %lld\nprocessor_ns: %lld\n", (long long)slowest_ns,
          (long long)nanoseconds(CLOCK_PROCESS_CPUTIME_ID));
}

/* The least of several times; processor time costs a call of the system, so that it is not asked for each input. */
static void measure_again(const uint8_t *data, size_t size) {
  int64_t least = INT64_MAX;
  for (int repeat = 0; repeat < REPEATS && least > slowest_ns; repeat++) {
    int64_t began = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    fuzz_input(data, size);
    int64_t used = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - began;
    if (used < least) least = used;
  }
  if (least > slowest_ns) slowest_ns = least;
  claim(slowest_ns < LONGEST_NS, "an input takes at most 100 ms");
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  return atexit(tell_times);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t began = nanoseconds(CLOCK_MONOTONIC);
  fuzz_input(data, size);
  if (nanoseconds(CLOCK_MONOTONIC) - began > slowest_ns) measure_again(data, size);
  return 0;
}
