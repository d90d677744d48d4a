/* test_weaver_modules.c: whatever file it is given, the weaver ends, within bounds, with an image that is sound.
 *
 *     test_weaver_modules [--seconds N] [--files LIST] [FILE...]
 *
 * Each file (see files.h) is woven in a process of its own, with so much memory and time as a module of that size may need.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "image_audit.h"
#include "weaver/image_check.h"

enum {
    MEMORY_BASE = 256 << 20, /* what a small module may need, and */
    MEMORY_EACH = 60,        /* times its size */
    SECONDS_BASE = 20,
    BYTES_A_SECOND = 1 << 20,
    WRONG = 3
};

static uint64_t modules, refused, instructions, wrong;

static int complain(const char *path, const char *what, uint64_t code)
{
    printf("%s: %s (at %#" PRIx64 " of the code)\n", path, what, code);
    return WRONG;
}

/* Returns: the exit status of the process that looks. */
static int look_at_image(const char *path, const char *output, const struct elf_module *module)
{
    struct stat status;
    int fd = open(output, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        return complain(path, "no image", 0);
    const struct image_header *image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const char *unsound =
        image == MAP_FAILED ? "an image that cannot be mapped" : image_check(image, (size_t)status.st_size);
    if (unsound)
        return complain(path, unsound, 0);
    if (image->flags & IMAGE_REFUSED)
        return 1;
    struct audit audit = image_audit(image, module);
    if (audit.wrong)
        return complain(path, audit.wrong, audit.code);
    if (audit.strays)
        return complain(path, "branches to where no instruction of the module begins", 0);
    return write(STDERR_FILENO, &audit.instructions, sizeof audit.instructions) == sizeof audit.instructions ? 0
                                                                                                             : WRONG;
}

static int weave_and_look(const char *path)
{
    char output[] = "/tmp/lockhound-audit-XXXXXX";
    const char *message = NULL;
    struct elf_module module;
    int fd = mkostemp(output, O_CLOEXEC);
    if (fd < 0)
        return complain(path, "no file for the image", 0);
    close(fd);
    int status = elf_module_open(&module, path, &message);
    if (status == 0)
        status = weave_open_module(&module, output, NULL, &message);
    int result = status == 0                              ? look_at_image(path, output, &module)
                 : status == -ENOMEM || status == -EPROTO ? complain(path, message, 0)
                                                          : 1;
    unlink(output);
    return result;
}

static void limit(const char *path)
{
    struct stat status = {0};
    stat(path, &status);
    rlim_t memory = (rlim_t)MEMORY_BASE + (rlim_t)status.st_size * MEMORY_EACH;
    rlim_t seconds = SECONDS_BASE + (rlim_t)status.st_size / BYTES_A_SECOND;
    setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
    setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds});
}

static void try_file(const char *path)
{
    int pipes[2], status = 0;
    uint64_t seen = 0;
    if (pipe(pipes) != 0)
        exit(2);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        limit(path);
        int result = weave_and_look(path);
        fflush(stdout);
        _exit(result);
    }
    close(pipes[1]);
    bool has_count = read(pipes[0], &seen, sizeof seen) == sizeof seen;
    close(pipes[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        exit(2);
    bool is_well = WIFEXITED(status) && (WEXITSTATUS(status) == 1 || (WEXITSTATUS(status) == 0 && has_count));
    modules++;
    wrong += !is_well;
    refused += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    instructions += has_count ? seen : 0;
    if (WIFSIGNALED(status))
        printf("%s: the weaver died of %s\n", path, strsignal(WTERMSIG(status)));
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"seconds", required_argument, NULL, 's'}, {"files", required_argument, NULL, 'l'}, {0}};
    const char *list = NULL;
    time_t began = time(NULL), seconds = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (option == 's')
            seconds = strtol(optarg, NULL, 10);
        else if (option == 'l')
            list = optarg;
        else
            return 2;
    struct files files = files_take(argv + optind, (size_t)(argc - optind), list);
    for (size_t i = 0; i < files.count && (!seconds || time(NULL) - began < seconds); i++)
        try_file(files.names[i]);
    files_free(&files);
    printf("%" PRIu64 " modules (%" PRIu64 " refused), %" PRIu64 " instructions of clones; %" PRIu64 " wrong\n",
           modules, refused, instructions, wrong);
    return wrong || modules == 0;
}
