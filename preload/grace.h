/* grace.h: threads that have just begun when the program ends get a little time.
 *
 *   exit(), or main() returns --handlers of the program's end, ours among the first--> a thread younger than the grace, and not all asleep?
 *       --yes--> wait, and look again        --no--> the program's own handlers, and the end
 *
 * Why:     who creates threads and does not wait for them often ends before they have run at all: what they would have done is never
 *          seen, and a program that is wrong in that way goes clean.  Any schedule of a slower first thread would have let them run.
 * Joins:   who has waited for one thread gave those before it their time, and may have taken from the rest what they use, as stress-ng
 *          --pthread does, which returns from the function whose frame a forgotten thread uses.  There the program ends as it comes.
 * Threads: the thread that ends the process waits; the rest is relaxed, a measure of time.
 * Source:  ThreadSanitizer's atexit_sleep_ms (the idea).
 */
#ifndef LOCKHOUND_PRELOAD_GRACE_H
#define LOCKHOUND_PRELOAD_GRACE_H

/* A thread was created.  Context: reentrant. */
void grace_thread_made(void);

/* A thread was joined.  Context: signal. */
void grace_thread_joined(void);

/* The process ends; nothing if its threads had their grace.  Context: late, may-block. */
void grace_give(void);

#endif
