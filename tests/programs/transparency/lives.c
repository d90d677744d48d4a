/* lives.c SEED [TASKS]: threads that live shortly, make others, and hand their memory on in every way that orders them.
 *
 *   task --makes--> helpers (its stack and heap, by slices) --end--> join | signal of one kind --> task reads what they left
 *
 * A task owns its memory; a helper has a slice of it, and may be a task itself.  How a helper says that it is done, on what stack it
 * runs, who allocates and who frees, and what of libc it calls meanwhile is drawn by the seed.  Nothing here races, whatever the
 * schedule, and the sum that is printed is the same each time.
 */
#include "show.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

enum { HELPERS_MOST = 5, SLICE = 48, DEPTH_MOST = 3, STACK_SIZE = 1 << 18 };

enum ending { BY_JOIN, BY_SEMAPHORE, BY_CONDITION, BY_FLAG, BY_PIPE, BY_EVENT, BY_SIBLING, BY_BARRIER, ENDINGS };
enum footing { ON_DEFAULT, ON_MAPPED, ON_ALLOCATED, FOOTINGS };

struct helper {
    uint64_t seed;
    int depth;
    enum ending ending;
    const char *given; /* read by all helpers of a task */
    unsigned char *slice;
    char *left; /* a block that it allocates and the task frees */
    uint64_t sum;
    pthread_t thread;
    pthread_t before; /* BY_SIBLING: the one that it joins */
    bool joins, detached;
    void *stack;
    struct signs *signs;
};

/* How the helpers of one task say that they are done. */
struct signs {
    sem_t semaphore;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    int done; /* under the mutex */
    atomic_int flags[HELPERS_MOST];
    int pipe[2], event;
    pthread_barrier_t barrier;
};

static _Thread_local unsigned char own_bytes[256];
static pthread_key_t key;

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13; /* xorshift64: Marsaglia 2003 */
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned pick(uint64_t *seed, unsigned below)
{
    return (unsigned)(next(seed) >> 33) % below;
}

/* ---- what libc allocates and keeps ---------------------------------------------------------------------------------- */

static void read_lines(void)
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/self/status", "re");
    for (int i = 0; file != NULL && i < 3 && getline(&line, &size, file) > 0; i++)
        own_bytes[i] ^= 1;
    free(line);
    if (file != NULL)
        fclose(file);
}

static void list_folder(void)
{
    DIR *folder = opendir("/proc/self/task");
    while (folder != NULL && readdir(folder) != NULL)
        own_bytes[9] ^= 1;
    if (folder != NULL)
        closedir(folder);
}

static void write_memory(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    fprintf(file, "%d %s", 17, "seventeen");
    fclose(file);
    own_bytes[7] = (unsigned char)text[1];
    free(text);
}

static int compare_bytes(const void *a, const void *b)
{
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

static void load_library(const char *name)
{
    void *library = dlopen(name, RTLD_NOW);
    own_bytes[11] = library == NULL ? (unsigned char)dlerror()[1] : 1;
    if (library != NULL)
        dlclose(library);
}

static void look_up_addresses(void)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo("127.0.0.1", "80", &hints, &found) == 0) {
        own_bytes[12] = (unsigned char)found->ai_family;
        freeaddrinfo(found);
    }
}

static void compile_pattern(void)
{
    regex_t pattern;
    if (regcomp(&pattern, "([a-c]+|x*y)z$", REG_EXTENDED) == 0) {
        own_bytes[13] = (unsigned char)regexec(&pattern, "aabbccz", 0, NULL, 0);
        regfree(&pattern);
    }
}

static void make_locale(void)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
    if (locale != NULL) {
        own_bytes[14] = (unsigned char)strerror_l(ENOENT, locale)[0];
        freelocale(locale);
    }
    own_bytes[15] = (unsigned char)strerror(9999)[0];
}

static void match_names(void)
{
    glob_t found;
    if (glob("/proc/self/sta*", 0, NULL, &found) == 0) {
        own_bytes[16] = (unsigned char)found.gl_pathv[0][1];
        globfree(&found);
    }
}

static void prepare_attributes(void)
{
    pthread_attr_t attr;
    cpu_set_t all;
    CPU_ZERO(&all);
    CPU_SET(0, &all);
    pthread_attr_init(&attr);
    pthread_attr_setaffinity_np(&attr, sizeof all, &all);
    pthread_attr_destroy(&attr);
    if (pthread_getattr_np(pthread_self(), &attr) == 0)
        pthread_attr_destroy(&attr);
}

static void run_command(void)
{
    FILE *output = popen("exec true", "re");
    if (output != NULL)
        own_bytes[17] = (unsigned char)pclose(output);
}

