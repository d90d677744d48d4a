/* process_status.h: what the kernel tells of a process, from /proc/PID.  Context of all: signal, in-malloc. */
#ifndef LOCKHOUND_PRELOAD_PROCESS_STATUS_H
#define LOCKHOUND_PRELOAD_PROCESS_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_NAME_SIZE = 16, PROCESS_PATH_SIZE = 64 };

struct process_status {
    char name[PROCESS_NAME_SIZE];
    bool is_zombie;
    pid_t session;
    uint64_t thread_count;
    uint64_t start_time; /* in the kernel's ticks since it started: with the pid, one process for ever */
};

/* Writes "/proc/PID" and `file`, as "/stat". */
void process_path(char path[PROCESS_PATH_SIZE], pid_t pid, const char *file);
/* Writes the link to what the calling process has open as `fd`. */
void process_fd_path(char path[PROCESS_PATH_SIZE], int fd);
/* Returns: false when there is no such process or it cannot be told. */
bool process_status_read(pid_t pid, struct process_status *status);

/* Returns: true when it has one thread, which sleeps in the kernel, and no signal is on its way to it. */
bool process_is_asleep(pid_t pid);

/* Returns: the only child of this process, which has one thread; 0 for none or several, or when it cannot be told. */
pid_t process_only_child(void);
/* Returns: true when every child of process `pid`, which has one thread, is one of list[0..count), ended ones included. */
bool process_has_children_only(pid_t pid, const pid_t *list, size_t count);
/* Returns: the process that a pidfd stands for; 0 for another descriptor, or when that process has been waited for. */
pid_t process_of_descriptor(int fd);

/* Returns: what the processes that see one another by the same pids have in common; 0 when it cannot be told. */
uint64_t process_pid_space(void);
/* Returns: true when a debugger, or another tracer, is attached to this one. */
bool process_is_traced(void);

#endif
