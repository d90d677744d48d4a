/* kept.c: a library with thread-local storage, a block of which each thread gets when it first touches it. */
int kept_touch(int which);

static _Thread_local int kept[300];

__attribute__((visibility("default"))) int kept_touch(int which)
{
    return ++kept[which];
}
