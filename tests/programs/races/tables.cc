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

alignas(16) static char room[64];

static node *object()
{
    void *at = room;
    __asm__("" : "+r"(at)); // of which class it is, is no longer known
    return static_cast<node *>(at);
}

struct kind {
    const char *name;
};

static const kind kinds[] = {{"same_table"}};

extern "C" {
KEPT void first()
{
    object()->step();
}

KEPT void second()
{
    object()->node::~node();
}
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, kinds);
    if (racy)
        new (room) leaf;
    else
        new (room) node;
    return run_in_turn(first, second);
}
