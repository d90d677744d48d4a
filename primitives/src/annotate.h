/* annotate.h: tells a checking tool of orderings it cannot see by itself; nothing at all in a normal build.
 *
 * ThreadSanitizer (gcc 12, clang 14) does not intercept sem_clockwait, pthread_mutex_clocklock and the clock forms of
 * rwlocks; built with it, the acquisition is announced through its public interface.  Helgrind (3.19) does not know
 * them either, nor C11 atomics; built with LHP_ANNOTATE_VALGRIND, both are announced by client requests.
 */
#ifndef LHP_SRC_ANNOTATE_H
#define LHP_SRC_ANNOTATE_H

#if defined(__SANITIZE_THREAD__)
#define LHP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LHP_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LHP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LHP_ASAN 1
#endif
#endif

#if defined(LHP_TSAN)
#include <sanitizer/tsan_interface.h>
#define NOTE_SEM_ACQUIRED(sem)              __tsan_acquire(sem)
#define NOTE_MUTEX_LOCKED(mutex)            note_locked((mutex), __tsan_mutex_write_reentrant)
#define NOTE_RWLOCK_LOCKED(lock, exclusive) note_locked((lock), (exclusive) ? 0 : __tsan_mutex_read_lock)

/* The pair must not straddle the real call: it may fail, and what lies between is not looked at. */
static inline void note_locked(void *lock, unsigned flags)
{
    __tsan_mutex_pre_lock(lock, flags | __tsan_mutex_try_lock);
    __tsan_mutex_post_lock(lock, flags | __tsan_mutex_try_lock, 1);
}
#elif defined(LHP_ANNOTATE_VALGRIND)
#include <valgrind/helgrind.h>
#define NOTE_SEM_ACQUIRED(sem)              ANNOTATE_HAPPENS_AFTER(sem)
#define NOTE_MUTEX_LOCKED(mutex)            VALGRIND_HG_MUTEX_LOCK_POST(mutex)
#define NOTE_RWLOCK_LOCKED(lock, exclusive) ((void)(lock)) /* it knows these */
#else
#define NOTE_SEM_ACQUIRED(sem)              ((void)(sem))
#define NOTE_MUTEX_LOCKED(mutex)            ((void)(mutex))
#define NOTE_RWLOCK_LOCKED(lock, exclusive) ((void)(lock), (void)(exclusive))
#endif

#if defined(LHP_ANNOTATE_VALGRIND)
#define NOTE_BEFORE(object)       ANNOTATE_HAPPENS_BEFORE(object)
#define NOTE_AFTER(object)        ANNOTATE_HAPPENS_AFTER(object)
#define NOTE_ATOMIC(object, size) VALGRIND_HG_DISABLE_CHECKING((object), (size))
/* sem_post() of whoever woke the one before may look at that one's semaphore still, which POSIX allows. */
#define NOTE_FRESH(object, size) VALGRIND_HG_CLEAN_MEMORY((object), (size))
#else
#define NOTE_BEFORE(object)       ((void)(object))
#define NOTE_AFTER(object)        ((void)(object))
#define NOTE_ATOMIC(object, size) ((void)(object))
#define NOTE_FRESH(object, size)  ((void)(object))
#endif

#endif
