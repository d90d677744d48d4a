#!/usr/bin/python3
"""A process that waits for an event of multiprocessing which nobody sets, and its parent, which waits for it: for ever.

/* expect: deadlock form=all-asleep at=wait_for_start@wait */
/* options: --on-deadlock=exit */
"""

import multiprocessing

start = multiprocessing.Event()


def wait_for_start():
    start.wait()  # /* @wait */


runner = multiprocessing.Process(target=wait_for_start, daemon=True)
runner.start()
runner.join()
