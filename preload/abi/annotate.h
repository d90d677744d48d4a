/* annotate.h: what annotations and client requests have in common. */
#ifndef LOCKHOUND_PRELOAD_ABI_ANNOTATE_H
#define LOCKHOUND_PRELOAD_ABI_ANNOTATE_H

/* The calling thread's reads (SELF_IGNORES_READS) or writes are to be ignored once more (1) or less (-1).  Context: signal. */
void annotate_ignore(unsigned which, int change);

#endif
