// Guards of function-local statics, as the C++ compiler calls them.
#include "engage.h"

namespace
{

bool must_throw;

int initial_value()
{
    if (must_throw)
        throw 1;
    return 1;
}

int guarded()
{
    static const int value = initial_value();
    return value;
}

} // namespace

ENGAGE(acquire, "__cxa_guard_acquire", "event oncebegin")
{
    begin();
    guarded();
}

ENGAGE(release, "__cxa_guard_release", "event oncedone")
{
    begin();
    guarded();
}

ENGAGE(abort, "__cxa_guard_abort", "event oncedone aborted")
{
    must_throw = true;
    begin();
    try {
        guarded();
    } catch (int) {
        must_throw = false;
    }
}
