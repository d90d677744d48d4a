/* descriptor_table.h: the numbers of descriptors as things that are used and closed, while accesses are checked.
 *
 *   read(fd), write(fd), ... --> descriptor_uses()   a read of the number's place  --\
 *   close(fd), dup2(x, fd)   --> descriptor_closes() a write of it                 --+--> race engine
 *   open(), accept(), ...    --> descriptor_opened() where it came from, for reports
 *
 * Model:     each number has a place in memory of our own; what races there is a descriptor that one thread closes and another
 *            uses, with nothing between them.  Uses are reads, so that any number of threads may use it at once.
 * Reuse:     who closed a number comes before who gets it next (channels.h), so the place keeps its history then.  Where
 *            that was not to be seen (a call of libc's own, syscall()) the number is open without having been given out, or
 *            given out without having been closed: the history is dropped.  dup2() onto a number that is not open
 *            closes nothing.
 * Left out:  standard input, output and error, which are closed and replaced by convention; numbers of a process that
 *            has tables of descriptors of several threads' own; calls that hooks.def does not have.  No race is told on
 *            a stack that goes through code made at run time, whose atomic operations nobody sees.
 * Threads:   words by relaxed atomics: a report may be told an older opening, the engine has the order.
 *
 * Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_DESCRIPTOR_TABLE_H
#define LOCKHOUND_PRELOAD_INTERCEPT_DESCRIPTOR_TABLE_H

#include "detector/finding.h"
#include "preload/self.h"
#include "preload/text.h"

/* The number is about to be used, or closed; between hook_enter() and hook_leave(). */
void descriptor_uses(struct self *self, int fd, struct stack_id at);
void descriptor_closes(struct self *self, int fd, struct stack_id at);
/* So are all of [low, high] that are open. */
void descriptor_closes_range(struct self *self, unsigned low, unsigned high, struct stack_id at);
/* A call has given the number out. */
void descriptor_opened(struct self *self, int fd, struct stack_id at);
/* Threads have tables of their own from now on: a number alone says nothing. */
void descriptor_tables_part(void);

/* Returns: true when the address is the place of a number. */
bool descriptor_is_place(uint64_t address);
/* For a finding: where the descriptor was opened; the WHERE of run_file.h. */
void descriptor_tell_opening(struct finding_memory *memory);
void descriptor_describe(struct text *text, uint64_t address);

#endif
