/* early.c: loads that a compiler makes before it is known whether they are wanted; where they are not, another thread may be writing
 * there.  In the racy form they are wanted, or what they got is used in another way.
 */
#include "chosen.h"

int data = 5, other, wanted, result; /* which another file might read and write */

#define APART __attribute__((noinline)) static

APART int is_wanted(void)
{
    return *(volatile int *)&wanted;
}

/* ---- as a compiler makes them ------------------------------------------------------------------------------------ */

APART int value_or_other(void)
{
    return is_wanted() ? data : other;
}

APART int value_or_argument(int otherwise)
{
    return is_wanted() == 3 ? data + 1 : otherwise;
}

APART int sum_with(int sum)
{
    if (is_wanted() == 3)
        sum -= data * 3;
    return sum;
}

APART void value_first(void)
{
    result = value_or_other();
}

APART void argument_first(void)
{
    result = value_or_argument(result);
}

APART void sum_first(void)
{
    result = sum_with(result);
}

/* ---- as one could ------------------------------------------------------------------------------------------------ */

#define CHOICE(code) __asm__ volatile(code : "=m"(result) : "r"(wanted), "m"(data), "m"(other) : "rax", "rdx", "cc")

APART void taken_first(void)
{
    CHOICE("movl %2, %%edx\n\tnegl %%edx\n\txorl %%eax, %%eax\n\tcmpl $3, %1\n\tcmovel %%edx, %%eax\n\tmovl %%eax, %0");
}

APART void kept_first(void)
{
    CHOICE("movl %2, %%eax\n\txorl %%edx, %%edx\n\tcmpl $3, %1\n\tcmovnel %%edx, %%eax\n\tmovl %%eax, %0");
}

APART void either_first(void)
{
    CHOICE("movl %2, %%eax\n\tmovl %3, %%edx\n\tcmpl $3, %1\n\tcmovnel %%edx, %%eax\n\tmovl %%eax, %0");
}

/* By a register that points there, and is used again. */
APART void pointed_first(void)
{
    __asm__ volatile("movl (%2), %%eax\n\txorl %%edx, %%edx\n\tcmpl $3, %1\n\tcmovnel %%edx, %%eax\n\tmovl %%eax, "
                     "%0\n\tleaq 4(%2), %%rdx"
                     : "=m"(result)
                     : "r"(wanted), "r"(&data)
                     : "rax", "rdx", "cc");
}

/* Of two loads, each the other's to write. */
#define SUM(one, another)                                                                                              \
    CHOICE("movl " one ", %%eax\n\taddl " another                                                                      \
           ", %%eax\n\txorl %%edx, %%edx\n\tcmpl $3, %1\n\tcmovnel %%edx, %%eax\n\t"                                   \
           "movl %%eax, %0")
APART sum_of_first(void)
{
    SUM("%2", "%3");
}

APART sum_of_second_first(void)
{
    SUM("%3", "%2");
}

/* ---- what is used all the same: `wanted` is not what matters ------------------------------------------------------- */

APART void stored_first(void)
{
    CHOICE("movl %2, %%eax\n\txorl %%edx, %%edx\n\tcmpl $3, %1\n\tcmovel %%eax, %%edx\n\tmovl %%eax, %0");
}

APART void tested_first(void)
{
    CHOICE("movl %2, %%eax\n\txorl %%edx, %%edx\n\tcmpl $5, %%eax\n\tcmovnel %%edx, %%eax\n\tmovl %%eax, %0");
}

APART void copied_first(void)
{
    CHOICE("movl %2, %%eax\n\tleal 1(%%rax), %%edx\n\tcmpl $3, %1\n\tcmovel %%eax, %%edx\n\tmovl %%edx, %0");
}

/* ---- the other thread ---------------------------------------------------------------------------------------------- */

APART void data_second(void)
{
    *(volatile int *)&data = 1;
}

APART void other_second(void)
{
    *(volatile int *)(racy ? &data : &other) = 1;
}

APART void used_second(void)
{
    static volatile int unused;
    *(racy ? (volatile int *)&data : &unused) = 1;
}

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
    int wanted; /* in the clean form; in the racy one 3 */
} cases[] = {
    {"value", value_first, data_second, 0},    {"argument", argument_first, data_second, 0},
    {"sum", sum_first, data_second, 0},        {"taken", taken_first, data_second, 0},
    {"kept", kept_first, data_second, 0},      {"pointed", pointed_first, data_second, 0},
    {"sum_of", sum_of_first, data_second, 0},  {"sum_of_second", sum_of_second_first, data_second, 0},
    {"either", either_first, other_second, 3}, {"stored", stored_first, used_second, 3},
    {"tested", tested_first, used_second, 3},  {"copied", copied_first, used_second, 3},
};

SIDES_OF(cases)

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    wanted = racy ? 3 : cases[chosen].wanted;
    return run_in_turn(first, second);
}
