#include "report/graphviz.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define POLL_MS     10

/* Returns: true when the child ended well in time. */
static bool wait_for(pid_t child)
{
    int status = -1;
    pid_t ended = 0;
    for (int ms = 0; ended == 0 && ms < PATIENCE_MS; ms += POLL_MS) {
        ended = waitpid(child, &status, WNOHANG);
        if (ended == 0)
            poll(NULL, 0, POLL_MS);
    }
    if (ended == 0) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return false;
    }
    return ended == child && status == 0;
}

static bool run_dot(FILE *in, FILE *svg)
{
    char name[] = "dot", format[] = "-Tsvg";
    char *const arguments[] = {name, format, NULL};
    pid_t child;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(svg), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool has_started = posix_spawnp(&child, name, &actions, NULL, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return has_started && wait_for(child);
}

static bool take_svg(FILE *file, struct buffer *out)
{
    struct buffer text = {0};
    char bytes[8192];
    rewind(file);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        buffer_add(&text, bytes, n);
    const char *begin = text.data ? strstr(text.data, "<svg") : NULL; /* behind the prologue, which HTML has not */
    if (begin)
        buffer_string(out, begin);
    buffer_free(&text);
    return begin != NULL;
}

bool graphviz_draw(const struct buffer *graph, struct buffer *out)
{
    FILE *in = tmpfile(), *svg = tmpfile();
    bool is_good = in && svg && fwrite(graph->data, 1, graph->length, in) == graph->length && fflush(in) == 0;
    if (is_good) {
        rewind(in);
        is_good = run_dot(in, svg) && take_svg(svg, out);
    }
    if (in)
        fclose(in);
    if (svg)
        fclose(svg);
    return is_good;
}
