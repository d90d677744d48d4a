#!/usr/bin/python3
"""Two locks in opposite orders, in a run that does not hang.

/* expect: lock-order-inversion at=paint@first at=paint@second */
"""

import threading
import time

pot, brush = threading.Lock(), threading.Lock()
stage = 0


def paint(first, second, turn):
    global stage
    while stage < turn:
        time.sleep(0.001)
    with first:  # /* @first */
        with second:  # /* @second */
            print("painted")
    stage += 1


threads = [threading.Thread(target=paint, args=(pot, brush, 0)), threading.Thread(target=paint, args=(brush, pot, 1))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
