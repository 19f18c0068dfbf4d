import { loadAddon } from './addon';

/**
 * Asks the kernel for huge pages for memory that nobody has written to yet: looking at random places of a large table
 * takes a third less then. They are had where `/sys/kernel/mm/transparent_hugepage/enabled` is `madvise` or `always`.
 *
 * @returns bytes in front of its first whole line of the processor's cache, 0 to 63; 0 also where there is no addon
 */
export function useHugePages(memory: SharedArrayBuffer): number {
  try {
    return loadAddon().hugePages(new Uint8Array(memory));
  } catch {
    return 0;
  }
}
