/* work_bench.c: three threaded programs in one file, for tools that need the source: each uses memory in its own way.
 *
 *   work_bench sort SCALE     two threads sort halves, then one merges: hand-over by join, every byte touched many times
 *   work_bench count SCALE    four threads count words into one table of lists, a mutex for each stripe of it
 *   work_bench grid SCALE     two threads relax a grid, a barrier after each sweep: floating point, neighbours of others
 *
 * Prints a number that is the same under every tool.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, COUNTERS = 4 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13; /* Marsaglia, "Xorshift RNGs", 2003 */
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *must(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void run(int count, void *(*body)(void *), void *arguments, size_t size)
{
    pthread_t threads[COUNTERS];
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, body, (char *)arguments + (size_t)i * size) != 0)
            abort();
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- sort ----------------------------------------------------------------------------------------------------------- */

struct part {
    uint32_t *values, *spare;
    size_t count;
};

static void merge(uint32_t *values, uint32_t *spare, size_t half, size_t count)
{
    size_t left = 0, right = half;
    memcpy(spare, values, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = right == count || (left < half && spare[left] <= spare[right]) ? spare[left++] : spare[right++];
}

static void sort(uint32_t *values, uint32_t *spare, size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    sort(values, spare, half);
    sort(values + half, spare + half, count - half);
    merge(values, spare, half, count);
}

static void *sort_part(void *argument)
{
    const struct part *part = argument;
    sort(part->values, part->spare, part->count);
    return NULL;
}

static uint64_t work_sort(size_t scale)
{
    size_t count = scale * 50000, half = count / 2;
    uint32_t *values = must(malloc(count * sizeof *values)), *spare = must(malloc(count * sizeof *spare));
    uint64_t state = 1, sum = 0;
    for (size_t i = 0; i < count; i++)
        values[i] = (uint32_t)next_random(&state);
    struct part parts[THREADS] = {{values, spare, half}, {values + half, spare + half, count - half}};
    run(THREADS, sort_part, parts, sizeof parts[0]);
    merge(values, spare, half, count);
    for (size_t i = 0; i < count; i++)
        sum += values[i] * (uint64_t)i;
    free(values);
    free(spare);
    return sum;
}

/* ---- count ---------------------------------------------------------------------------------------------------------- */

enum { STRIPES = 64, LISTS = 4096, WORDS = 20000, WORD_SIZE = 12 };

struct entry {
    struct entry *next;
    uint64_t count;
    char word[WORD_SIZE];
};

static struct entry *lists[LISTS];
static pthread_mutex_t stripes[STRIPES];
static size_t words_each;

static void count_word(const char *word)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = word; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    struct entry **list = &lists[hash % LISTS], *entry;
    pthread_mutex_lock(&stripes[hash % STRIPES]);
    for (entry = *list; entry != NULL && strcmp(entry->word, word) != 0; entry = entry->next)
        ;
    if (entry == NULL) {
        entry = must(calloc(1, sizeof *entry));
        strcpy(entry->word, word);
        entry->next = *list;
        *list = entry;
    }
    entry->count++;
    pthread_mutex_unlock(&stripes[hash % STRIPES]);
}

static void *count_words(void *argument)
{
    uint64_t state = *(const uint64_t *)argument;
    char word[WORD_SIZE];
    for (size_t i = 0; i < words_each; i++) {
        uint64_t number = next_random(&state) % WORDS;
        size_t length = 0;
        for (; number > 0 || length == 0; number /= 26)
            word[length++] = (char)('a' + number % 26);
        word[length] = '\0';
        count_word(word);
    }
    return NULL;
}

static uint64_t work_count(size_t scale)
{
    uint64_t seeds[COUNTERS] = {1, 2, 3, 4}, sum = 0;
    words_each = scale * 20000;
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_init(&stripes[i], NULL);
    run(COUNTERS, count_words, seeds, sizeof seeds[0]);
    for (int i = 0; i < LISTS; i++) {
        for (struct entry *entry = lists[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            sum += entry->count * entry->count;
            free(entry);
        }
    }
    return sum;
}

/* ---- grid ----------------------------------------------------------------------------------------------------------- */

enum { SIDE = 512 };

static double cells[2][SIDE][SIDE];
static pthread_barrier_t sweep_done;
static size_t sweeps;

static void *relax(void *argument)
{
    int share = (SIDE - 2) / THREADS, first = 1 + *(const int *)argument * share;
    for (size_t sweep = 0; sweep < sweeps; sweep++) {
        double(*from)[SIDE] = cells[sweep % 2], (*to)[SIDE] = cells[(sweep + 1) % 2];
        for (int row = first; row < first + share; row++)
            for (int column = 1; column < SIDE - 1; column++)
                to[row][column] = 0.25 * (from[row - 1][column] + from[row + 1][column] + from[row][column - 1] +
                                          from[row][column + 1]);
        pthread_barrier_wait(&sweep_done);
    }
    return NULL;
}

static uint64_t work_grid(size_t scale)
{
    int numbers[THREADS] = {0, 1};
    double sum = 0;
    sweeps = scale * 10;
    for (int i = 0; i < SIDE; i++)
        cells[0][0][i] = cells[1][0][i] = 1000.0;
    pthread_barrier_init(&sweep_done, NULL, THREADS);
    run(THREADS, relax, numbers, sizeof numbers[0]);
    pthread_barrier_destroy(&sweep_done);
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++)
            sum += cells[0][row][column];
    return (uint64_t)sum;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t (*work)(size_t scale);
    } works[] = {{"sort", work_sort}, {"count", work_count}, {"grid", work_grid}};
    size_t scale = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    for (size_t i = 0; i < sizeof works / sizeof works[0] && scale > 0; i++) {
        if (strcmp(argv[1], works[i].name) == 0) {
            printf("%llu\n", (unsigned long long)works[i].work(scale));
            return 0;
        }
    }
    fprintf(stderr, "usage: work_bench sort|count|grid SCALE\n");
    return 2;
}