static void use_libc(uint64_t *seed)
{
    char *text = NULL;
    switch (pick(seed, 17)) {
    case 8:
        load_library("no-such-library.so");
        break;
    case 9:
        load_library("libutil.so.1");
        break;
    case 10:
        look_up_addresses();
        break;
    case 11:
        compile_pattern();
        break;
    case 12:
        make_locale();
        break;
    case 13:
        match_names();
        break;
    case 14:
        prepare_attributes();
        break;
    case 15:
        if (pick(seed, 20) == 0)
            run_command();
        break;
    case 0:
        read_lines();
        break;
    case 1:
        list_folder();
        break;
    case 2:
        write_memory();
        break;
    case 3:
        text = strdup("a text of some length");
        break;
    case 4:
        if (asprintf(&text, "%s %u", "number", pick(seed, 1000)) < 0)
            text = NULL;
        break;
    case 5:
        text = realpath("/proc/../usr", NULL);
        break;
    case 6:
        qsort(own_bytes, sizeof own_bytes, 1, compare_bytes);
        break;
    default:
        text = getcwd(NULL, 0);
        break;
    }
    if (text != NULL)
        text[0] ^= 1;
    free(text);
}

/* ---- being done ----------------------------------------------------------------------------------------------------- */

static void make_signs(struct signs *signs, unsigned count)
{
    sem_init(&signs->semaphore, 0, 0);
    pthread_mutex_init(&signs->mutex, NULL);
    pthread_cond_init(&signs->condition, NULL);
    signs->done = 0;
    for (int i = 0; i < HELPERS_MOST; i++)
        atomic_init(&signs->flags[i], 0);
    if (pipe2(signs->pipe, O_CLOEXEC) != 0 || (signs->event = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC)) < 0)
        _exit(2);
    pthread_barrier_init(&signs->barrier, NULL, count + 1);
}

static void drop_signs(struct signs *signs)
{
    sem_destroy(&signs->semaphore);
    pthread_mutex_destroy(&signs->mutex);
    pthread_cond_destroy(&signs->condition);
    close(signs->pipe[0]);
    close(signs->pipe[1]);
    close(signs->event);
    pthread_barrier_destroy(&signs->barrier);
}

static void say_so(const struct helper *h, unsigned number)
{
    struct signs *signs = h->signs;
    const uint64_t one = 1;
    switch (h->ending) {
    case BY_SEMAPHORE:
        sem_post(&signs->semaphore);
        break;
    case BY_CONDITION:
        pthread_mutex_lock(&signs->mutex);
        signs->done++;
        pthread_cond_signal(&signs->condition);
        pthread_mutex_unlock(&signs->mutex);
        break;
    case BY_FLAG:
        atomic_store_explicit(&signs->flags[number], 1, memory_order_release);
        break;
    case BY_PIPE:
        if (write(signs->pipe[1], "x", 1) != 1)
            _exit(2);
        break;
    case BY_EVENT:
        if (write(signs->event, &one, sizeof one) != sizeof one)
            _exit(2);
        break;
    case BY_BARRIER:
        pthread_barrier_wait(&signs->barrier);
        break;
    default:
        break;
    }
}

/* Waits for all of `count` helpers, however each of them is to be waited for. */
static void await(struct helper *helpers, unsigned count)
{
    struct signs *signs = helpers[0].signs;
    int conditions = 0;
    uint64_t value;
    char byte;
    for (unsigned i = 0; i < count; i++) {
        switch (helpers[i].ending) {
        case BY_SEMAPHORE:
            sem_wait(&signs->semaphore);
            break;
        case BY_CONDITION:
            conditions++;
            break;
        case BY_FLAG:
            while (atomic_load_explicit(&signs->flags[i], memory_order_acquire) == 0)
                thrd_yield();
            break;
        case BY_PIPE:
            if (read(signs->pipe[0], &byte, 1) != 1)
                _exit(2);
            break;
        case BY_EVENT:
            if (read(signs->event, &value, sizeof value) != sizeof value)
                _exit(2);
            break;
        default:
            break;
        }
    }
    pthread_mutex_lock(&signs->mutex);
    while (signs->done < conditions)
        pthread_cond_wait(&signs->condition, &signs->mutex);
    pthread_mutex_unlock(&signs->mutex);
    if (helpers[0].ending == BY_BARRIER)
        pthread_barrier_wait(&signs->barrier);
}

/* ---- a helper ------------------------------------------------------------------------------------------------------- */

static uint64_t task(uint64_t seed, int depth);

static void drop_block(void *block)
{
    ((char *)block)[3] ^= 1;
    free(block);
}

static void *help(void *arg)
{
    struct helper *h = arg;
    unsigned number = (unsigned)(h->slice[0]);
    uint64_t seed = h->seed;
    memset(own_bytes, (int)number, sizeof own_bytes);
    pthread_setspecific(key, calloc(1, 64));
    for (int i = 1; i < SLICE; i++)
        h->slice[i] = (unsigned char)(h->given[i] + i);
    for (unsigned i = pick(&seed, 3); i > 0; i--)
        use_libc(&seed);
    if (h->joins)
        pthread_join(h->before, NULL);
    h->left = malloc(16 + pick(&seed, 64));
    memcpy(h->left, h->slice, 16);
    h->sum = h->depth < DEPTH_MOST && pick(&seed, 3) == 0 ? task(next(&seed), h->depth + 1) : pick(&seed, 1000);
    say_so(h, number);
    return NULL;
}

