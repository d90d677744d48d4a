"""processes.py: multiprocessing with both ways to start, its locks, queues, shared values and pools.

/* expect: none */
"""

import multiprocessing


def add(value, lock, count):
    for _ in range(count):
        with lock:
            value.value += 1


def echo(questions, answers):
    while (item := questions.get()) is not None:
        answers.put(item.upper())


def cube(number):
    return number ** 3


def run(method):
    context = multiprocessing.get_context(method)
    lock, value = context.Lock(), context.Value("i", 0, lock=False)
    workers = [context.Process(target=add, args=(value, lock, 100)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    questions, answers = context.Queue(), context.Queue()
    helper = context.Process(target=echo, args=(questions, answers))
    helper.start()
    for word in ("one", "two"):
        questions.put(word)
    replies = [answers.get(), answers.get()]
    questions.put(None)
    helper.join()
    with context.Pool(2) as pool:
        cubes = pool.map(cube, range(10))
    print(method, value.value, [worker.exitcode for worker in workers], replies, cubes)


if __name__ == "__main__":
    run("fork")
    run("spawn")
