/* runpath.c: dlopen() searches the RUNPATH of the module that calls it. */
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
    printf("the program does not find its library's: %d\n", dlopen("libprocess_found.so", RTLD_NOW) != NULL);
    void *finder = dlopen("libprocess_finder.so", RTLD_NOW);
    printf("the program finds its own: %d\n", finder != NULL);
    if (finder == NULL)
        return 1;
    void *(*finder_open)(const char *) = (void *(*)(const char *))dlsym(finder, "finder_open");
    void *found = finder_open("libprocess_found.so");
    printf("its library finds its own: %d\n", found != NULL);
    if (found == NULL)
        return 1;
    int (*found_value)(void) = (int (*)(void))dlsym(found, "found_value");
    printf("value %d\n", found_value());
    void *other_space = dlmopen(LM_ID_NEWLM, "libprocess_finder.so", RTLD_NOW);
    printf("another namespace: %d\n", other_space != NULL);
    return dlclose(found);
}
