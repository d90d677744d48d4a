"""queues.py: producers and consumers over every queue of the queue module.

/* expect: none */
"""

import queue
import threading


def produce(target, count):
    for number in range(count):
        target.put(number)


def consume(source, results):
    total = 0
    while (item := source.get()) is not None:
        total += item
        source.task_done()
    source.task_done()
    results.append(total)


def run(name, target):
    results = []
    consumers = [threading.Thread(target=consume, args=(target, results)) for _ in range(3)]
    producers = [threading.Thread(target=produce, args=(target, 300)) for _ in range(3)]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join()
    target.join()
    for _ in consumers:
        target.put(None)
    for thread in consumers:
        thread.join()
    print(name, sum(results))


run("fifo", queue.Queue(maxsize=5))
run("lifo", queue.LifoQueue())
simple = queue.SimpleQueue()
threading.Thread(target=simple.put, args=("simple",)).start()
print(simple.get())
try:
    queue.Queue().get(timeout=0.01)
except queue.Empty:
    print("empty")
