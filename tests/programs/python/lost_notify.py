#!/usr/bin/python3
"""A notification that comes before its waiter, who does not look whether it came: he waits for ever.

/* expect: deadlock form=all-asleep at=wait_for_parcel@wait */
/* options: --on-deadlock=exit */
"""

import threading
import time

parcel = threading.Condition()
is_notified = False


def wait_for_parcel():
    while not is_notified:
        time.sleep(0.001)
    with parcel:
        parcel.wait()  # /* @wait */


receiver = threading.Thread(target=wait_for_parcel)
receiver.start()
with parcel:
    parcel.notify()
is_notified = True
receiver.join()
