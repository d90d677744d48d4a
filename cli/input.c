#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)1 << 30)

static bool complain(const char *path, const char *why)
{
    fprintf(stderr, "lockhound: cannot read %s: %s\n", path, why);
    return false;
}

bool input_read(const char *path, struct buffer *text)
{
    char bytes[1 << 16];
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain(path, strerror(errno));
    buffer_add(text, "", 0);
    ssize_t n;
    while (((n = read(fd, bytes, sizeof bytes)) > 0 && text->length < FILE_LIMIT) || (n < 0 && errno == EINTR))
        buffer_add(text, bytes, n > 0 ? (size_t)n : 0);
    int why = n < 0 ? errno : 0;
    if (!is_stdin)
        close(fd);
    return n == 0 || complain(path, n < 0 ? strerror(why) : "larger than 1 GiB");
}
