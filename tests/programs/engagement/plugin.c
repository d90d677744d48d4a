/* A module with a lock in its data. */
#include <pthread.h>

extern pthread_mutex_t plugin_mutex __attribute__((visibility("default")));
pthread_mutex_t plugin_mutex = PTHREAD_MUTEX_INITIALIZER;
