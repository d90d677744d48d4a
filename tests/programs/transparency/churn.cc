/* churn.cc: threads, containers and shared pointers, so that an allocator of another library is kept busy from all sides. */
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace
{

std::mutex lock;
std::map<std::string, std::shared_ptr<std::vector<int>>> table;

void fill(int self)
{
    for (int i = 0; i < 500; i++) {
        auto numbers = std::make_shared<std::vector<int>>(static_cast<std::size_t>(i % 50 + 1), self);
        std::string name = "entry " + std::to_string(i % 37);
        std::lock_guard<std::mutex> guard(lock);
        table[name] = numbers;
    }
}

} // namespace

int main()
{
    for (int round = 0; round < 10; round++) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; i++)
            threads.emplace_back(fill, i);
        for (std::thread &thread : threads)
            thread.join();
    }
    std::printf("%zu entries\n", table.size());
    return 0;
}
