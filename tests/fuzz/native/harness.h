/* What every harness has: a bound on processor time, and claims that end the process when they do not hold. */
#ifndef PORTCULLIS_FUZZ_HARNESS_H
#define PORTCULLIS_FUZZ_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The harness itself. `bytes` end where the sanitizer sees a read beyond. */
void fuzz_input(const uint8_t *bytes, size_t size);

static inline void claim(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "claim does not hold: %s\n", what);
  abort();
}

/* Takes an input apart from its front; gives zeros once nothing is left. */
struct input {
  const uint8_t *at;
  size_t left;
};

static inline uint8_t take8(struct input *input) {
  if (input->left == 0) return 0;
  input->left--;
  return *input->at++;
}

static inline uint16_t take16(struct input *input) {
  uint16_t high = take8(input);
  return (uint16_t)(high << 8 | take8(input));
}

static inline uint32_t take32(struct input *input) {
  uint32_t high = take16(input);
  return high << 16 | take16(input);
}

/* At most `size` bytes; `*taken` says how many. */
static inline const uint8_t *take_bytes(struct input *input, size_t size, size_t *taken) {
  const uint8_t *bytes = input->at;
  *taken = size < input->left ? size : input->left;
  input->at += *taken;
  input->left -= *taken;
  return bytes;
}

#ifdef __cplusplus
}
#endif

#endif
