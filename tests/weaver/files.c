/* files.c: the files that a test of the weaver is to look at. */
#include "files.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct files *files, const char *name)
{
    char **grown = realloc(files->names, (files->count + 1) * sizeof *grown);
    char *copy = strdup(name);
    if (!grown || !copy)
        exit(2);
    files->names = grown;
    files->names[files->count++] = copy;
}

static int add_own(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    if (!info->dlpi_name[0])
        add(ctx, "/proc/self/exe");
    else if (info->dlpi_name[0] == '/')
        add(ctx, info->dlpi_name);
    return 0;
}

struct files files_take(char **arguments, size_t count, const char *list)
{
    struct files files = {0};
    char *name = NULL;
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        add(&files, arguments[i]);
    FILE *file = list ? fopen(list, "re") : NULL;
    if (list && !file)
        exit(2);
    while (file && getdelim(&name, &room, '\0', file) > 0)
        add(&files, name);
    if (file)
        fclose(file);
    free(name);
    if (files.count == 0)
        dl_iterate_phdr(add_own, &files);
    return files;
}

void files_free(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files->names);
}
