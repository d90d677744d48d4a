/* self.h: who the calling thread is, for owners of locks: cheaper than a call of pthread_self(). */
#ifndef LHP_SRC_SELF_H
#define LHP_SRC_SELF_H

/* Only its address matters: different in all threads that live, the same in a forked child. */
extern _Thread_local char lhp_self_token __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline const void *self_token(void)
{
    return &lhp_self_token;
}

#endif
