#!/usr/bin/python3
"""Correct: processes that talk through pipes, share locks, are terminated, killed and leave with a status.

/* expect: none */
"""

import multiprocessing
import os
import sys


def answer(connection):
    while (word := connection.recv()) != "end":
        connection.send(word[::-1])
    connection.close()


def work(locks, count, total):
    for _ in range(count):
        with locks[0]:
            with locks[1]:
                total.value += 1


def wait_for_ever(is_ready):
    is_ready.set()
    multiprocessing.Event().wait()


def main():
    here, there = multiprocessing.Pipe()
    speaker = multiprocessing.Process(target=answer, args=(there,))
    speaker.start()
    there.close()
    for word in ("drawer", "stressed"):
        here.send(word)
        print(here.poll(60), here.recv())
    here.send("end")
    speaker.join()

    locks = multiprocessing.Lock(), multiprocessing.RLock()
    total = multiprocessing.Value("i", 0, lock=False)
    workers = [multiprocessing.Process(target=work, args=(locks, 50, total)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(total.value, speaker.exitcode)

    for end in ("terminate", "kill"):
        is_ready = multiprocessing.Event()
        sleeper = multiprocessing.Process(target=wait_for_ever, args=(is_ready,), daemon=True)
        sleeper.start()
        is_ready.wait()
        getattr(sleeper, end)()
        sleeper.join()
        print(end, sleeper.exitcode, sleeper.is_alive())

    for leave, status in ((sys.exit, 3), (os._exit, 4)):
        process = multiprocessing.Process(target=leave, args=(status,))
        process.start()
        process.join()
        print(process.exitcode)
        process.close()

    with multiprocessing.Pool(2) as pool:
        print(pool.apply_async(pow, (2, 8)).get(60), list(pool.imap(abs, range(-3, 0))), pool.starmap(pow, [(2, 3), (3, 2)]))


if __name__ == "__main__":
    main()
