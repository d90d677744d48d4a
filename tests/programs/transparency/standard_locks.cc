/* standard_locks.cc: the locks, conditions and one-time initialisation of the C++ library, also when exceptions pass. */
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace
{

std::mutex lock;
std::recursive_mutex recursive;
std::timed_mutex timed;
std::shared_mutex shared;
std::shared_timed_mutex shared_timed;
std::condition_variable condition;
std::condition_variable_any any_condition;
int value;

void throw_through()
{
    std::lock_guard<std::mutex> guard(lock);
    std::lock_guard<std::recursive_mutex> inner(recursive);
    throw std::runtime_error("through two guards");
}

void exceptions()
{
    for (int i = 0; i < 3; i++) {
        try {
            throw_through();
        } catch (const std::exception &problem) {
            std::printf("%s, free %d\n", problem.what(), lock.try_lock());
            lock.unlock();
        }
    }
    try {
        std::thread().join();
    } catch (const std::system_error &problem) {
        std::printf("join: %d\n", problem.code().value());
    }
    try {
        std::unique_lock<std::mutex> unlocked(lock, std::defer_lock);
        unlocked.unlock();
    } catch (const std::system_error &problem) {
        std::printf("unlock: %d\n", problem.code().value());
    }
}

void timed_locks()
{
    std::lock_guard<std::timed_mutex> guard(timed);
    std::lock_guard<std::shared_timed_mutex> shared_guard(shared_timed);
    std::thread([] {
        std::printf("timed %d %d %d\n", timed.try_lock(), timed.try_lock_for(5ms),
                    timed.try_lock_until(std::chrono::system_clock::now() + 5ms));
        std::printf("shared timed %d %d %d\n", shared_timed.try_lock_for(5ms), shared_timed.try_lock_shared_for(5ms),
                    shared_timed.try_lock_shared_until(std::chrono::steady_clock::now() + 5ms));
    }).join();
}

void readers_and_writer()
{
    std::vector<std::thread> threads;
    std::atomic<int> sum{0};
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            for (int round = 0; round < 50; round++) {
                if (i == 0) {
                    std::unique_lock<std::shared_mutex> guard(shared);
                    value++;
                } else {
                    std::shared_lock<std::shared_mutex> guard(shared);
                    sum += value >= 0;
                }
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    std::printf("value %d, sum %d\n", value, sum.load());
}

void conditions()
{
    bool is_ready = false, is_seen = false;
    std::thread waiter([&] {
        std::unique_lock<std::mutex> guard(lock);
        condition.wait(guard, [&] { return is_ready; });
        is_seen = true;
        any_condition.notify_all();
    });
    {
        std::lock_guard<std::mutex> guard(lock);
        is_ready = true;
        condition.notify_one();
    }
    std::unique_lock<std::mutex> guard(lock);
    any_condition.wait(guard, [&] { return is_seen; });
    std::printf("timeout %d\n", condition.wait_for(guard, 5ms) == std::cv_status::timeout);
    std::printf("timeout %d\n",
                condition.wait_until(guard, std::chrono::system_clock::now() + 5ms) == std::cv_status::timeout);
    guard.unlock();
    waiter.join();
}

void once_and_futures()
{
    static std::once_flag flag;
    std::atomic<int> tries{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            try {
                std::call_once(flag, [&] {
                    if (++tries < 3)
                        throw std::runtime_error("once more");
                });
            } catch (const std::runtime_error &) {
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    std::printf("tries %d\n", tries.load());
    std::future<int> answer = std::async(
        std::launch::async, [] { return 42; });
    std::future<int> failure = std::async(std::launch::async, []() -> int { throw std::runtime_error("in async"); });
    std::printf("future %d\n", answer.get());
    try {
        failure.get();
    } catch (const std::runtime_error &problem) {
        std::printf("%s\n", problem.what());
    }
}

void newer_ones()
{
    std::latch latch(3);
    std::barrier barrier(3);
    std::counting_semaphore<10> places(2);
    std::atomic<int> inside{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; i++)
            threads.emplace_back([&] {
                latch.arrive_and_wait();
                barrier.arrive_and_wait();
                places.acquire();
                inside++;
                places.release();
            });
    }
    std::jthread stopped([](std::stop_token token) {
        std::mutex own;
        std::condition_variable_any never;
        std::unique_lock<std::mutex> guard(own);
        never.wait(guard, token, [] { return false; });
    });
    stopped.request_stop();
    stopped.join();
    std::printf("inside %d\n", inside.load());
}

} // namespace

int main()
{
    exceptions();
    timed_locks();
    readers_and_writer();
    conditions();
    once_and_futures();
    newer_ones();
    return 0;
}
