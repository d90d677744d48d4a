/* ends.c: ends, or becomes another program, in the way named by its argument. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(const char *way)
{
    if (strcmp(way, "exit") == 0)
        exit(0);
    if (strcmp(way, "quick_exit") == 0)
        quick_exit(0);
    if (strcmp(way, "underscore_exit") == 0)
        _exit(0);
    if (strcmp(way, "exit_group") == 0)
        syscall(SYS_exit_group, 0);
}

static void replace(const char *way, char *self)
{
    char *arguments[] = {self, "return", NULL};
    extern char **environ;
    if (strcmp(way, "execv") == 0)
        execv(self, arguments);
    if (strcmp(way, "execl") == 0)
        execl(self, self, "return", (char *)NULL);
    if (strcmp(way, "execlp") == 0)
        execlp(self, self, "return", (char *)NULL);
    if (strcmp(way, "execle") == 0)
        execle(self, self, "return", (char *)NULL, environ);
    if (strcmp(way, "failed_exec") == 0)
        execl("/nowhere", "nowhere", (char *)NULL);
}

/* The child must not say that we end. */
static void borrow_memory(char *self)
{
    pid_t child = vfork();
    if (child == 0) {
        execl(self, self, "return", (char *)NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
}

/* One by one, so that their ends come in an order. */
static void fork_children(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_unlock(&mutex);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    if (argc != 2)
        return 2;
    end(argv[1]);
    replace(argv[1], argv[0]);
    if (strcmp(argv[1], "vfork") == 0)
        borrow_memory(argv[0]);
    if (strcmp(argv[1], "fork") == 0)
        fork_children();
    return 0;
}
