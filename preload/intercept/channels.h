/* channels.h: what comes before what by way of the kernel or of libc: bytes through a descriptor, numbers of descriptors,
 * signals, and what has a name of another kind.
 *
 *   write(fd)  --> send on the channel of fd's object --> receive <-- read(fd) has returned
 *   close(fd)  --> send on the channel of number fd   --> receive <-- open(), dup(), ... has returned fd
 *   kill(n)    --> send on the channel of signal n    --> receive <-- a handler of n begins
 *   msgsnd(id) --> send on the channel of that queue  --> receive <-- msgrcv(id) has returned
 *
 * Model:     a pipe or a file is known by its inode; all sockets share one channel, for the two ends of a connection have
 *            nothing in common that a call could tell, and so do all descriptors without an inode (eventfd, epoll).  Inodes
 *            that fall together share one too, and so do numbers, names, and ranges that are closed at once.  So too
 *            much may be ordered, which hides races, and never too little.
 * Cost:      fstat() a call, and only while accesses are checked.
 *
 * Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_CHANNELS_H
#define LOCKHOUND_PRELOAD_INTERCEPT_CHANNELS_H

#include "preload/self.h"

/* Between hook_enter() and hook_leave(). */
void channels_send(struct self *self, int fd, struct stack_id at);
void channels_receive(struct self *self, int fd, struct stack_id at);
/* The number is about to be free; any number may be. */
void channels_send_number(struct self *self, unsigned number, struct stack_id at);
void channels_send_all_numbers(struct self *self, struct stack_id at);
/* The number has been given out. */
void channels_receive_number(struct self *self, unsigned number);
void channels_send_signal(struct self *self, int number, struct stack_id at);
void channels_send_any_signal(struct self *self, struct stack_id at);
void channels_receive_signal(struct self *self, int number);
/* A thread that libc made of itself begins: for a timer or a message that is to be told so (SIGEV_THREAD). */
void channels_receive_notice(struct self *self);

/* What has a name of its own: each kind has its names. */
enum channel_kind {
    CHANNEL_STREAM,    /* the lock of a stream, by its address */
    CHANNEL_FILE_LOCK, /* by inode */
    CHANNEL_MESSAGES,  /* System V: by identifier */
    CHANNEL_SEMAPHORES,
    CHANNEL_SEMAPHORES_AT_ZERO /* what was taken from them: for those that wait until nothing is left */
};
void channels_send_named(struct self *self, enum channel_kind kind, uint64_t name, struct stack_id at);
void channels_receive_named(struct self *self, enum channel_kind kind, uint64_t name);

#endif
