/* strangers.c FILE bug|ok: two programs that know nothing of each other but a file, which both map; see nesting.c.
 *
 * The first to come starts the other by exec and makes the locks; the two map the file at different addresses.
 */
#include <fcntl.h>
#include <pthread.h>

#include "pair.h"

static pthread_mutex_t *map_file(const char *path, size_t padding)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    check(fd >= 0 && ftruncate(fd, 4096) == 0, path);
    if (padding > 0)
        check(mmap(NULL, padding, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "mmap");
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    close(fd);
    return memory;
}

/* Behind the locks in the same page: whose turn it is. */
static atomic_int *stage_of(pthread_mutex_t *locks)
{
    return (atomic_int *)(void *)(locks + 2);
}

__attribute__((noinline)) static void nest(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
}

static void be_second(char **argv)
{
    pthread_mutex_t *locks = map_file(argv[1], 1 << 20);
    bool is_bug = strcmp(argv[2], "bug") == 0;
    wait_until(stage_of(locks), 1);
    nest(&locks[is_bug], &locks[!is_bug]);
}

int main(int argc, char **argv)
{
    check(argc >= 3, "arguments");
    if (argc == 4) {
        be_second(argv);
        return 0;
    }
    pthread_mutex_t *locks = map_file(argv[1], 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    for (int i = 0; i < 2; i++)
        pthread_mutex_init(&locks[i], &attributes);
    pid_t child = fork();
    if (child == 0)
        execl("/proc/self/exe", argv[0], argv[1], argv[2], "second", (char *)NULL);
    nest(&locks[0], &locks[1]);
    atomic_store(stage_of(locks), 1);
    int status = 1;
    waitpid(child, &status, 0);
    printf("%s\n", status == 0 ? "both ended well" : "the other failed");
    unlink(argv[1]);
    return 0;
}
