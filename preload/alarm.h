/* alarm.h: whether the kernel will send this process a signal when a time has come.
 *
 *   alarm(), setitimer(ITIMER_REAL) --getitimer--\
 *                                                 >-- one is set: somebody may run again, or the process ends by it
 *   timer_settime() --/proc/self/timers-----------/
 *
 * Timers of processor time (ITIMER_VIRTUAL, ITIMER_PROF) do not go on while everybody sleeps.  Context: signal, in-malloc.
 */
#ifndef LOCKHOUND_PRELOAD_ALARM_H
#define LOCKHOUND_PRELOAD_ALARM_H

#include <stdbool.h>

/* Returns: true when one is set, or it cannot be told. */
bool alarm_is_set(void);

#endif
