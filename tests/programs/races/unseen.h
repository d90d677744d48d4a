/* unseen.h: puts two threads in order by a pipe that is used with bare system calls, so that no tool counts it as
 * synchronisation: unseen_pass() comes before the unseen_wait() that it ends, in time and in nothing else. */
#ifndef RACES_UNSEEN_H
#define RACES_UNSEEN_H

#include <sys/syscall.h>
#include <unistd.h>

static int unseen_pipe[2];

static inline long unseen_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static inline int unseen_open(void)
{
    return (int)unseen_call(SYS_pipe, (long)unseen_pipe, 0, 0);
}

static inline void unseen_pass(void)
{
    char byte = 1;
    unseen_call(SYS_write, unseen_pipe[1], (long)&byte, 1);
}

static inline void unseen_wait(void)
{
    char byte;
    unseen_call(SYS_read, unseen_pipe[0], (long)&byte, 1);
}

#endif
