#ifndef HUGE_PAGES_H
#define HUGE_PAGES_H

#include <stddef.h>

/**
 * Asks for huge pages (2 MB) where memory has not been touched yet (MADV_HUGEPAGE, madvise(2)): a look-up at a random
 * place of a large table then does not wait for the page tables first.
 */
void huge_pages_advise(void *memory, size_t length);

/** @return bytes in front of the first whole line of the processor's cache */
size_t cache_line_offset(const void *memory);

#endif
