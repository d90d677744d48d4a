/* expect: data-race at=editor@publishes at=main@looks */
/* may: data-race */
/* needs-weaving */
/* The editor fills in a page and then shows it by storing a plain pointer.  Nothing says that the reader, who sees the pointer,
 * sees the page as well: the compiler may swap the two stores, and many processors would.  Mended in race_publish_ok.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
    int number;
    char headline[32];
};
static struct page *latest;

static void *editor(void *unused)
{
    struct page *page = malloc(sizeof *page);
    if (!page)
        exit(1);
    page->number = 1;
    snprintf(page->headline, sizeof page->headline, "man bites dog");
    latest = page; /* @publishes */
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, editor, NULL);
    const struct page *page = latest; /* @looks */
    int number = page ? page->number : 1;
    pthread_join(thread, NULL);
    printf("page %d: %s\n", number, latest->headline);
    free(latest);
    return 0;
}
