/* expect: deadlock form=cycle at=catalogue@wants_lock at=find@found */
/* A function-local static is built by the first caller while all others wait: that is a lock that nobody wrote.  The
 * constructor wants a mutex, and a second caller holds it while waiting for the static.  Mended in static_guard_ok.cc.
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
        stage_advance();
        stage_await(2);
        std::lock_guard<std::mutex> guard(lock); /* @wants_lock */
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
    std::lock_guard<std::mutex> guard(lock);
    stage_await(1);
    stage_advance();
    printf("%d entries\n", the_catalogue().entries); /* @found */
}

} // namespace

int main()
{
    alarm(10); /* ends the hang when nothing else does */
    std::thread loader(load), finder(find);
    loader.join();
    finder.join();
    return 0;
}
