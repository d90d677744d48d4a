/* spawning.c: every way to start another program, while threads lock; what it gets as arguments and environment. */
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static atomic_bool stop;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *lock_often(void *unused)
{
    while (!stop) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

#define SCRIPT "echo \"$0 $1 $2 [$MARK]\""

static char *const arguments[] = {"sh", "-c", SCRIPT, "zero", "one", "two", NULL};
static char *const marked[] = {"PATH=/usr/bin:/bin", "MARK=given", NULL};

static void replace(int way)
{
    switch (way) {
    case 0:
        execl("/bin/sh", "sh", "-c", SCRIPT, "zero", "one", "two", (char *)NULL);
        break;
    case 1:
        execle("/bin/sh", "sh", "-c", SCRIPT, "zero", "one", "two", (char *)NULL, marked);
        break;
    case 2:
        execlp("sh", "sh", "-c", SCRIPT, "zero", "one", "two", (char *)NULL);
        break;
    case 3:
        execv("/bin/sh", arguments);
        break;
    case 4:
        execve("/bin/sh", arguments, marked);
        break;
    case 5:
        execvp("sh", arguments);
        break;
    default:
        execvpe("sh", arguments, marked);
        break;
    }
    _exit(99);
}

enum { WAYS = 7 };

static void wait_and_show(const char *what, int way, pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    printf("%s %d: %#x\n", what, way, (unsigned)status);
    fflush(stdout);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, lock_often, NULL);
    setenv("MARK", "inherited", 1);
    fflush(stdout);
    for (int way = 0; way < WAYS; way++) {
        pid_t child = fork();
        if (child == 0)
            replace(way);
        wait_and_show("fork", way, child);
        child = vfork();
        if (child == 0)
            replace(way);
        wait_and_show("vfork", way, child);
    }
    pid_t child = vfork();
    if (child == 0) {
        execl("/nowhere", "nowhere", (char *)NULL);
        _exit(98);
    }
    wait_and_show("no such program", 0, child);
    for (int i = 0; i < 100; i++) {
        posix_spawn(&child, "/bin/true", NULL, NULL, (char *[]){"true", NULL}, environ);
        waitpid(child, NULL, 0);
    }
    posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, marked);
    wait_and_show("posix_spawn", 0, child);
    printf("system: %d\n", system("exit 5"));
    stop = true;
    pthread_join(thread, NULL);
    return 0;
}
