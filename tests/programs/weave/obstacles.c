/* obstacles.c: what programs do to their own process that weaving must bear; each part by its name, the same printed as alone. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MUST(condition) ((condition) ? (void)0 : must_failed(#condition, __LINE__))

enum {
    CELLS = 4096,
    SHORT_THREADS = 3000,
    LIVE_THREADS = 300,
    AT_ONCE = 50,
    MOST_LOCKED_KIB = 300 << 10,
    LOADS = 60,
    PAGE = 4096,
    SMALL_STACK = 64 << 10
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long cells[CELLS]; /* under the mutex */

static void must_failed(const char *what, int line)
{
    fprintf(stderr, "line %d: not so: %s\n", line, what);
    abort();
}

__attribute__((noinline)) static void add_to_cells(long step)
{
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < CELLS; i += 64)
        cells[i] += step;
    pthread_mutex_unlock(&mutex);
}

static void *add_once(void *step)
{
    add_to_cells((long)(intptr_t)step);
    return step;
}

static void run_threads(int count)
{
    pthread_t threads[LIVE_THREADS];
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, SMALL_STACK) == 0);
    for (int i = 0; i < count; i++)
        MUST(pthread_create(&threads[i], &attributes, add_once, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < count; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
}

static void print_cells(void)
{
    long sum = 0;
    for (int i = 0; i < CELLS; i++)
        sum += cells[i];
    printf("  %ld\n", sum);
}

static void plain(void)
{
    run_threads(4);
    print_cells();
}

static long unguarded;

static void *add_unguarded(void *step)
{
    for (int i = 0; i < CELLS; i++)
        unguarded += i % 2;
    return step;
}

/* The threads run one after the other by chance, not by order. */
static void racy(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        MUST(pthread_create(&threads[i], NULL, add_unguarded, NULL) == 0);
    for (int i = 0; i < 4; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    puts("  done");
}

/* ---- threads -------------------------------------------------------------------------------------------------------- */

static void short_threads(void)
{
    for (int i = 0; i < SHORT_THREADS / AT_ONCE; i++)
        run_threads(AT_ONCE);
    print_cells();
}

static pthread_barrier_t all_live;

static void *live_together(void *step)
{
    add_to_cells(1);
    pthread_barrier_wait(&all_live);
    add_to_cells(2);
    return step;
}

static void live_threads(void)
{
    static pthread_t threads[LIVE_THREADS];
    pthread_attr_t attributes;
    MUST(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, SMALL_STACK) == 0);
    MUST(pthread_barrier_init(&all_live, NULL, LIVE_THREADS) == 0);
    for (int i = 0; i < LIVE_THREADS; i++)
        MUST(pthread_create(&threads[i], &attributes, live_together, NULL) == 0);
    for (int i = 0; i < LIVE_THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    print_cells();
}

/* ---- limits ---- */

static void no_descriptors(void)
{
    struct rlimit none = {0, 0};
    int out = dup(STDOUT_FILENO);
    MUST(out >= 0 && setrlimit(RLIMIT_NOFILE, &none) == 0);
    run_threads(4);
    MUST(open("/dev/null", O_RDONLY) < 0); /* nobody has put the limit up */
    print_cells();
}

/* ---- rights --------------------------------------------------------------------------------------------------------- */

/* What is opened for the one is nothing that the other may use. */
static void another_user(void)
{
    enum { NOBODY = 65534 };
    MUST(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
    closefrom(STDERR_FILENO + 1);
    run_threads(4);
    print_cells();
}

static void another_root(void)
{
    MUST(chroot("/proc") == 0 && chdir("/") == 0);
    run_threads(4);
    print_cells();
}

/* ---- descriptors ---------------------------------------------------------------------------------------------------- */

static void all_closed(void)
{
    run_threads(2);
    fflush(stdout);
    int out = dup2(STDOUT_FILENO, 100);
    MUST(out == 100);
    MUST(syscall(SYS_close_range, 0, 99, 0) == 0 && syscall(SYS_close_range, 101, ~0u, 0) == 0);
    run_threads(3);
    MUST(open("/dev/null", O_RDONLY) == 0); /* the lowest is free */
    MUST(dup2(out, STDOUT_FILENO) == STDOUT_FILENO);
    print_cells();
}

/* All memory is to stay in place, from before or after the first thread on: little of it is filled by that. */
static void lock_all(void (*before)(void), void (*after)(void))
{
    struct rusage usage;
    before();
    int result = mlockall(MCL_CURRENT | MCL_FUTURE);
    after();
    MUST(getrusage(RUSAGE_SELF, &usage) == 0);
    printf("  %s\n", usage.ru_maxrss < MOST_LOCKED_KIB ? "little" : "much");
    MUST(result == 0 || errno == EPERM || errno == ENOMEM);
    print_cells();
}

static void run_some(void)
{
    run_threads(3);
}

static void run_none(void)
{
}

static void locked_before(void)
{
    lock_all(run_none, run_some);
}

static void locked_after(void)
{
    lock_all(run_some, run_some);
}

/* No more address space than there is now. */
static void late_limit(void)
{
    struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    run_threads(2);
    MUST(setrlimit(RLIMIT_AS, &limit) == 0);
    add_to_cells(1);
    print_cells();
}

/* ---- its own code --------------------------------------------------------------------------------------------------- */

extern const char __executable_start[], etext[];

/* As those do that put their code on large pages: a copy of it takes its place. */
static void own_text(void)
{
    uintptr_t low = (uintptr_t)add_to_cells & ~(uintptr_t)(PAGE - 1);
    size_t size = (((uintptr_t)etext + PAGE - 1) & ~(uintptr_t)(PAGE - 1)) - low;
    run_threads(2);
    for (int i = 0; i < 3; i++) {
        void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(copy != MAP_FAILED);
        memcpy(copy, (const void *)low, size);
        MUST(mprotect(copy, size, PROT_READ | PROT_EXEC) == 0);
        MUST(mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)low) == (void *)low);
        run_threads(3);
        MUST(mprotect((void *)low, size, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
        run_threads(2);
        MUST(mprotect((void *)low, size, PROT_READ | PROT_EXEC) == 0);
    }
    print_cells();
}

/* Woven code is read from its file, and shared: nothing of it is this process's own. */
static void shared_code(void)
{
    enum { LINE_SIZE = 1024 };
    char line[LINE_SIZE];
    bool is_code = false;
    run_threads(2);
    FILE *maps = fopen("/proc/self/smaps", "re");
    MUST(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL)
        if (strchr(line, '-') != NULL && strstr(line, "kB") == NULL)
            is_code = strstr(line, " r-xp ") != NULL && strstr(line, ".woven") != NULL;
        else if (is_code && strncmp(line, "Private_Dirty:", 14) == 0 && strstr(line, " 0 kB") == NULL)
            printf("  copied: %s", line);
    fclose(maps);
    print_cells();
}

/* Takes what is free from 2 GiB below `place` to 256 MiB below it. */
static void crowd(uintptr_t place)
{
    enum { CHUNK = 16 << 20, CHUNKS_AWAY = 16, CHUNKS = 128 };
    for (uintptr_t i = CHUNKS_AWAY; i <= CHUNKS && place > i * CHUNK; i++)
        mmap((void *)((place & -(uintptr_t)PAGE) - i * CHUNK), CHUNK, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static void crowded(void)
{
    crowd((uintptr_t)crowd);
    crowd((uintptr_t)dlsym(RTLD_DEFAULT, "printf"));
    run_threads(4);
    print_cells();
}

static const char *own_path;

/* Deleted, then another program stands where it was, before the first thread begins. */
static void deleted_file(void)
{
    MUST(unlink(own_path) == 0);
    plain();
}

static void replaced_file(void)
{
    MUST(unlink(own_path) == 0 && symlink("/bin/true", own_path) == 0);
    plain();
}

/* ---- modules -------------------------------------------------------------------------------------------------------- */

static const char *module_path;

typedef long work_fn(long *cells, long count);

__attribute__((noinline)) static long use_module(int flags)
{
    long own[64] = {0};
    void *module = dlopen(module_path, flags);
    MUST(module != NULL);
    work_fn *work = (work_fn *)dlsym(module, "module_work");
    MUST(work != NULL);
    long sum = work(own, 64);
    MUST(dlclose(module) == 0);
    return sum;
}

static void *load_often(void *flags)
{
    long sum = 0;
    for (int i = 0; i < LOADS; i++)
        sum += use_module((int)(intptr_t)flags);
    return (void *)sum;
}

static void load_in_threads(int flags)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        MUST(pthread_create(&threads[i], NULL, load_often, (void *)(intptr_t)flags) == 0);
    for (int i = 0; i < 2; i++) {
        void *sum;
        MUST(pthread_join(threads[i], &sum) == 0);
        printf("  %ld\n", (long)(intptr_t)sum);
    }
}

static void modules(void)
{
    load_in_threads(RTLD_NOW);
    load_in_threads(RTLD_LAZY | RTLD_DEEPBIND);
    load_in_threads(RTLD_NOW | RTLD_GLOBAL);
}

static void other_namespace(void)
{
    run_threads(2);
    long own[64] = {0};
    for (int i = 0; i < 3; i++) {
        void *module = dlmopen(LM_ID_NEWLM, module_path, RTLD_NOW);
        MUST(module != NULL);
        printf("  %ld\n", ((work_fn *)dlsym(module, "module_work"))(own, 64));
        run_threads(2);
        MUST(dlclose(module) == 0);
    }
    print_cells();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {{"plain", plain},
                 {"short_threads", short_threads},
                 {"racy", racy},
                 {"live_threads", live_threads},
                 {"no_descriptors", no_descriptors},
                 {"all_closed", all_closed},
                 {"another_user", another_user},
                 {"another_root", another_root},
                 {"late_limit", late_limit},
                 {"locked_before", locked_before},
                 {"locked_after", locked_after},
                 {"own_text", own_text},
                 {"shared_code", shared_code},
                 {"crowded", crowded},
                 {"deleted_file", deleted_file},
                 {"replaced_file", replaced_file},
                 {"modules", modules},
                 {"other_namespace", other_namespace}};
    static char path[PAGE];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
    MUST(length > 0);
    path[length] = '\0';
    own_path = strdup(path);
    strcpy(strrchr(path, '/'), "/obstacles_module.so");
    module_path = path;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (argc == 2 && strcmp(argv[1], parts[i].name) == 0)
            parts[i].run();
    return 0;
}
