#!/usr/bin/python3
"""Correct: who takes the locks against the order only tries, or waits for a limited time.

/* expect: none */
"""

import threading
import time

first, second = threading.Lock(), threading.Lock()
turn = 0


def in_order():
    global turn
    with first:
        with second:
            turn = 1


def against_order(number, arguments):
    global turn
    while turn < number:
        time.sleep(0.001)
    with second:
        if first.acquire(**arguments):
            print("taken", number)
            first.release()
    turn += 1


threads = [threading.Thread(target=in_order)]
for number, arguments in enumerate([{"blocking": False}, {"timeout": 5}, {"blocking": False}], 1):
    threads.append(threading.Thread(target=against_order, args=(number, arguments)))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
