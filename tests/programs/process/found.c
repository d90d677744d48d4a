/* found.c: a library that lies where only its finder's RUNPATH leads. */
int found_value(void);

__attribute__((visibility("default"))) int found_value(void)
{
    return 42;
}
