#include "report_world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void world_file_open(struct world_file *file)
{
    file->fd = memfd_create("world.lockhound", MFD_CLOEXEC);
    assert_true(file->fd >= 0);
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
}

void world_file_append(struct world_file *file, const char *text)
{
    assert_int_equal(write(file->fd, text, strlen(text)), strlen(text));
}

void world_file_close(struct world_file *file)
{
    close(file->fd);
}

void world_file_append_finding(struct world_file *file, const char *kind, const char *function)
{
    struct buffer text = {0};
    buffer_printf(
        &text,
        "{\"r\":\"finding\",\"pid\":7,\"kind\":\"%s\",\"parties\":[{\"role\":\"acts\",\"thread\":1,\"object\":1,"
        "\"stack\":[{\"function\":\"%s\",\"file\":\"/src/shop.c\",\"line\":4},{\"function\":\"main\"}]}],"
        "\"objects\":[{\"id\":1,\"kind\":\"mutex\",\"address\":\"0x10\"}],\"threads\":[{\"id\":1,\"name\":\"m\"}]}\n",
        kind, function);
    world_file_append(file, text.data);
    buffer_free(&text);
}