static void choose_stack(struct helper *h, pthread_attr_t *attr, enum footing footing)
{
    h->stack = NULL;
    if (footing == ON_MAPPED)
        h->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    else if (footing == ON_ALLOCATED)
        h->stack = aligned_alloc(64, STACK_SIZE);
    if (h->stack != NULL && h->stack != MAP_FAILED)
        pthread_attr_setstack(attr, h->stack, STACK_SIZE);
}

static void give_stack_back(const struct helper *h, enum footing footing)
{
    if (footing == ON_MAPPED)
        munmap(h->stack, STACK_SIZE);
    else if (footing == ON_ALLOCATED)
        free(h->stack);
}

/* ---- a task --------------------------------------------------------------------------------------------------------- */

static uint64_t gather(struct helper *helpers, unsigned count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        for (int b = 0; b < SLICE; b++)
            sum = sum * 31 + helpers[i].slice[b];
        sum = sum * 31 + helpers[i].sum + (unsigned char)helpers[i].left[7];
        helpers[i].left[7] = 0;
        free(helpers[i].left);
    }
    return sum;
}

static uint64_t task(uint64_t seed, int depth)
{
    struct helper helpers[HELPERS_MOST];
    struct signs signs;
    char given[SLICE];
    unsigned count = 1 + pick(&seed, HELPERS_MOST);
    enum ending all = pick(&seed, 3) == 0 ? BY_BARRIER : ENDINGS;
    enum footing footing = (enum footing)pick(&seed, FOOTINGS);
    unsigned char on_stack[HELPERS_MOST * SLICE];
    unsigned char *slices = pick(&seed, 2) == 0 ? on_stack : malloc(sizeof on_stack);
    memset(given, (int)pick(&seed, 256), sizeof given);
    make_signs(&signs, count);
    for (unsigned i = 0; i < count; i++) {
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        enum ending ending = all == BY_BARRIER ? BY_BARRIER : (enum ending)pick(&seed, BY_BARRIER);
        bool joins = i > 0 && ending == BY_SIBLING;
        helpers[i] = (struct helper){.seed = next(&seed),
                                     .depth = depth,
                                     .ending = ending,
                                     .given = given,
                                     .slice = slices + i * SLICE,
                                     .before = i > 0 ? helpers[i - 1].thread : pthread_self(),
                                     .joins = joins && helpers[i - 1].ending != BY_SIBLING && !helpers[i - 1].detached,
                                     .signs = &signs};
        helpers[i].slice[0] = (unsigned char)i;
        helpers[i].detached = footing == ON_DEFAULT && ending != BY_JOIN && ending != BY_SIBLING && pick(&seed, 3) == 0;
        choose_stack(&helpers[i], &attr, footing);
        if (helpers[i].detached)
            pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        if (pthread_create(&helpers[i].thread, &attr, help, &helpers[i]) != 0)
            _exit(2);
        pthread_attr_destroy(&attr);
    }
    await(helpers, count);
    bool early = pick(&seed, 2) == 0; /* what was said to be done is read before the threads have ended */
    uint64_t sum = 0;
    for (unsigned i = 0; i < count && early; i++)
        early = helpers[i].ending != BY_JOIN && helpers[i].ending != BY_SIBLING;
    if (early)
        sum = gather(helpers, count);
    for (unsigned i = 0; i < count; i++)
        if (!helpers[i].detached && (i + 1 == count || !helpers[i + 1].joins))
            pthread_join(helpers[i].thread, NULL);
    if (!early)
        sum = gather(helpers, count);
    for (unsigned i = 0; i < count; i++)
        give_stack_back(&helpers[i], footing);
    if (slices != on_stack)
        free(slices);
    drop_signs(&signs);
    return sum;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

enum { MAKERS = 3 };
static struct maker {
    uint64_t seed, sum;
    int tasks;
} makers[MAKERS];

static void *make(void *arg)
{
    struct maker *maker = arg;
    for (int i = 0; i < maker->tasks; i++)
        maker->sum = maker->sum * 31 + task(next(&maker->seed), 0);
    return NULL;
}

static uint64_t live(uint64_t seed, int tasks)
{
    pthread_t threads[MAKERS];
    uint64_t sum = 0;
    for (int i = 0; i < MAKERS; i++) {
        makers[i] = (struct maker){next(&seed), 0, tasks};
        pthread_create(&threads[i], NULL, make, &makers[i]);
    }
    for (int i = 0; i < MAKERS; i++) {
        pthread_join(threads[i], NULL);
        sum = sum * 31 + makers[i].sum;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    int tasks = argc > 2 ? atoi(argv[2]) : 60, status;
    seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    pthread_key_create(&key, drop_block);
    printf("%016llx\n", (unsigned long long)live(seed, tasks / 2));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("%016llx\n", (unsigned long long)live(seed + 2, tasks / 4));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("%d %016llx\n", status, (unsigned long long)live(seed + 4, tasks / 2));
    return 0;
}
