/* expect: lock-order-inversion at=paint_bedroom@brush_second at=paint_kitchen@pot_second */
/* The painters in C++.  Lock guards unlock on every way out, but the order of locking is still the programmer's. Mended
 * in painters_cxx_ok.cc: std::scoped_lock takes any number of locks without getting stuck.
 */
#include "stage.h"
#include <mutex>
#include <thread>

namespace
{

std::mutex pot, brush;

void paint_bedroom()
{
    std::lock_guard<std::mutex> has_pot(pot);
    std::lock_guard<std::mutex> has_brush(brush); /* @brush_second */
    stage_advance();
}

void paint_kitchen()
{
    stage_await(1);
    std::lock_guard<std::mutex> has_brush(brush);
    std::lock_guard<std::mutex> has_pot(pot); /* @pot_second */
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
