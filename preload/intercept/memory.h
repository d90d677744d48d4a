/* memory.h: where synchronisation objects end without being destroyed, because their memory does.
 *
 *   free(p), realloc(p) that moves, munmap(p) --> does an object live there? --no (nearly always)--> libc's
 *                                                                           \--yes--> range gone ---> libc's
 *
 * While accesses are checked (weave_on) a block that goes counts as written by who frees it, and one that comes as
 * nobody's yet; blocks.h keeps where it came from.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_MEMORY_H
#define LOCKHOUND_PRELOAD_INTERCEPT_MEMORY_H

/* Finds the size function of the allocator in use.  Context: early. */
void memory_init(void);

#endif
