/* static_objects.cc: function-local statics built by several threads at once, a constructor that throws and is tried again,
 * one static that needs another, and thread_local objects whose destructors lock. */
#include <atomic>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace
{

std::mutex lock;
std::atomic<int> built{0}, tried{0}, destroyed{0};

struct inner {
    int value = 1;
    inner()
    {
        std::lock_guard<std::mutex> guard(lock);
        built++;
        std::this_thread::yield();
    }
};

inner &the_inner()
{
    static inner instance;
    return instance;
}

struct outer {
    int value;
    outer() : value(the_inner().value + 1)
    {
        built++;
    }
};

outer &the_outer()
{
    static outer instance;
    return instance;
}

struct stubborn {
    stubborn()
    {
        if (++tried < 3)
            throw std::runtime_error("not yet");
    }
};

bool try_stubborn()
{
    try {
        static stubborn instance;
        return true;
    } catch (const std::runtime_error &) {
        return false;
    }
}

struct per_thread {
    int uses = 0;
    ~per_thread()
    {
        std::lock_guard<std::mutex> guard(lock);
        destroyed += uses;
    }
};

thread_local per_thread own;

void work()
{
    own.uses += the_outer().value;
    while (!try_stubborn())
        std::this_thread::yield();
}

} // namespace

int main()
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++)
        threads.emplace_back(work);
    for (std::thread &thread : threads)
        thread.join();
    std::printf("built %d, tried %d, destroyed %d\n", built.load(), tried.load(), destroyed.load());
    return 0;
}
