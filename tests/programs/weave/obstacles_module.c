/* obstacles_module.c: comes and goes while obstacles.c runs. */
static long state[256];

long module_work(long *cells, long count);

__attribute__((noinline)) static long fold(const long *from, long count)
{
    long sum = 0;
    for (long i = 0; i < count; i++)
        sum += from[i];
    return sum;
}

long module_work(long *cells, long count)
{
    for (long i = 0; i < count; i++)
        cells[i] += i * 3 + __atomic_fetch_add(&state[i], 0, __ATOMIC_SEQ_CST);
    return fold(cells, count);
}
