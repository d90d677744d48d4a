#include "weaver/source_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void source_file_read(const char *path, size_t largest,
                      void (*take)(void *arg, const char *path, const char *text, size_t size), void *arg)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0)
        return;
    size_t size = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (size_t)status.st_size : 0;
    if (size > 0 && size <= largest) {
        void *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (text != MAP_FAILED) {
            take(arg, path, text, size);
            munmap(text, size);
        }
    }
    close(fd);
}
