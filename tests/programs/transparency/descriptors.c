/* descriptors.c: the program sees exactly its own descriptors, may close all it can name, and goes on working. */
#include "show.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *lock_once(void *unused)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void use_threads(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        MUST(pthread_create(&threads[i], NULL, lock_once, NULL) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

/* Descriptors of the program are low numbers; those of a checker must be out of its way. */
static void show_low_descriptors(const char *when)
{
    printf("%s:", when);
    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    puts("");
    fflush(stdout);
}

static int run_again(char *self)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        execl(self, "descriptors", "again", (char *)NULL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void count_inherited(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    MUST(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.' && atoi(entry->d_name) < 64 && atoi(entry->d_name) != dirfd(folder);
    closedir(folder);
    printf("after exec: %d descriptors\n", count);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        use_threads();
        count_inherited();
        return 0;
    }
    use_threads();
    show_low_descriptors("at start");
    int fd = open("/dev/null", O_RDWR);
    printf("next is %d\n", fd);
    close(fd);
    printf("exec %d\n", run_again(argv[0]));

    int out = fcntl(1, F_DUPFD, 40);
    close(0);
    for (int i = 3; i < 1024; i++) /* as daemons do */
        if (i != out)
            close(i);
    use_threads();
    show_low_descriptors("after closing one by one");
    SHOW(close_range(3, (unsigned)out - 1, 0));
    SHOW(close_range((unsigned)out + 1, ~0u, 0));
    use_threads();
    show_low_descriptors("after close_range");
    closefrom(out + 1);
    dup2(out, 2);
    use_threads();
    show_low_descriptors("after dup2");
    return 0;
}
