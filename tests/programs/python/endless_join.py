#!/usr/bin/python3
"""A queue whose consumer forgets task_done(): join() waits for ever.

/* expect: deadlock form=all-asleep at=<module>@join */
/* options: --on-deadlock=exit */
"""

import queue
import threading

tasks = queue.Queue()


def consume():
    while tasks.get() is not None:
        pass


consumer = threading.Thread(target=consume)
consumer.start()
tasks.put("task")
tasks.put(None)
tasks.join()  # /* @join */
consumer.join()
