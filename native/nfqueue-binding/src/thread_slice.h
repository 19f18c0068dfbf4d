#ifndef THREAD_SLICE_H
#define THREAD_SLICE_H

#include <stdint.h>

/**
 * Asks for another time slice for the calling thread: since Linux 6.12 one of the fair class may say how long it wants
 * to run at a time (sched_attr.sched_runtime, sched_setattr(2)). A shorter slice brings a thread that wakes sooner to
 * its turn, and gives it no larger share. Earlier kernels take no notice.
 *
 * @param nanoseconds 100 000 to 100 000 000, 0: the system's own
 * @return 0 or an errno
 */
int thread_slice(uint64_t nanoseconds);

#endif
