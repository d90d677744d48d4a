/* memory.h: where synchronisation objects end without being destroyed, because their memory does.
 *
 *   free(p), realloc(p) that moves, munmap(p) --> does an object live there? --no (nearly always)--> libc's
 *                                                                           \--yes--> range gone ---> libc's
 *
 * Where races are looked for (blocks_on) blocks.h keeps where a block came from, from the start.  While accesses are checked
 * (weave_on) one that goes counts as written by who frees it, and one that comes as nobody's yet.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_MEMORY_H
#define LOCKHOUND_PRELOAD_INTERCEPT_MEMORY_H

/* Finds the size function of the allocator in use.  Context: early. */
void memory_init(void);

#endif
