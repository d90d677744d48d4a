/* expect: deadlock form=self at=spin@lock_again */
/* stuck.c: a thread waits for a spin lock of its own while another still runs, and the process hangs only when that one waits for its
 * end; it is ended then, though the kernel takes the first one for running.
 */
#include <pthread.h>
#include <unistd.h>

enum { LATER_US = 300000 };

static pthread_spinlock_t lock;

static void *spin(void *unused)
{
    pthread_spin_lock(&lock);
    pthread_spin_lock(&lock); /* @lock_again */
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
    pthread_create(&thread, NULL, spin, NULL);
    usleep(LATER_US);
    pthread_join(thread, NULL);
    return 0;
}
