/* finder.c: a library that opens another by a bare name. */
#include <dlfcn.h>
#include <stddef.h>

void *finder_open(const char *name);

__attribute__((visibility("default"))) void *finder_open(const char *name)
{
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return handle; /* so that the call above is no jump */
}
