/* Calls that may last, made with a lock held. */
#include "engage.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const struct timespec moment = {0, 1};

enum { NO_FILE = -1 };

/* The call is made with arguments that end it at once, by an error if need be. */
#define BLOCKING_ENGAGEMENT(name, call)                                                                                \
    ENGAGE(name, #name, "finding blocking-call-with-lock-held " #name)                                                 \
    {                                                                                                                  \
        pthread_mutex_lock(&mutex);                                                                                    \
        if (call)                                                                                                      \
            begin();                                                                                                   \
        pthread_mutex_unlock(&mutex);                                                                                  \
    }

static char buffer[16];
static struct epoll_event event;
static struct sockaddr_storage address;
static socklen_t length = sizeof address;

BLOCKING_ENGAGEMENT(sleep, sleep(0) == 0)
BLOCKING_ENGAGEMENT(usleep, usleep(1) == 0)
BLOCKING_ENGAGEMENT(nanosleep, nanosleep(&moment, NULL) == 0)
BLOCKING_ENGAGEMENT(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0)
BLOCKING_ENGAGEMENT(poll, poll(NULL, 0, 1) == 0)
BLOCKING_ENGAGEMENT(select, select(0, NULL, NULL, NULL, &(struct timeval){0, 1}) == 0)
BLOCKING_ENGAGEMENT(epoll_wait, epoll_wait(NO_FILE, &event, 1, 1) < 0)
BLOCKING_ENGAGEMENT(accept, accept(NO_FILE, (struct sockaddr *)&address, &length) < 0)
BLOCKING_ENGAGEMENT(accept4, accept4(NO_FILE, (struct sockaddr *)&address, &length, 0) < 0)
BLOCKING_ENGAGEMENT(connect, connect(NO_FILE, (struct sockaddr *)&address, length) < 0)
BLOCKING_ENGAGEMENT(recv, recv(NO_FILE, buffer, sizeof buffer, 0) < 0)
BLOCKING_ENGAGEMENT(read, read(NO_FILE, buffer, sizeof buffer) < 0)
BLOCKING_ENGAGEMENT(fsync, fsync(NO_FILE) < 0)
BLOCKING_ENGAGEMENT(waitpid, waitpid(NO_FILE, NULL, 0) < 0)
BLOCKING_ENGAGEMENT(wait, wait(NULL) < 0)
BLOCKING_ENGAGEMENT(wait3, wait3(NULL, 0, NULL) < 0)
BLOCKING_ENGAGEMENT(wait4, wait4(NO_FILE, NULL, 0, NULL) < 0)
BLOCKING_ENGAGEMENT(waitid, waitid(P_ALL, 0, NULL, WEXITED) < 0)
BLOCKING_ENGAGEMENT(system, system("true") == 0)
