/* early.h: a program that makes client requests of Valgrind's is woven at its start, for it may make them before its first
 * thread: in constructors of static objects, or at the beginning of main().
 *
 *   start --> its image says so; or, when it has none, its own code does, as far as EARLY_BYTES_MOST --> woven now
 *                                                                            \--none--> with the first thread
 */
#ifndef LOCKHOUND_PRELOAD_WEAVE_EARLY_H
#define LOCKHOUND_PRELOAD_WEAVE_EARLY_H

#include "preload/self.h"

/* So much code is looked through: some milliseconds.  Units: bytes. */
enum { EARLY_BYTES_MOST = 16 << 20 };

/* The calling thread, inside the library, is the first; no code of the program itself has run.  Context: early, may-block. */
void weave_early(struct self *self);

#endif
