/* futex_word.h: a word that a thread is about to sleep on, looked at as the kernel will look at it. */
#ifndef LOCKHOUND_PRELOAD_FUTEX_WORD_H
#define LOCKHOUND_PRELOAD_FUTEX_WORD_H

#include <linux/futex.h>
#include <stdbool.h>

#include "preload/raw.h"

/* The words of futex(2) that say where, how and for what a thread waits. */
struct futex_word {
    long address, operation, expected;
};

/* Returns: false when the word has changed already or is no memory, so that the call will not sleep.  Requeueing nobody
 * is the kernel's way to compare a word, which must not fault here when the call is wrong.
 * Context: signal, in-malloc, loader-lock. */
static inline bool futex_word_is_expected(const struct futex_word *word)
{
    long operation = FUTEX_CMP_REQUEUE | (word->operation & FUTEX_PRIVATE_FLAG);
    return raw_syscall(SYS_futex, word->address, operation, 0, 0, word->address, word->expected) == 0;
}

#endif
