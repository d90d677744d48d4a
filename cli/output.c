#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_write(int fd, const struct buffer *text)
{
    size_t done = 0;
    while (done < text->length) {
        ssize_t n = write(fd, text->data + done, text->length - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool output_show(const struct buffer *text)
{
    bool was_written = output_write(STDOUT_FILENO, text);
    if (!was_written)
        perror("lockhound: cannot write to stdout");
    return was_written;
}

static bool complain(const char *path)
{
    fprintf(stderr, "lockhound: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

bool output_check(const char *path)
{
    if (strcmp(path, "-") == 0)
        return true;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0 && errno != ENXIO) /* ENXIO: a FIFO whose reader comes later */
        return complain(path);
    if (fd >= 0)
        close(fd);
    return true;
}

bool output_replace(const char *path, const struct buffer *text)
{
    bool is_stdout = strcmp(path, "-") == 0;
    int fd = is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0666);
    if (fd < 0)
        return complain(path);
    bool was_written = output_write(fd, text);
    if (!was_written)
        complain(is_stdout ? "stdout" : path);
    if (!is_stdout && close(fd) != 0 && was_written)
        was_written = complain(path);
    return was_written;
}
