/* engage.h: one case a hook: a call that leaves a mark which only the interposed function can leave.
 *
 *   ENGAGE(rdlock, "pthread_rwlock_rdlock", "event req") { ...; begin(); pthread_rwlock_rdlock(&lock); }
 *
 * The evidence is one of
 *   event WORD [REST]     in the trace between begin() and the end of the case: "|WORD(...REST"
 *   child WORD            likewise in the trace of a child process
 *   finding SLUG DETAIL   in the run file
 *   record TEXT           anywhere in the run file
 *   bound                 nothing to see but that the name is bound to the library, which is checked for all
 */
#ifndef LOCKHOUND_TESTS_ENGAGE_H
#define LOCKHOUND_TESTS_ENGAGE_H

#ifdef __cplusplus
extern "C" {
#endif

struct engagement {
    const char *hook; /* "name", or "name@VERSION" of a hook that has versions */
    const char *evidence;
    void (*run)(void);
    struct engagement *next;
};

void engagement_add(struct engagement *engagement);

/* What comes now is the call in question. */
void begin(void);

/* Returns: the function of this name, as a program finds it that asks for this version, or for any when NULL. */
void *engage_find(const char *name, const char *version);

#define ENGAGE(id, hook, evidence)                                                                                     \
    static void engage_##id(void);                                                                                     \
    __attribute__((constructor)) static void register_##id(void)                                                       \
    {                                                                                                                  \
        static struct engagement engagement = {hook, evidence, engage_##id, 0};                                        \
        engagement_add(&engagement);                                                                                   \
    }                                                                                                                  \
    static void engage_##id(void)

/* A function without a declaration, or in an old version, as a typed local. */
#define FOUND(like, name, version) __typeof__(like) *name##_found = (__typeof__(like) *)engage_find(#name, version)

#ifdef __cplusplus
}
#endif

#endif
