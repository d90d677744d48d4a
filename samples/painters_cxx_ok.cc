/* expect: none */
/* std::scoped_lock takes its locks by trying: whatever order they are written in, nobody waits while holding one that
 * another needs.  The bug is in painters_cxx_bug.cc.
 */
#include "stage.h"
#include <mutex>
#include <thread>

namespace
{

std::mutex pot, brush;

void paint_bedroom()
{
    std::scoped_lock both(pot, brush);
    stage_advance();
}

void paint_kitchen()
{
    stage_await(1);
    std::scoped_lock both(brush, pot);
    puts("both rooms are painted");
}

} // namespace

int main()
{
    std::thread bedroom(paint_bedroom), kitchen(paint_kitchen);
    bedroom.join();
    kitchen.join();
    return 0;
}
