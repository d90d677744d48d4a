#!/usr/bin/python3
"""Three philosophers, each with one fork in hand: they hang.

/* expect: deadlock form=cycle at=dine@first at=dine@second */
/* may: lock-order-inversion */
/* options: --on-deadlock=exit */
"""

import threading

SEATS = 3
forks = [threading.Lock() for _ in range(SEATS)]
table = threading.Barrier(SEATS)


def dine(seat):
    with forks[seat]:  # /* @first */
        table.wait()
        with forks[(seat + 1) % SEATS]:  # /* @second */
            print("eats", seat)


philosophers = [threading.Thread(target=dine, args=(seat,)) for seat in range(SEATS)]
for philosopher in philosophers:
    philosopher.start()
for philosopher in philosophers:
    philosopher.join()
