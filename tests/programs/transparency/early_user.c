/* early_user.c: linked with the library of early.c, whose constructor has run before main. */
#include <stdio.h>

int early_count(void);

int main(void)
{
    printf("counted %d\n", early_count());
    return 0;
}
