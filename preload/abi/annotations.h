/* annotations.h: what an annotated program tells of its own synchronisation: dynamic annotations and __tsan_mutex_*.
 * The names and meanings are those of Google's dynamic_annotations.h and LLVM's sanitizer/tsan_interface.h. */
#ifndef LOCKHOUND_PRELOAD_ABI_ANNOTATIONS_H
#define LOCKHOUND_PRELOAD_ABI_ANNOTATIONS_H

#include <stddef.h>

/* Context of all: signal. */
void AnnotateHappensBefore(const char *file, int line, const volatile void *place);
void AnnotateHappensAfter(const char *file, int line, const volatile void *place);
void WTFAnnotateHappensBefore(const char *file, int line, const volatile void *place);
void WTFAnnotateHappensAfter(const char *file, int line, const volatile void *place);
void AnnotateRWLockCreate(const char *file, int line, const volatile void *lock);
void AnnotateRWLockCreateStatic(const char *file, int line, const volatile void *lock);
void AnnotateRWLockDestroy(const char *file, int line, const volatile void *lock);
void AnnotateRWLockAcquired(const char *file, int line, const volatile void *lock, long is_writer);
void AnnotateRWLockReleased(const char *file, int line, const volatile void *lock, long is_writer);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateBenignRace(const char *file, int line, const volatile void *place, const char *why);
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *place, size_t size, const char *why);
void WTFAnnotateBenignRaceSized(const char *file, int line, const volatile void *place, size_t size, const char *why);
void AnnotateNewMemory(const char *file, int line, const volatile void *place, size_t size);
void AnnotateThreadName(const char *file, int line, const char *name);
void AnnotateFlushState(const char *file, int line);
void AnnotateEnableRaceDetection(const char *file, int line, int enable);
void AnnotateMemoryIsInitialized(const char *file, int line, const volatile void *place, size_t size);
void AnnotateMemoryIsUninitialized(const char *file, int line, const volatile void *place, size_t size);

void __tsan_mutex_create(void *lock, unsigned flags);
void __tsan_mutex_destroy(void *lock, unsigned flags);
void __tsan_mutex_pre_lock(void *lock, unsigned flags);
void __tsan_mutex_post_lock(void *lock, unsigned flags, int recursion);
int __tsan_mutex_pre_unlock(void *lock, unsigned flags);
void __tsan_mutex_post_unlock(void *lock, unsigned flags);
void __tsan_mutex_pre_signal(void *lock, unsigned flags);
void __tsan_mutex_post_signal(void *lock, unsigned flags);
void __tsan_mutex_pre_divert(void *lock, unsigned flags);
void __tsan_mutex_post_divert(void *lock, unsigned flags);

#endif
