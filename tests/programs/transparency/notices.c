/* notices.c: threads that libc makes to tell of a timer's end and of a message (SIGEV_THREAD) come behind what was done before the timer
 * was set and the message sent.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static sem_t told;
static int prepared, seen;

static void tell(union sigval value)
{
    seen += prepared + value.sival_int;
    sem_post(&told);
}

static void wait_until_told(void)
{
    while (sem_wait(&told) != 0)
        continue;
}

static void by_timer(const struct sigevent *event)
{
    const struct itimerspec soon = {.it_value = {.tv_nsec = 5000000}};
    struct sigevent mine = *event;
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &mine, &timer) != 0)
        return;
    prepared = 40;
    timer_settime(timer, 0, &soon, NULL);
    wait_until_told();
    timer_delete(timer);
}

static void by_message(const struct sigevent *event)
{
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 8};
    char name[64];
    snprintf(name, sizeof name, "/lockhound-notices-%d", (int)getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
    mq_unlink(name);
    if (queue < 0 || mq_notify(queue, event) != 0)
        return;
    prepared = 50;
    mq_send(queue, "x", 1, 0);
    wait_until_told();
    mq_close(queue);
}

static void *come_and_go(void *unused)
{
    return unused;
}

int main(void)
{
    const struct sigevent event = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell, .sigev_value = {.sival_int = 1}};
    pthread_t thread;
    pthread_create(&thread, NULL, come_and_go, NULL); /* accesses are checked from here on */
    pthread_join(thread, NULL);
    sem_init(&told, 0, 0);
    by_timer(&event);
    by_message(&event);
    printf("%d\n", seen);
    return 0;
}
