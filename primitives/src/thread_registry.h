/* thread_registry.h: the threads that are alive, who the calling one is, and what a fork leaves of them.
 *
 * Locks:   the registry's mutex guards the list, the references and the names; a thread's own guards its state.  The own one is
 *          taken first.
 */
#ifndef LHP_SRC_THREAD_REGISTRY_H
#define LHP_SRC_THREAD_REGISTRY_H

#include <lhp/thread.h>

enum thread_state { THREAD_NEW, THREAD_ALIVE, THREAD_FINISHED, THREAD_JOINED };

struct lhp_thread {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum thread_state state;
    bool joining; /* a thread is in pthread_join() for all others */
    bool asked;   /* somebody waits for the thread to have begun */
    bool foreign; /* not made here: main, or pthread_create() by somebody else */
    bool daemon;
    int error;
    int (*fn)(void *arg);
    void *arg;
    size_t stack_size;
    unsigned forks; /* how many forks lay before the start: after one more the thread is not there */
    pthread_t ident;
    pid_t native_id;
    char name[32];
    unsigned refs;
    struct lhp_thread *prev, *next; /* in the registry while alive */
    struct lhp_thread *next_waited; /* in the list of those that the end of the process waits for */
};

struct lhp_thread_registry {
    pthread_mutex_t mutex;
    struct lhp_thread *first;
    size_t count;
    struct lhp_thread *main;
    unsigned names; /* handed out as Thread-N */
    void (*hook)(struct lhp_thread *thread, int error);
    pthread_key_t foreign_ends;
    unsigned forks;
};

extern struct lhp_thread_registry lhp_registry __attribute__((visibility("hidden")));
/* NULL while a thread that was not made here has not been asked for. */
extern _Thread_local struct lhp_thread *lhp_registry_current __attribute__((visibility("hidden")));

/* With the registry's mutex held. */
void lhp_registry_add(struct lhp_thread *t);
void lhp_registry_remove(struct lhp_thread *t);
void lhp_registry_init(struct lhp_thread *t, enum thread_state state);
/* Returns: references to the threads that the process waits for, as a list; NULL when none is left. */
struct lhp_thread *lhp_registry_waited(void);

#endif
