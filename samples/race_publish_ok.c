/* expect: none */
/* The pointer is atomic: its store releases what was written before, and the load that sees it acquires that.  The bug is in
 * race_publish_bug.c.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
    int number;
    char headline[32];
};
static struct page *_Atomic latest;

static void *editor(void *unused)
{
    struct page *page = malloc(sizeof *page);
    if (!page)
        exit(1);
    page->number = 1;
    snprintf(page->headline, sizeof page->headline, "man bites dog");
    atomic_store_explicit(&latest, page, memory_order_release);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, editor, NULL);
    const struct page *page = atomic_load_explicit(&latest, memory_order_acquire);
    int number = page ? page->number : 1;
    pthread_join(thread, NULL);
    printf("page %d: %s\n", number, latest->headline);
    free(latest);
    return 0;
}
