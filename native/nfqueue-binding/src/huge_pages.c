#define _GNU_SOURCE
#include "huge_pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CACHE_LINE = 64 };

void huge_pages_advise(void *memory, size_t length) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  /* Whole pages, so that a huge page may lie in two pieces of memory that are neighbours. */
  uintptr_t from = (uintptr_t)memory & ~(page - 1);
  uintptr_t to = ((uintptr_t)memory + length + page - 1) & ~(page - 1);
  /* A kernel without them refuses, and the memory is as good as before. */
  (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

size_t cache_line_offset(const void *memory) { return -(uintptr_t)memory & (CACHE_LINE - 1); }
