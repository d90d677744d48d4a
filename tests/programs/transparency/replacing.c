/* replacing.c: every member of the exec family, from a program with threads, with and without the environment. */
#include "show.h"
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

extern char **environ;

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void go_on(const char *self, int step)
{
    char next[16], variable[] = "LOCKHOUND_TEST_MARK=1";
    char *arguments[] = {"replacing", next, NULL}, *environment[] = {variable, NULL};
    snprintf(next, sizeof next, "%d", step + 1);
    switch (step) {
    case 0:
        execl(self, "replacing", next, (char *)NULL);
        break;
    case 1:
        execv(self, arguments);
        break;
    case 2:
        execle(self, "replacing", next, (char *)NULL, environ);
        break;
    case 3:
        execve(self, arguments, environ);
        break;
    case 4:
        execlp(self, "replacing", next, (char *)NULL);
        break;
    case 5:
        execvp(self, arguments);
        break;
    case 6:
        execvpe(self, arguments, environ);
        break;
    case 7:
        fexecve(open(self, O_RDONLY | O_CLOEXEC), arguments, environ);
        break;
    case 8:
        unsetenv("LD_PRELOAD");
        execv(self, arguments);
        break;
    case 9:
        clearenv();
        execv(self, arguments);
        break;
    case 10:
        execve(self, arguments, environment);
        break;
    default:
        return;
    }
    must(0, "exec");
}

int main(int argc, char **argv)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    int step = argc > 1 ? atoi(argv[1]) : 0;
    printf("step %d, mark %s\n", step, getenv("LOCKHOUND_TEST_MARK") ? "set" : "unset");
    fflush(stdout);
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    MUST(length > 0);
    self[length] = '\0';
    go_on(self, step);
    return 5;
}
