/* unseen_thread.h: a thread that a SYSCALL instruction of the program's own has made begins.
 *
 *   clone --woven--> plane_thread --> unseen_thread_begin() --> a blind header of its own; order unseen
 *
 * Model:     nobody was told of it before.  Its thread-local storage may be its maker's, or nobody's: nothing here touches any,
 *            but where it is the maker's.  Headers are taken by the thread itself, by compare-and-swap on who has them.
 * Invariant: a header is taken anew when the kernel knows its thread no more.
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_UNSEEN_THREAD_H
#define LOCKHOUND_PRELOAD_WEAVE_UNSEEN_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* First thing of such a thread, on its stack; `given` is the first argument of system call `number`.  Called by assembly, compiled
 * without vector registers.  Context: signal. */
void unseen_thread_begin(uint64_t given, uint64_t number);
/* Returns: whether there was one.  Context: signal, in-malloc. */
bool unseen_thread_has_come(void);

#endif
