/* expect: none */
/* The static is asked for before the mutex is taken, so nobody waits for it while holding the mutex.  The bug is in
 * static_guard_bug.cc.
 */
#include "stage.h"
#include <mutex>
#include <thread>

namespace
{

std::mutex lock;

struct catalogue {
    int entries;
    catalogue()
    {
        std::lock_guard<std::mutex> guard(lock);
        entries = 3;
    }
};

catalogue &the_catalogue()
{
    static catalogue instance;
    return instance;
}

void load()
{
    the_catalogue();
}

void find()
{
    catalogue &all = the_catalogue();
    std::lock_guard<std::mutex> guard(lock);
    printf("%d entries\n", all.entries);
}

} // namespace

int main()
{
    std::thread loader(load), finder(find);
    loader.join();
    finder.join();
    return 0;
}
