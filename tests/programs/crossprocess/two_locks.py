"""two_locks.py bug|ok: two Python processes nest two multiprocessing locks, in "bug" in opposite orders."""

import multiprocessing
import sys
import time


def nest(outer, inner, pause_s):
    time.sleep(pause_s)
    with outer:
        with inner:
            pass
    time.sleep(0.2)


def main():
    multiprocessing.set_start_method("fork")
    first, second = multiprocessing.Lock(), multiprocessing.Lock()
    order = (second, first) if sys.argv[1] == "bug" else (first, second)
    workers = [
        multiprocessing.Process(target=nest, args=(first, second, 0)),
        multiprocessing.Process(target=nest, args=(*order, 0.1)),
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("exit codes", [worker.exitcode for worker in workers])


main()
