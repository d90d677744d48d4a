#!/usr/bin/python3
"""An RLock taken by acquire() and a Lock, in opposite orders.

/* expect: lock-order-inversion at=deposit@ledger at=audit@account */
"""

import threading
import time

account, ledger = threading.RLock(), threading.Lock()
is_deposited = False


def deposit():
    global is_deposited
    account.acquire()
    with account:
        with ledger:  # /* @ledger */
            print("deposited")
    account.release()
    is_deposited = True


def audit():
    while not is_deposited:
        time.sleep(0.001)
    with ledger:
        with account:  # /* @account */
            print("audited")


threads = [threading.Thread(target=deposit), threading.Thread(target=audit)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
