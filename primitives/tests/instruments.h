/* instruments.h: what stands between the library and libc in its tests (the linker's --wrap): random yields, and a time that
 * stands still.
 *
 *   library --pthread_mutex_lock(), sem_post(), ...--> a yield now and then --> libc
 *
 * Whatever the library does in two steps, another thread may come in between; here it often does.
 */
#ifndef LHP_TESTS_INSTRUMENTS_H
#define LHP_TESTS_INSTRUMENTS_H

#include <stdbool.h>

/* While time stands still no wait of the library ends by its limit: who is not told sleeps on, and after a while the test is
 * ended. */
void instruments_still_time(bool is_still);

#endif
