/* early_setting.c: a program with an allocator that reads its settings from the environment when it is first called, as
 * jemalloc does (MALLOC_CONF).  Whoever comes first, it must find them.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 4 << 20, GRAIN = 16 };

static _Alignas(GRAIN) unsigned char arena[ARENA];
static size_t used;
static const char *setting;
static size_t calls;

static void *take(size_t alignment, size_t size)
{
    if (calls++ == 0)
        setting = getenv("PATH");
    size_t at = (used + GRAIN + alignment - 1) / alignment * alignment;
    if (size > ARENA || at > ARENA - size) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(arena + at - sizeof size, &size, sizeof size);
    used = at + size;
    return arena + at;
}

void *malloc(size_t size)
{
    return take(GRAIN, size);
}

void *calloc(size_t count, size_t size)
{
    return size != 0 && count > SIZE_MAX / size ? NULL : take(GRAIN, count * size); /* the arena begins as zeros */
}

void *realloc(void *old, size_t size)
{
    void *new = take(GRAIN, size);
    if (old != NULL && new != NULL) {
        size_t had;
        memcpy(&had, (unsigned char *)old - sizeof had, sizeof had);
        memcpy(new, old, had < size ? had : size);
    }
    return new;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return take(alignment < GRAIN ? GRAIN : alignment, size);
}

void free(void *block)
{
    (void)block;
}

int main(void)
{
    void *volatile block = malloc(1);
    printf("%s\n", block != NULL && setting != NULL ? "settings were found" : "no settings");
    return 0;
}
