/* Which capabilities a process and what it starts can have (capabilities(7)). */
#ifndef PORTCULLIS_RIGHTS_H
#define PORTCULLIS_RIGHTS_H

#include <stdint.h>

/*
 * Starts the program in this process anew, with no other capabilities than those of the mask (bit 1 << CAP_*) that it may
 * have now, and no way to others. All threads of now end: only so does none keep what it had. Standard streams stay.
 * Returns an errno when it could not; the process goes on then, with all that it had.
 */
int restart_with_capabilities(uint64_t kept, const char *program, char *const arguments[]);

#endif
