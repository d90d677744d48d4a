// containers.cc: containers of the C++ library, whose code has no debug information, in a program that has.
//
//   containers CASE         both threads change it under a lock: nothing may be reported
//   containers CASE racy    without: races, all of them errors
#include <list>
#include <map>
#include <string>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static std::string text;
static std::list<int> row;
static std::map<int, int> tree;

static void append(int number)
{
    text += number == 1 ? "one " : "two ";
}

static void push(int number)
{
    row.push_back(number);
}

static void insert(int number)
{
    tree[number] = number;
}

static void (*change)(int number);

extern "C" {
KEPT void first()
{
    enter_section();
    change(1);
    leave_section();
}

KEPT void second()
{
    enter_section();
    change(2);
    leave_section();
}
}

static const struct {
    const char *name;
    void (*change)(int number);
} cases[] = {{"string", append}, {"list", push}, {"map", insert}};

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    change = cases[chosen].change;
    return run_in_turn(first, second);
}
