/* held_load.c: a load that another thread comes in between: it has been begun, and sees what was stored much later.  The page of the
 * flag is closed; in the handler of the fault the other thread has its turn, which makes the flag an atomic one, writes and
 * publishes.  The racy form writes when it has published.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "accesses.h"
#include "chosen.h"

enum { PAGE = 4096, PUBLISHED = 2 };

static atomic_int *flag; /* alone on its page */
static int answers[2];

static void let_other_go(int number)
{
    char byte;
    (void)number;
    mprotect(flag, PAGE, PROT_READ | PROT_WRITE);
    unseen_pass();
    unseen_call(SYS_read, answers[0], (long)&byte, 1);
}

static void *publish(void *arg)
{
    char byte = 1;
    unseen_wait();
    atomic_exchange(flag, 1);
    if (!racy)
        first();
    atomic_store_explicit(flag, PUBLISHED, memory_order_release);
    if (racy)
        first();
    unseen_call(SYS_write, answers[1], (long)&byte, 1);
    return arg;
}

static void *look(void *arg)
{
    mprotect(flag, PAGE, PROT_NONE);
    if (atomic_load_explicit(flag, memory_order_acquire) == PUBLISHED)
        second();
    return arg;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
    } cases[] = {{"held"}};
    CHOOSE_CASE(argc, argv, cases);
    flag = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unseen_call(SYS_pipe, (long)answers, 0, 0);
    signal(SIGSEGV, let_other_go);
    int status = run_both(publish, look);
    return place != 0 ? status : 1;
}
