/* shutdown.h: the functions that wait for the process to leave, see lhp_thread_at_shutdown(). */
#ifndef LHP_SRC_SHUTDOWN_H
#define LHP_SRC_SHUTDOWN_H

/* Calls and forgets them all, also those registered meanwhile. */
void lhp_shutdown_run_calls(void);
/* In a forked child: what they would wait for is not there. */
void lhp_shutdown_forget_calls(void);

#endif
