#!/usr/bin/python3
"""The painters in Python.

/* miss: CPython 3.11 takes an uncontended lock by sem_trywait(), and the try side of a try-lock is no lock order; besides, the
 * hand-over of the interpreter lock orders all that threads do in turn. */
/* expect: lock-order-inversion */
"""

import threading
import time

pot, brush = threading.Lock(), threading.Lock()
stage = 0


def paint(first, second, turn):
    global stage
    while stage < turn:
        time.sleep(0.001)
    with first:
        with second:
            print("painted")
    stage += 1


threads = [threading.Thread(target=paint, args=(pot, brush, 0)), threading.Thread(target=paint, args=(brush, pot, 1))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
