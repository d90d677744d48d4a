/* fake_library.c: stands in for liblockhound.so in the tests of the command: it appends the records of the file that
 * FAKE_RECORDS names to the run file, so that what the command does with them is tested apart from who found them.  With
 * FAKE_PROCESS it announces the process that it is in. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_run_file(void)
{
    char path[4096];
    const char *options = getenv("LOCKHOUND_OPTIONS");
    const char *output = options ? strstr(options, "output=") : NULL;
    if (!output)
        return -1;
    output += strlen("output=");
    const char *end_mark = *output == '\'' ? "'" : " ";
    output += *output == '\'';
    size_t length = strcspn(output, end_mark);
    if (length >= sizeof path)
        return -1;
    memcpy(path, output, length);
    path[length] = '\0';
    return open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

__attribute__((constructor)) static void append_records(void)
{
    const char *records = getenv("FAKE_RECORDS");
    char bytes[65536];
    ssize_t n;
    int to = open_run_file();
    int from = records ? open(records, O_RDONLY | O_CLOEXEC) : -1;
    if (to >= 0 && getenv("FAKE_PROCESS"))
        dprintf(to, "{\"r\":\"process\",\"format\":1,\"pid\":%d,\"exe\":\"/bin/x\",\"argv\":[\"x\"]}\n", (int)getpid());
    while (to >= 0 && from >= 0 && (n = read(from, bytes, sizeof bytes)) > 0)
        if (write(to, bytes, (size_t)n) != n)
            break;
    close(to);
    close(from);
}
