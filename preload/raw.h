/* raw.h: system calls without libc: they leave errno alone, are no cancellation points and pass no interposer.
 *
 * Returns: the kernel's result; -errno on failure.  Context of all: signal, in-malloc, loader-lock, early, late.
 */
#ifndef LOCKHOUND_PRELOAD_RAW_H
#define LOCKHOUND_PRELOAD_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Returns: true when the result of a call that gives an address is none.  The kernel's errors go to -4095. */
static inline bool raw_is_no_address(long result)
{
    return result < 0 && result >= -4095;
}

/* Sleeps for `ms` below 1000, or less when a signal comes. */
static inline void raw_pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000L};
    raw_syscall(SYS_nanosleep, (long)&pause, 0, 0, 0, 0, 0);
}

/* Returns: true when a word can be read at `address`: the kernel reads a mask there before it looks at the (wrong) operation. */
bool raw_is_readable(uintptr_t address);

/* Writes all of it, again after EINTR and short writes.  Returns: 0 or -errno. */
int raw_write_all(int fd, const void *data, size_t size);

#endif
