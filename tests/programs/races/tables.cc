// tables.cc: a destructor sets its object's virtual table again, while another thread has just used the object.
//
//   tables CASE        it is the table that is set already: nothing may be reported
//   tables CASE racy   the object is of a class derived from it, whose table goes: one race
//
// The first thread always acts first (unseen.h), so that a run shows the same thing each time.
#include <new>

#include "chosen.h"

#define KEPT __attribute__((noinline))

struct node {
    KEPT virtual ~node()
    {
        look(this);
    }
    KEPT virtual void step()
    {
        look(this);
    }
    // What may call virtual functions keeps a compiler from leaving the store out.
    KEPT static void look(node *which)
    {
        __asm__ volatile("" : : "r"(which) : "memory");
    }
};

struct leaf : node {
    KEPT void step() override
    {
        look(this);
    }
    KEPT ~leaf() override = default;
};

// Two tables beside one another, which a compiler may store at once.
struct left {
    KEPT virtual void step()
    {
        node::look(nullptr);
    }
};
struct right {
    KEPT virtual void stay()
    {
        node::look(nullptr);
    }
};
struct both : left, right {
    KEPT virtual ~both()
    {
        __asm__ volatile("" : : "r"(this) : "memory");
    }
};
struct all : both {
    KEPT void step() override
    {
        node::look(nullptr);
    }
    KEPT void stay() override
    {
        node::look(nullptr);
    }
    KEPT ~all() override = default;
};

alignas(16) static char room[64];

template <typename type> static type *object()
{
    void *at = room;
    __asm__("" : "+r"(at)); // of which class it is, is no longer known
    return static_cast<type *>(at);
}

static void step()
{
    object<node>()->step();
}
static void end()
{
    object<node>()->node::~node();
}
static void step_of_two()
{
    object<both>()->step();
    object<both>()->stay();
}
static void end_of_two()
{
    object<both>()->both::~both();
}

struct kind {
    const char *name;
    void (*first)(), (*second)();
};

static const kind kinds[] = {{"same_table", step, end}, {"two_tables", step_of_two, end_of_two}};

extern "C" {
KEPT void first()
{
    kinds[chosen].first();
    __asm__ volatile("" : : : "memory");
}

KEPT void second()
{
    kinds[chosen].second();
    __asm__ volatile("" : : : "memory");
}
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, kinds);
    if (chosen == 1)
        if (racy)
            new (room) all;
        else
            new (room) both;
    else if (racy)
        new (room) leaf;
    else
        new (room) node;
    return run_in_turn(first, second);
}
