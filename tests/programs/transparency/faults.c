/* faults.c: a handler of SIGSEGV takes a lock that is also taken outside; the fault never comes while it is held, as in a
 * virtual machine that turns faults of its generated code into exceptions. */
#include "show.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char *page;
static size_t size;
static int faults;

static void count(void)
{
    pthread_mutex_lock(&mutex);
    faults++;
    pthread_mutex_unlock(&mutex);
}

static void open_page(int number)
{
    (void)number;
    count();
    mprotect(page, size, PROT_READ | PROT_WRITE);
}

int main(void)
{
    size = (size_t)sysconf(_SC_PAGESIZE);
    page = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(page != MAP_FAILED, "mmap");
    struct sigaction action = {.sa_handler = open_page};
    must(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
    for (int i = 0; i < ROUNDS; i++) {
        count();
        mprotect(page, size, PROT_NONE);
        *(volatile char *)page = 1;
    }
    printf("%d counted\n", faults);
    return 0;
}
