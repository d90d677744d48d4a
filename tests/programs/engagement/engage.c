/* engage.c: runs one case, or says which there are.
 *
 *   engage --list        "hook<TAB>evidence" a line
 *   engage --hooks       the hooks of preload/hooks.def, a line each
 *   engage HOOK          runs the case; prints the address that marks its begin and its end in the trace
 */
#include "engage.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const hooks[] = {
#define HOOK(result, name, ...)                         #name,
#define HOOK_OPTIONAL(result, name, ...)                #name,
#define HOOK_VARIADIC(result, name, version)            #name,
#define HOOK_VERSIONED(result, name, tag, version, ...) #name "@" version,
#include "preload/hooks.def"
};

static struct engagement *first;
static int mark;

void engagement_add(struct engagement *engagement)
{
    engagement->next = first;
    first = engagement;
}

void begin(void)
{
    syscall(SYS_futex, &mark, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void *engage_find(const char *name, const char *version)
{
    void *found = version == NULL ? dlsym(RTLD_DEFAULT, name) : dlvsym(RTLD_DEFAULT, name, version);
    if (found == NULL) {
        fprintf(stderr, "engage: no function %s in version %s\n", name, version == NULL ? "any" : version);
        exit(EXIT_FAILURE);
    }
    return found;
}

/* Prints the file in which the hook's name is found by a program. */
static void print_binding(const char *hook)
{
    char name[64];
    size_t length = strcspn(hook, "@");
    snprintf(name, sizeof name, "%.*s", (int)length, hook);
    Dl_info place;
    if (dladdr(engage_find(name, hook[length] == '@' ? hook + length + 1 : NULL), &place) != 0)
        printf("bound\t%s\n", place.dli_fname);
}

static int run(const char *hook)
{
    for (const struct engagement *e = first; e != NULL; e = e->next) {
        if (strcmp(e->hook, hook) != 0)
            continue;
        print_binding(hook);
        printf("mark\t%p\n", (void *)&mark);
        fflush(stdout);
        e->run();
        begin();
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "engage: no case %s\n", hook);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: engage --list | --hooks | HOOK\n");
        return 2;
    }
    if (strcmp(argv[1], "--list") == 0) {
        for (const struct engagement *e = first; e != NULL; e = e->next)
            printf("%s\t%s\n", e->hook, e->evidence);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--hooks") == 0) {
        for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
            puts(hooks[i]);
        return EXIT_SUCCESS;
    }
    return run(argv[1]);
}
