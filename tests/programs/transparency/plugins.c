/* plugins.c PLUGIN: loads and unloads a library of plugin.c several times, from two threads. */
#include "show.h"
#include <dlfcn.h>
#include <pthread.h>

static const char *path;

static void *use_plugin(void *unused)
{
    for (int i = 0; i < 5; i++) {
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        MUST(handle);
        int (*count)(void) = (int (*)(void))dlsym(handle, "plugin_count");
        MUST(count);
        printf("count %d\n", count());
        MUST(dlclose(handle) == 0);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    MUST(argc == 2);
    path = argv[1];
    use_plugin(NULL);
    pthread_create(&thread, NULL, use_plugin, NULL);
    pthread_join(thread, NULL);
    MUST(dlopen("/nonexistent.so", RTLD_NOW) == NULL);
    puts(dlerror());
    MUST(dlsym(RTLD_DEFAULT, "pthread_mutex_lock") != NULL);
    return 0;
}
