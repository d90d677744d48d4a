/* comers.c: two threads load and close a library each, again and again; and threads that come and go by libc's cache of stacks use
 * the thread-local storage of one that stays.
 *
 * Usage: comers LIBRARY
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

enum { LOADINGS = 300, LIVES = 60 };

static const char *const passing[] = {"libBrokenLocale.so.1", "libanl.so.1"};
static int (*touch)(int);

static void *load_and_close(void *name)
{
    for (int i = 0; i < LOADINGS; i++) {
        void *library = dlopen(name, RTLD_NOW);
        if (library == NULL || dlclose(library) != 0)
            return NULL;
    }
    return name;
}

static void *use_storage(void *sum)
{
    *(int *)sum += touch(3);
    return sum;
}

static void *live_often(void *sum)
{
    for (int i = 0; i < LIVES; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, use_storage, sum) != 0)
            return NULL;
        pthread_join(thread, NULL);
    }
    return sum;
}

int main(int argc, char **argv)
{
    pthread_t loaders[2], livers[2];
    int sums[2] = {0, 0};
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL)
        return 1;
    *(void **)&touch = dlsym(library, "kept_touch");
    for (int i = 0; i < 2; i++) {
        pthread_create(&loaders[i], NULL, load_and_close, (void *)passing[i]);
        pthread_create(&livers[i], NULL, live_often, &sums[i]);
    }
    for (int i = 0; i < 2; i++) {
        void *loaded = NULL;
        pthread_join(loaders[i], &loaded);
        pthread_join(livers[i], NULL);
        printf("%s, %d\n", loaded == NULL ? "not loaded" : (char *)loaded, sums[i]);
    }
    return 0;
}
