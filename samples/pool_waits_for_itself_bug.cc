/* expect: deadlock form=all-asleep at=report@waits */
/* A task of a pool hands the same pool another task and waits for its result.  With one worker, which is busy waiting, nobody
 * is left to run it; with more, it takes as many such tasks at once as there are workers.  Mended in pool_waits_for_itself_ok.cc.
 */
#include "stage.h"
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace
{

class pool
{
  public:
    std::future<int> run(std::function<int()> work)
    {
        std::packaged_task<int()> task(std::move(work));
        std::future<int> result = task.get_future();
        {
            std::lock_guard<std::mutex> guard(lock);
            tasks.push_back(std::move(task));
        }
        changed.notify_one();
        return result;
    }

    void stop()
    {
        {
            std::lock_guard<std::mutex> guard(lock);
            stopped = true;
        }
        changed.notify_one();
        worker.join();
    }

  private:
    void work()
    {
        for (;;) {
            std::packaged_task<int()> task;
            {
                std::unique_lock<std::mutex> guard(lock);
                changed.wait(guard, [this] { return stopped || !tasks.empty(); });
                if (tasks.empty())
                    return;
                task = std::move(tasks.front());
                tasks.pop_front();
            }
            task();
        }
    }

    std::mutex lock;
    std::condition_variable changed;
    std::deque<std::packaged_task<int()>> tasks;
    bool stopped = false;
    std::thread worker{&pool::work, this};
};

pool the_pool;

int count_entries()
{
    return 3;
}

int report()
{
    std::future<int> entries = the_pool.run(count_entries);
    return entries.get(); /* @waits */
}

} // namespace

int main()
{
    alarm(10); /* ends the hang when nothing else does */
    std::future<int> result = the_pool.run(report);
    printf("%d entries\n", result.get());
    the_pool.stop();
    return 0;
}
